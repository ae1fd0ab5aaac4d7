package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/internal/trust"
)

const (
	// maxSeenBody bounds what is kept of a request's body.
	maxSeenBody = 64 << 10
	// maxVisits bounds the requests that are kept.
	maxVisits = 20_000
)

// fakeAddr is where every name leads to: a documentation address (RFC 5737).
var fakeAddr = netip.MustParseAddr("192.0.2.7")

// visit is a request that reached an origin.
type visit struct {
	Host, Method, Path, Query, Proto string

	Header http.Header
	Body   string
}

func (v visit) String() string {
	u := v.Host + v.Path
	if v.Query != "" {
		u += "?" + v.Query
	}
	return v.Method + " " + u
}

// fakenet is an internet on loopback: one TLS and one plain server answer for
// every name there is, with certificates of a root of its own.
type fakenet struct {
	t          testing.TB
	CA         *trust.CA       // the root, as browsers can be made to trust it
	root       tls.Certificate // the same with its key, for certificates made to be bad
	Roots      *x509.CertPool
	tls, plain net.Listener

	mu     sync.Mutex
	hosts  map[string]http.Handler
	certs  map[string]*tls.Certificate // instead of a good one
	client map[string]bool             // hosts that ask for a client certificate
	visits []visit
	shakes map[string]int // TLS handshakes completed or failed, by server name
}

func newFakenet(t testing.TB) *fakenet {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	ca, err := trust.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tls.LoadX509KeyPair(filepath.Join(dir, trust.CertName), filepath.Join(dir, trust.KeyName))
	if err != nil {
		t.Fatal(err)
	}
	n := &fakenet{
		t: t, CA: ca, root: root, Roots: x509.NewCertPool(),
		hosts: map[string]http.Handler{}, certs: map[string]*tls.Certificate{},
		client: map[string]bool{}, shakes: map[string]int{},
	}
	n.Roots.AddCert(ca.Certificate())
	n.tls, n.plain = listen(t), listen(t)
	n.serve(tls.NewListener(n.tls, &tls.Config{GetConfigForClient: n.configFor}))
	n.serve(n.plain)
	return n
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func (n *fakenet) serve(ln net.Listener) {
	srv := &http.Server{
		Handler:   http.HandlerFunc(n.answer),
		ErrorLog:  log.New(io.Discard, "", 0), // refused handshakes are part of the tests
		Protocols: new(http.Protocols),
	}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(true)
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	n.t.Cleanup(func() { _ = srv.Close(); <-done })
}

func (n *fakenet) configFor(h *tls.ClientHelloInfo) (*tls.Config, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shakes[h.ServerName]++
	cert := n.certs[h.ServerName]
	if cert == nil {
		var err error
		if cert, err = n.CA.Leaf(h.ServerName); err != nil {
			return nil, err
		}
	}
	c := &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: []string{"h2", "http/1.1"}}
	if n.client[h.ServerName] {
		c.ClientAuth = tls.RequestClientCert
	}
	return c, nil
}

// Handle has h answer for a host; others are answered 404.
func (n *fakenet) Handle(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

// SetCert has a host show a certificate of the test's choice.
func (n *fakenet) SetCert(host string, c *tls.Certificate) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.certs[host] = c
}

func (n *fakenet) answer(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	var body bytes.Buffer
	if r.Body != nil {
		r.Body = &recording{ReadCloser: r.Body, into: &body}
	}
	n.mu.Lock()
	h := n.hosts[host]
	at := len(n.visits)
	keep := at < maxVisits
	if keep {
		n.visits = append(n.visits, visit{
			Host: host, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Proto: r.Proto, Header: r.Header.Clone(),
		})
	}
	n.mu.Unlock()
	if h == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxSeenBody))
		http.NotFound(w, r)
	} else {
		h.ServeHTTP(w, r)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if keep {
		n.visits[at].Body = body.String()
	}
}

// recording keeps the beginning of a body that a handler reads.
type recording struct {
	io.ReadCloser
	into *bytes.Buffer
}

func (r *recording) Read(p []byte) (int, error) {
	k, err := r.ReadCloser.Read(p)
	r.into.Write(p[:min(k, max(0, maxSeenBody-r.into.Len()))])
	return k, err
}

// Visits returns what reached any of the hosts so far; none means all.
func (n *fakenet) Visits(hosts ...string) []visit {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []visit
	for _, v := range n.visits {
		if len(hosts) == 0 || slices.Contains(hosts, v.Host) {
			out = append(out, v)
		}
	}
	return out
}

// Shakes returns how many TLS connections were begun with a server name.
func (n *fakenet) Shakes(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.shakes[host]
}

// Resolve implements proxy.Resolver: every name exists.
func (n *fakenet) Resolve(context.Context, proxy.Question) (proxy.Answer, error) {
	return proxy.Answer{Addrs: []netip.Addr{fakeAddr}}, nil
}

// Dial connects to the servers on loopback and to nothing else. An address
// that Resolve did not give fails the test: somebody went around the guard.
func (n *fakenet) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil || to.Addr() != fakeAddr || !strings.HasPrefix(network, "tcp") {
		n.t.Errorf("the proxy dials %s %s, which no name leads to", network, addr)
		return nil, fmt.Errorf("dial %s: not in the fake internet", addr)
	}
	ln := map[uint16]net.Listener{443: n.tls, 80: n.plain}[to.Port()]
	if ln == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("nobody listens on port %d", to.Port())}
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
	if err == nil && !c.RemoteAddr().(*net.TCPAddr).IP.IsLoopback() {
		n.t.Errorf("dialled %v, which is not loopback", c.RemoteAddr())
	}
	return c, err
}
