package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// three runs f over plain HTTP, intercepted HTTP/1.1 and intercepted HTTP/2.
func three(t *testing.T, h http.HandlerFunc, f func(t *testing.T, c *http.Client, base string)) {
	t.Helper()
	w := newWorld(t, nil)
	w.site(h, "site.example")
	addr := w.serve(Always)
	for _, way := range []struct {
		name, base string
		h2         bool
	}{{"plain", "http://site.example", false}, {"h1", "https://site.example", false}, {"h2", "https://site.example", true}} {
		t.Run(way.name, func(t *testing.T) { f(t, w.client(addr, nil, way.h2), way.base) })
	}
}

func TestWholeRequests(t *testing.T) {
	t.Parallel()
	three(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Alt-Svc", `h3=":443"`)
		w.Header().Set("Connection", "X-Named")
		w.Header().Set("X-Named", "1")
		w.Header().Set("Keep-Alive", "timeout=5")
		fmt.Fprintf(w, "%s %s %s host=%s ae=%q te=%q secret=%q xff=%q via=%q gpc=%q ua=%q body=%s", r.Method, r.URL.RequestURI(), r.Proto[:5], r.Host,
			r.Header.Get("Accept-Encoding"), r.Header.Get("Te"), r.Header.Get("X-Secret"), r.Header.Get("X-Forwarded-For"),
			r.Header.Get("Via"), r.Header.Get("Sec-Gpc"), r.UserAgent(), b)
	}, func(t *testing.T, c *http.Client, base string) {
		r, _ := http.NewRequest("POST", base+"/a%2Fb?q=1&&x", strings.NewReader("payload"))
		r.Header.Set("Accept-Encoding", "br, zstd")
		r.Header.Set("Te", "trailers")
		if base[:5] == "http:" {
			r.Header.Set("Connection", "X-Secret")
			r.Header.Set("X-Secret", "s")
			r.Header.Set("Proxy-Authorization", "Basic eDp5")
		}
		r.Header.Set("User-Agent", "")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		want := `POST /a%2Fb?q=1&&x HTTP/ host=site.example ae="br, zstd" te="trailers" secret="" xff="" via="" gpc="" ua="" body=payload`
		if string(b) != want {
			t.Errorf("origin saw %s\nwant       %s", b, want)
		}
		for _, name := range []string{"Alt-Svc", "X-Named", "Keep-Alive", "Connection"} {
			if name == "X-Named" && base[:5] == "https" {
				continue // the origin speaks HTTP/2, where nothing can be named
			}
			if v := resp.Header.Get(name); v != "" {
				t.Errorf("%s: %q was passed on", name, v)
			}
		}
	})
}

func TestFraming(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	three(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(204)
		case "/304":
			w.Header().Set("Etag", `"x"`)
			w.WriteHeader(304)
		default:
			http.ServeContent(w, r, "x.bin", time.Unix(1e9, 0), bytes.NewReader(content))
		}
	}, func(t *testing.T, c *http.Client, base string) {
		resp, err := c.Head(base + "/file")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.ContentLength != int64(len(content)) {
			t.Errorf("HEAD: length %d", resp.ContentLength)
		}
		for _, code := range []int{204, 304} {
			resp, body := get(t, c, base+"/"+strconv.Itoa(code))
			if resp.StatusCode != code || body != "" {
				t.Errorf("%d: %d %q", code, resp.StatusCode, body)
			}
		}
		resp, body := get(t, c, base+"/file", "Range", "bytes=10-19")
		if resp.StatusCode != 206 || body != "0123456789" || resp.Header.Get("Content-Range") != "bytes 10-19/100000" || resp.ContentLength != 10 {
			t.Errorf("range: %d %q %v", resp.StatusCode, body, resp.Header)
		}
		if _, body := get(t, c, base+"/file"); body != string(content) {
			t.Errorf("whole: %d bytes", len(body))
		}
	})
}

