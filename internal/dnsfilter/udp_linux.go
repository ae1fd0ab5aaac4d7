package dnsfilter

import (
	"context"
	"errors"
	"net"
	"syscall"

	"golang.org/x/net/ipv4"
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

// batch is a reader's room for packets that come and go together. ipv4's
// functions read and write the packets of IPv6 as well.
type batch struct {
	l       *lane
	u       *net.UDPConn
	c       *ipv4.PacketConn
	in, out []ipv4.Message
	bufs    [][1][]byte // of out
	space   [][]byte    // for answers
	back    map[string][]byte
	aside   func([]byte) []byte
}

// readUDP answers packets as many at a time as there are.
func (d *Door) readUDP(l *lane, u *net.UDPConn, aside func([]byte) []byte) error {
	b := &batch{l: l, u: u, c: ipv4.NewPacketConn(u), aside: aside, back: map[string][]byte{},
		in: make([]ipv4.Message, batchSize), out: make([]ipv4.Message, 0, batchSize), bufs: make([][1][]byte, batchSize), space: make([][]byte, batchSize)}
	for i := range b.in {
		b.in[i].Buffers, b.in[i].OOB = [][]byte{make([]byte, maxPacket)}, make([]byte, maxControl)
		b.space[i] = make([]byte, 0, MaxUDP)
	}
	for failed := 0; ; {
		n, err := b.c.ReadBatch(b.in, 0)
		if err != nil { // an ICMP error for somebody we answered, or worse
			if failed++; failed > maxReadErrors || errors.Is(err, net.ErrClosed) {
				return err
			}
			continue
		}
		failed = 0
		b.answer(b.in[:n])
	}
}

// answer answers packets.
func (b *batch) answer(in []ipv4.Message) {
	now := b.l.d.now()
	b.out = b.out[:0]
	for i := range in {
		m := &in[i]
		from, ok := m.Addr.(*net.UDPAddr)
		if !ok {
			continue
		}
		control := b.control(m.OOB[:m.NN])
		msg := b.l.packet(b.u, m.Buffers[0][:m.N], from.AddrPort(), control, now, b.space[i])
		if len(msg) == 0 {
			continue
		}
		k := len(b.out)
		b.bufs[k][0] = msg
		b.out = append(b.out, ipv4.Message{Buffers: b.bufs[k][:], OOB: control, Addr: from})
	}
	for rest := b.out; len(rest) > 0; {
		n, err := b.c.WriteBatch(rest, 0)
		if err != nil || n <= 0 { // the first cannot be sent; the others may
			n = max(n, 0) + 1
		}
		rest = rest[min(n, len(rest)):]
	}
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
