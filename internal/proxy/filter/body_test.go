package filter

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/proxy/coding"
)

const (
	sigURL   = "https://shop2.example/api/e" // only the body shows that it is a hit
	sigBody  = `{"writeKey":"k1","ev":"Buy"}`
	jsonType = "Content-Type: application/json"
	dest     = "Sec-Fetch-Dest: empty"
)

// compress returns data in the named coding.
func compress(t testing.TB, coding string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw":
		w, _ = flate.NewWriter(&b, flate.BestCompression)
	case "br":
		w = brotli.NewWriterLevel(&b, 1)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	default:
		return data
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chunked hides the length of a body.
func chunked(r *http.Request) *http.Request { r.ContentLength = -1; return r }

func TestHoldingBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		body    string
		head    []string
		chunked bool
		held    bool
	}{
		{"declared", sigBody, []string{jsonType}, false, true},
		{"chunked, ends at once", sigBody, []string{jsonType}, true, true},
		{"text that is JSON", sigBody, []string{"Content-Type: text/plain"}, false, true},
		{"gzip", string(compress(t, "gzip", []byte(sigBody))), []string{jsonType, "Content-Encoding: gzip"}, false, true},
		{"br", string(compress(t, "br", []byte(sigBody))), []string{jsonType, "Content-Encoding: br"}, false, true},
		{"deflate", string(compress(t, "deflate", []byte(sigBody))), []string{jsonType, "Content-Encoding: deflate"}, false, true},
		{"raw deflate", string(compress(t, "raw", []byte(sigBody))), []string{jsonType, "Content-Encoding: deflate"}, false, true},
		{"zstd", string(compress(t, "zstd", []byte(sigBody))), []string{jsonType, "Content-Encoding: zstd"}, false, true},
		{"gzip over br", string(compress(t, "gzip", compress(t, "br", []byte(sigBody)))), []string{jsonType, "Content-Encoding: br, gzip"}, false, true},
		{"64 KB", sigBody + strings.Repeat(" ", maxBody-len(sigBody)), []string{jsonType}, false, true},
		{"64 KB, chunked", sigBody + strings.Repeat(" ", maxBody-len(sigBody)), []string{jsonType}, true, true},
		{"64 KB and one", sigBody + strings.Repeat(" ", maxBody+1-len(sigBody)), []string{jsonType}, false, false},
		{"64 KB and one, chunked", sigBody + strings.Repeat(" ", maxBody+1-len(sigBody)), []string{jsonType}, true, false},
		{"grpc", sigBody, []string{"Content-Type: application/grpc"}, false, false},
		{"grpc+proto", sigBody, []string{"Content-Type: application/grpc+proto; a=b"}, false, false},
		{"grpc-web", sigBody, []string{"Content-Type: application/grpc-web-text"}, false, false},
		{"multipart", sigBody, []string{"Content-Type: Multipart/form-data; boundary=x"}, false, false},
		{"octet-stream", sigBody, []string{"Content-Type: application/octet-stream"}, false, false},
		{"unknown coding", sigBody, []string{jsonType, "Content-Encoding: lzma"}, false, false},
		{"broken coding", sigBody, []string{jsonType, "Content-Encoding: gzip"}, false, false},
		{"another body", `{"x":1}`, []string{jsonType}, false, false},
		{"empty", "", []string{jsonType}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := request("POST", sigURL, strings.NewReader(tt.body), append(tt.head, page, dest, fetchMode)...)
			if tt.chunked {
				chunked(r)
			}
			declared := r.ContentLength
			w.do(r, here)
			if tt.held {
				w.wantSent(0)
				if s := w.wantNotes("block json")[0]; !strings.HasPrefix(string(s.Seen.Request.Body), sigBody) || s.Seen.Request.BodyCut {
					t.Errorf("recorded body %.40q (cut %v), want %q whole", s.Seen.Request.Body, s.Seen.Request.BodyCut, sigBody)
				}
				return
			}
			w.wantSent(1)
			w.wantNotes()
			if w.bodies[0] != tt.body || w.sent[0].ContentLength != declared {
				t.Errorf("sent %d bytes declared as %d, want the %d of the client declared as %d",
					len(w.bodies[0]), w.sent[0].ContentLength, len(tt.body), declared)
			}
		})
	}
}

// TestHeldBodyIsSentWhole: what was held and is no hit goes on, and can be
// sent again on another connection.
func TestHeldBodyIsSentWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := chunked(request("POST", sigURL, strings.NewReader("abc"), page, jsonType, dest, fetchMode))
	out, resp, ex := w.f.Request(r, here)
	if resp != nil {
		t.Fatal("answered")
	}
	defer w.f.Failed(ex, io.EOF)
	for range 2 {
		if b, _ := io.ReadAll(out.Body); string(b) != "abc" {
			t.Errorf("sent %q, want abc", b)
		}
		out.Body, _ = out.GetBody()
	}
}

type slowBody struct {
	name     string
	url      string
	declared int64
	after    time.Duration // when the second half comes
	waited   time.Duration // until Request returns
	sent     int
	notes    []string
	cut      bool
}

