package filter

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/pixel"
)

const (
	hit    = "https://px.acme.example/tr?id=1&ev=Buy"
	page   = "Referer: https://shop.example/thanks"
	image  = "Sec-Fetch-Dest: image"
	script = "Sec-Fetch-Dest: script"
)

func TestZeroFilterPassesEverything(t *testing.T) {
	t.Parallel()
	for _, f := range []*Filter{{}, {Set: func() *engine.Set { return nil }}} {
		r := request("GET", hit, nil, page)
		out, resp, ex := f.Request(r, Client{})
		if out != r || resp != nil || ex == nil {
			t.Errorf("Request = %p %v %v, want the request itself, nothing, an Exchange", out, resp, ex)
		}
		in := reply(200, "image/gif", img(pixel.GIF))
		if got := f.Response(in, ex); got != in {
			t.Error("Response changed the response")
		}
		if f.Chain(ex, []string{"x"}) != nil || f.Chain(nil, nil) != nil || f.Response(nil, nil) != nil {
			t.Error("Chain or Response answered")
		}
		f.Failed(ex, io.EOF)
		f.Failed(nil, io.EOF)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	observe := &detect.Policy{Observe: true}
	allow := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "acme.example"}})}
	pass := &detect.Policy{Loaders: map[string]detect.LoaderMode{"acme": detect.LoaderPass}}
	tests := []struct {
		name, url string
		head      []string
		policy    *detect.Policy
		sent      int
		notes     []string
		body      string
	}{
		{"unknown", "https://cdn.example/app.js", []string{page, script}, nil, 1, nil, "from the origin"},
		{"hit by image", hit, []string{page, image}, nil, 0, []string{"block gif"}, img(pixel.GIF)},
		{"hit by beacon", hit, []string{page, "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors"}, nil, 0, []string{"block no-content"}, ""},
		{"hit in a frame", hit, []string{page, "Sec-Fetch-Dest: iframe"}, nil, 0, []string{"block empty-html"}, "<!doctype html><title></title>"},
		{"hit by websocket", hit, []string{page, "Upgrade: websocket", "Connection: Upgrade"}, nil, 0, []string{"block refused"}, ""},
		{"observe mode", hit, []string{page, image}, observe, 1, []string{"observe told"}, "from the origin"},
		{"allowed by the user", hit, []string{page, image}, allow, 1, []string{"allow told"}, "from the origin"},
		{"observed by its rule", "https://www.acme.example/seen", []string{page}, nil, 1, []string{"observe told"}, "from the origin"},
		{"loader that must fail", "https://cdn.acme.example/ctor.js", []string{page, script}, nil, 0, []string{"block refused"}, ""},
		{"loader without stub", "https://cdn.acme.example/empty.js", []string{page, script}, nil, 0, []string{"block empty-js"}, "/**/"},
		{"loader let pass", "https://cdn.acme.example/px.js", []string{page, script}, pass, 1, []string{"observe told"}, "from the origin"},
		{"report path without token", "https://cdn.acme.example/.well-known/quench/abc/1?ev=Buy", []string{page, script}, nil, 1, nil, "from the origin"},
		{"hit on the report path's host", "https://px.acme.example/.well-known/quench/", []string{page}, nil, 0, []string{"block gif"}, img(pixel.GIF)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.policy != nil {
				w.policy = tt.policy
			}
			resp := w.get(tt.url, tt.head...)
			if got := text(t, resp); got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			w.wantSent(tt.sent)
			for _, s := range w.wantNotes(tt.notes...) {
				if s.Door != "proxy" || s.Set == nil || s.Seen.At.IsZero() || sentence(s) == "" {
					t.Errorf("sighting %+v lacks something; its sentence: %q", s, sentence(s))
				}
			}
		})
	}
}

func TestRecordOwnsItsDataAndLeavesOutCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request("GET", strings.Replace(hit, "https://", "https://me:pw@", 1), nil, page, image, "Authorization: Basic c2VjcmV0", "Proxy-Authorization: Basic c2VjcmV0",
		"Cookie: uid=7", "X-Api-Key: secret", "User-Agent: B/1")
	r.URL.Fragment = "frag"
	w.do(r, there)
	r.Header.Set("Cookie", "uid=changed")
	r.Header["Referer"][0] = "https://changed.example/"
	s := w.wantNotes("block gif")[0]
	h := s.Seen.Request.Header.(http.Header)
	if h.Get("Cookie") != "uid=7" || h.Get("Referer") != "https://shop.example/thanks" || h.Get("User-Agent") != "B/1" {
		t.Errorf("header %v changed with the request", h)
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Api-Key"} {
		if h.Get(name) != "" {
			t.Errorf("%s was recorded", name)
		}
	}
	if s.Client != "tablet" || s.Seen.Request.URL != hit {
		t.Errorf("client %q, URL %q, want tablet and %q", s.Client, s.Seen.Request.URL, hit)
	}
	if want := "shop.example tried to tell Acme Pixel (Acme Ads) that you bought something on /thanks"; !strings.HasPrefix(sentence(s), want) {
		t.Errorf("sentence %q, want it to begin %q", sentence(s), want)
	}
}

