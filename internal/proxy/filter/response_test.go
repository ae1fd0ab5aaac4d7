package filter

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
)

const (
	unknownPixel = "https://t.unknown.example/p?u=8f3a"
	cross        = "Sec-Fetch-Site: cross-site"
)

// visible is a 40x40 GIF header and some data: not a pixel.
var visible = "GIF89a\x28\x00\x28\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x28\x00\x28\x00\x00" + strings.Repeat("\x02\x00", 2000) + ";"

type unknownImage struct {
	name, url, mime, body string
	head                  []string // of the response
	request               []string
	want                  []string
	blank                 string // "" if the answer passes as it is
}

func unknownImages(t testing.TB) []unknownImage {
	gz := string(compress(t, "gzip", []byte(img(pixel.SVG))))
	return []unknownImage{
		{"gif with a query", unknownPixel, "image/gif", img(pixel.GIF), nil, nil, []string{"strip gif told"}, "image/gif"},
		{"png", unknownPixel, "image/png", img(pixel.PNG), nil, nil, []string{"strip png told"}, "image/png"},
		{"webp", unknownPixel, "image/webp", img(pixel.WebP), nil, nil, []string{"strip gif told"}, "image/webp"},
		{"svg", unknownPixel, "image/svg+xml", img(pixel.SVG), nil, nil, []string{"strip svg told"}, "image/svg+xml"},
		{"gzip svg", unknownPixel, "image/svg+xml", gz, []string{"Content-Encoding: gzip"}, nil, []string{"strip svg told"}, "image/svg+xml"},
		{"without a type", unknownPixel, "", img(pixel.GIF), nil, nil, []string{"strip gif told"}, "image/gif"},
		{"png that says gif", unknownPixel, "image/gif", img(pixel.PNG), nil, nil, []string{"strip png told"}, "image/png"},
		{"with a cookie", "https://t.unknown.example/p.gif", "image/gif", img(pixel.GIF), nil, []string{"Cookie: a=b"}, []string{"strip gif told"}, "image/gif"},
		{"spacer", "https://t.unknown.example/p.gif", "image/gif", img(pixel.GIF), nil, nil, []string{"observe told"}, ""},
		{"visible icon", unknownPixel, "image/gif", visible, nil, nil, nil, ""},
		{"sign-in", "https://a.login.example/p.gif?u=1", "image/gif", img(pixel.GIF), nil, nil, nil, ""},
		{"first party", unknownPixel, "image/gif", img(pixel.GIF), nil, []string{"Sec-Fetch-Site: same-origin"}, nil, ""},
		{"not an image", unknownPixel, "text/html", img(pixel.GIF), nil, nil, nil, ""},
		{"long", unknownPixel, "image/gif", img(pixel.GIF) + strings.Repeat("x", maxImage), nil, nil, nil, ""},
		{"event stream", unknownPixel, "text/event-stream", "data: 1\n\n", nil, []string{"Accept: text/event-stream", "Sec-Fetch-Dest: empty"}, nil, ""},
	}
}

func TestUnknownPixels(t *testing.T) {
	t.Parallel()
	for _, tt := range unknownImages(t) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.origin = func(*http.Request) *http.Response {
				return reply(200, tt.mime, tt.body, append(tt.head, "Set-Cookie: id=7", `Etag: "x"`, "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT")...)
			}
			head := []string{page, image}
			if len(tt.request) == 0 || !strings.HasPrefix(tt.request[0], "Sec-Fetch-Site") {
				head = append(head, cross)
			}
			if len(tt.request) > 0 && strings.HasPrefix(tt.request[0], "Accept: text/event") {
				head = []string{page, cross}
			}
			resp := w.get(tt.url, append(head, tt.request...)...)
			w.wantSent(1)
			w.wantNotes(tt.want...)
			got := text(t, resp)
			if tt.blank == "" {
				if got != tt.body || resp.Header.Get("Set-Cookie") != "id=7" || resp.Header.Get("Etag") == "" || len(w.learned) != 0 {
					t.Errorf("changed: %d bytes, header %v, learned %v", len(got), resp.Header, w.learned)
				}
				return
			}
			if look := pixel.Look([]byte(got), true); !look.Tiny || resp.Header.Get("Content-Type") != tt.blank {
				t.Errorf("answered %q %+v, want a blank %s", resp.Header.Get("Content-Type"), look, tt.blank)
			}
			if h := resp.Header; h.Get("Set-Cookie") != "" || h.Get("Etag") != "" || h.Get("Last-Modified") != "" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("header %v still tells the browser apart", h)
			}
			if len(w.learned) != 1 || w.learned[0] != tt.url {
				t.Errorf("learned %q, want %q", w.learned, tt.url)
			}
			s := w.notes.all()[0]
			if s.Seen.Response == nil || s.Seen.Response.Header.Get("Set-Cookie") != "id=7" || !strings.Contains(sentence(s), "told") {
				t.Errorf("response %+v, sentence %q", s.Seen.Response, sentence(s))
			}
		})
	}
}

