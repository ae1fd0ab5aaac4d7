package dnsfilter

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// maxPacket is the longest UDP question read: RFC 6891 lets a client send more
// than 512 bytes only when it knows that we take it, and we say MaxUDP.
const maxPacket = 4096

// maxReadErrors is after how many errors in a row a socket is given up.
const maxReadErrors = 1000

// serveUDP answers questions on one socket. Its readers answer what can be
// answered at once; the rest waits in goroutines, a bounded number of them.
func (d *Door) serveUDP(ctx context.Context, u *net.UDPConn) error {
	aside := sourceControl(u)
	var readers sync.WaitGroup
	defer readers.Wait()
	errs := make(chan error, 1)
	for range min(runtime.GOMAXPROCS(0), 4) {
		readers.Go(func() {
			if err := d.readUDP(u, aside); err != nil {
				select {
				case errs <- err:
				default:
				}
			}
		})
	}
	select {
	case <-ctx.Done():
		_ = u.Close()
		return nil
	case err := <-errs:
		return ended(ctx, "read DNS over UDP", err)
	}
}

func (d *Door) readUDP(u *net.UDPConn, aside func([]byte) []byte) error {
	buf, oob := make([]byte, maxPacket), make([]byte, 128)
	for failed := 0; ; failed = 0 {
		n, on, _, from, err := u.ReadMsgUDPAddrPort(buf, oob)
		for err != nil { // an ICMP error for somebody we answered, or worse
			if failed++; failed > maxReadErrors || errors.Is(err, net.ErrClosed) {
				return err
			}
			n, on, _, from, err = u.ReadMsgUDPAddrPort(buf, oob)
		}
		d.packet(u, buf[:n], from, aside(oob[:on]))
	}
}

// packet answers one packet, which is not kept.
func (d *Door) packet(u *net.UDPConn, pkt []byte, from netip.AddrPort, oob []byte) {
	send := func(out []byte) {
		if out != nil {
			_, _, _ = u.WriteMsgUDPAddrPort(out, oob, from)
		}
	}
	out, r := d.quick(pkt, from.Addr(), UDP)
	if r == nil {
		send(out)
		return
	}
	if !d.missing.enter(r.client.Addr) {
		send(d.busy(r))
		return
	}
	if !d.work.enter() {
		d.missing.leave(r.client.Addr)
		return
	}
	go func() {
		defer d.work.leave()
		defer d.missing.leave(r.client.Addr)
		send(d.slow(d.ctx, r))
	}()
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
