package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/engine"
)

// arrivals keeps what reached an origin.
type arrivals struct {
	mu   sync.Mutex
	list []string
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	a.list = append(a.list, fmt.Sprintf("%s %s %s %q", r.Method, r.Host, r.RequestURI, b))
	a.mu.Unlock()
}

func (a *arrivals) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	return list
}

// say writes request to c and returns the final status, 0 if there is none.
func say(c net.Conn, request string) int {
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }()
	for br := bufio.NewReader(c); ; {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return 0
		}
		if resp.StatusCode >= 200 {
			return resp.StatusCode
		}
	}
}

func (w *world) alsoAt(host string, port, as int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.names[host].Addrs[0].String()
	w.addrs[fmt.Sprintf("%s:%d", a, port)] = w.addrs[fmt.Sprintf("%s:%d", a, as)]
}

// TestHitsNeverLeave writes one hit in every way that reaches the tracker's
// server as the same thing.
func TestHitsNeverLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	got := &arrivals{}
	w.site(got, "px.acme.example", "site.example")
	w.alsoAt("px.acme.example", 8080, 80)
	w.alsoAt("px.acme.example", 8443, 443)
	addr := w.serve(Always)
	const end = " HTTP/1.1\r\nHost: px.acme.example\r\nSec-Fetch-Dest: image\r\n"
	var plainly []string
	for _, url := range []string{
		"http://px.acme.example/tr?id=1", "http://PX.Acme.EXAMPLE/tr?id=1", "http://px.acme.example./tr?id=1", "http://px.acme.example:80/tr?id=1",
		"http://px.acme.example.:8080/tr?id=1", "http://px.acme.example:/tr?id=1", "http://u:p@px.acme.example/tr?id=1", "http://site.example@px.acme.example/tr?id=1",
		"HTTP://px.acme.example/tr?id=1", "https://px.acme.example/tr?id=1", "https://px.acme.example:8443/tr?id=1", "http://px.acme.example/tr?id=1#x",
		"http://px.acme.example/tr?id=" + strings.Repeat("a", 64<<10), "http://px%2eacme.example/tr?id=1", "http://px.acme.example\\@site.example/tr?id=1",
	} {
		plainly = append(plainly, "GET "+url+end+"\r\n", "GET "+url+strings.Replace(end, "px.acme", "site", 1)+"\r\n")
	}
	var either []string
	for _, method := range []string{"HEAD", "POST", "PUT", "DELETE", "TRACE", "get"} {
		either = append(either, method+" %s"+end+"\r\n")
	}
	for _, field := range []string{
		"Range: bytes=0-1", `If-None-Match: "x"`, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
		"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk", "Expect: 100-continue\r\nContent-Length: 4",
		"Connection: Sec-Fetch-Dest, Host", "X: " + strings.Repeat("y", 64<<10),
	} {
		either = append(either, "GET %s"+end+field+"\r\n\r\n")
	}
	either = append(either, "OPTIONS %s"+end+"Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n")
	for _, request := range either {
		plainly = append(plainly, fmt.Sprintf(request, "http://px.acme.example/tr?id=1"))
	}
	for _, request := range plainly {
		if status := say(raw(t, addr), request); status == 0 {
			t.Errorf("%.80q: no answer", request)
		}
		if list := got.take(); list != nil {
			t.Errorf("%.80q left as %.80q", request, list)
		}
	}
	for _, request := range either {
		c, _ := tunnelTo(t, addr, "px.acme.example:443")
		if say(tls.Client(c, &tls.Config{ServerName: "px.acme.example", RootCAs: w.ca}), fmt.Sprintf(request, "/tr?id=1")) == 0 {
			t.Errorf("intercepted %.60q: no answer", request)
		}
		if list := got.take(); list != nil {
			t.Errorf("intercepted %.60q left as %.80q", request, list)
		}
	}
	for _, tt := range [][3]string{
		{"PX.ACME.EXAMPLE:443", "px.acme.example", "px.acme.example"}, {"px.acme.example.:443", "px.acme.example", "px.acme.example."},
		{"px.acme.example:8443", "px.acme.example", "px.acme.example:8443"}, {"192.0.2.1:443", "px.acme.example", "px.acme.example"},
		{"192.0.2.1:443", "px.acme.example", "192.0.2.1"}, {"site.example:443", "px.acme.example", "px.acme.example"},
		{"site.example:443", "px.acme.example", "site.example"}, {"px.acme.example:443", "site.example", "px.acme.example"},
		{"px.acme.example:443", "site.example", "site.example"}, {"px.acme.example:8080", "", "px.acme.example:8080"},
	} {
		c, _ := tunnelTo(t, addr, tt[0])
		if tt[1] != "" {
			c = tls.Client(c, &tls.Config{ServerName: tt[1], InsecureSkipVerify: true})
		}
		say(c, "GET /tr?id=1 HTTP/1.1\r\nHost: "+tt[2]+"\r\n\r\n")
		if list := got.take(); list != nil {
			t.Errorf("%v left as %q", tt, list)
		}
	}
}

