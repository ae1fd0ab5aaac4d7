package dnsfilter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// sockets are what a Door listens on.
type sockets struct {
	udp           []udpSocket
	tcp, dot, doh []net.Listener
	doq, doh3     []*net.UDPConn
}

// udpSocket is a socket for plain DNS. Where the system shares out packets among
// several sockets of one address, each has one reader.
type udpSocket struct {
	*net.UDPConn
	readers int
}

// maxReaders bounds the readers of one address.
const maxReaders = 16

func readers() int { return min(runtime.GOMAXPROCS(0), maxReaders) }

// h3 reports whether there is HTTP/3 on this port.
func (s *sockets) h3(port uint16) bool {
	for _, c := range s.doh3 {
		if portOf(c.LocalAddr()) == port {
			return true
		}
	}
	return false
}

// Listen opens all sockets, so that what cannot be opened is known before
// anything is served. On an error none stays open. Serve calls it if nobody has.
func (d *Door) Listen() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.socks.all()) > 0 {
		return nil
	}
	in := d.o.Secure
	s := sockets{tcp: d.o.TCP, doh: slices.Clone(in.DoH), doq: slices.Clone(in.DoQ), doh3: slices.Clone(in.DoH3)}
	for _, l := range in.DoT {
		s.dot = append(s.dot, tls.NewListener(l, serverTLS(d.o.TLS, "dot")))
	}
	for _, u := range d.o.UDP {
		s.udp = append(s.udp, udpSocket{u, readers()})
	}
	err := s.open(d.o)
	if err == nil && len(s.all()) == 0 {
		err = errors.New("the DNS door has nothing to listen on")
	}
	if err != nil {
		s.close()
		return err
	}
	d.socks = s
	return nil
}

func (s *sockets) open(o Options) error {
	for _, a := range o.Plain {
		us, t, err := plainPair(a)
		if err != nil {
			return err
		}
		s.udp, s.tcp = append(s.udp, us...), append(s.tcp, t)
	}
	for _, a := range o.DoT {
		l, err := net.Listen("tcp", a)
		if err != nil {
			return fmt.Errorf("listen for DNS over TLS: %w", err)
		}
		s.dot = append(s.dot, tls.NewListener(l, serverTLS(o.TLS, "dot")))
	}
	for _, a := range o.DoH {
		u, t, err := pair(a)
		if err != nil {
			return fmt.Errorf("listen for DNS over HTTPS: %w", err)
		}
		s.doh, s.doh3 = append(s.doh, t), append(s.doh3, u)
	}
	for _, a := range o.DoQ {
		u, err := listenUDP(a)
		if err != nil {
			return fmt.Errorf("listen for DNS over QUIC: %w", err)
		}
		s.doq = append(s.doq, u)
	}
	return nil
}

// serverTLS takes the certificate out of base and nothing else.
func serverTLS(base *tls.Config, alpn ...string) *tls.Config {
	return &tls.Config{Certificates: base.Certificates, GetCertificate: base.GetCertificate, MinVersion: tls.VersionTLS12, NextProtos: alpn}
}

// pairTries is how often a free port is looked for that is free for both.
const pairTries = 20

// pair listens on the same port for UDP and TCP.
func pair(addr string) (*net.UDPConn, net.Listener, error) { return pairBy(addr, listenUDP) }

// plainPair is pair for plain DNS, with as many sockets for UDP as the system
// shares out packets among. That nobody else serves the port is known by TCP,
// whose port is nobody's to share.
func plainPair(addr string) ([]udpSocket, net.Listener, error) {
	if !canShare || readers() == 1 {
		u, t, err := pair(addr)
		return []udpSocket{{u, readers()}}, t, err
	}
	u, t, err := pairBy(addr, listenShared)
	if err != nil {
		return nil, nil, err
	}
	us := []udpSocket{{u, 1}}
	for range readers() - 1 {
		if u, err = listenShared(u.LocalAddr().String()); err != nil {
			for _, u := range us {
				_ = u.Close()
			}
			_ = t.Close()
			return nil, nil, fmt.Errorf("listen for DNS over UDP: %w", err)
		}
		us = append(us, udpSocket{u, 1})
	}
	return us, t, nil
}

