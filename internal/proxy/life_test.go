package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLoops(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.AllowPrivate = true })
	addr := w.serve(Always)
	c := w.client(addr, nil, false)
	if resp, _ := get(t, c, "http://"+addr+"/"); resp.StatusCode != 403 {
		t.Errorf("itself: %d, want 403", resp.StatusCode)
	}
	// Another proxy leads back to us: the pseudonym in Via ends the ring.
	ring := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		u := &url.URL{Scheme: "http", Host: addr}
		r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", "router"
		resp, err := (&http.Transport{Proxy: http.ProxyURL(u), DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			rw.WriteHeader(599)
			return
		}
		resp.Body.Close()
		rw.WriteHeader(resp.StatusCode)
	})
	w.site(ring, "ring.example")
	w.mu.Lock()
	router := netip.MustParseAddr("192.168.1.1")
	w.names["router"] = Answer{Addrs: []netip.Addr{router}}
	w.addrs["192.168.1.1:80"] = w.addrs[netip.AddrPortFrom(w.names["ring.example"].Addrs[0], 80).String()]
	w.mu.Unlock()
	if resp, _ := get(t, c, "http://router/"); resp.StatusCode != http.StatusLoopDetected {
		t.Errorf("ring: %d, want 508", resp.StatusCode)
	}
	if n := w.dialled("192.168.1.1:80"); n != 1 {
		t.Errorf("the ring was gone through %d times", n)
	}
}

func TestServeEndsWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.Drain = 100 * time.Millisecond })
	block := make(chan struct{})
	t.Cleanup(func() { close(block) })
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(200)
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-r.Context().Done():
		case <-block:
		}
	}), "site.example")
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.p.ServeWith(ctx, ln, ListenerOptions{Intercept: Always}) }()
	addr := ln.Addr().String()
	var bodies []io.ReadCloser
	for _, h2 := range []bool{false, true} { // answers that never end
		resp, err := w.client(addr, nil, h2).Get("https://site.example/")
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, resp.Body)
	}
	idle, _ := tunnelTo(t, addr, "site.example:443") // a tunnel that says nothing
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve waits for ever")
	}
	for _, b := range bodies {
		if _, err := io.ReadAll(b); err == nil {
			t.Error("a body that was cut off looks whole")
		}
		b.Close()
	}
	if _, err := io.ReadAll(idle); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the tunnel is still open")
	}
	if w.p.core != nil {
		t.Error("the core is still there")
	}
}

func TestIdleTunnelEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.TunnelIdle = 100 * time.Millisecond })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	w.place("quiet.example", 25, ln.Addr().String())
	c, _ := tunnelTo(t, w.serve(Auto), "quiet.example:25")
	_, _ = io.WriteString(c, "\x00")
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("an idle tunnel was not closed: %v", err)
	}
}
