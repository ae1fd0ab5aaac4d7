package bare

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/elazarl/goproxy"

	"github.com/quench-proxy/quench/bench/origin"
)

// TestMain serves the proxy if it is told where to listen; bench/proxies does.
func TestMain(m *testing.M) {
	addr := os.Getenv("BARE_LISTEN")
	if addr == "" {
		os.Exit(m.Run())
	}
	if err := serve(addr, os.Getenv("BARE_CA_CERT"), os.Getenv("BARE_CA_KEY"), os.Getenv("BARE_ROOTS")); err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(1)
	}
}

func serve(addr, cert, key, roots string) error {
	ca, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(roots)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return (&http.Server{Handler: newProxy(&ca, pool)}).Serve(ln)
}

// newProxy is goproxy at its best: HTTP/2 on both sides, connections kept, and
// each certificate made once.
func newProxy(ca *tls.Certificate, roots *x509.CertPool) *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.AllowHTTP2 = true
	p.KeepAcceptEncoding = true
	p.CertStore = &leaves{m: map[string]*tls.Certificate{}}
	p.Tr = &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(64)},
		ForceAttemptHTTP2:   true,
		DisableCompression:  true,
		MaxIdleConns:        512,
		MaxIdleConnsPerHost: 64,
		ReadBufferSize:      16 << 10,
		WriteBufferSize:     16 << 10,
	}
	mitm := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(ca)}
	p.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return mitm, host
	})
	return p
}

// leaves keeps each certificate that was made.
type leaves struct {
	mu sync.Mutex
	m  map[string]*tls.Certificate
}

func (l *leaves) Fetch(host string, gen func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.m[host]; c != nil {
		return c, nil
	}
	c, err := gen()
	if err == nil {
		l.m[host] = c
	}
	return c, err
}

// TestBareIntercepts keeps the baseline honest: what it answers was
// intercepted, over the protocol that is asked for.
func TestBareIntercepts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, err := origin.WriteCerts(dir)
	if err != nil {
		t.Fatal(err)
	}
	site, err := origin.Start(files)
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	ca, err := tls.LoadX509KeyPair(files.CACert, files.CAKey)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(files.Roots)
	if err != nil {
		t.Fatal(err)
	}
	roots.AppendCertsFromPEM(pem)
	proxy := httptest.NewServer(newProxy(&ca, roots))
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	mitm := x509.NewCertPool()
	mitm.AddCert(ca.Leaf)
	for _, h2 := range []bool{false, true} {
		tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: mitm}, ForceAttemptHTTP2: h2}
		resp, err := (&http.Client{Transport: tr}).Get(site.Addrs().H2 + "/1k")
		if err != nil {
			t.Fatalf("h2 %v: %v", h2, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got, want := resp.ProtoMajor == 2, h2; got != want || len(body) != 1<<10 || err != nil {
			t.Errorf("h2 = %v, %d bytes, %v; want h2 = %v, 1024 bytes", got, len(body), err, want)
		}
		tr.CloseIdleConnections()
	}
}
