package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// neighbour is a client that browses while another misbehaves.
func neighbour(t *testing.T, w *world, addr string) {
	t.Helper()
	for _, h2 := range []bool{false, true} {
		if resp, body := get(t, w.client(addr, nil, h2), "https://calm.example/"); resp.StatusCode != 200 || body != "hello from calm.example" {
			t.Errorf("the neighbour got %d %q", resp.StatusCode, body)
		}
	}
}

func inTunnel(t testing.TB, w *world, addr string, protos ...string) *tls.Conn {
	t.Helper()
	c, _ := tunnelTo(t, addr, "site.example:443")
	tc := tls.Client(c, &tls.Config{ServerName: "site.example", RootCAs: w.ca, NextProtos: protos})
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	return tc
}

// pour writes line again and again, most bytes at most, and returns how many
// were taken before the other side ended the connection.
func pour(c net.Conn, head, line string, most int) int {
	go func() { _, _ = io.Copy(io.Discard, c) }()
	n, err := io.WriteString(c, head)
	chunk := strings.Repeat(line, max(1, 8192/len(line)))
	for err == nil && n < most {
		var m int
		m, err = io.WriteString(c, chunk)
		n += m
	}
	c.Close()
	return n
}

// endless is a request whose header never ends; %s stands for its target.
type endless struct{ name, head, line string }

func endlessHeaders() []endless {
	return []endless{
		{"endless fields", "GET %s HTTP/1.1\r\nHost: site.example\r\n", "X: y\r\n"},
		{"large fields", "GET %s HTTP/1.1\r\nHost: site.example\r\n", "X: " + strings.Repeat("y", 8000) + "\r\n"},
		{"endless value", "GET %s HTTP/1.1\r\nHost: site.example\r\nX: ", "yyyyyyyy"},
		{"endless name", "GET %s HTTP/1.1\r\nHost: site.example\r\n", "xxxxxxxx"},
		{"endless fold", "GET %s HTTP/1.1\r\nHost: site.example\r\nX: y\r\n", " y\r\n"},
		{"endless target", "GET %s", "xxxxxxxx"},
		{"endless method", "", "XXXXXXXX"},
		{"endless trailers", "POST %s HTTP/1.1\r\nHost: site.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"},
	}
}

func TestHostileHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example", "calm.example")
	addr := w.serve(Always)
	const most = 64 << 20
	for _, tt := range endlessHeaders() {
		head := func(target string) string { return strings.ReplaceAll(tt.head, "%s", target) }
		if n := pour(raw(t, addr), head("http://site.example/"), tt.line, most); n >= most {
			t.Errorf("%s: %d bytes were taken", tt.name, n)
		}
		if n := pour(inTunnel(t, w, addr), head("/"), tt.line, most); n >= most {
			t.Errorf("%s, intercepted: %d bytes were taken", tt.name, n)
		}
	}
	neighbour(t, w, addr)
}

// h2Conn is a client of frames.
type h2Conn struct {
	net.Conn
	*http2.Framer
	buf bytes.Buffer
	enc *hpack.Encoder
}

func newH2Conn(t testing.TB, w *world, addr string) *h2Conn {
	c := &h2Conn{Conn: inTunnel(t, w, addr, "h2")}
	c.Framer = http2.NewFramer(c.Conn, c.Conn)
	c.enc = hpack.NewEncoder(&c.buf)
	if _, err := io.WriteString(c.Conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *h2Conn) block(extra ...string) []byte {
	c.buf.Reset()
	fields := append([]string{":method", "GET", ":scheme", "https", ":authority", "site.example", ":path", "/"}, extra...)
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(c.buf.Bytes())
}

// endlessBlocks are what the frames of a header that never ends hold.
func endlessBlocks() map[string]func(c *h2Conn) []byte {
	return map[string]func(c *h2Conn) []byte{
		"literal fields": func(c *h2Conn) []byte { return c.block("x-pad", strings.Repeat("y", 12<<10))[4:] },
		"indexed fields": func(*h2Conn) []byte { return bytes.Repeat([]byte{0x80 | 16}, 16<<10) }, // accept-encoding, out of the static table
	}
}

// TestHostileContinuations sends a header over HTTP/2 that never ends. Empty
// frames are not in the table: net/http takes any number, and keeps nothing of
// them.
func TestHostileContinuations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example", "calm.example")
	addr := w.serve(Always)
	for name, part := range endlessBlocks() {
		c := newH2Conn(t, w, addr)
		go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
		err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(), EndStream: true})
		frames := 0
		for ; err == nil && frames < 100_000; frames++ {
			err = c.WriteContinuation(1, false, part(c))
		}
		if err == nil {
			t.Errorf("%s: %d frames of one header were taken", name, frames)
		}
		c.Conn.Close()
	}
	neighbour(t, w, addr)
}

func TestHostileRapidReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var now, most atomic.Int64
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "calm.example" {
			greet(rw, r)
			return
		}
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		<-r.Context().Done()
	}), "site.example", "calm.example")
	addr := w.serve(Always)
	c := newH2Conn(t, w, addr)
	gone := make(chan struct{})
	go func() { defer close(gone); _, _ = io.Copy(io.Discard, c.Conn) }()
	var err error
	id := uint32(1)
	for ; err == nil && id < 20_000; id += 2 {
		if err = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(), EndStream: true, EndHeaders: true}); err == nil {
			err = c.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		if id%4001 == 0 {
			neighbour(t, w, addr)
		}
	}
	neighbour(t, w, addr)
	c.Conn.Close()
	<-gone
	t.Logf("%d streams were reset, at most %d requests at the site at once, end: %v", id/2, most.Load(), err)
	if n := most.Load(); n > 1000 {
		t.Errorf("%d requests at once reached the site", n)
	}
	eventually(t, "the site's requests end", func() bool { return now.Load() == 0 })
	neighbour(t, w, addr)
}

// TestHostileConnections: one address opens more connections than it may,
// while another browses.
func TestHostileConnections(t *testing.T) {
	t.Parallel()
	const most = 16
	w := newWorld(t, func(p *Proxy) { p.MaxConns = most })
	w.site(http.HandlerFunc(greet), "site.example", "calm.example")
	addr := w.serve(Always)
	flood := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	var open []net.Conn
	ended := make(chan int, 10*most)
	for i := range 10 * most {
		c, err := flood.Dial("tcp", addr)
		if err != nil {
			t.Skip("no second loopback address here")
		}
		defer c.Close()
		open = append(open, c)
		go func() {
			_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				ended <- i
			}
		}()
	}
	for range 9 * most {
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("connections past the limit stay open")
		}
	}
	neighbour(t, w, addr)
	select {
	case i := <-ended:
		t.Errorf("connection %d, which was within the limit, was ended too", i)
	default:
	}
	for _, c := range open {
		c.Close()
	}
	eventually(t, "the address is served again", func() bool {
		c, err := flood.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprint(c, "GET http://site.example/ HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
		b, _ := io.ReadAll(c)
		return strings.HasPrefix(string(b), "HTTP/1.1 200")
	})
}

