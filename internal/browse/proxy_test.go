package browse_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/quench-proxy/quench/internal/trust"
)

// site is the one host that the test proxy knows.
const site = "shop.example"

// testProxy intercepts every CONNECT with leaves of its CA, hands requests for
// site to an origin on loopback and answers all others 404 itself. It dials
// nothing else.
type testProxy struct {
	Addr string
	CA   *trust.CA

	forward http.Handler
	tunnels *tunnels

	mu   sync.Mutex
	seen map[string]int // requests by host
}

func newTestProxy(t *testing.T, ca *trust.CA, origin http.Handler) *testProxy {
	t.Helper()
	server := httptest.NewServer(origin)
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &testProxy{CA: ca, tunnels: newTunnels(), seen: map[string]int{}}
	p.forward = &httputil.ReverseProxy{
		Transport: &http.Transport{}, // no proxy of the environment
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
	}
	// Refused handshakes are part of the tests, not news.
	inner := &http.Server{Handler: http.HandlerFunc(p.answer), ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = inner.Serve(p.tunnels) })
	front := httptest.NewServer(http.HandlerFunc(p.serve))
	p.Addr = front.Listener.Addr().String()
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		inner.Close()
		serving.Wait()
	})
	return p
}

func (p *testProxy) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		p.answer(w, r)
		return
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		http.Error(w, "bad host", http.StatusBadRequest)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	config := &tls.Config{GetCertificate: p.CA.GetCertificate(host), NextProtos: []string{"h2", "http/1.1"}}
	p.tunnels.hand(tls.Server(conn, config))
}

func (p *testProxy) answer(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	p.mu.Lock()
	p.seen[host]++
	p.mu.Unlock()
	if host != site {
		http.NotFound(w, r)
		return
	}
	p.forward.ServeHTTP(w, r)
}

func (p *testProxy) count(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[host]
}

// tunnels is a listener of the connections handed to it.
type tunnels struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newTunnels() *tunnels { return &tunnels{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *tunnels) hand(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		c.Close()
	}
}

func (l *tunnels) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *tunnels) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *tunnels) Addr() net.Addr { return &net.TCPAddr{} }