// TestOneRequestStaysOne sends what careless servers take for two requests, or
// for another one than we saw.
func TestOneRequestStaysOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	got := &arrivals{}
	w.site(got, "site.example")
	addr := w.serve(Always)
	const second = "GET /b HTTP/1.1\r\nHost: site.example\r\n\r\n"
	for _, tt := range []struct{ name, rest, want string }{
		{"two equal lengths", "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", `POST site.example /a "abcd"`},
		{"two lengths", "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd" + second, ""},
		{"length list", "Content-Length: 4, 40\r\n\r\nabcd" + second, ""},
		{"signed length", "Content-Length: +4\r\n\r\nabcd" + second, ""},
		{"length and coding", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second, `POST site.example /a ""`},
		{"space before the colon", "Content-Length: 60\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + second, ""},
		{"two codings", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + second, ""},
		{"unknown coding", "Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\nabc", ""},
		{"obs-fold", "Content-Length: 0\r\nX: a\r\n b: c\r\n\r\n", `POST site.example /a ""`},
		{"folded coding", "Content-Length: 4\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\nabcd", `POST site.example /a "abcd"`},
		{"NUL in a value", "X: a\x00b\r\n\r\n", ""},
		{"bare CR in a value", "X: a\rGET /b HTTP/1.1\r\n\r\n", ""},
		{"another host", "Host: other.example\r\n\r\n", ""},
		{"space in a name", "Bad Name: y\r\n\r\n", ""},
	} {
		say(raw(t, addr), "POST http://site.example/a HTTP/1.1\r\nHost: site.example\r\n"+tt.rest)
		if list := strings.Join(got.take(), "; "); list != tt.want {
			t.Errorf("%s: the origin saw %s, want %s", tt.name, list, tt.want)
		}
	}
	for _, line := range []string{"/a\x00b", "/a\x7fb", "/a?\x01", "/a b", "/a HTTP/1.1\rX: y"} {
		if status := say(raw(t, addr), "GET http://site.example"+line+" HTTP/1.1\r\nHost: site.example\r\n\r\n"); status != 400 {
			t.Errorf("%q: %d, want 400", line, status)
		}
		if list := got.take(); list != nil {
			t.Errorf("%q: left as %q", line, list)
		}
	}
	// A bare LF ends a line for us; what leaves has none.
	say(raw(t, addr), "GET http://site.example/lf HTTP/1.1\nHost: site.example\nX: y\n\n")
	if list := got.take(); len(list) != 1 || list[0] != `GET site.example /lf ""` {
		t.Errorf("bare LF: %q", list)
	}
}

func TestPathsLeaveAsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	got := &arrivals{}
	w.site(got, "site.example")
	addr := w.serve(Always)
	far := newWorld(t, func(p *Proxy) { p.Upstream, p.Dial = "http://"+addr, nil })
	chained := far.serve(Always)
	for _, path := range []string{"/a|b^c", "/a%7Cb|", "/%2e%2E/|?q=|{}\"^", "/a%2Fb", "/[x]|;y=z", "/`{}<>", "/||", "/%e4|%FC"} {
		want := fmt.Sprintf("GET site.example %s %q", path, "")
		for name, proxy := range map[string]string{"plain": addr, "chained": chained} {
			say(raw(t, proxy), "GET http://site.example"+path+" HTTP/1.1\r\nHost: site.example\r\n\r\n")
			if list := got.take(); len(list) != 1 || list[0] != want {
				t.Errorf("%s: the origin saw %q, want %q", name, list, want)
			}
		}
		c, _ := tunnelTo(t, addr, "site.example:443")
		say(tls.Client(c, &tls.Config{ServerName: "site.example", RootCAs: w.ca}), "GET "+path+" HTTP/1.1\r\nHost: site.example\r\n\r\n")
		if list := got.take(); len(list) != 1 || list[0] != want {
			t.Errorf("intercepted: the origin saw %q, want %q", list, want)
		}
	}
}

