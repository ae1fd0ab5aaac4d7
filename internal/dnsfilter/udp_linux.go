package dnsfilter

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// canShare: the system shares out packets among sockets of one address.
const canShare = true

// listenShared opens one of several sockets for an address.
func listenShared(addr string) (*net.UDPConn, error) {
	share := func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}), err)
	}
	p, err := (&net.ListenConfig{Control: share}).ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		return nil, err
	}
	return roomy(p.(*net.UDPConn)), nil
}

const (
	// batchSize is how many packets are read at once at most.
	batchSize = 32
	// maxControls bounds how many ways back a batch remembers: one for each
	// address of this machine and interface.
	maxControls = 256
)

// openUDP is for one socket's readers.
func (d *Door) openUDP(u *net.UDPConn) udpReader {
	aside := sourceControl(u)
	p, err := openPort(u)
	if err != nil {
		d.log.Warn("DNS packets are read one by one", "err", err)
		return singly{d, u, aside}
	}
	return batches{d, p, aside}
}

// batches reads and writes packets as many at a time as there are.
type batches struct {
	d     *Door
	p     *port
	aside func([]byte) []byte
}

func (b batches) stop() { b.p.stop() }
func (b batches) free() { b.p.free() }

func (b batches) read(l *lane) error {
	var pace pace
	t := newBatch(l, b.p, b.aside)
	for failed := 0; ; {
		t.ready()
		n, err := b.p.read(t.in)
		if err != nil { // an ICMP error for somebody we answered, or worse
			if failed++; failed > maxReadErrors || errors.Is(err, net.ErrClosed) {
				return err
			}
			continue
		}
		failed = 0
		t.answer(n)
		if pace.rest(n, time.Now()) {
			time.Sleep(restTime)
		}
	}
}

// batch is a reader's room for packets that come and go together.
type batch struct {
	l       *lane
	p       *port
	in, out []packet
	slots   []slot
	back    map[string][]byte
	aside   func([]byte) []byte
}

// slot is the room of one packet and its answer.
type slot struct {
	buf      [maxPacket]byte
	oob      [maxControl]byte
	space    [MaxUDP]byte
	from     address
	inV, out unix.Iovec
}

func newBatch(l *lane, p *port, aside func([]byte) []byte) *batch {
	return &batch{l: l, p: p, aside: aside, back: map[string][]byte{},
		in: make([]packet, batchSize), out: make([]packet, 0, batchSize), slots: make([]slot, batchSize)}
}

// ready makes all slots ready for packets, as the kernel writes over what says
// how much room there is.
func (b *batch) ready() {
	for i := range b.in {
		s, m := &b.slots[i], &b.in[i]
		s.inV.Base = &s.buf[0]
		s.inV.SetLen(len(s.buf))
		m.Name, m.Namelen = &s.from.raw[0], uint32(len(s.from.raw))
		m.Iov, m.Control, m.Flags = &s.inV, &s.oob[0], 0
		m.SetIovlen(1)
		m.SetControllen(len(s.oob))
	}
}

// answer answers the first n packets.
func (b *batch) answer(n int) {
	now := b.l.d.now()
	b.out = b.out[:0]
	for i := range n {
		s, m := &b.slots[i], &b.in[i]
		s.from.n = m.Namelen
		from, ok := s.from.ip()
		if !ok {
			continue
		}
		control := b.control(s.oob[:min(int(m.Controllen), len(s.oob))])
		msg, r := b.l.packet(s.buf[:min(int(m.n), len(s.buf))], from, now, s.space[:0])
		if r != nil {
			p, to := b.p, s.from
			msg = b.l.d.later(r, func(msg []byte) { p.writeLate(msg, control, to) })
		}
		if len(msg) > 0 {
			b.out = append(b.out, outgoing(msg, control, &s.from, &s.out))
		}
	}
	b.p.write(b.out)
}

// control is aside with memory.
func (b *batch) control(oob []byte) []byte {
	if len(oob) == 0 {
		return nil
	}
	if c, ok := b.back[string(oob)]; ok {
		return c
	}
	if len(b.back) >= maxControls {
		clear(b.back)
	}
	c := b.aside(oob)
	b.back[string(oob)] = c
	return c
}