func TestStrayUpgrades(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 || r.URL.Path == "/claims" {
			w.Header()["Upgrade"] = []string{"websocket"}
			_, _ = io.WriteString(w, "fine")
			return
		}
		if r.URL.Path == "/407" {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(407)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nrubbish")
	}), "site.example")
	addr := w.serve(Always)
	for _, tt := range []struct {
		url  string
		h2   bool
		want int
	}{{"http://site.example/", false, 502}, {"http://site.example/claims", false, 200}, {"https://site.example/", true, 200},
		{"https://site.example/", false, 200}, {"http://site.example/407", false, 502}} {
		resp, body := get(t, w.client(addr, nil, tt.h2), tt.url)
		if resp.StatusCode != tt.want || tt.want == 200 && body != "fine" {
			t.Errorf("%s h2=%v: %d %q, want %d", tt.url, tt.h2, resp.StatusCode, body, tt.want)
		}
		if resp.Header.Get("Upgrade") != "" {
			t.Errorf("%s: Upgrade was passed on", tt.url)
		}
	}
}

func TestLargeBodiesAreNotHeld(t *testing.T) {
	const size = 64 << 20
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		block := make([]byte, 64<<10)
		for range size / len(block) {
			_, _ = w.Write(block)
		}
	}), "site.example")
	addr := w.serve(Always)
	for _, h2 := range []bool{false, true} {
		c := w.client(addr, nil, h2)
		c.Timeout = 5 * time.Minute // for so many bytes, on a busy machine
		get(t, c, "https://site.example/warm", "Range", "bytes=0-0")
		runtime.GC()
		var before, peak runtime.MemStats
		runtime.ReadMemStats(&before)
		resp, err := c.Get("https://site.example/big")
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		for {
			n, err := io.CopyN(io.Discard, resp.Body, 8<<20)
			got += n
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapInuse > peak.HeapInuse {
				peak = now
			}
			if err != nil {
				break
			}
		}
		resp.Body.Close()
		if grown := int64(peak.HeapInuse) - int64(before.HeapInuse); got != size || grown > 24<<20 {
			t.Errorf("h2=%v: %d bytes came, heap grew by %d MB, want at most 24", h2, got, grown>>20)
		}
		r, _ := http.NewRequest("PUT", "https://site.example/up", io.LimitReader(zeros{}, size))
		resp, err = c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(b) != strconv.Itoa(size) {
			t.Errorf("h2=%v: upload of %s bytes", h2, b)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestNotForEverybody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	w.site(http.NotFoundHandler(), "site.example")
	addr := w.serve(Always)
	resp, body := get(t, w.client(addr, nil, false), "http://site.example/")
	if resp.StatusCode != 403 || !strings.Contains(body, "does not serve your address") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if _, status := tunnelTo(t, addr, "site.example:443"); status != 403 {
		t.Errorf("CONNECT: %d, want 403", status)
	}
}

func TestBareRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	addr := w.serve(Always)
	for request, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                                          400,
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":                                      400,
		"GET ftp://x.example/ HTTP/1.1\r\nHost: x\r\n\r\n":                           400,
		"GET http://nowhere.example/ HTTP/1.1\r\nHost: x\r\n\r\n":                    502,
		"GET http://x.example:99999/ HTTP/1.1\r\nHost: x\r\n\r\n":                    400,
		"GET http://127.1/ HTTP/1.1\r\nHost: x\r\n\r\n":                              400,
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 1<<20) + "\r\n\r\n": 431,
	} {
		c := raw(t, addr)
		go func() { _, _ = io.WriteString(c, request) }()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%.40q: %v", request, err)
			continue
		}
		if resp.StatusCode != want {
			t.Errorf("%.40q: %d, want %d", request, resp.StatusCode, want)
		}
		c.Close()
	}
}

func TestGoproxysOwnAuthorityIsNeverServed(t *testing.T) {
	t.Parallel()
	_, self, _, _ := runtime.Caller(0)
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/elazarl/goproxy")
	cmd.Dir = filepath.Dir(self)
	dir, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	theirs, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, nil)
	w.site(http.NotFoundHandler(), "site.example")
	addr := w.serve(Always)
	for _, target := range []string{"site.example:443", "nowhere.example:443", "site.example:8443"} {
		c, _ := tunnelTo(t, addr, target)
		tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: strings.Split(target, ":")[0]})
		if err := tc.Handshake(); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		for _, cert := range tc.ConnectionState().PeerCertificates {
			if bytes.Equal(cert.RawIssuer, theirs.RawSubject) || cert.CheckSignatureFrom(theirs) == nil {
				t.Errorf("%s: signed by goproxy's published key", target)
			}
		}
	}
}
