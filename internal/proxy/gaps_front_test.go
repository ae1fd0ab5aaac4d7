package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elazarl/goproxy"
)

// trap is where the environment of gap 8 sends everything.
var trap atomic.Int64

func trapEnvironment(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	trap.Store(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			trap.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "http://"+ln.Addr().String())
	}
}

func gapsOfFront() []gap {
	return []gap{
		{n: 1, name: "two idle connections for each site", check: gapIdlePool},
		{n: 6, name: "hop-by-hop fields pass", check: gapHopByHop},
		{n: 7, name: "no loop detection", check: gapLoop, set: rigOptions{
			ours: func(w *world, addr string) { w.lead(addr); w.p.Upstream = "http://" + addr },
			bare: func(w *world, addr string, g *goproxy.ProxyHttpServer) {
				g.Tr.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
					if w.dialled(addr) > 50 {
						return nil, errors.New("enough") // else it runs out of descriptors
					}
					return w.dialName(ctx, network, to)
				}
				g.Tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: addr})
			}}},
		{n: 8, name: "proxy variables of the environment", check: gapEnvironment, set: rigOptions{tunnel: true}, alone: true},
		{n: 10, name: "103 Early Hints dropped", check: gapEarlyHints},
		{n: 11, name: "Accept-Encoding changed", check: gapAcceptEncoding},
		{n: 12, name: "plain streams not flushed", check: gapFlush},
		{n: 17, name: "no response for the response handlers", check: gapNilResponse, set: rigOptions{
			bare: func(_ *world, _ string, g *goproxy.ProxyHttpServer) {
				g.OnResponse().DoFunc(func(r *http.Response, _ *goproxy.ProxyCtx) *http.Response {
					r.Header.Del("X") // as handlers are written
					return r
				})
			}}},
		{n: 20, name: "PreventCanonicalization keeps bytes", check: gapCanonical, only: "off there by default"},
		{n: 21, name: "chaining not pooled", check: gapChaining, set: rigOptions{
			ours: func(w *world, _ string) { u, n := w.upstreamProxy(); w.p.Upstream = u.String(); w.chained = n },
			bare: func(w *world, _ string, g *goproxy.ProxyHttpServer) {
				u, n := w.upstreamProxy()
				g.Tr.Proxy = http.ProxyURL(u)
				w.chained = n
			}}},
	}
}

func gapIdlePool(r *rig) error {
	r.site(inStep(16), "site.example")
	if err := r.crowdOf(16, 5, "http://site.example/"); err != nil {
		return err
	}
	if n := r.dialled(r.at("site.example", 80)); n > 32 {
		return fmt.Errorf("%d connections for 80 requests of 16 clients", n)
	}
	return nil
}

// at is the address by which a host of the world is dialled.
func (w *world) at(host string, port uint16) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return netip.AddrPortFrom(w.names[host].Addrs[0], port).String()
}

func gapHopByHop(r *rig) error {
	seen := make(chan http.Header, 1)
	r.site(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		seen <- q.Header.Clone()
		w.Header().Set("Connection", "X-Named")
		w.Header().Set("X-Named", "1")
		w.Header().Set("Keep-Alive", "timeout=5")
	}), "site.example")
	c, err := r.open()
	if err != nil {
		return err
	}
	resp, _, err := speak(c, "GET http://site.example/ HTTP/1.1\r\nHost: site.example\r\nConnection: X-Secret\r\nX-Secret: s\r\n"+
		"Keep-Alive: 5\r\nTE: gzip\r\nUpgrade: h2c\r\n\r\n")
	if err != nil {
		return err
	}
	h := <-seen
	for _, name := range []string{"X-Secret", "Keep-Alive", "Te", "Upgrade"} {
		if v, ok := h[name]; ok {
			return fmt.Errorf("the site got %s: %s", name, v)
		}
	}
	for _, name := range []string{"X-Named", "Keep-Alive"} {
		if v, ok := resp.Header[name]; ok {
			return fmt.Errorf("the client got %s: %s", name, v)
		}
	}
	return nil
}