// TestSecondTimeNeverLeaves closes the circle of what Learn is for.
func TestSecondTimeNeverLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var keys []uint64
	w.f.Learn = func(host, url string, _ time.Time) { keys = append(keys, detect.EndpointKey(host, url)) }
	w.origin = func(*http.Request) *http.Response { return reply(200, "image/gif", img(pixel.GIF)) }
	w.get(unknownPixel, page, image, cross)
	w.policy = &detect.Policy{Learned: detect.NewEndpoints(keys)}
	if got := text(t, w.get(unknownPixel+"2", page, image, cross)); got != img(pixel.GIF) {
		t.Errorf("second time answered %q", got)
	}
	w.wantSent(1)
	w.wantNotes("strip gif told", "block gif")
}

func TestObserveModeTouchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy = &detect.Policy{Observe: true}
	w.origin = func(*http.Request) *http.Response {
		return reply(200, "image/gif", img(pixel.GIF), "Set-Cookie: id=7")
	}
	resp := w.get(unknownPixel, page, image, cross)
	if text(t, resp) != img(pixel.GIF) || resp.Header.Get("Set-Cookie") != "id=7" || len(w.learned) != 0 {
		t.Errorf("changed: %v, learned %v", resp.Header, w.learned)
	}
	w.wantNotes("observe told")
}

// TestResponsesAreNotHeldBack: an image that comes slowly passes as it comes.
func TestResponsesAreNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		pr, pw := io.Pipe()
		go func() {
			io.WriteString(pw, visible[:100])
			time.Sleep(time.Minute)
			io.WriteString(pw, visible[100:])
			pw.Close()
		}()
		w.origin = func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"image/gif"}}, ContentLength: -1, Body: pr}
		}
		start := time.Now()
		resp := w.get(unknownPixel, page, image, cross)
		if got := time.Since(start); got != maxWait {
			t.Errorf("the response was held for %v, want %v", got, maxWait)
		}
		first := make([]byte, 4096)
		n, err := resp.Body.Read(first)
		if got := time.Since(start); n != 100 || err != nil || got != maxWait {
			t.Errorf("first read: %d bytes, %v, after %v; want 100 at once", n, err, got)
		}
		rest, _ := io.ReadAll(resp.Body)
		if string(first[:n])+string(rest) != visible {
			t.Error("the image changed on its way")
		}
		w.wantNotes()
	})
}

// TestBodiesAreNotTouched: without a need the very body passes.
func TestBodiesAreNotTouched(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		head      []string
		resp      *http.Response
	}{
		{"unknown script", "https://cdn.example/x.js", []string{page, script, cross}, reply(200, "text/javascript", "x")},
		{"video", unknownPixel, []string{page, "Sec-Fetch-Dest: video", cross}, reply(200, "video/mp4", "x")},
		{"download", "https://t.unknown.example/f", []string{page, cross}, reply(200, "application/octet-stream", "x")},
		{"camera", unknownPixel, []string{page, image, cross}, reply(200, "multipart/x-mixed-replace;boundary=a", "x")},
		{"redirect", unknownPixel, []string{page, image, cross}, reply(302, "image/gif", "x")},
		{"part", unknownPixel, []string{page, image, cross}, reply(206, "image/gif", "x")},
	}
	for _, tt := range tests {
		w := newWorld(t)
		body := tt.resp.Body
		w.origin = func(*http.Request) *http.Response { return tt.resp }
		if resp := w.get(tt.url, tt.head...); resp != tt.resp || resp.Body != body {
			t.Errorf("%s: the response was replaced or its body wrapped", tt.name)
		}
	}
	w := newWorld(t)
	w.origin = func(*http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"image/gif"}}, ContentLength: 43, Body: http.NoBody}
	}
	w.do(request("HEAD", unknownPixel, nil, page, image, cross), here)
	w.wantNotes()
}

func TestBreakingOffIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin = func(*http.Request) *http.Response {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"image/gif"}}, ContentLength: -1,
			Body: panicking{strings.NewReader(visible[:200])}}
	}
	resp := w.get(unknownPixel, page, image, cross)
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v, want ErrAbortHandler from whoever reads the body", v)
		}
	}()
	io.ReadAll(resp.Body)
	t.Error("a body that broke off looks complete")
}
