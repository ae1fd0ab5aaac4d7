package filter

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	navigation = "Sec-Fetch-Dest: document"
	pageURL    = "https://shop.example/buy"
	hiddenHit  = `<img src="//px.acme.example/tr?id=9&ev=Buy" width=1 height=1 alt="">`
)

// TestPagesLoseHiddenPixels: each case is what goes between two words.
func TestPagesLoseHiddenPixels(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, want string
		notes           []string
	}{
		{"tiny", hiddenHit, "", []string{"block removed"}},
		{"not displayed", `<img style="display:none" src="https://px.acme.example/tr?id=1">`, "", []string{"block removed"}},
		{"seen", `<img src="https://px.acme.example/tr?id=1" width=90 height=40>`, "same", nil},
		{"a script may wait for it", `<img onload="go()" src="https://px.acme.example/tr?id=1" width=1 height=1>`, "same", nil},
		{"a script may look for it", `<img id=p src="https://px.acme.example/tr?id=1" width=1 height=1>`, "same", nil},
		{"hidden by its parent", `<div hidden><img src="https://px.acme.example/tr?id=1"></div>`, "same", nil},
		{"lazy", `<img data-src="https://px.acme.example/tr?id=1" width=1 height=1>`, "same", nil},
		{"no tracker", `<img src="https://cdn.example/x.gif?id=1" width=1 height=1>`, "same", nil},
		{"noscript", `<noscript><img src="https://px.acme.example/tr?id=1"></noscript>`, `<noscript></noscript>`, nil},
		{"ping", `<a href="/x" ping="https://px.acme.example/tr?id=1">`, `<a href="/x" >`, nil},
		{"preconnect", `<link rel=preconnect href="https://px.acme.example">`, "", nil},
		{"dns-prefetch", `<link rel="dns-prefetch" href="//px.acme.example">`, "", nil},
		{"prefetch", `<link rel=prefetch href="https://px.acme.example/tr?id=1">`, "", nil},
		{"preconnect elsewhere", `<link rel=preconnect href="https://cdn.example">`, "same", nil},
		{"script", `<script src="https://cdn.acme.example/px.js"></script>`, "same", nil},
		{"comment", "<!-- " + hiddenHit + " -->", "same", nil},
		{"text of a script", "<script>var a='" + hiddenHit + "'</script>", "same", nil},
		{"in a template", "<template>" + hiddenHit + "</template>", "same", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.origin = func(*http.Request) *http.Response {
				return reply(200, "text/html; charset=utf-8", "<p>a"+tt.src+"b", `Etag: "1"`)
			}
			if tt.want == "same" {
				tt.want = tt.src
			}
			resp := w.get(pageURL, navigation, "User-Agent: test", "Cookie: session=1")
			if got := text(t, resp); got != "<p>a"+tt.want+"b" {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if tag := resp.Header.Get("Etag"); tag != `W/"1"` {
				t.Errorf("ETag %s", tag)
			}
			for _, s := range w.wantNotes(tt.notes...) {
				if r := s.Seen.Request; r.Page != "https://shop.example" || r.Header.Get("Cookie") != "" || !strings.Contains(sentence(s), "shop.example") {
					t.Errorf("page %q, header %v: %s", r.Page, r.Header, sentence(s))
				}
			}
		})
	}
}

// TestPagesThatStay: what is no page on its way to a reader, and what a person
// wants left alone, passes byte for byte.
func TestPagesThatStay(t *testing.T) {
	t.Parallel()
	body := "<p>" + hiddenHit
	allowed := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{On: "shop.example"}})}
	tests := []struct {
		name   string
		policy *detect.Policy
		keep   bool
		r      []string
	}{
		{"fetched by a script", nil, false, []string{"Sec-Fetch-Dest: empty"}},
		{"asked for by a program", nil, false, []string{"Accept: */*"}},
		{"XHR of an old browser", nil, false, []string{"Accept: text/html", "X-Requested-With: XMLHttpRequest"}},
		{"switched off", nil, true, []string{navigation}},
		{"observe", &detect.Policy{Observe: true}, false, []string{navigation}},
		{"allowed on this page", allowed, false, []string{navigation}},
	}
	for _, tt := range tests {
		w := newWorld(t)
		w.f.GPC = tt.keep
		w.f.KeepPages = tt.keep
		if tt.policy != nil {
			w.policy = tt.policy
		}
		w.origin = func(*http.Request) *http.Response { return reply(200, "text/html", body) }
		if got := text(t, w.get(pageURL, tt.r...)); got != body {
			t.Errorf("%s: got %s", tt.name, got)
		}
		w.wantNotes()
	}
}

// TestFramesAndOldBrowsers: both are shown to a reader.
func TestFramesAndOldBrowsers(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"Sec-Fetch-Dest: iframe", "Accept: text/html,application/xhtml+xml"} {
		w := newWorld(t)
		w.origin = func(*http.Request) *http.Response { return reply(404, "text/html", "<p>"+hiddenHit) }
		if got := text(t, w.get(pageURL, head)); got != "<p>" {
			t.Errorf("%s: got %s", head, got)
		}
	}
}

