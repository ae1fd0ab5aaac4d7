package proxy

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// endlessAnswers are answers of sites that never end.
func endlessAnswers() []endless {
	return []endless{
		{"endless fields", "HTTP/1.1 200 OK\r\n", "X: y\r\n"},
		{"large fields", "HTTP/1.1 200 OK\r\n", "X: " + strings.Repeat("y", 8000) + "\r\n"},
		{"endless status line", "HTTP/1.1 200 ", "OOOOOOOO"},
		{"endless early hints", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"},
		{"endless 102", "", "HTTP/1.1 102 Processing\r\n\r\n"},
		{"endless 100", "", "HTTP/1.1 100 Continue\r\n\r\n"},
	}
}

// TestHostileAnswers has sites that answer without end.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "calm.example")
	addr := w.serve(Always)
	for i, tt := range endlessAnswers() {
		host := fmt.Sprintf("site%d.example", i)
		taken := w.pourer(host, tt.head, tt.line)
		for _, base := range []string{"http://", "https://"} {
			resp, _ := get(t, w.client(addr, nil, base == "https://"), base+host+"/")
			if resp.StatusCode != 502 {
				t.Errorf("%s, %s: %d, want 502", tt.name, base, resp.StatusCode)
			}
			select {
			case n := <-taken:
				if n > 16<<20 {
					t.Errorf("%s, %s: %d bytes were taken", tt.name, base, n)
				}
			case <-time.After(20 * time.Second):
				t.Errorf("%s, %s: the site's connection stays open", tt.name, base)
			}
		}
	}
	neighbour(t, w, addr)
}

// TestAnswerHeaderBound: a header as large as any site's passes, one past the
// bound does not.
func TestAnswerHeaderBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		rw.Header().Set("X-Pad", strings.Repeat("y", n))
	}), "site.example")
	addr := w.serve(Always)
	for _, tt := range []struct{ size, want int }{{1000, 200}, {maxAnswerHeader * 3 / 4, 200}, {maxAnswerHeader + 1000, 502}} {
		for _, base := range []string{"http", "https"} {
			resp, _ := get(t, w.client(addr, nil, base == "https"), fmt.Sprintf("%s://site.example/%d", base, tt.size))
			if resp.StatusCode != tt.want {
				t.Errorf("%s, a field of %d bytes: %d, want %d", base, tt.size, resp.StatusCode, tt.want)
			}
		}
	}
}

// pourer places a site that answers with head and then line for ever; the
// channel tells how many bytes of each answer were taken.
func (w *world) pourer(host, head, line string) <-chan int {
	taken := make(chan int, 8)
	for _, port := range []int{80, 443} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		w.place(host, port, ln.Addr().String())
		if port == 443 {
			ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{*w.roots.leaf(w.t, host)}, NextProtos: []string{"http/1.1"}})
		}
		w.t.Cleanup(func() { ln.Close() })
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					if n, err := c.Read(make([]byte, 64<<10)); n == 0 || err != nil {
						c.Close()
						return
					}
					taken <- pour(c, head, line, 1<<30)
				}()
			}
		}()
	}
	return taken
}

// TestHostileUpstreamProxy: the proxy behind us answers CONNECT with a header
// that never ends, for a tunnel that is spliced and for one that is not.
func TestHostileUpstreamProxy(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"fields": "X: y\r\n", "one line": "xxxxxxxx",
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		taken := make(chan int, 16)
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					_, _ = c.Read(make([]byte, 4096))
					taken <- pour(c, "HTTP/1.1 200 OK\r\nX: ", line, 1<<30)
				}()
			}
		}()
		w := newWorld(t, func(p *Proxy) { p.Upstream, p.Dial = "http://"+ln.Addr().String(), nil })
		list, _ := answers(raw(t, w.serve(Never)), "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n", false)
		if len(list) != 1 || list[0] != 502 {
			t.Errorf("%s: a spliced CONNECT got %d, want 502", name, list)
		}
		if resp, _ := get(t, w.client(w.serve(Always), nil, true), "https://site.example/"); resp.StatusCode != 502 {
			t.Errorf("%s: an intercepted request got %d, want 502", name, resp.StatusCode)
		}
		for range 2 {
			if n := <-taken; n > 16<<20 {
				t.Errorf("%s: %d bytes were taken", name, n)
			}
		}
	}
}

