//go:build unix

package proxy

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"

	"github.com/elazarl/goproxy"
)

// BenchmarkIntercepted compares a 1 KB answer through interception with a bare
// goproxy that intercepts, and with no proxy at all. Client and site are in
// the figures of all three; cpu-µs/op is the user and system time of all.
func BenchmarkIntercepted(b *testing.B) {
	w := newWorld(b, nil)
	kb := make([]byte, 1024)
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _, _ = rw.Write(kb) }), "site.example")
	ours := w.serve(Always)
	bare := goproxy.NewProxyHttpServer()
	bare.Logger = quiet{w.p.log()}
	leaf, err := w.p.CA.Leaf("site.example")
	if err != nil {
		b.Fatal(err)
	}
	bare.ConnectDial = nil
	bare.Tr = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots.pool}, MaxIdleConnsPerHost: 64, DisableCompression: true,
		DialContext: w.toSite, ForceAttemptHTTP2: true}
	bare.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: func(string, *goproxy.ProxyCtx) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{*leaf}}, nil
		}}, host
	})
	other := httptest.NewServer(bare)
	b.Cleanup(other.Close)
	direct := &http.Client{Transport: &http.Transport{DialContext: w.toSite, TLSClientConfig: &tls.Config{RootCAs: w.roots.pool}}}
	u, _ := url.Parse(other.URL)
	for _, way := range []struct {
		name string
		c    *http.Client
	}{{"direct", direct}, {"goproxy", w.client(u.Host, nil, false)}, {"quench-h1", w.client(ours, nil, false)}, {"quench-h2", w.client(ours, nil, true)}} {
		b.Run(way.name, func(b *testing.B) {
			way.c.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
			b.ReportAllocs()
			before := cpu()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := way.c.Get("https://site.example/")
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			})
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-µs/op")
		})
	}
}

// cpu returns the processor time of this process in microseconds.
func cpu() int64 {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return (r.Utime.Sec+r.Stime.Sec)*1e6 + int64(r.Utime.Usec+r.Stime.Usec)
}