func slowBodies() []slowBody {
	return []slowBody{
		{"chunked, in time", sigURL, -1, 150 * time.Millisecond, 150 * time.Millisecond, 0, []string{"block json"}, false},
		{"chunked, late", sigURL, -1, time.Second, maxWait, 1, nil, false},
		{"declared, late", sigURL, int64(len(sigBody)), time.Second, time.Second, 0, []string{"block json"}, false},
		{"declared, never comes", sigURL, int64(len(sigBody)), time.Hour, maxDeclaredWait, 1, nil, false},
		{"blocked, in time", "https://px.acme.example/post", -1, 150 * time.Millisecond, 150 * time.Millisecond, 0, []string{"block json"}, false},
		{"blocked, late", "https://px.acme.example/post", -1, time.Second, maxWait, 0, []string{"block json"}, true},
		{"blocked, declared, late", "https://px.acme.example/post", int64(len(sigBody)), time.Second, maxWait, 0, []string{"block json"}, true},
	}
}

// TestSlowBodies runs on a clock of its own.
func TestSlowBodies(t *testing.T) {
	for _, tt := range slowBodies() {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				pr, pw := io.Pipe()
				quit := make(chan struct{})
				go func() {
					io.WriteString(pw, sigBody[:10])
					select {
					case <-time.After(tt.after):
					case <-quit:
					}
					io.WriteString(pw, sigBody[10:])
					pw.Close()
				}()
				r := request("POST", tt.url, pr, page, jsonType, dest, fetchMode)
				r.ContentLength = tt.declared
				start := time.Now()
				out, resp, ex := w.f.Request(r, here)
				if got := time.Since(start); got != tt.waited {
					t.Errorf("Request took %v, want %v", got, tt.waited)
				}
				if (resp == nil) != (tt.sent == 1) {
					t.Fatalf("answered: %v, want %v", resp != nil, tt.sent == 0)
				}
				if resp == nil {
					first := make([]byte, 100)
					n, _ := out.Body.Read(first)
					if got := time.Since(start); got != tt.waited || string(first[:n]) != sigBody[:10] {
						t.Errorf("what had come was %q after %v, want it at once", first[:n], got)
					}
					rest, _ := io.ReadAll(out.Body)
					if got := string(first[:n]) + string(rest); got != sigBody {
						t.Errorf("sent %q, want %q", got, sigBody)
					}
					w.f.Failed(ex, io.EOF)
				}
				for _, s := range w.wantNotes(tt.notes...) {
					if s.Seen.Request.BodyCut != tt.cut {
						t.Errorf("cut %v, want %v", s.Seen.Request.BodyCut, tt.cut)
					}
				}
				if resp != nil && (resp.Header.Get("Connection") == "close") != tt.cut {
					t.Errorf("Connection %q with a body cut: %v", resp.Header.Get("Connection"), tt.cut)
				}
				pr.Close()
				close(quit)
			})
		})
	}
}

// counted counts what is read, also by who reads on while nobody waits for it
// any more.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func TestBlockedBodiesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	big := &counted{r: strings.NewReader(strings.Repeat("a", 10*maxBody))}
	r := request("POST", "https://px.acme.example/post", big, page, jsonType, dest, fetchMode)
	r.ContentLength = 10 * maxBody
	resp := w.do(r, here)
	if n := big.n.Load(); n > 2*maxBody {
		t.Errorf("%d bytes were read, want few of %d", n, 10*maxBody)
	}
	if s := w.wantNotes("block json")[0]; !s.Seen.Request.BodyCut || len(s.Seen.Request.Body) > maxBody {
		t.Errorf("%d bytes recorded, cut %v; want at most %d, cut", len(s.Seen.Request.Body), s.Seen.Request.BodyCut, maxBody)
	}
	if !resp.Close {
		t.Error("the connection stays open with a body unread")
	}
	h2 := request("POST", "https://px.acme.example/post", strings.NewReader(strings.Repeat("a", 2*maxBody)), page, jsonType, dest, fetchMode)
	h2.ProtoMajor = 2
	if resp := w.do(h2, here); resp.Header.Get("Connection") != "" {
		t.Error("an h2 answer has a Connection field")
	}
}