// giant is a GIF, and so on, whose header claims 65535x65535.
func giants() map[string][]byte {
	gif := append([]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02"), make([]byte, 200)...)
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xff\xff\x00\x00\xff\xff\x08\x06\x00\x00\x00"), make([]byte, 200)...)
	jpeg := append([]byte("\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03"), make([]byte, 200)...)
	webp := append([]byte("RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff"), make([]byte, 200)...)
	return map[string][]byte{"gif": gif, "png": png, "jpeg": jpeg, "webp": webp}
}

// bombs are small bodies that decode to 64 MB.
func bombs(t testing.TB) map[string][]byte {
	zeros := make([]byte, 1<<20)
	out := map[string][]byte{}
	for name, open := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed); return z },
		"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 0) },
		"zstd": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			return z
		},
	} {
		var buf bytes.Buffer
		z := open(&buf)
		_, _ = z.Write([]byte("GIF89a\x2c\x01\x2c\x01"))
		for range 64 {
			_, _ = z.Write(zeros)
		}
		_ = z.Close()
		out[name] = buf.Bytes()
	}
	return out
}

// TestHostileImages: what an image claims, or decodes to, costs nothing, and
// the client gets what the site sent. Not parallel: it counts all memory.
func TestHostileImages(t *testing.T) {
	w := newWorld(t, nil)
	files := giants()
	codings := bombs(t)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[1:]
		w.Header().Set("Set-Cookie", "id=abcdef0123456789")
		if b, ok := codings[name]; ok {
			w.Header().Set("Content-Type", "image/gif")
			w.Header().Set("Content-Encoding", name)
			_, _ = w.Write(b)
			return
		}
		w.Header().Set("Content-Type", "image/"+name)
		_, _ = w.Write(files[name])
	}), "site.example")
	addr := w.serve(Always)
	c := w.client(addr, nil, true)
	_, _ = get(t, c, "https://site.example/warm")
	ask := func(name string, want []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, body := get(t, c, "https://site.example/"+name+"?uid=123456789", "Referer", "https://page.example/",
			"Sec-Fetch-Dest", "image", "Sec-Fetch-Site", "cross-site", "Accept-Encoding", "gzip, br, zstd")
		runtime.ReadMemStats(&after)
		if body != string(want) {
			t.Errorf("%s: %d bytes came, want the %d that were sent", name, len(body), len(want))
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 24<<20 {
			t.Errorf("%s: %d MB were allocated", name, n>>20)
		}
	}
	for name, b := range files {
		ask(name, b)
	}
	for name, b := range codings {
		ask(name, b)
	}
}

// TestGoAwayIsRetried: a request that a site says it has not looked at is sent
// again on another connection, body and all (RFC 9113 §6.8).
func TestGoAwayIsRetried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	s := &goAway{}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*w.roots.leaf(t, "site.example")}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close(); s.wg.Wait() })
	w.place("site.example", 443, ln.Addr().String())
	s.wg.Go(func() { s.accept(ln) })
	addr := w.serve(Always)
	for i, method := range []string{"GET", "POST", "PUT"} {
		var body io.Reader
		if method != "GET" {
			body = strings.NewReader(strings.Repeat("x", 1000))
		}
		s.refuse(i)
		r, _ := http.NewRequest(method, "https://site.example/", body)
		resp, err := w.client(addr, nil, false).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := map[bool]string{true: "0", false: "1000"}[body == nil]
		if resp.StatusCode != 200 || string(b) != want {
			t.Errorf("%s: %d %q, want 200 and %s bytes at the site", method, resp.StatusCode, b, want)
		}
		if n := s.refusals(); n != i+1 {
			t.Errorf("%s: %d requests were refused, want %d", method, n, i+1)
		}
	}
}

// goAway is a site that ends a connection at the next request, unread.
type goAway struct {
	wg      sync.WaitGroup
	mu      sync.Mutex
	may     int // refusals so far may rise to this
	refused int
}

func (s *goAway) refuse(so int) { s.mu.Lock(); s.may = so + 1; s.mu.Unlock() }
func (s *goAway) refusals() int { s.mu.Lock(); defer s.mu.Unlock(); return s.refused }
func (s *goAway) now() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused >= s.may {
		return false
	}
	s.refused++
	return true
}

func (s *goAway) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() { defer c.Close(); s.serve(c) })
	}
}

func (s *goAway) serve(c net.Conn) {
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	fr := http2.NewFramer(c, c)
	_ = fr.WriteSettings()
	var last uint32
	got := 0
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = fr.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			if s.now() {
				_ = fr.WriteGoAway(last, http2.ErrCodeNo, nil)
				_, _ = io.Copy(io.Discard, c)
				return
			}
			last, got = f.StreamID, 0
			if f.StreamEnded() {
				answerFrame(fr, last, got)
			}
		case *http2.DataFrame:
			if got += len(f.Data()); f.StreamEnded() {
				answerFrame(fr, last, got)
			}
		}
	}
}

func answerFrame(fr *http2.Framer, id uint32, got int) {
	var buf bytes.Buffer
	_ = hpack.NewEncoder(&buf).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: buf.Bytes(), EndHeaders: true})
	_ = fr.WriteData(id, true, fmt.Append(nil, got))
}