// TestRevalidatedPages: the tag of a page is weak also when nothing comes.
func TestRevalidatedPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin = func(*http.Request) *http.Response {
		resp := reply(304, "", "", `Etag: "1"`)
		resp.Body = http.NoBody
		return resp
	}
	if resp := w.get(pageURL, navigation); resp.Header.Get("Etag") != `W/"1"` {
		t.Errorf("ETag %s", resp.Header.Get("Etag"))
	}
}

// TestTooManyPixels: past the bound they are left to be answered.
func TestTooManyPixels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin = func(*http.Request) *http.Response {
		return reply(200, "text/html", strings.Repeat(hiddenHit, maxTakenOut+5))
	}
	if got := text(t, w.get(pageURL, navigation)); got != strings.Repeat(hiddenHit, 5) {
		t.Errorf("%d bytes left", len(got))
	}
	if n := len(w.notes.all()); n != maxTakenOut {
		t.Errorf("%d recorded, want %d", n, maxTakenOut)
	}
}

// TestGPCIsNotReported: where a policy only reports, a script that it does not
// allow would have the browser report it to the site.
func TestGPCIsNotReported(t *testing.T) {
	t.Parallel()
	tests := []struct{ enforced, reported, want string }{
		{"", "script-src 'self'; report-uri /csp", ""},
		{"", "default-src 'none'", ""},
		{"", "img-src 'self'", "<script>try"},
		{"", "script-src 'unsafe-inline'", "<script>try"},
		{"", "script-src 'nonce-a'", `<script nonce="a">try`},
		{"script-src 'nonce-a'", "script-src 'nonce-a'", `<script nonce="a">try`},
		{"script-src 'nonce-a'", "script-src 'self'", ""},
		{"script-src 'nonce-a'", "script-src 'nonce-b'", ""},
	}
	const page = "<!doctype html><html><head><title>x</title>"
	for _, tt := range tests {
		w := newWorld(t)
		w.f.GPC = true
		w.origin = func(*http.Request) *http.Response {
			resp := reply(200, "text/html", page)
			resp.Header.Set("Content-Security-Policy-Report-Only", tt.reported)
			if tt.enforced != "" {
				resp.Header.Set("Content-Security-Policy", tt.enforced)
			}
			return resp
		}
		resp := w.get(pageURL, navigation)
		got := text(t, resp)
		if tt.want == "" && got != page || !strings.HasPrefix(got, "<!doctype html><html><head>"+tt.want) {
			t.Errorf("enforced %q, reported %q: got %s, want %q in the head", tt.enforced, tt.reported, got, tt.want)
		}
		if have := resp.Header.Get("Content-Security-Policy-Report-Only"); have != tt.reported {
			t.Errorf("policy %q became %q", tt.reported, have)
		}
	}
}

// TestPagesAreToldOfGPC: the property is set only where the page's own policy
// lets a script run, and never by changing that policy.
func TestPagesAreToldOfGPC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		csp  []string
		want string // how the script begins; "" for none
	}{
		{nil, "<script>try"},
		{[]string{"img-src 'self'; upgrade-insecure-requests"}, "<script>try"},
		{[]string{"script-src 'self' 'unsafe-inline'"}, "<script>try"},
		{[]string{"default-src 'self'"}, ""},
		{[]string{"default-src 'none'; script-src 'nonce-aB+/='"}, `<script nonce="aB+/=">try`},
		{[]string{"script-src 'nonce-a' 'unsafe-inline'"}, `<script nonce="a">try`},
		{[]string{"script-src 'self'; script-src-elem 'unsafe-inline'"}, "<script>try"},
		{[]string{"script-src 'unsafe-inline' 'sha256-AAAA'"}, ""},
		{[]string{"script-src 'unsafe-inline' 'strict-dynamic'"}, ""},
		{[]string{"script-src 'nonce-a'", "default-src 'nonce-a'"}, `<script nonce="a">try`},
		{[]string{"script-src 'nonce-a'", "script-src 'nonce-b'"}, ""},
		{[]string{"script-src 'nonce-a', script-src 'self'"}, ""},
		{[]string{`script-src 'nonce-a"><b'`}, ""},
		{[]string{"sandbox allow-forms"}, ""},
		{[]string{"sandbox allow-forms allow-scripts"}, "<script>try"},
		{[]string{" ; ;"}, "<script>try"},
	}
	const page = "<!doctype html><html><head><title>x</title>"
	for _, tt := range tests {
		w := newWorld(t)
		w.f.GPC = true
		w.origin = func(*http.Request) *http.Response {
			resp := reply(200, "text/html", page)
			resp.Header["Content-Security-Policy"] = tt.csp
			return resp
		}
		resp := w.get(pageURL, navigation)
		got := text(t, resp)
		rest, ok := strings.CutPrefix(got, "<!doctype html><html><head>"+tt.want)
		if !ok || tt.want == "" && got != page || tt.want != "" && !strings.HasSuffix(rest, "</script><title>x</title>") {
			t.Errorf("%q: got %s", tt.csp, got)
		}
		if have := resp.Header.Values("Content-Security-Policy"); strings.Join(have, "|") != strings.Join(tt.csp, "|") {
			t.Errorf("policy %q became %q", tt.csp, have)
		}
	}
}
