package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func greet(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "hello from "+r.Host)
}

func TestConnectTargets(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"a.example:443": "a.example 443", "A.Example.:1": "a.example 1", "192.0.2.1:65535": "192.0.2.1 65535",
		"[2001:DB8::1]:443": "2001:db8::1 443", "_x.a-b.example:443": "_x.a-b.example 443",
		"a.example": "", "a.example:": "", "a.example:0": "", "a.example:65536": "", "a.example:-1": "", "a.example:+443": "",
		"user@a.example:443": "", "a.example:443/path": "", "a.example:443?q": "", "http://a.example:443": "", ":443": "", "/rpc": "",
		"a..example:443": "", ".a.example:443": "", "a b:443": "", "a%2eexample:443": "", "2001:db8::1:443": "", "[a.example]:443": "",
		"[fe80::1%25eth0]:443": "", "ä.example:443": "", strings.Repeat("a", 254) + ":443": "", strings.Repeat("9", 400): "",
	} {
		host, port, err := connectTarget(target)
		got := ""
		if err == nil {
			got = fmt.Sprint(host, " ", port)
		}
		if got != want {
			t.Errorf("%.60s: %q (%v), want %q", target, got, err, want)
		}
	}
}

func FuzzConnectTarget(f *testing.F) {
	f.Add("a.example:443")
	f.Add("[::1]:1")
	f.Fuzz(func(t *testing.T, s string) {
		host, port, err := connectTarget(s)
		if err != nil {
			return
		}
		if _, perr := netip.ParseAddr(host); port == 0 || perr != nil && !plainHost(host) {
			t.Errorf("%q: %q %d", s, host, port)
		}
	})
}

func TestConnectRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	addr := w.serve(Always)
	_, port, _ := net.SplitHostPort(addr)
	for target, want := range map[string]int{
		"user@site.example:443": 400, "site.example:70000": 400, "site.example:443/x": 400, "169.254.169.254:80": 403,
		"127.0.0.1:" + port: 403, "[::ffff:127.0.0.1]:" + port: 403, "0.0.0.0:" + port: 403, "site.example:443": 200,
	} {
		if _, got := tunnelTo(t, addr, target); got != want {
			t.Errorf("CONNECT %s: %d, want %d", target, got, want)
		}
	}
}

func TestConnectPortsOfOthers(t *testing.T) {
	t.Parallel()
	addr := lanAddress(t)
	w := newWorld(t, func(p *Proxy) {
		p.AllowFrom = []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen()), netip.MustParsePrefix("127.0.0.0/8")}
	})
	w.site(http.HandlerFunc(greet), "site.example")
	ln, err := net.Listen("tcp", netip.AddrPortFrom(addr, 0).String())
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.p.ServeWith(ctx, ln, ListenerOptions{}) }()
	defer func() { cancel(); <-done }()
	proxy := ln.Addr().String()
	for target, want := range map[string]int{"site.example:443": 200, "site.example:8443": 200, "site.example:22": 403,
		"127.0.0.1:443": 403, "192.168.1.1:443": 403} {
		if _, got := tunnelTo(t, proxy, target); got != want {
			t.Errorf("CONNECT %s: %d, want %d", target, got, want)
		}
	}
	// A private target in the pool of this machine is no way in for another device.
	origin := w.site(http.HandlerFunc(greet), "router")
	ap := netip.MustParseAddrPort("192.168.1.1:80")
	w.mu.Lock()
	w.names["router"] = Answer{Addrs: []netip.Addr{ap.Addr()}}
	w.addrs[ap.String()] = w.addrs[netip.AddrPortFrom(w.names["site.example"].Addrs[0], 80).String()]
	w.mu.Unlock()
	_ = origin
	here := w.serve(Auto)
	if resp, _ := get(t, w.client(here, nil, false), "http://router/"); resp.StatusCode != 200 {
		t.Fatalf("this machine: %d", resp.StatusCode)
	}
	if resp, _ := get(t, w.client(proxy, nil, false), "http://router/"); resp.StatusCode != 403 {
		t.Errorf("another device: %d, want 403", resp.StatusCode)
	}
	if resp, _ := get(t, w.client(here, nil, false), "http://router/"); resp.StatusCode != 200 {
		t.Errorf("this machine, again: %d", resp.StatusCode)
	}
	if n := w.dialled(ap.String()); n != 1 {
		t.Errorf("%d connections to the router, want 1 that was reused", n)
	}
}