// gapLoop is asked of a proxy that is its own upstream proxy.
func gapLoop(r *rig) error {
	for _, u := range []string{"http://site.example/", "https://site.example/"} {
		c := r.browser(false)
		resp, _, err := r.ask(c, "GET", u)
		if n := r.dialled(r.addr); n > 6 {
			return fmt.Errorf("%d passes of one request", n)
		}
		if err != nil {
			return err
		}
		if resp.StatusCode < 400 {
			return fmt.Errorf("%s was answered with %d", u, resp.StatusCode)
		}
	}
	return nil
}

func gapEnvironment(r *rig) error {
	r.site(http.HandlerFunc(greet), "site.example")
	c := r.client(r.addr, r.world.roots.pool, false)
	c.Timeout = r.patience()
	_, body, err := r.ask(c, "GET", "https://site.example/")
	if n := trap.Swap(0); n > 0 {
		return fmt.Errorf("%d connections went to the proxy of the environment", n)
	}
	if err == nil && body != "hello from site.example" {
		err = fmt.Errorf("answer %q", body)
	}
	return err
}

func gapEarlyHints(r *rig) error {
	r.site(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "done")
	}), "site.example")
	for _, base := range []string{"http", "https"} {
		var got atomic.Int64
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { got.Store(int64(code)); return nil }})
		q, _ := http.NewRequestWithContext(ctx, "GET", base+"://site.example/", nil)
		resp, err := r.browser(false).Do(q)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if got.Load() != 103 {
			return fmt.Errorf("%s: no 103", base)
		}
	}
	return nil
}

func gapAcceptEncoding(r *rig) error {
	r.site(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, q.Header.Get("Accept-Encoding"))
	}), "site.example")
	for _, base := range []string{"http", "https"} {
		_, body, err := r.ask(r.browser(false), "GET", base+"://site.example/", "Accept-Encoding", "gzip, br, zstd")
		if err != nil {
			return err
		}
		if body != "gzip, br, zstd" {
			return fmt.Errorf("%s: the site saw %q", base, body)
		}
	}
	return nil
}

func gapFlush(r *rig) error {
	more := make(chan struct{})
	r.site(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-more:
		case <-time.After(r.patience()):
		}
		_, _ = io.WriteString(w, "last\n")
	}), "site.example")
	c := r.browser(false)
	c.Timeout *= 2
	start := time.Now()
	resp, err := c.Get("http://site.example/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	buf := make([]byte, 64)
	n, err := resp.Body.Read(buf)
	waited := time.Since(start)
	close(more)
	if err != nil && err != io.EOF {
		return err
	}
	if strings.Contains(string(buf[:n]), "last") || waited > r.patience()-time.Millisecond*300 {
		return fmt.Errorf("the first chunk came with the last, after %v", waited.Round(time.Millisecond))
	}
	return nil
}

func gapNilResponse(r *rig) error {
	r.place("dead.example", 81, "127.0.0.1:1") // a name, but nobody at port 80
	resp, body, err := r.ask(r.browser(false), "GET", "http://dead.example/", "Accept", "text/html")
	if err != nil {
		return err
	}
	if resp.StatusCode != 502 || !strings.Contains(body, "data-fault") {
		return fmt.Errorf("answer %d %.40q", resp.StatusCode, body)
	}
	return nil
}

func gapCanonical(r *rig) error {
	s := newServer(r.p, &core{ctx: context.Background()}, ListenerOptions{})
	defer s.cancel()
	if s.chain.PreventCanonicalization {
		return errors.New("it is on")
	}
	return nil
}

func gapChaining(r *rig) error {
	r.siteTLS(inStep(16), h1Only(r.world, "site.example"), "site.example")
	if err := r.crowdOf(16, 3, "https://site.example/"); err != nil {
		return err
	}
	if n := r.chained.get(); n > 24 {
		return fmt.Errorf("%d connections to the upstream proxy for 48 requests of 16 clients", n)
	}
	return nil
}
