package proxy

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/trust"
)

const acme = `
company: Acme Ads
sites: [acme.example]
trackers:
  - id: acme
    name: Acme Pixel
    by_name: {refuse: [px.acme.example]}
    hits:
      - {id: tr, hosts: [px.acme.example], paths: [/tr], query: {id: ""}}
    events: {"*": you did something}
`

func testSet(t testing.TB) *engine.Set {
	t.Helper()
	spec, err := vendor.Parse("acme.yaml", []byte(acme))
	if err != nil {
		t.Fatal(err)
	}
	data, err := vendor.Marshal([]*vendor.Spec{spec})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.Load(engine.Sources{Builtin: fstest.MapFS{
		"builtin.json": {Data: data}, "vetoes.yaml": {Data: []byte("vetoes:\n  - {hosts: [.login.example], why: sign-in}\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// notebook is a Recorder that keeps everything.
type notebook struct {
	mu    sync.Mutex
	seen  []ledger.Sighting
	notes []ledger.Event
}

func (n *notebook) Record(s ledger.Sighting) { n.mu.Lock(); n.seen = append(n.seen, s); n.mu.Unlock() }
func (n *notebook) Note(e ledger.Event)      { n.mu.Lock(); n.notes = append(n.notes, e); n.mu.Unlock() }

func (n *notebook) all() ([]ledger.Sighting, []ledger.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]ledger.Sighting(nil), n.seen...), append([]ledger.Event(nil), n.notes...)
}

// authority is a root that sites are certified by.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert, key, pool}
}

func (a *authority) leaf(t testing.TB, names ...string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := leafTemplate(names...)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func leafTemplate(names ...string) *x509.Certificate {
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{Organization: []string{"Test"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, n)
		}
	}
	return tmpl
}

// world is a small Internet: names lead to documentation addresses, and
// dialling those leads to servers on loopback.
type world struct {
	t     testing.TB
	p     *Proxy
	roots *authority
	book  *notebook
	ca    *x509.CertPool // trusts our own CA

	mu    sync.Mutex
	names map[string]Answer
	addrs map[string]string // "192.0.2.1:443" -> real
	next  byte
	dials map[string]int

	chained *crowdCount // connections to the upstream proxy, if there is one
}

var errNoSuch = &net.DNSError{Err: "no such host", IsNotFound: true}

func (w *world) Resolve(_ context.Context, q Question) (Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.names[q.Host]
	if !ok {
		return Answer{}, errNoSuch
	}
	return a, nil
}

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	real, ok := w.addrs[addr]
	w.dials[addr]++
	w.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("nobody is at %s", addr)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, real)
}

func (w *world) dialled(addr string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials[addr]
}

// place gives host an address and leads its port to a real one.
func (w *world) place(host string, port int, real string) netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.names[host]
	if !ok {
		w.next++
		a = Answer{Addrs: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, w.next})}}
		w.names[host] = a
	}
	w.addrs[netip.AddrPortFrom(a.Addrs[0], uint16(port)).String()] = real
	return a.Addrs[0]
}

func newWorld(t testing.TB, change func(*Proxy)) *world {
	t.Helper()
	ca, err := trust.Open(t.TempDir() + "/ca")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, roots: newAuthority(t, "Test Root"), book: &notebook{}, ca: x509.NewCertPool(),
		names: map[string]Answer{}, addrs: map[string]string{}, dials: map[string]int{}}
	w.ca.AddCert(ca.Certificate())
	set := testSet(t)
	current := func() *engine.Set { return set }
	w.p = &Proxy{
		Filter: &filter.Filter{Set: current, Recorder: w.book}, Set: current, CA: ca, Resolver: w, Recorder: w.book,
		Dial: w.dial, RootCAs: w.roots.pool, Drain: time.Second, Clients: memory.NewClients(nil, nil),
	}
	if change != nil {
		change(w.p)
	}
	return w
}

// serve starts a listener and returns its address; the test ends when all that
// it started has ended.
func (w *world) serve(mode Mode) string {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.p.ServeWith(ctx, ln, ListenerOptions{Intercept: mode}) }()
	w.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("serve: %v", err)
			}
		case <-time.After(20 * time.Second):
			w.t.Error("Serve did not return")
		}
	})
	return ln.Addr().String()
}

// nobody is an address at which nobody listens until the test ends: the near
// end of a connection has it, so that no other test's server can get it.
func nobody(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// site starts a TLS origin under these names at port 443, and the same over
// plain HTTP at port 80.
func (w *world) site(h http.Handler, names ...string) *httptest.Server {
	w.t.Helper()
	return w.siteTLS(h, &tls.Config{Certificates: []tls.Certificate{*w.roots.leaf(w.t, names...)}}, names...)
}

func (w *world) siteTLS(h http.Handler, cfg *tls.Config, names ...string) *httptest.Server {
	w.t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quietLog()
	s.TLS = cfg
	s.EnableHTTP2 = true
	s.StartTLS()
	w.t.Cleanup(s.Close)
	c := httptest.NewServer(h)
	w.t.Cleanup(c.Close)
	for _, n := range names {
		w.place(n, 443, s.Listener.Addr().String())
		w.place(n, 80, c.Listener.Addr().String())
	}
	return s
}

// client is a browser behind the proxy that trusts roots (nil: our CA).
func (w *world) client(proxy string, roots *x509.CertPool, h2 bool) *http.Client {
	if roots == nil {
		roots = w.ca
	}
	u := &url.URL{Scheme: "http", Host: proxy}
	tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: h2, DisableCompression: true, ExpectContinueTimeout: 5 * time.Second}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// raw opens a connection to the proxy.
func raw(t testing.TB, proxy string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", proxy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}

// tunnelTo does a CONNECT and returns the connection and the status.
func tunnelTo(t testing.TB, proxy, target string) (net.Conn, int) {
	t.Helper()
	c := raw(t, proxy)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatalf("CONNECT %s: %v", target, err)
	}
	return &replayed{Conn: c, head: buffered(br)}, resp.StatusCode
}

func get(t testing.TB, c *http.Client, url string, fields ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: body: %v", url, err)
	}
	return resp, string(b)
}

// issuer returns who certified the server that url leads to, or the error.
func issuer(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.TLS == nil {
		return "", errors.New("no TLS")
	}
	chain := resp.TLS.PeerCertificates
	return chain[len(chain)-1].Issuer.CommonName, nil
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(15 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond) // a poll, not a wait for a fixed time
	}
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func pid() string { return strconv.Itoa(os.Getpid()) }

type netConn = net.Conn

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// toSite leads everything to the TLS site.
func (w *world) toSite(ctx context.Context, network, _ string) (net.Conn, error) {
	w.mu.Lock()
	addr := netip.AddrPortFrom(w.names["site.example"].Addrs[0], 443).String()
	w.mu.Unlock()
	return w.dial(ctx, network, addr)
}

// need returns the first of these programs that is installed. Without one the
// test is skipped, or fails where real programs are required.
func need(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("QUENCH_REQUIRE_BROWSERS") != "" {
		t.Fatalf("none of %q is installed, and it is required", names)
	}
	t.Skipf("none of %q is installed", names)
	return ""
}
