package dnsfilter

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newPort is a port and the address that reaches it.
func newPort(t *testing.T, listen string) (*port, netip.AddrPort) {
	t.Helper()
	u, err := listenUDP(listen)
	if err != nil {
		t.Fatal(err)
	}
	at := u.LocalAddr().(*net.UDPAddr).AddrPort()
	p, err := openPort(u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.free)
	if _, err := u.Write([]byte{0}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection that was taken over: %v, want that it is closed", err)
	}
	return p, at
}

// TestPort reads and writes packets of both protocols, more than one batch, and
// among them one that cannot be sent.
func TestPort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ listen, host, from string }{
		{"127.0.0.1:0", "127.0.0.1", "127.0.0.1"}, {"[::1]:0", "::1", "::1"}, {":0", "127.0.0.1", "127.0.0.1"}, {":0", "::1", "::1"},
	} {
		p, at := newPort(t, c.listen)
		conn := dial(t, "udp", netip.AddrPortFrom(netip.MustParseAddr(c.host), at.Port()).String())
		const all = 3*batchSize + 1
		for i := range all {
			if _, err := conn.Write([]byte{byte(i), 1}); err != nil {
				t.Fatal(err)
			}
		}
		b := newBatch(nil, p, nil)
		for got := 0; got < all; {
			b.ready()
			n, err := p.read(b.in)
			if err != nil {
				t.Fatalf("%v: read after %d packets: %v", c, got, err)
			}
			b.out = b.out[:0]
			for i := range n {
				s := &b.slots[i]
				s.from.n = b.in[i].Namelen
				if ip, ok := s.from.ip(); !ok || ip.Unmap().String() != c.from || b.in[i].n != 2 || int(s.buf[0]) != got+i {
					t.Errorf("%v: packet %d: got % x from %v", c, got+i, s.buf[:b.in[i].n], ip)
				}
				if i%2 == 1 {
					b.out = append(b.out, outgoing(make([]byte, 1<<17), nil, &s.from, &unix.Iovec{})) // longer than any packet
				}
				b.out = append(b.out, outgoing(s.buf[:1], nil, &s.from, &s.out))
			}
			p.write(b.out)
			got += n
		}
		buf := make([]byte, 10)
		for i := range all {
			if n, err := conn.Read(buf); err != nil || !bytes.Equal(buf[:n], []byte{byte(i)}) {
				t.Fatalf("%v: answer %d: got % x, %v", c, i, buf[:n], err)
			}
		}
	}
}

// TestPortStop: readers end, those that wait and those that come later, and who
// writes then does no harm.
func TestPortStop(t *testing.T) {
	t.Parallel()
	p, at := newPort(t, "127.0.0.1:0")
	ends := make(chan error)
	for range 3 {
		go func() {
			b := newBatch(nil, p, nil)
			for {
				b.ready()
				if _, err := p.read(b.in); err != nil {
					ends <- err
					return
				}
			}
		}()
	}
	conn := dial(t, "udp", at.String())
	for range 10 {
		_, _ = conn.Write([]byte("x"))
	}
	p.stop()
	for range 3 {
		if err := <-ends; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a reader ended with %v, want %v", err, net.ErrClosed)
		}
	}
	if _, err := p.read(newBatch(nil, p, nil).in); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read afterwards: %v, want %v", err, net.ErrClosed)
	}
	p.free()
	p.free()
	p.writeLate([]byte("x"), nil, address{})
}

// TestServeAgainOnInheritedSocket: what systemd hands on outlives a door, and
// the next one answers on it.
func TestServeAgainOnInheritedSocket(t *testing.T) {
	t.Parallel()
	kept, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	for range 2 {
		f, err := kept.File()
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.FilePacketConn(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		w := newTwin(t, nil)
		r := w.openUDP(c.(*net.UDPConn))
		done := make(chan error, 1)
		go func() { done <- r.read(w.l) }()
		asker := dial(t, "udp", kept.LocalAddr().String())
		pkt := pack(t, query("x.ads.example", 1, nil))
		if _, err := asker.Write(pkt); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 512)
		if n, err := asker.Read(buf); err != nil || n <= len(pkt) {
			t.Fatalf("got % x, %v; want an answer", buf[:n], err)
		}
		r.stop()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		r.free()
	}
	if err := kept.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("the socket itself: %v, want that it waits", err)
	}
}
