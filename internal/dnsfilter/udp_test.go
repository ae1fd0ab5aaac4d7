package dnsfilter

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect/engine"
)

// TestReadSingly runs the loop of systems that read one packet at a time.
func TestReadSingly(t *testing.T) {
	t.Parallel()
	w := newTwin(t, nil)
	u, err := listenUDP(":0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	s := singly{w.Door, u, sourceControl(u)}
	go func() { done <- s.read(w.l) }()
	c := dial(t, "udp", netip.AddrPortFrom(loopback, portOf(u.LocalAddr())).String())
	for _, name := range []string{"x.ads.example", "a.example", "a.example"} {
		pkt := pack(t, query(name, dns.TypeA, nil))
		if _, err := c.Write(pkt); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 512)
		n, err := c.Read(buf)
		if err != nil || n <= len(pkt) || !bytes.Equal(buf[:2], pkt[:2]) {
			t.Errorf("%s: got % x, %v; want an answer", name, buf[:n], err)
		}
	}
	_ = u.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the reader of a closed socket ended with %v", err)
	}
}

// TestReloadLosesNothing asks without pause while rules are exchanged again and
// again: each question is answered, by one Set or the other.
func TestReloadLosesNothing(t *testing.T) {
	t.Parallel()
	sets := [2]*engine.Set{withLists(t, "one", "||ads.example^\n"), withLists(t, "two", "||ads.example^\n||more.example^\n")}
	var mu sync.RWMutex
	at := 0
	g := newRig(t, Options{Set: func() *engine.Set { mu.RLock(); defer mu.RUnlock(); return sets[at] }}, nil, "a.example. 300 IN A 93.184.216.34")
	stop := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				mu.Lock()
				at = 1 - at
				mu.Unlock()
				runtime.Gosched()
			}
		}
	})
	defer swaps.Wait()
	defer close(stop)
	var askers sync.WaitGroup
	for i := range 4 {
		askers.Go(func() { askMany(t, g.at, i) })
	}
	askers.Wait()
}

// askMany asks one question after the other on one socket. Loopback loses
// nothing as long as its buffers hold.
func askMany(t *testing.T, at string, from int) {
	c, err := net.Dial("udp", at)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	buf := make([]byte, 1500)
	for i := range 2000 {
		_ = c.SetDeadline(time.Now().Add(patience)) // of this question: all of them may take a busy machine longer
		name := []string{"x.ads.example.", "a.example."}[i%2]
		m := new(dns.Msg).SetQuestion(name, dns.TypeA)
		m.Id = uint16(from<<12 | i)
		pkt, err := m.Pack()
		if err == nil {
			_, err = c.Write(pkt)
		}
		var n int
		if err == nil {
			n, err = c.Read(buf)
		}
		var got dns.Msg
		if err == nil {
			err = got.Unpack(buf[:n])
		}
		if err != nil || got.Id != m.Id || len(got.Answer) != 1 {
			t.Errorf("question %d: %v %v", i, err, &got)
			return
		}
	}
}

// TestSharedSockets: several sockets share the packets of one address, and each
// answers from the address that was asked.
func TestSharedSockets(t *testing.T) {
	t.Parallel()
	for _, plain := range []string{"127.0.0.1:0", "[::1]:0", ":0", "0.0.0.0:0"} {
		g := newRig(t, Options{Plain: []string{plain}}, listed("bad.example"))
		want := 1
		if canShare {
			want = readers()
		}
		if n, a := len(g.socks.udp), g.Addrs()[UDP]; n != want || len(a) != 1 {
			t.Errorf("%s: %d sockets at %v, want %d at one address", plain, n, a, want)
		}
		host := "127.0.0.1"
		switch {
		case plain == "[::1]:0":
			host = "::1"
		case runtime.GOOS == "linux" && plain[0] != '1':
			host = "127.0.0.7"
		}
		for range 20 { // other ports, other sockets
			g.at = net.JoinHostPort(host, fmt.Sprint(g.Addrs()[UDP][0].Port()))
			if m := g.ask(query("bad.example", dns.TypeA, nil)); len(m.Answer) != 1 {
				t.Fatalf("%s: got %v", g.at, m)
			}
		}
		if n := len(g.sightings()); n != 20 {
			t.Errorf("%s: %d sightings, want 20", plain, n)
		}
	}
}