func pairBy(addr string, listen func(string) (*net.UDPConn, error)) (*net.UDPConn, net.Listener, error) {
	var err error
	for range pairTries {
		var t net.Listener
		if t, err = net.Listen("tcp", addr); err != nil {
			return nil, nil, fmt.Errorf("listen for DNS over TCP: %w", err)
		}
		host, port, e := net.SplitHostPort(addr)
		if e != nil {
			return nil, nil, errors.Join(e, t.Close())
		}
		free := port == "0" || port == ""
		var u *net.UDPConn
		if u, err = listen(net.JoinHostPort(host, fmt.Sprint(portOf(t.Addr())))); err == nil {
			return u, t, nil
		}
		_ = t.Close()
		if !free {
			break
		}
	}
	return nil, nil, fmt.Errorf("listen for DNS over UDP: %w", err)
}

func listenUDP(addr string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	u, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, err
	}
	return roomy(u), nil
}

func roomy(u *net.UDPConn) *net.UDPConn {
	_ = u.SetReadBuffer(socketBuffer) // the system may grant less
	_ = u.SetWriteBuffer(socketBuffer)
	return u
}

// socketBuffer holds what comes while everybody is busy.
const socketBuffer = 1 << 20

type closer interface {
	Close() error
	Addr() net.Addr
}

type udpCloser struct{ *net.UDPConn }

func (u udpCloser) Addr() net.Addr { return u.LocalAddr() }

func (s *sockets) all() []closer {
	var out []closer
	for _, u := range s.udp {
		out = append(out, udpCloser{u.UDPConn})
	}
	for _, us := range [][]*net.UDPConn{s.doq, s.doh3} {
		for _, u := range us {
			out = append(out, udpCloser{u})
		}
	}
	for _, ls := range [][]net.Listener{s.tcp, s.dot, s.doh} {
		for _, l := range ls {
			out = append(out, l)
		}
	}
	return out
}

func (s *sockets) close() {
	for _, c := range s.all() {
		_ = c.Close()
	}
}

// Addrs are the addresses that are listened on, by transport.
func (d *Door) Addrs() map[Via][]netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[Via][]netip.AddrPort{}
	add := func(v Via, a net.Addr) {
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			if ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()); !slices.Contains(out[v], ap) {
				out[v] = append(out[v], ap)
			}
		}
	}
	for _, u := range d.socks.udp {
		add(UDP, u.LocalAddr())
	}
	for _, u := range d.socks.doq {
		add(DoQ, u.LocalAddr())
	}
	for v, ls := range map[Via][]net.Listener{TCP: d.socks.tcp, DoT: d.socks.dot, DoH: d.socks.doh} {
		for _, l := range ls {
			add(v, l.Addr())
		}
	}
	return out
}

// Serve answers until ctx is done, or a socket fails. It returns nil for the
// first, and only when nothing is left of what it started. A Door serves once.
func (d *Door) Serve(ctx context.Context) error {
	if err := d.Listen(); err != nil {
		return err
	}
	var teller sync.WaitGroup
	defer teller.Wait()
	stop := make(chan struct{})
	defer close(stop)
	teller.Go(func() { d.tellLedger(stop) })
	g, ctx := errgroup.WithContext(ctx)
	for _, u := range d.socks.udp {
		g.Go(func() error { return d.serveUDP(ctx, u.UDPConn, u.readers) })
	}
	for _, l := range d.socks.tcp {
		g.Go(func() error { return d.serveStreams(ctx, l, TCP) })
	}
	for _, l := range d.socks.dot {
		g.Go(func() error { return d.serveStreams(ctx, l, DoT) })
	}
	for _, l := range d.socks.doh {
		g.Go(func() error { return d.serveHTTPS(ctx, l) })
	}
	for _, u := range d.socks.doh3 {
		g.Go(func() error { return d.serveHTTP3(ctx, u) })
	}
	for _, u := range d.socks.doq {
		g.Go(func() error { return d.serveQUIC(ctx, u) })
	}
	g.Go(func() error {
		<-ctx.Done()
		d.cancel()
		d.socks.close()
		return nil
	})
	err := g.Wait()
	d.work.close()
	return err
}

// ended turns the error of a socket that we closed ourselves, as nobody else
// can, into nil.
func ended(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// peer is the address of a connection's other end.
func peer(a net.Addr) netip.Addr {
	s := a.String()
	if i := strings.IndexByte(s, '%'); i >= 0 { // a zone
		if j := strings.IndexByte(s[i:], ']'); j >= 0 {
			s = s[:i] + s[i+j:]
		}
	}
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
