package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/quench-proxy/quench/internal/proxy/hello"
)

// Not parallel: it looks at all goroutines, and those of other tests are paused.
func TestNothingIsLeft(t *testing.T) {
	w := newWorld(t, func(p *Proxy) { p.Drain = 100 * time.Millisecond })
	w.site(http.HandlerFunc(greet), "site.example")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.p.ServeWith(ctx, ln, ListenerOptions{Intercept: Always}) }()
	for _, h2 := range []bool{false, true} {
		c := w.client(ln.Addr().String(), nil, h2)
		get(t, c, "https://site.example/")
		get(t, c, "http://site.example/")
		if resp, err := c.Get("https://nowhere.example/"); err == nil {
			resp.Body.Close()
		}
		c.CloseIdleConnections()
	}
	silent, _ := tunnelTo(t, ln.Addr().String(), "site.example:443")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	silent.Close()
	var stacks []string
	eventually(t, "no goroutine of the proxy is left", func() bool {
		buf := make([]byte, 1<<20)
		stacks = stacks[:0]
		for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "internal/proxy.(*") && !strings.Contains(g, "testing.tRunner") ||
				strings.Contains(g, "net/http.(*persistConn)") {
				stacks = append(stacks, g)
			}
		}
		return len(stacks) == 0
	})
}

func TestStrayFieldsOverH2(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "site.example")
	addr := w.serve(Always)
	for _, tt := range []struct {
		name, value string
		want        string
	}{{"x-fine", "1", "200"}, {"te", "trailers", "200"}, {"connection", "keep-alive", "400"}, {"keep-alive", "timeout=5", "400"},
		{"proxy-connection", "close", "400"}, {"transfer-encoding", "chunked", "400"}, {"upgrade", "h2c", "400"}, {"te", "gzip", "400"}} {
		c, _ := tunnelTo(t, addr, "site.example:443")
		tc := tls.Client(c, &tls.Config{ServerName: "site.example", RootCAs: w.ca, NextProtos: []string{"h2"}})
		if got := rawH2(t, tc, tt.name, tt.value); got != tt.want {
			t.Errorf("%s: %s: %s, want %s", tt.name, tt.value, got, tt.want)
		}
		tc.Close()
	}
}

// rawH2 sends one request with a field that no client library would send, and
// returns the status, or what the server said instead.
func rawH2(t *testing.T, c net.Conn, name, value string) string {
	t.Helper()
	_, _ = io.WriteString(c, http2.ClientPreface)
	fr := http2.NewFramer(c, c)
	_ = fr.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "site.example"}, {":path", "/"}, {name, value}} {
		_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "400" // refused all the same
		}
	}
}

// A browser that has a ticket of the real site may send early data with its
// hello; an answer in TLS 1.2 makes it begin again, one in 1.3 breaks it.
func TestEarlyDataIsAnsweredInTLS12(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := newServer(w.p, mustCore(t, w.p), ListenerOptions{Intercept: Always})
	defer s.cancel()
	for early, want := range map[bool]uint16{false: tls.VersionTLS13, true: tls.VersionTLS12} {
		a, b := net.Pipe()
		tun := &tunnel{s: s, host: "site.example", sni: "site.example", port: 443, hello: &hello.Hello{EarlyData: early}}
		given := make(chan net.Conn, 1)
		go func() {
			c, err := s.hand.Accept()
			if err == nil {
				given <- c
			}
		}()
		go tun.intercept(&peeked{Conn: b, t: tun}, "site.example", false)
		tc := tls.Client(a, &tls.Config{ServerName: "site.example", RootCAs: w.ca})
		if err := tc.Handshake(); err != nil {
			t.Fatal(err)
		}
		if got := tc.ConnectionState().Version; got != want {
			t.Errorf("early data %v: version %#x, want %#x", early, got, want)
		}
		a.Close()
		(<-given).Close()
	}
}

func mustCore(t *testing.T, p *Proxy) *core {
	t.Helper()
	c, err := newCore(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func TestOwnListeners(t *testing.T) {
	t.Parallel()
	tcp := func(s string) net.Addr { a, _ := net.ResolveTCPAddr("tcp", s); return a }
	var o ownSet
	o.add(tcp("127.0.0.1:8118"))
	o.add(tcp("0.0.0.0:53"))
	for s, want := range map[string]bool{"127.0.0.1:8118": true, "127.0.0.1:8119": false, "127.0.0.2:8118": false, "0.0.0.0:8118": true,
		"[::]:8118": true, "127.0.0.1:53": true, "[::1]:53": true, "192.0.2.77:53": false} {
		if got := o.has(addrPort(s)); got != want {
			t.Errorf("%s: %v, want %v", s, got, want)
		}
	}
	o.remove(tcp("127.0.0.1:8118"))
	if o.has(addrPort("127.0.0.1:8118")) {
		t.Error("a listener that ended is still known")
	}
}

func TestNoTypeIsGuessed(t *testing.T) {
	t.Parallel()
	three(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = io.WriteString(w, "<html><script>")
	}, func(t *testing.T, c *http.Client, base string) {
		if resp, _ := get(t, c, base); resp.Header["Content-Type"] != nil {
			t.Errorf("type %q was made up", resp.Header["Content-Type"])
		}
	})
}

func TestToolsAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	resp, body := get(t, w.client(w.serve(Auto), nil, false), "http://nowhere.example/", "Accept", "*/*", "User-Agent", "curl/8")
	if resp.StatusCode != 502 || !strings.HasPrefix(body, "This name does not exist.") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}