// TestOtherTLSPasses: what is not HTTP inside TLS is nothing that we can answer.
func TestOtherTLSPasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{NextProtos: []string{"acme/1"}, Certificates: []tls.Certificate{*w.roots.leaf(t, "mail.example")}})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.WriteString(c, "* OK ready\n") }()
		}
	}()
	addr := w.serve(Always)
	for _, tt := range []struct {
		port int
		alpn []string
	}{{993, nil}, {443, []string{"acme/1"}}, {8883, []string{"acme/1"}}} {
		w.place("mail.example", tt.port, ln.Addr().String())
		c, _ := tunnelTo(t, addr, fmt.Sprintf("mail.example:%d", tt.port))
		tc := tls.Client(c, &tls.Config{ServerName: "mail.example", RootCAs: w.roots.pool, NextProtos: tt.alpn})
		if line, err := bufio.NewReader(tc).ReadString('\n'); line != "* OK ready\n" {
			t.Errorf("port %d, protocols %q: %q, %v", tt.port, tt.alpn, line, err)
		}
		tc.Close()
	}
	if n := w.p.Stats().Spliced[reasonNotHTTP]; n != 3 {
		t.Errorf("%d splices were counted, want 3", n)
	}
	c, _ := tunnelTo(t, addr, "px.acme.example:443")
	err = tls.Client(c, &tls.Config{ServerName: "px.acme.example", NextProtos: []string{"acme/1"}}).Handshake()
	if !alertIn(err, 112) {
		t.Errorf("a tracker by another protocol: %v, want a refusal", err)
	}
}

// TestRingOfProxies: two proxies that each go through the other.
func TestRingOfProxies(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var real [2]string
	dials := 0
	to := func(i int) func(context.Context, string, string) (net.Conn, error) {
		return func(ctx context.Context, network, _ string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if dials++; dials > 100 {
				return nil, errNullAddress
			}
			return (&net.Dialer{}).DialContext(ctx, network, real[i])
		}
	}
	for _, mode := range []Mode{Always, Never} {
		a := newWorld(t, func(p *Proxy) { p.Upstream, p.Dial = "http://192.0.2.201:8118", to(1) })
		b := newWorld(t, func(p *Proxy) { p.Upstream, p.Dial = "http://192.0.2.202:8118", to(0) })
		mu.Lock()
		real, dials = [2]string{a.serve(mode), b.serve(mode)}, 0
		mu.Unlock()
		c := a.client(real[0], a.ca, false)
		if resp, err := c.Get("https://site.example/"); err == nil {
			if resp.Body.Close(); resp.StatusCode < 500 {
				t.Errorf("mode %d: %d through a ring", mode, resp.StatusCode)
			}
		}
		if resp, _ := get(t, c, "http://site.example/"); resp.StatusCode != http.StatusLoopDetected {
			t.Errorf("mode %d, plain: %d, want 508", mode, resp.StatusCode)
		}
		mu.Lock()
		if dials > 8 {
			t.Errorf("mode %d: %d connections for two requests", mode, dials)
		}
		mu.Unlock()
	}
}

// TestExplainedByWhatDecided reloads the rules while a tunnel is being opened.
func TestExplainedByWhatDecided(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []*engine.Set
	w := newWorld(t, func(p *Proxy) {
		p.Set = func() *engine.Set { // a reload after each look
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, testSet(t))
			return asked[len(asked)-1]
		}
	})
	addr := w.serve(Never)
	if got := whose(t, w.client(addr, nil, false), "https://px.acme.example/"); got != "refused" {
		t.Fatalf("got %s, want a refusal", got)
	}
	eventually(t, "the refusal is recorded", func() bool { seen, _ := w.book.all(); return len(seen) > 0 })
	seen, _ := w.book.all()
	mu.Lock()
	defer mu.Unlock()
	if seen[0].Set != asked[0] {
		t.Error("recorded with rules that did not decide")
	}
}