func TestStripBeforeSending(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, url, cookie, wantURL, wantCookie, wantSet string }{
		{"some", "https://www.acme.example/like?a=1&uid=7&b=%2F&%75id=8&c", "x=1; uid=7;sid=\"a=b\"; UID=2", "https://www.acme.example/like?a=1&b=%2F&c", "x=1; UID=2", "keep=1"},
		{"all", "https://www.acme.example/all?a=1&uid=7", "x=1; uid=7", "https://www.acme.example/all", "", ""},
		{"nothing there", "https://www.acme.example/like", "", "https://www.acme.example/like", "", "keep=1"},
		{"only those", "https://www.acme.example/like?uid=1", "uid=7", "https://www.acme.example/like", "", "keep=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.origin = func(*http.Request) *http.Response {
				return reply(200, "text/html", "widget", "Set-Cookie: uid=9; Path=/", "Set-Cookie: keep=1")
			}
			head := []string{page, "Sec-Fetch-Dest: iframe"}
			if tt.cookie != "" {
				head = append(head, "Cookie: "+tt.cookie)
			}
			r := request("GET", tt.url, nil, head...)
			resp := w.do(r, here)
			w.wantSent(1)
			got := w.sent[0]
			if got.URL.String() != tt.wantURL || got.Header.Get("Cookie") != tt.wantCookie {
				t.Errorf("sent %s with %q, want %s with %q", got.URL, got.Header.Get("Cookie"), tt.wantURL, tt.wantCookie)
			}
			if r.URL.String() != tt.url || r.Header.Get("Cookie") != tt.cookie {
				t.Errorf("the client's own request changed to %s with %q", r.URL, r.Header.Get("Cookie"))
			}
			if set := strings.Join(resp.Header["Set-Cookie"], "|"); set != tt.wantSet {
				t.Errorf("Set-Cookie %q, want %q", set, tt.wantSet)
			}
			if s := w.wantNotes("strip")[0]; s.Seen.Request.URL != tt.url || s.Seen.Request.Header.Get("Cookie") != tt.cookie {
				t.Errorf("recorded %s with %q, want what the client sent", s.Seen.Request.URL, s.Seen.Request.Header.Get("Cookie"))
			}
		})
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chain = []string{"edge.example", "px.acme.example"}
	resp := w.get("https://metrics.shop.example/tr?id=1&ev=Buy", page, image)
	if text(t, resp) != img(pixel.GIF) {
		t.Error("a cloaked hit was not answered with an image")
	}
	w.wantSent(0)
	s := w.wantNotes("block gif")[0]
	v := s.Set.Explain(s.Seen, s.Decision)
	var kinds []string
	for _, e := range v[0].Evidence {
		kinds = append(kinds, e.Kind)
	}
	if !strings.Contains(strings.Join(kinds, " "), "cname") {
		t.Errorf("evidence %q, want cname among it", kinds)
	}

	w = newWorld(t)
	w.chain = []string{"www.acme.example"}
	w.get("https://w.shop.example/like?uid=7&a=1", page, "Sec-Fetch-Dest: iframe", "Cookie: uid=7; x=1")
	w.wantSent(1)
	if got := w.sent[0]; got.URL.RawQuery != "a=1" || got.Header.Get("Cookie") != "x=1" {
		t.Errorf("sent %s with %q, want it stripped", got.URL, got.Header.Get("Cookie"))
	}
	w.wantNotes("strip")

	w = newWorld(t)
	w.chain = []string{"px.acme.example"}
	w.policy = &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "metrics.shop.example"}})}
	w.get("https://metrics.shop.example/tr?id=1", page, image)
	w.wantSent(1)
}

func TestChainReadsTheBodyOfWhatItBlocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chain = []string{"px.acme.example"}
	r := request("POST", "https://metrics.shop.example/post", strings.NewReader("id=1&ev=Buy&order=o77"), page,
		"Content-Type: application/x-www-form-urlencoded", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors")
	w.do(r, here)
	w.wantSent(0)
	if s := w.wantNotes("block no-content")[0]; string(s.Seen.Request.Body) != "id=1&ev=Buy&order=o77" {
		t.Errorf("recorded body %q", s.Seen.Request.Body)
	}
}

func TestFailed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no such host", &url.Error{Op: "Get", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, "observe"},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, "observe"},
		{"broken off", io.ErrUnexpectedEOF, "observe told"},
	}
	for _, tt := range tests {
		w := newWorld(t)
		_, resp, ex := w.f.Request(request("GET", "https://www.acme.example/seen", nil, page), here)
		if resp != nil {
			t.Fatalf("%s: answered %d, want it passed", tt.name, resp.StatusCode)
		}
		w.f.Failed(ex, tt.err)
		w.f.Failed(ex, tt.err)
		w.f.Response(reply(200, "text/plain", ""), ex)
		w.wantNotes(tt.want)
	}
}

func TestDocumentGetsAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp := w.get(hit, "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate")
	got := text(t, resp)
	if resp.StatusCode != 403 || !strings.Contains(got, "Acme Pixel") || !strings.Contains(got, "Acme Ads") || !strings.Contains(got, "<form") {
		t.Errorf("status %d, page:\n%s", resp.StatusCode, got)
	}
	w.wantSent(0)
	w.wantNotes("block page")
}

func BenchmarkRequestMiss(b *testing.B) {
	f := &Filter{Set: func() *engine.Set { return nil }}
	set, policy := newSet(b), &detect.Policy{}
	f.Set, f.Policy = func() *engine.Set { return set }, func(Client) *detect.Policy { return policy }
	r := request("GET", "https://cdn.example/assets/app/logo-40x40.png?v=3", nil, page, image,
		"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site", "Accept: image/avif,image/webp,*/*;q=0.8")
	r.Body = http.NoBody
	b.ReportAllocs()
	for b.Loop() {
		if _, resp, _ := f.Request(r, here); resp != nil {
			b.Fatal("answered")
		}
	}
}

func BenchmarkRequestHit(b *testing.B) {
	w := newWorld(b)
	w.f.Recorder = nil
	r := request("GET", hit, nil, page, image)
	r.Body = http.NoBody
	b.ReportAllocs()
	for b.Loop() {
		w.f.Request(r, here)
	}
}
