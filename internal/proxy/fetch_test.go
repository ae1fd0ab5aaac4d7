package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/proxy/guard"
)

func TestFaultsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.place("dead.example", 80, nobody(t))
	rude, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer rude.Close()
	go func() {
		for {
			c, err := rude.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				n, _ := c.Read(buf)
				switch {
				case strings.Contains(string(buf[:n]), "/rubbish"):
					_, _ = io.WriteString(c, "rubbish\r\n\r\n")
				case strings.Contains(string(buf[:n]), "/endless"):
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
					for _, err := c.Write(make([]byte, 1<<16)); err == nil; _, err = c.Write(make([]byte, 1<<16)) {
					}
				}
			}()
		}
	}()
	w.place("rude.example", 80, rude.Addr().String())
	w.mu.Lock()
	w.names["null.example"] = Answer{Addrs: []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}}
	w.names["said-no.example"] = Answer{Blocked: true}
	w.names["rebind.example.com"] = Answer{Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
	w.names["empty.example"] = Answer{}
	w.mu.Unlock()
	c := w.client(w.serve(Auto), nil, false)
	for url, want := range map[string]string{
		"http://nowhere.example/": "no-name 502", "http://dead.example/": "refused 502", "http://rude.example/close": "closed 502",
		"http://rude.example/rubbish": "other 502", "http://rude.example/endless": "other 502", "http://null.example/": "null-address 502",
		"http://said-no.example/": "null-address 502", "http://rebind.example.com/": "guard 403", "http://empty.example/": "no-name 502",
	} {
		resp, body := get(t, c, url, "Accept", "text/html")
		_, id, _ := strings.Cut(body, `data-fault="`)
		id, _, _ = strings.Cut(id, `"`)
		if got := fmt.Sprint(id, " ", resp.StatusCode); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
		for _, bad := range []string{"dial", "lookup", "malformed", "EOF", "net/http", "%!"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: the page says %q", url, bad)
			}
		}
		if resp, body := get(t, c, url, "Accept", "application/json"); body != "" || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s as data: %q %q", url, resp.Header.Get("Content-Type"), body)
		}
	}
}

func TestFaultTable(t *testing.T) {
	t.Parallel()
	op := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, "timeout"}, {op(syscall.ECONNREFUSED), "refused"}, {op(syscall.ENETUNREACH), "network"},
		{op(syscall.EHOSTUNREACH), "network"}, {op(syscall.ETIMEDOUT), "timeout"}, {syscall.ECONNRESET, "closed"}, {io.EOF, "closed"},
		{&net.DNSError{IsTimeout: true}, "dns-timeout"}, {&net.DNSError{}, "dns"}, {&net.DNSError{IsNotFound: true}, "no-name"},
		{errors.New("x"), "other"}, {errNoName, "bad-name"}, {&guardError{why: guard.NoName}, "bad-name"}, {&guardError{why: guard.Own}, "guard"},
		{fmt.Errorf("w: %w", weakKeyError{}), "certificate-weak-key"},
	} {
		f := faultOf(tt.err)
		if f.id != tt.want {
			t.Errorf("%v: %s, want %s", tt.err, f.id, tt.want)
		}
		if f.title == "" || f.text == "" || f.who == "" || f.status < 400 {
			t.Errorf("%s: words are missing: %+v", f.id, f)
		}
	}
	for why := guard.Rebinding; why <= guard.Nowhere; why++ {
		if f := guardFault(why); f.text == "" {
			t.Errorf("%v: no words", why)
		}
	}
}

func TestRebindingBetweenRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example.com")
	c := w.client(w.serve(Auto), nil, false)
	if resp, _ := get(t, c, "http://site.example.com/"); resp.StatusCode != 200 {
		t.Fatal(resp.StatusCode)
	}
	w.mu.Lock()
	w.names["site.example.com"] = Answer{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	w.mu.Unlock()
	// The connection is still in the pool; the guard is asked all the same.
	if resp, _ := get(t, c, "http://site.example.com/"); resp.StatusCode != 403 {
		t.Errorf("%d, want 403", resp.StatusCode)
	}
}

func TestPublicPageToPrivateTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.GPC = true })
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header["Via"], r.Header["Sec-Gpc"]) }), "site.example")
	w.mu.Lock()
	w.names["router"] = Answer{Addrs: []netip.Addr{netip.MustParseAddr("192.168.1.1")}}
	w.addrs["192.168.1.1:80"] = w.addrs[netip.AddrPortFrom(w.names["site.example"].Addrs[0], 80).String()]
	w.mu.Unlock()
	c := w.client(w.serve(Auto), nil, false)
	browser := []string{"User-Agent", "Mozilla/5.0 X"}
	for _, tt := range []struct {
		fields []string
		want   int
	}{{[]string{"Accept", "text/html"}, 200}, {[]string{"Referer", "http://router/"}, 200}, {[]string{"Referer", "http://evil.example.com/"}, 403},
		{[]string{"Accept", "image/png"}, 403}, {[]string{"Sec-Fetch-Site", "cross-site"}, 403}} {
		if resp, _ := get(t, c, "http://router/", append(tt.fields, browser...)...); resp.StatusCode != tt.want {
			t.Errorf("%v: %d, want %d", tt.fields, resp.StatusCode, tt.want)
		}
	}
	if _, body := get(t, c, "http://router/"); !strings.HasPrefix(body, "[1.1 q-") || !strings.HasSuffix(body, "[1]") {
		t.Errorf("a private target saw %s, want our Via and Sec-GPC", body)
	}
	if _, body := get(t, c, "http://site.example/"); body != "[] [1]" {
		t.Errorf("a public target saw %s, want no Via", body)
	}
}

func TestDialAddrs(t *testing.T) {
	t.Parallel()
	good, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	c := &core{p: &Proxy{Dial: func(ctx context.Context, _, addr string) (net.Conn, error) {
		switch {
		case strings.HasPrefix(addr, "192.0.2.1:"): // says nothing
			<-ctx.Done()
			return nil, ctx.Err()
		case strings.HasPrefix(addr, "192.0.2.2:"):
			return nil, syscall.ECONNREFUSED
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", good.Addr().String())
	}}}
	c.far.most.Store(8)
	list := func(s ...string) (out []netip.Addr) {
		for _, a := range s {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	start := time.Now()
	conn, err := c.dialAddrs(t.Context(), list("192.0.2.1", "192.0.2.2", "192.0.2.3"), 80)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v: it waited for a dead address", d)
	}
	if _, err := c.dialAddrs(t.Context(), list("192.0.2.2", "192.0.2.2"), 80); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("all refuse: %v", err)
	}
	many := list("192.0.2.9", "192.0.2.8", "2001:db8::1", "192.0.2.7", "192.0.2.6", "192.0.2.5", "192.0.2.4", "192.0.2.10", "192.0.2.11")
	if got := interleave(many); len(got) != maxDials || got[0] != many[0] || got[1] != many[2] {
		t.Errorf("order %v", got)
	}
}

func TestSystemResolverCaches(t *testing.T) {
	t.Parallel()
	s := &SystemResolver{}
	a, err := s.Resolve(t.Context(), Question{Host: "localhost"})
	if err != nil || len(a.Addrs) == 0 || !a.Addrs[0].IsLoopback() {
		t.Fatalf("localhost: %v %v", a, err)
	}
	if c, ok := s.lookup("localhost"); !ok || len(c.a.Addrs) != len(a.Addrs) {
		t.Error("not kept")
	}
	for i := range maxCached + 10 {
		s.keep(fmt.Sprint("h", i), Answer{}, nil)
	}
	if n := len(s.cache); n > maxCached {
		t.Errorf("%d answers are kept, want at most %d", n, maxCached)
	}
}
