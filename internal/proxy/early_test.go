package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/quench-proxy/quench/internal/proxy/guard"
)

// connectAnswer does a CONNECT and sends a first byte along, as browsers that
// are in a hurry do; it returns status and body.
func connectAnswer(t *testing.T, proxy, target string) (int, string) {
	t.Helper()
	c := raw(t, proxy)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n\x16", target, target)
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatalf("CONNECT %s: %v", target, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.StatusCode, ""
	}
	// net/http takes an answer to CONNECT for a tunnel if it is 200 only.
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("CONNECT %s: body: %v", target, err)
	}
	return resp.StatusCode, string(body)
}

// TestSplicesFailAtConnect: where it is clear from the start that a tunnel will
// be spliced, a site that is not there makes the CONNECT fail.
func TestSplicesFailAtConnect(t *testing.T) {
	t.Parallel()
	prepare := func(change func(*Proxy)) *world {
		w := newWorld(t, change)
		w.place("dead.example", 443, nobody(t))
		w.site(http.HandlerFunc(greet), "site.example")
		w.mu.Lock()
		w.names["null.example"] = Answer{Addrs: []netip.Addr{netip.IPv4Unspecified()}}
		w.names["said-no.example"] = Answer{Blocked: true}
		w.names["loop.example.com"] = Answer{Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
		w.names["inside.example.com"] = Answer{Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}}
		w.mu.Unlock()
		return w
	}
	cases := []struct {
		host string
		want int
		says string
	}{
		{"site.example", 200, ""},
		{"dead.example", 502, "The site refused the connection."},
		{"nowhere.example", 502, "This name does not exist."},
		{"null.example", 502, "Already blocked by your DNS."},
		{"said-no.example", 502, "Already blocked by your DNS."},
		{"loop.example.com", 403, "Already blocked by your DNS."},
		{"inside.example.com", 403, "Quench does not go there."},
	}
	for name, w := range map[string]*world{
		"never": prepare(nil),
		"list":  prepare(func(p *Proxy) { p.Never = func(string) (string, bool) { return "bank", true } }),
	} {
		addr := w.serve(map[string]Mode{"never": Never, "list": Auto}[name])
		for _, tt := range cases {
			got, says := connectAnswer(t, addr, tt.host+":443")
			if got != tt.want || !strings.Contains(says, tt.says) {
				t.Errorf("%s, %s: %d %q, want %d %q", name, tt.host, got, says, tt.want, tt.says)
			}
			for _, bad := range []string{"dial", "lookup", "refused:", "%!"} {
				if strings.Contains(says, bad) {
					t.Errorf("%s, %s: Go's words: %q", name, tt.host, says)
				}
			}
		}
		if who, err := issuer(w.client(addr, w.roots.pool, false), "https://site.example/"); err != nil || who != "Test Root" {
			t.Errorf("%s: the tunnel leads to %q, %v", name, who, err)
		}
	}
	// Who may yet be intercepted gets the tunnel first.
	w := prepare(nil)
	if got, _ := connectAnswer(t, w.serve(Always), "dead.example:443"); got != 200 {
		t.Errorf("intercepting: %d, want 200", got)
	}
}

// TestEarlyDialsAreClosed: a tunnel that comes to nothing leaves no connection
// to the site behind.
func TestEarlyDialsAreClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	w.place("site.example", 443, ln.Addr().String())
	addr := w.serve(Never)
	c, status := tunnelTo(t, addr, "site.example:443")
	far, err := ln.Accept()
	if err != nil || status != 200 {
		t.Fatal(err, status)
	}
	defer far.Close()
	_ = c.Close()
	if n, err := far.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the site read %d bytes, %v, want the end", n, err)
	}
}

// TestTrackersAreNotDialledEarly: what is refused by name is refused in TLS,
// and its owner hears nothing, not even a connection.
func TestTrackersAreNotDialledEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const host = "px.acme.example"
	w.site(http.HandlerFunc(greet), host)
	addr := w.serve(Never)
	c, status := tunnelTo(t, addr, host+":443")
	if status != 200 {
		t.Fatalf("CONNECT: %d, want 200: the refusal is an alert", status)
	}
	err := tls.Client(c, &tls.Config{ServerName: host}).Handshake()
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("the handshake ended with %v, want unrecognized_name", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.dials) != 0 {
		t.Errorf("dialled %v", w.dials)
	}
}

func TestLocalFaults(t *testing.T) {
	t.Parallel()
	op := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for _, tt := range []struct {
		err       error
		want, who string
	}{
		{op(syscall.EMFILE), "exhausted", "Quench"}, {op(syscall.EADDRNOTAVAIL), "exhausted", "Quench"},
		{op(syscall.EACCES), "forbidden", "this computer"}, {op(syscall.EPERM), "forbidden", "this computer"},
		{op(syscall.ENETDOWN), "network", "the network"}, {context.Canceled, "stopping", "Quench"},
		{&upstreamError{err: op(syscall.ECONNREFUSED)}, "upstream", "the proxy behind Quench"},
		{&net.OpError{Op: "proxyconnect", Err: &upstreamError{err: errors.New("x")}}, "upstream", "the proxy behind Quench"},
		{&upstreamError{status: 407}, "upstream-password", "the proxy behind Quench"},
		{&upstreamError{status: 503}, "upstream-refused", "the proxy behind Quench, or the site behind that"},
		{&guardError{why: guard.Rebinding, loopback: true}, "loopback-address", "your DNS"},
		{&guardError{why: guard.Rebinding}, "guard", "Quench"},
	} {
		f := faultOf(tt.err)
		if f.id != tt.want || f.who != tt.who || f.title == "" || f.text == "" || f.status < 400 {
			t.Errorf("%v: %+v, want %s by %s", tt.err, f, tt.want, tt.who)
		}
	}
}

// TestUpstreamFaults goes through proxies that fail in each way.
func TestUpstreamFaults(t *testing.T) {
	t.Parallel()
	gone := nobody(t)
	for _, tt := range []struct {
		name   string
		status int // that it answers CONNECT with; 0: nobody is there
		want   string
	}{{"gone", 0, "upstream"}, {"wants a password", 407, "upstream-password"}, {"cannot", 504, "upstream-refused"}} {
		addr := gone
		if tt.status != 0 {
			s := newPlainServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.status) }))
			addr = s
		}
		w := newWorld(t, func(p *Proxy) {
			p.Upstream = (&url.URL{Scheme: "http", Host: addr}).String()
			p.Dial = nil
		})
		front := w.serve(Always)
		_, body := get(t, w.client(front, nil, false), "https://site.example/", "Accept", "text/html")
		if !strings.Contains(body, `data-fault="`+tt.want+`"`) {
			t.Errorf("%s: intercepted: %q, want %s", tt.name, body, tt.want)
		}
		early := w.serve(Never)
		if got, says := connectAnswer(t, early, "site.example:443"); got != 502 || !strings.Contains(says, "The proxy behind Quench") {
			t.Errorf("%s: spliced: %d %q", tt.name, got, says)
		}
	}
}

func newPlainServer(t *testing.T, h http.Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ErrorLog: quietLog()}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}