func TestDecodeBounds(t *testing.T) {
	t.Parallel()
	var c coding.Coders
	zeros := make([]byte, 2<<20)
	many := bytes.Repeat([]byte("0123456789abcdef, "), 1<<16) // 1.2 MB
	for _, name := range []string{"gzip", "deflate", "br", "zstd"} {
		bomb := compress(t, name, zeros)
		if out, whole := decode(&c, name, bomb, maxDecoded); whole || len(out) > maxDecoded || len(out) > max(minDecoded, maxRatio*len(bomb)) {
			t.Errorf("%s bomb of %d bytes: %d bytes, whole %v; want it cut", name, len(bomb), len(out), whole)
		}
		if out, whole := decode(&c, name, compress(t, name, many), maxDecoded); whole || len(out) > maxDecoded {
			t.Errorf("%s of %d bytes: %d bytes, whole %v; want it cut", name, len(many), len(out), whole)
		}
		twice := compress(t, name, compress(t, name, zeros))
		if out, whole := decode(&c, name+","+name, twice, maxDecoded); whole || len(out) > maxDecoded {
			t.Errorf("%s twice: %d bytes, whole %v; want it cut", name, len(out), whole)
		}
		half := compress(t, name, []byte(strings.Repeat("hello world ", 500)))
		if _, whole := decode(&c, name, half[:len(half)/2], maxDecoded); whole {
			t.Errorf("half of a %s body counts as whole", name)
		}
	}
	tests := []struct {
		codings, body, want string
		whole               bool
	}{
		{"", "x", "x", true}, {"identity", "x", "x", true}, {"Identity , ", "x", "x", true},
		{"gzip,gzip,gzip,gzip", "x", "", false}, {"gzip", "", "", false},
		{"", strings.Repeat("a", 5000), strings.Repeat("a", 4096), false},
	}
	for _, tt := range tests {
		if got, whole := decode(&c, tt.codings, []byte(tt.body), 4096); string(got) != tt.want || whole != tt.whole {
			t.Errorf("decode(%q) of %d bytes = %.20q %v, want %.20q %v", tt.codings, len(tt.body), got, whole, tt.want, tt.whole)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"gzip", "deflate", "br", "zstd"} {
		f.Add(name, compress(f, name, []byte(sigBody)))
	}
	f.Add("br, gzip,", []byte("x"))
	var used coding.Coders
	f.Fuzz(func(t *testing.T, codings string, body []byte) {
		out, whole := decode(&used, codings, body, 1<<16)
		if len(out) > 1<<16 {
			t.Errorf("decode(%q) returns %d bytes", codings, len(out))
		}
		if again, also := decode(new(coding.Coders), codings, body, 1<<16); !bytes.Equal(out, again) || whole != also {
			t.Errorf("decode(%q) after others: %d bytes, whole %v; alone %d, %v", codings, len(out), whole, len(again), also)
		}
	})
}

// body that panics as a transport's may.
type panicking struct{ after io.Reader }

func (p panicking) Read(b []byte) (int, error) {
	n, err := p.after.Read(b)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return n, nil
}
func (panicking) Close() error { return nil }

func TestTapPassesPanicsAndErrorsOn(t *testing.T) {
	t.Parallel()
	tp := newTap(panicking{strings.NewReader("abc")}, 100)
	if data, whole := tp.wait(time.Minute); string(data) != "abc" || whole {
		t.Errorf("wait = %q %v, want abc, not whole", data, whole)
	}
	got := make([]byte, 10)
	if n, err := tp.Read(got); string(got[:n]) != "abc" || err != nil {
		t.Errorf("Read = %q %v", got[:n], err)
	}
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("recovered %v, want ErrAbortHandler", v)
			}
		}()
		tp.Read(got)
	}()

	broken := errors.New("broken")
	tp = newTap(io.NopCloser(io.MultiReader(strings.NewReader("abc"), errReader{broken})), 100)
	tp.wait(time.Minute)
	if b, err := io.ReadAll(tp); string(b) != "abc" || !errors.Is(err, broken) {
		t.Errorf("ReadAll = %q %v, want abc and the error", b, err)
	}
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// TestTapRejoins: whatever the limit and the sizes of reads, all bytes come
// out, in order.
func TestTapRejoins(t *testing.T) {
	t.Parallel()
	want := strings.Repeat("0123456789", 3000)
	for _, limit := range []int{1, 9, 4096, 8192, 29999, 30000, 30001} {
		for _, step := range []int{1, 7, 4096, 100000} {
			tp := newTap(io.NopCloser(stepReader{strings.NewReader(want), step}), limit)
			head, whole := tp.wait(time.Minute)
			if string(head) != want[:min(limit, len(want))] || whole != (limit >= len(want)) {
				t.Fatalf("limit %d, step %d: %d bytes, whole %v", limit, step, len(head), whole)
			}
			if all, err := io.ReadAll(tp); err != nil || string(all) != want {
				t.Errorf("limit %d, step %d: %d bytes (%v), want %d", limit, step, len(all), err, len(want))
			}
		}
	}
}

type stepReader struct {
	r    io.Reader
	step int
}

func (s stepReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.step)]) }

func TestBodyOfAnAllowedHitIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy = &detect.Policy{Observe: true}
	w.do(request("POST", "https://px.acme.example/post", strings.NewReader(`{"id":"1","ev":"Buy"}`), page, jsonType, dest, fetchMode), here)
	w.wantSent(1)
	if s := w.wantNotes("observe told")[0]; string(s.Seen.Request.Body) != `{"id":"1","ev":"Buy"}` || w.bodies[0] != `{"id":"1","ev":"Buy"}` {
		t.Errorf("recorded %q, sent %q", s.Seen.Request.Body, w.bodies[0])
	}
}