// lanAddress returns an address of this machine that is not loopback.
func lanAddress(t *testing.T) netip.Addr {
	t.Helper()
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr()
		}
	}
	t.Skip("this machine has no address but loopback")
	return netip.Addr{}
}

func TestHelloSentAlongWithConnect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example")
	for _, mode := range []Mode{Always, Never} {
		addr := w.serve(mode)
		c := raw(t, addr)
		roots := w.ca
		if mode == Never {
			roots = w.roots.pool
		}
		// The first write carries the CONNECT and the ClientHello.
		early := &firstWrite{Conn: c, before: "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n"}
		tc := tls.Client(early, &tls.Config{ServerName: "site.example", RootCAs: roots})
		if err := tc.Handshake(); err != nil {
			t.Fatalf("mode %v: %v", mode, err)
		}
		fmt.Fprint(tc, "GET / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(tc), nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(resp.Body); string(b) != "hello from site.example" {
			t.Errorf("mode %v: %q", mode, b)
		}
	}
}

// firstWrite puts a CONNECT before the first write and takes its answer off
// the first read.
type firstWrite struct {
	net.Conn
	before string
	br     *bufio.Reader
}

func (c *firstWrite) Write(p []byte) (int, error) {
	if c.before == "" {
		return c.Conn.Write(p)
	}
	_, err := c.Conn.Write(append([]byte(c.before), p...))
	c.before = ""
	return len(p), err
}

func (c *firstWrite) Read(p []byte) (int, error) {
	if c.br == nil {
		c.br = bufio.NewReader(c.Conn)
		if _, err := http.ReadResponse(c.br, &http.Request{Method: "CONNECT"}); err != nil {
			return 0, err
		}
	}
	return c.br.Read(p)
}

func TestInsideTheTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example", "other.example")
	addr := w.serve(Always)
	for _, tt := range []struct {
		name, connect, sni, request string
		want                        int
	}{
		{"as it should be", "site.example:443", "site.example", "GET / HTTP/1.1\r\nHost: site.example\r\n\r\n", 200},
		{"port written out", "site.example:443", "site.example", "GET / HTTP/1.1\r\nHost: Site.Example:443\r\n\r\n", 200},
		{"absolute form", "site.example:443", "site.example", "GET https://site.example/ HTTP/1.1\r\nHost: site.example\r\n\r\n", 200},
		{"options *", "site.example:443", "site.example", "OPTIONS * HTTP/1.1\r\nHost: site.example\r\n\r\n", 200},
		{"other host", "site.example:443", "site.example", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", 421},
		{"other port", "site.example:443", "site.example", "GET / HTTP/1.1\r\nHost: site.example:444\r\n\r\n", 421},
		{"other host, absolute form", "site.example:443", "site.example", "GET https://other.example/ HTTP/1.1\r\nHost: site.example\r\n\r\n", 421},
		{"other scheme", "site.example:443", "site.example", "GET http://site.example/ HTTP/1.1\r\nHost: site.example\r\n\r\n", 421},
		{"other name in the hello", "site.example:443", "other.example", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", 421},
		{"connect", "site.example:443", "site.example", "CONNECT other.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n", 405},
		{"address and name", "192.0.2.1:443", "site.example", "GET / HTTP/1.1\r\nHost: site.example\r\n\r\n", 200},
		{"address, other name", "192.0.2.1:443", "site.example", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", 421},
	} {
		c, _ := tunnelTo(t, addr, tt.connect)
		tc := tls.Client(c, &tls.Config{ServerName: tt.sni, RootCAs: w.ca})
		if _, err := io.WriteString(tc, tt.request); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(tc), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if resp.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, resp.StatusCode, tt.want)
		}
		tc.Close()
	}
}

func TestPlainInsideATunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example", "px.acme.example")
	addr := w.serve(Auto)
	c, _ := tunnelTo(t, addr, "site.example:80")
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: site.example\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "hello from site.example" {
		t.Errorf("%d %q", resp.StatusCode, b)
	}
	c, _ = tunnelTo(t, addr, "px.acme.example:80")
	fmt.Fprint(c, "GET /tr?id=1 HTTP/1.1\r\nHost: px.acme.example\r\nSec-Fetch-Dest: image\r\n\r\n")
	resp, err = http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); !bytes.HasPrefix(b, []byte("GIF8")) {
		t.Errorf("a hit inside a plain tunnel got %d %q", resp.StatusCode, b)
	}
}

func TestOtherProtocolsPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() { // a server that speaks first, then echoes until the client has finished
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.WriteString(c, "220 ready\n")
				b, _ := io.ReadAll(c)
				_, _ = c.Write(b)
			}()
		}
	}()
	w.place("mail.example", 25, ln.Addr().String())
	w.place("px.acme.example", 25, ln.Addr().String())
	addr := w.serve(Auto)
	for _, first := range []string{"", "\x00binary", "ehlo me\n", "PRI * HTTP/2.0\r\n", "\x16\x03\x01\x00\x04\x02\x00\x00\x00"} {
		c, _ := tunnelTo(t, addr, "mail.example:25")
		_, _ = io.WriteString(c, first)
		br := bufio.NewReader(c)
		if line, err := br.ReadString('\n'); line != "220 ready\n" {
			t.Fatalf("first %q: %q %v", first, line, err)
		}
		_, _ = io.WriteString(c, "more")
		_ = closeWrite(c.(*replayed).Conn) // half-close: the answer must still come
		if b, err := io.ReadAll(br); string(b) != first+"more" || err != nil {
			t.Errorf("first %q: echo %q %v", first, b, err)
		}
	}
	c, _ := tunnelTo(t, addr, "px.acme.example:25")
	_, _ = io.WriteString(c, "\x00binary")
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil {
		t.Errorf("a tracker's name was reached without TLS: %q %v", b, err)
	}
	if n := w.p.Stats().Spliced["not TLS"]; n != 5 {
		t.Errorf("%d splices, want 5", n)
	}
}

func TestUpstreamProxy(t *testing.T) {
	t.Parallel()
	far := newWorld(t, nil)
	far.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "via %v", r.Header["Via"] != nil)
	}), "site.example")
	up := far.serve(Never)
	near := newWorld(t, func(p *Proxy) {
		p.RootCAs, p.Dial, p.Upstream = far.roots.pool, nil, "http://user:pass@"+up
	})
	addr := near.serve(Always)
	if _, body := get(t, near.client(addr, nil, true), "https://site.example/"); body != "via false" {
		t.Errorf("intercepted: %q", body)
	}
	if _, body := get(t, near.client(addr, nil, true), "http://site.example/"); body != "via true" {
		t.Errorf("plain: %q", body)
	}
	if _, body := get(t, near.client(near.serve(Never), far.roots.pool, true), "https://site.example/"); body != "via false" {
		t.Errorf("spliced: %q", body)
	}
	if resp, _ := get(t, near.client(addr, nil, false), "http://169.254.169.254/"); resp.StatusCode != 403 {
		t.Errorf("metadata through the upstream: %d", resp.StatusCode)
	}
	bad := &Proxy{Upstream: "socks5://x"}
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	if err := bad.Serve(t.Context(), ln); err == nil {
		t.Error("an upstream that is no HTTP proxy was taken")
	}
}
