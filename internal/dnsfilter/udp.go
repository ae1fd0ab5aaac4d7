package dnsfilter

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// maxPacket is the longest UDP question read: RFC 6891 lets a client send more
// than 512 bytes only when it knows that we take it, and we say MaxUDP.
const maxPacket = 4096

// maxControl is room for what the system says of a packet beside it.
const maxControl = 128

// maxReadErrors is after how many errors in a row a socket is given up.
const maxReadErrors = 1000

// udpReader reads one socket for lanes and writes their answers.
type udpReader interface {
	// read answers packets until stop, or until the socket fails. Each lane has
	// a goroutine for it.
	read(l *lane) error
	stop() // read ends with net.ErrClosed
	free() // is called when no read is left
}

// serveUDP answers questions on one socket, with as many readers as are
// said. They answer what can be answered at once; the rest waits in goroutines,
// a bounded number of them.
func (d *Door) serveUDP(ctx context.Context, u *net.UDPConn, count int) error {
	r := d.openUDP(u)
	defer r.free()
	var readers sync.WaitGroup
	defer readers.Wait()
	errs := make(chan error, count)
	for range count {
		readers.Go(func() { errs <- r.read(d.newLane()) })
	}
	defer r.stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-errs:
		return ended(ctx, "read DNS over UDP", err)
	}
}

// singly answers packets one by one.
type singly struct {
	d     *Door
	u     *net.UDPConn
	aside func([]byte) []byte
}

func (s singly) stop() { _ = s.u.Close() }
func (s singly) free() {}

func (s singly) read(l *lane) error {
	u := s.u
	buf, oob, out := make([]byte, maxPacket), make([]byte, maxControl), make([]byte, 0, MaxUDP)
	for failed := 0; ; failed = 0 {
		n, on, _, from, err := u.ReadMsgUDPAddrPort(buf, oob)
		for err != nil { // an ICMP error for somebody we answered, or worse
			if failed++; failed > maxReadErrors || errors.Is(err, net.ErrClosed) {
				return err
			}
			n, on, _, from, err = u.ReadMsgUDPAddrPort(buf, oob)
		}
		control := s.aside(oob[:on])
		msg, r := l.packet(buf[:n], from.Addr(), s.d.now(), out)
		if r != nil {
			to := from
			msg = s.d.later(r, func(msg []byte) { _, _, _ = u.WriteMsgUDPAddrPort(msg, control, to) })
		}
		if len(msg) > 0 {
			_, _, _ = u.WriteMsgUDPAddrPort(msg, control, from)
		}
	}
}

// packet answers one packet, which is not kept. It returns the answer, perhaps
// in out, if it is there at once, and else what is for later; neither is
// silence.
func (l *lane) packet(pkt []byte, from netip.Addr, now time.Time, out []byte) ([]byte, *request) {
	if msg, done := l.fast(pkt, from, now, out); done {
		return msg, nil
	}
	msg, r := l.d.general(pkt, from, UDP, &l.found)
	return msg, r
}

// later has send called with the answer when it is there; not at all if there
// is none. It returns what is to be answered if there is no room to wait.
func (d *Door) later(r *request, send func(msg []byte)) []byte {
	if !d.missing.enter(r.client.Addr) {
		return d.busy(r)
	}
	if !d.work.enter() {
		d.missing.leave(r.client.Addr)
		return nil
	}
	go func() {
		defer d.work.leave()
		defer d.missing.leave(r.client.Addr)
		if msg := d.slow(d.ctx, r); msg != nil {
			send(msg)
		}
	}()
	return nil
}

// fast is answer, and survives it.
func (l *lane) fast(pkt []byte, from netip.Addr, now time.Time, out []byte) (msg []byte, done bool) {
	defer func() {
		if v := recover(); v != nil {
			l.d.survived(v)
			l.d.count.queries[UDP].Add(1)
			msg, done = headerOnly(pkt, dns.RcodeServerFailure), true
		}
	}()
	return l.answer(pkt, from, now, out)
}

// sourceControl lets answers leave from the address that was asked, which a
// socket for all addresses has to be told (many clients drop others). The
// function it returns turns the control message of a packet into its answer's.
func sourceControl(u *net.UDPConn) func(oob []byte) []byte {
	none := func([]byte) []byte { return nil }
	a, ok := u.LocalAddr().(*net.UDPAddr)
	if !ok || !a.IP.IsUnspecified() {
		return none
	}
	p4, p6 := ipv4.NewPacketConn(u), ipv6.NewPacketConn(u)
	e4 := p4.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	e6 := p6.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	if e4 != nil && e6 != nil {
		return none
	}
	return func(oob []byte) []byte {
		var c6 ipv6.ControlMessage
		if e6 == nil && c6.Parse(oob) == nil && c6.Dst != nil {
			if c6.Dst.To4() != nil {
				return (&ipv4.ControlMessage{Src: c6.Dst.To4()}).Marshal()
			}
			return (&ipv6.ControlMessage{Src: c6.Dst, IfIndex: c6.IfIndex}).Marshal()
		}
		var c4 ipv4.ControlMessage
		if e4 == nil && c4.Parse(oob) == nil && c4.Dst != nil {
			return (&ipv4.ControlMessage{Src: c4.Dst}).Marshal()
		}
		return nil
	}
}