// TestHostileCrowd: many addresses together open more connections than all may.
// The last eighth is for loopback alone, and all sit at its addresses here, so
// that the shares are looked at apart.
func TestHostileCrowd(t *testing.T) {
	t.Parallel()
	const all = 24
	w := newWorld(t, func(p *Proxy) { p.MaxAllConns = all })
	w.site(http.HandlerFunc(greet), "site.example", "calm.example")
	addr := w.serve(Always)
	ended := make(chan struct{}, 4*all)
	var open []net.Conn
	for i := range 4 * all {
		d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i))}}
		c, err := d.Dial("tcp", addr)
		if err != nil {
			t.Skip("no further loopback addresses here")
		}
		defer c.Close()
		open = append(open, c)
		go func() {
			_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err != nil {
				ended <- struct{}{}
			}
		}()
	}
	for i := range 3 * all {
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d connections past the bound were ended", i, 3*all)
		}
	}
	for _, c := range open {
		c.Close()
	}
	eventually(t, "there is room again", func() bool {
		w.p.mu.Lock()
		in := &w.p.core.in
		w.p.mu.Unlock()
		in.mu.Lock()
		defer in.mu.Unlock()
		return in.all == 0 && len(in.open) == 0
	})
	neighbour(t, w, addr)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		p     *Proxy
		files int
		want  bounds
	}{
		{"plenty", &Proxy{}, 65536, bounds{client: 1024, all: 8192, far: 65536 - 128 - 8192}},
		{"unknown", &Proxy{}, 0, bounds{client: 1024, all: 8192, far: 2 * 8192}},
		{"few", &Proxy{}, 1024, bounds{client: 149, all: 298, far: 598}},
		{"hardly any", &Proxy{}, 20, bounds{client: 8, all: 16, far: 32}},
		{"configured", &Proxy{MaxConns: 10, MaxAllConns: 100}, 65536, bounds{client: 10, all: 100, far: 65536 - 128 - 100}},
		{"one client, all", &Proxy{MaxConns: 100, MaxAllConns: 100}, 65536, bounds{client: 50, all: 100, far: 65536 - 128 - 100}},
		{"more than there are", &Proxy{MaxConns: 1 << 20, MaxAllConns: 1 << 20}, 1024, bounds{client: 149, all: 298, far: 598}},
		{"one", &Proxy{MaxAllConns: 1}, 1024, bounds{client: 1, all: 1, far: 895}},
	} {
		if got := newBounds(tt.p, tt.files); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestEntranceKeepsRoomForLoopback fills it from the network, then from here.
func TestEntranceKeepsRoomForLoopback(t *testing.T) {
	t.Parallel()
	e := &entrance{bounds: bounds{client: 10, all: 80}}
	in := func(format string, n int) (entered int) {
		for i := range n {
			if e.enter(netip.MustParseAddr(fmt.Sprintf(format, i/10))) {
				entered++
			}
		}
		return entered
	}
	if n := in("192.0.2.%d", 200); n != 70 {
		t.Errorf("%d came in from the network, want 70", n)
	}
	if n := in("127.0.0.%d", 200); n != 10 {
		t.Errorf("%d came in from loopback, want the 10 kept for it", n)
	}
	e.leave(netip.MustParseAddr("192.0.2.0"))
	if n := in("192.0.2.%d", 1); n != 0 {
		t.Error("the room for loopback was given away")
	}
	if n := in("127.0.1.%d", 1); n != 1 {
		t.Error("what was left is not given again")
	}
}

// TestHostileStreams: one client makes more requests at once than there may be
// connections to sites, to sites that do not answer. Each is told so, and when
// it goes there is room again.
func TestHostileStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.siteTLS(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		&tls.Config{Certificates: []tls.Certificate{*w.roots.leaf(t, "site.example")}, NextProtos: []string{"http/1.1"}}, "site.example")
	w.site(http.HandlerFunc(greet), "calm.example")
	addr := w.serve(Always)
	neighbour(t, w, addr)
	w.p.mu.Lock()
	far := &w.p.core.far
	w.p.mu.Unlock()
	far.most.Store(20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	full := make(chan int, 100)
	var wg sync.WaitGroup
	c := w.client(addr, nil, true)
	for range 60 {
		wg.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "GET", "https://site.example/", nil)
			if resp, err := c.Do(r); err == nil {
				full <- resp.StatusCode
				resp.Body.Close()
			}
		})
	}
	for range 60 - 20 {
		if code := <-full; code != http.StatusServiceUnavailable {
			t.Errorf("status %d, want 503", code)
		}
	}
	cancel()
	wg.Wait()
	c.CloseIdleConnections()
	eventually(t, "there is room again", func() bool { return far.open.Load() <= 2 }) // the neighbour's, kept for its next request
	neighbour(t, w, addr)
}
