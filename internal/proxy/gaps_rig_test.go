package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/elazarl/goproxy"
)

// rig is a proxy in a small world: ours, or goproxy as it comes. A check of a
// gap drives both alike.
type rig struct {
	*world
	addr  string
	roots *x509.CertPool // trusts what the proxy signs
	bare  bool
	logs  *lines
	srv   *http.Server // of bare
	quit  func()       // stops ours, as far as the check wants to
}

// rigOptions says how a rig departs from the usual: both intercept.
type rigOptions struct {
	tunnel bool // neither intercepts
	// ours and bare are told the address that the proxy will have.
	ours func(w *world, addr string)
	bare func(w *world, addr string, g *goproxy.ProxyHttpServer)
}

// lines is a log that is kept.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Printf implements goproxy.Logger.
func (l *lines) Printf(f string, v ...any) { fmt.Fprintf(l, f+"\n", v...) }

func ourRig(t testing.TB, o rigOptions) *rig {
	r := &rig{logs: &lines{}}
	r.world = newWorld(t, func(p *Proxy) {
		p.Log = slog.New(slog.NewTextHandler(r.logs, nil))
	})
	r.roots = r.ca
	mode := Always
	if o.tunnel {
		mode = Never
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	if o.ours != nil {
		o.ours(r.world, r.addr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.p.ServeWith(ctx, ln, ListenerOptions{Intercept: mode})
	}()
	r.quit = func() { cancel(); <-done }
	t.Cleanup(r.quit)
	return r
}

func bareRig(t testing.TB, o rigOptions) *rig {
	r := &rig{world: newWorld(t, nil), bare: true, logs: &lines{}, roots: x509.NewCertPool()}
	r.roots.AddCert(goproxy.GoproxyCa.Leaf)
	g := goproxy.NewProxyHttpServer()
	g.Logger = r.logs
	g.Tr = &http.Transport{DialContext: r.dialName, TLSClientConfig: &tls.Config{RootCAs: r.world.roots.pool}, Proxy: http.ProxyFromEnvironment}
	if !o.tunnel {
		g.OnRequest().HandleConnect(goproxy.AlwaysMitm)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = ln.Addr().String()
	if o.bare != nil {
		o.bare(r.world, r.addr, g)
	}
	kept := &keeper{Listener: ln}
	r.srv = &http.Server{Handler: g, ReadHeaderTimeout: time.Second, ErrorLog: quietLog()}
	done := make(chan struct{})
	go func() { defer close(done); _ = r.srv.Serve(kept) }()
	t.Cleanup(func() {
		_ = r.srv.Close()
		<-done
		kept.closeAll()
		g.Tr.CloseIdleConnections()
	})
	r.quit = func() { // as gracefully as net/http can
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = r.srv.Shutdown(ctx)
	}
	return r
}

// keeper keeps the connections, since nobody else ends those that goproxy took.
type keeper struct {
	net.Listener
	tracker
}

func (k *keeper) Accept() (net.Conn, error) {
	c, err := k.Listener.Accept()
	if err == nil {
		k.add(c)
	}
	return c, err
}

// dialName dials a name of this world, or loopback.
func (w *world) dialName(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		w.mu.Lock()
		w.dials[addr]++
		w.mu.Unlock()
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	w.mu.Lock()
	a, ok := w.names[host]
	w.mu.Unlock()
	if ok {
		addr = net.JoinHostPort(a.Addrs[0].String(), port)
	}
	return w.dial(ctx, network, addr)
}

// patience is how long to wait for what should come: that ours is slow must
// not look like a gap, and that bare goproxy never answers must not cost much.
func (r *rig) patience() time.Duration {
	if r.bare {
		return 3 * time.Second
	}
	return 15 * time.Second
}

func (r *rig) browser(h2 bool) *http.Client {
	c := r.client(r.addr, r.roots, h2)
	c.Timeout = r.patience()
	return c
}

// ask does one request and reads the answer.
func (r *rig) ask(c *http.Client, method, url string, fields ...string) (*http.Response, string, error) {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// open connects to the proxy.
func (r *rig) open() (net.Conn, error) {
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() { c.Close() })
	return c, c.SetDeadline(time.Now().Add(r.patience()))
}

// inside opens an intercepted tunnel to target and shakes hands as name.
func (r *rig) inside(target, name string) (*tls.Conn, error) {
	c, err := r.open()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"})
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 200 {
		return nil, fmt.Errorf("CONNECT: %d", resp.StatusCode)
	}
	tc := tls.Client(&replayed{Conn: c, head: buffered(br)}, &tls.Config{ServerName: name, RootCAs: r.roots})
	return tc, tc.Handshake()
}

// speak writes a request and reads one answer.
func speak(c net.Conn, request string) (*http.Response, string, error) {
	if _, err := io.WriteString(c, request); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

var errTooFew = errors.New("the others never came")

// gate lets requests on once so many of them are there.
type gate struct {
	need int
	mu   sync.Mutex
	n    int
	open chan struct{}
}

func (g *gate) pass() error {
	g.mu.Lock()
	if g.n == 0 {
		g.open = make(chan struct{})
	}
	open := g.open
	if g.n++; g.n == g.need {
		g.n = 0
		close(open)
	}
	g.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-time.After(10 * time.Second):
		return errTooFew
	}
}

// crowdOf does rounds of n requests at once, of which each waits for the others.
func (r *rig) crowdOf(n, rounds int, url string) error {
	cs := make([]*http.Client, n)
	for i := range cs {
		cs[i] = r.client(r.addr, r.roots, false)
	}
	for range rounds {
		errs := make(chan error, n)
		for _, c := range cs {
			go func() {
				resp, body, err := r.ask(c, "GET", url)
				if err == nil && (resp.StatusCode != 200 || body != "in step") {
					err = fmt.Errorf("answer %d %.40q", resp.StatusCode, body)
				}
				errs <- err
			}()
		}
		var bad error
		for range n {
			if err := <-errs; err != nil {
				bad = err
			}
		}
		if bad != nil {
			return bad
		}
	}
	return nil
}

func inStep(n int) http.Handler {
	g := &gate{need: n}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := g.pass(); err != nil {
			w.WriteHeader(500)
			return
		}
		_, _ = io.WriteString(w, "in step")
	})
}

// upstreamProxy opens tunnels in the world and counts the connections to it.
func (w *world) upstreamProxy() (*url.URL, *crowdCount) {
	n := &crowdCount{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	g := goproxy.NewProxyHttpServer()
	g.Logger = &lines{}
	g.ConnectDial = nil
	g.Tr = &http.Transport{DialContext: w.dialName}
	kept := &keeper{Listener: &counting{ln, n}}
	srv := &http.Server{Handler: g, ErrorLog: quietLog()}
	go func() { _ = srv.Serve(kept) }()
	w.t.Cleanup(func() { _ = srv.Close(); kept.closeAll() })
	real := ln.Addr().String()
	w.lead(real)
	return &url.URL{Scheme: "http", Host: real}, n
}

// lead lets the world's dialler reach a real address.
func (w *world) lead(real string) {
	w.mu.Lock()
	w.addrs[real] = real
	w.mu.Unlock()
}

type crowdCount struct {
	mu sync.Mutex
	n  int
}

func (c *crowdCount) add() { c.mu.Lock(); c.n++; c.mu.Unlock() }
func (c *crowdCount) get() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

type counting struct {
	net.Listener
	n *crowdCount
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.add()
	}
	return conn, err
}
