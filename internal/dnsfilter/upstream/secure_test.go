package upstream

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// certificate makes one for a name (and loopback, if it is dns.example), that
// ends so long from now, and the pool that trusts it.
func certificate(t testing.TB, name string, ends time.Duration) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(ends), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name == "dns.example" {
		c.IPAddresses = []net.IP{{127, 0, 0, 1}}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}}, pool
}

// secureFake is a fake upstream of one encrypted scheme; spec is how it is written.
func secureFake(t testing.TB, scheme string, conf *tls.Config, do func(*call)) (f *fake, spec string) {
	t.Helper()
	if do == nil {
		do = func(c *call) { c.reply() }
	}
	conf = conf.Clone()
	f = &fake{do: do}
	switch scheme {
	case "tls":
		conf.NextProtos = []string{"dot"}
		f = newFake(t, conf, do)
	case "https":
		f.serveHTTPS(t, conf)
	case "h3":
		f.serveH3(t, conf)
	case "quic":
		conf.NextProtos = []string{"doq"}
		f.serveQUIC(t, conf)
	}
	spec = scheme + "://" + f.addr.String()
	if scheme == "https" || scheme == "h3" {
		spec += "/dns-query"
	}
	return f, spec
}

func (f *fake) serveHTTPS(t testing.TB, conf *tls.Config) {
	s := httptest.NewUnstartedServer(f)
	s.TLS, s.EnableHTTP2 = conf, true
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			f.mu.Lock()
			f.conns++
			f.mu.Unlock()
		}
	}
	s.Config.ErrorLog = quietLog()
	s.StartTLS()
	f.addr = netip.MustParseAddrPort(s.Listener.Addr().String())
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
}

func (f *fake) serveH3(t testing.TB, conf *tls.Config) {
	u := packetConn(t)
	f.addr = netip.MustParseAddrPort(u.LocalAddr().String())
	s := &http3.Server{Handler: f, TLSConfig: http3.ConfigureTLSConfig(conf)}
	done := make(chan struct{})
	go func() { _ = s.Serve(u); close(done) }()
	t.Cleanup(func() { _ = s.Close(); _ = u.Close(); <-done })
}

func packetConn(t testing.TB) net.PacketConn {
	t.Helper()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// httpCall is the rest of a call that came over HTTP.
type httpCall struct {
	w http.ResponseWriter
	r *http.Request
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodGet {
		raw, _ = base64.RawURLEncoding.DecodeString(r.URL.Query().Get("dns"))
	}
	c := &call{via: r.Proto, raw: raw, http: &httpCall{w, r}, conn: readWriter{bytes.NewReader(nil), w}, drop: func() { panic(http.ErrAbortHandler) }}
	c.send = func(b []byte) {
		w.Header().Set("Content-Type", dohType)
		_, _ = w.Write(b)
	}
	f.handle(c)
}

type readWriter struct {
	io.Reader
	io.Writer
}

func (f *fake) serveQUIC(t testing.TB, conf *tls.Config) {
	u := packetConn(t)
	f.addr = netip.MustParseAddrPort(u.LocalAddr().String())
	tr := &quic.Transport{Conn: u}
	l, err := tr.Listen(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns++
			f.mu.Unlock()
			all.Go(func() {
				for {
					s, err := c.AcceptStream(ctx)
					if err != nil {
						return
					}
					all.Go(func() { f.stream(c, s) })
				}
			})
		}
	})
	t.Cleanup(func() { cancel(); _ = l.Close(); _ = tr.Close(); _ = u.Close(); all.Wait() })
}

func (f *fake) stream(c *quic.Conn, s *quic.Stream) {
	b, err := io.ReadAll(s)
	if err != nil || len(b) < 2 || len(b) != 2+int(binary.BigEndian.Uint16(b)) {
		return
	}
	k := &call{via: "quic", raw: b[2:], conn: s, drop: func() { _ = c.CloseWithError(9, "") }}
	k.send = func(b []byte) {
		_, _ = s.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
		_ = s.Close()
	}
	f.handle(k)
}

var secureSchemes = []string{"tls", "https", "h3", "quic"}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	conf, pool := certificate(t, "dns.example", time.Hour)
	for _, scheme := range append([]string{"https GET"}, secureSchemes...) {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			scheme, get, _ := strings.Cut(scheme, " ")
			f, spec := secureFake(t, scheme, conf, nil)
			if get != "" {
				spec += "{?dns}"
			}
			g := newGroup(t, Options{RootCAs: pool}, spec)
			names := []string{"a.example", "b.example", "a-rather-long-name-with-some-labels.below.another.example", "c.example"}
			for _, n := range names {
				got, from, _ := ask(g, n)
				if got != theAddress || from.Name != scheme+"://"+f.addr.String() || from.RTT <= 0 {
					t.Fatalf("%s: got %q from %+v, want %s from the upstream without its path", n, got, from, theAddress)
				}
			}
			for _, c := range f.seen() {
				if len(c.raw)%padTo != 0 {
					t.Errorf("question of %d bytes, want a multiple of %d", len(c.raw), padTo)
				}
				if scheme != "tls" && c.q.Id != 0 {
					t.Errorf("id %d, want 0", c.q.Id)
				}
				if c.http != nil && (c.http.r.UserAgent() != "" || (c.http.r.Method == "GET") != (get != "") || c.via != map[string]string{"https": "HTTP/2.0", "h3": "HTTP/3.0"}[scheme]) {
					t.Errorf("asked by %s %s as %q", c.via, c.http.r.Method, c.http.r.UserAgent())
				}
			}
			if n := f.connections(); scheme != "h3" && n != 1 {
				t.Errorf("%d connections for %d questions, want 1", n, len(names))
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	good, pool := certificate(t, "dns.example", time.Hour)
	expired, oldPool := certificate(t, "dns.example", -24*time.Hour)
	other, otherPool := certificate(t, "other.example", time.Hour)
	ended := time.Now().Add(-24 * time.Hour).UTC().Format(time.DateOnly)
	for _, scheme := range secureSchemes {
		for _, c := range []struct {
			what string
			conf *tls.Config
			pool *x509.CertPool
			want string
		}{
			{"good", good, pool, theAddress},
			{"expired", expired, oldPool, "23 UP its certificate expired on " + ended},
			{"of another", other, otherPool, `23 UP its certificate is not for "127.0.0.1"`},
			{"of nobody", good, otherPool, "23 UP its certificate is signed by nobody whom this system trusts"},
		} {
			t.Run(scheme+" "+c.what, func(t *testing.T) {
				t.Parallel()
				f, spec := secureFake(t, scheme, c.conf, nil)
				g := newGroup(t, Options{RootCAs: c.pool}, spec)
				up := scheme + "://" + f.addr.String()
				got, _, took := ask(g, "a.example")
				if want := strings.Replace(c.want, "UP", up, 1); got != want || took > soon {
					t.Errorf("got %q after %v, want %q at once", got, took, want)
				}
				if c.what != "good" && f.count("") != 0 {
					t.Error("a question was sent nevertheless")
				}
				if c.what == "of another" { // the name can be said
					g := newGroup(t, Options{RootCAs: c.pool}, spec+"#other.example")
					want(t, g, "a.example", theAddress)
				}
			})
		}
	}
}
