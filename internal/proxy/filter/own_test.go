package filter

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const loaderURL = "https://cdn.acme.example/px.js"

var prefixInStub = regexp.MustCompile(`^var u='(https://cdn\.acme\.example/\.well-known/quench/[A-Za-z0-9_-]{32}/)';$`)

// stub fetches the loader and returns where its reports go.
func (w *world) stub(c Client, head ...string) string {
	w.t.Helper()
	resp := w.do(request("GET", loaderURL, nil, append([]string{page, script, "Sec-Fetch-Mode: no-cors"}, head...)...), c)
	js := text(w.t, resp)
	m := prefixInStub.FindStringSubmatch(js)
	if m == nil {
		w.t.Fatalf("stub %q, want it to report to a path of its own host", js)
	}
	w.notes.list = nil
	return m[1]
}

func TestStubReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	prefix := w.stub(here)
	resp := w.get(prefix+"1?id=1&ev=Buy&dl=https%3A%2F%2Fshop.example%2Fthanks", page, script)
	if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("report answered %d %v, want an empty script that is not kept", resp.StatusCode, resp.Header)
	}
	w.wantSent(0)
	s := w.wantNotes("block stub")[0]
	want := "shop.example tried to tell Acme Pixel (Acme Ads) that you bought something on /thanks. Your IP address and browser go with every request. Blocked."
	if got := sentence(s); got != want {
		t.Errorf("sentence %q, want %q", got, want)
	}
	if string(s.Seen.Report) != "id=1&ev=Buy&dl=https%3A%2F%2Fshop.example%2Fthanks" || s.Seen.Request.URL != loaderURL {
		t.Errorf("report %q about %s", s.Seen.Report, s.Seen.Request.URL)
	}
}

// TestReportsThatDoNotCount: whatever is wrong with a report of one of our own
// stubs, it is not recorded and it never reaches the vendor.
func TestReportsThatDoNotCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		before func(w *world, prefix string)
		number string
		client Client
		head   []string
		method string
		query  string
	}{
		{name: "replayed", before: func(w *world, p string) { w.get(p+"3?id=1", page); w.notes.list = nil }, number: "3", client: here},
		{name: "twenty-first", before: func(w *world, p string) {
			for n := range maxReports {
				w.get(fmt.Sprintf("%s%d?id=1", p, n), page)
			}
			if len(w.notes.list) != maxReports {
				w.t.Errorf("%d of %d reports recorded", len(w.notes.list), maxReports)
			}
			w.notes.list = nil
		}, number: "20", client: here},
		{name: "expired", before: func(w *world, _ string) { w.pass(reportLife + time.Second) }, number: "1", client: here},
		{name: "other client", number: "1", client: there},
		{name: "other page", number: "1", client: here, head: []string{"Referer: https://other.example/"}},
		{name: "no number", number: "", client: here},
		{name: "negative", number: "-1", client: here},
		{name: "too large", number: "64", client: here},
		{name: "not a number", number: "1x", client: here},
		{name: "path goes on", number: "1/2", client: here},
		{name: "post", number: "1", client: here, method: "POST"},
		{name: "too long", number: "1", client: here, query: strings.Repeat("a", maxReport)},
		{name: "forgotten", before: func(w *world, _ string) { w.f.reports = reports{} }, number: "1", client: here},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			prefix := w.stub(here)
			if tt.before != nil {
				tt.before(w, prefix)
			}
			method, head := tt.method, tt.head
			if method == "" {
				method = "GET"
			}
			if head == nil {
				head = []string{page}
			}
			resp := w.do(request(method, prefix+tt.number+"?id=1&ev=Buy"+tt.query, nil, head...), tt.client)
			if got := text(t, resp); got != "/**/" {
				t.Errorf("answered %q, want an empty script", got)
			}
			w.wantSent(0)
			w.wantNotes()
		})
	}
}

// TestForgedTokens: without a token of ours the path is nothing special.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	prefix := w.stub(here)
	token := strings.TrimSuffix(prefix[strings.Index(prefix, ownPath)+len(ownPath):], "/")
	last := "A"
	if strings.HasSuffix(token, "A") {
		last = "B"
	}
	other := &Filter{}
	forged := []string{
		"", "x", strings.Repeat("A", tokenText), token[:len(token)-1], token + "A", token[:len(token)-1] + last,
		last + last + token[2:], other.marks.make(nil, reportMark), w.f.marks.make(nil, allowMark),
	}
	for _, f := range forged {
		w.get("https://cdn.acme.example"+ownPath+f+"/1?id=1", page)
		w.do(request("POST", "https://cdn.acme.example"+ownPath+allowPart+f, nil, page), here)
		if f == forged[len(forged)-1] { // a page's token is good as a page's, but not as a stub's
			w.wantSent(2*len(forged) - 1)
		}
	}
	w.do(request("POST", "https://cdn.acme.example"+ownPath+allowPart+token, nil, page), here)
	w.wantSent(2 * len(forged))
	w.wantNotes()
}

func TestTwoStubsDoNotMix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.stub(here)
	b := w.stub(there, "X-Other: 1")
	if a == b {
		t.Fatal("two stubs got the same token")
	}
	w.get(a+"1?id=1&ev=a", page)
	w.do(request("GET", b+"1?id=1&ev=b", nil, page), there)
	w.do(request("GET", a+"2?id=1&ev=c", nil, page), there)
	list := w.wantNotes("block stub", "block stub")
	if string(list[0].Seen.Report) != "id=1&ev=a" || string(list[1].Seen.Report) != "id=1&ev=b" || list[1].Client != "tablet" {
		t.Errorf("recorded %q and %q of %q", list[0].Seen.Report, list[1].Seen.Report, list[1].Client)
	}
}

func TestReportsAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.f.Secret = []byte("of this installation")
	prefix := w.stub(here)
	again := newWorld(t)
	again.f.Secret = []byte("of this installation")
	again.get(prefix+"1?id=1&ev=Buy", page)
	again.wantSent(0)
	again.wantNotes()
}

func TestReportFillsInThePagesPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp := w.get(loaderURL, "Referer: https://shop.example/", script, "Sec-Fetch-Mode: no-cors")
	prefix := prefixInStub.FindStringSubmatch(text(t, resp))[1]
	w.get(prefix+"1?id=1&ev=Buy", page)
	s := w.wantNotes("block stub", "block stub")[1]
	if s.Seen.Request.Page != "https://shop.example/thanks" {
		t.Errorf("page %q, want the whole of it", s.Seen.Request.Page)
	}
}

// TestStubUnderIntegrity: what may be under SRI is answered empty.
func TestStubUnderIntegrity(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"Sec-Fetch-Mode: cors", ""} {
		w := newWorld(t)
		head := []string{page, "Origin: https://shop.example", "Accept: */*"}
		if mode != "" {
			head = append(head, script, mode)
		}
		resp := w.get(loaderURL, head...)
		if got := text(t, resp); got != "/**/" || resp.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
			t.Errorf("%q: body %q, allows %q; want an empty script for the page", mode, got, resp.Header.Get("Access-Control-Allow-Origin"))
		}
		w.wantSent(0)
		w.wantNotes("block empty-js")
	}
}

func TestStubIsOnlyGivenToPlainHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request("GET", loaderURL, nil, page, script, "Sec-Fetch-Mode: no-cors")
	r.URL.Host = "cdn.acme.example:443"
	if got := text(t, w.do(r, here)); !strings.Contains(got, "https://cdn.acme.example:443"+ownPath) {
		t.Errorf("stub %q, want reports to the same port", got)
	}
	for _, host := range []string{"a'b", "a\"b", "a<b", "a\\b", "", "a b", "a/b"} {
		if plainHost(host) {
			t.Errorf("plainHost(%q) = true", host)
		}
	}
}

func TestReportStoreIsBounded(t *testing.T) {
	t.Parallel()
	var s reports
	for n := range maxStubs + 5 {
		l := loader{used: new(uint64), until: time.Unix(100, 0)}
		l.sighting.Seen.At = time.Unix(0, 0)
		s.issue(fmt.Sprint(n), l)
	}
	if s.m.len() != maxStubs {
		t.Errorf("%d stubs remembered, want %d", s.m.len(), maxStubs)
	}
	if _, ok := s.m.get("0"); ok {
		t.Error("the oldest is still there")
	}
	l := loader{used: new(uint64), until: time.Unix(300, 0)}
	l.sighting.Seen.At = time.Unix(200, 0)
	if s.issue("new", l); s.m.len() != 1 {
		t.Errorf("%d stubs left after all but one expired, want 1", s.m.len())
	}
}

// blockPage opens a blocked document and returns where its form goes.
func (w *world) blockPage(c Client) string {
	w.t.Helper()
	resp := w.do(request("GET", hit, nil, "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate"), c)
	m := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(text(w.t, resp))
	if m == nil {
		w.t.Fatal("the page has no form")
	}
	return "https://px.acme.example" + m[1]
}

// pressed are the header fields of a form that a person sent.
var pressed = []string{"Origin: https://px.acme.example", "Content-Type: application/x-www-form-urlencoded",
	"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-User: ?1"}

func without(list []string, name string) []string {
	var out []string
	for _, l := range list {
		if !strings.HasPrefix(l, name+":") {
			out = append(out, l)
		}
	}
	return out
}

func TestAllowFromTheBlockPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		choice string
		want   AllowRequest
	}{
		{"to-15m", AllowRequest{Override: detect.Override{To: "px.acme.example"}, For: 15 * time.Minute, Client: here}},
		{"to-always", AllowRequest{Override: detect.Override{To: "px.acme.example"}, Client: here}},
		{"on-15m", AllowRequest{Override: detect.Override{On: "px.acme.example"}, For: 15 * time.Minute, Client: here}},
		{"on-always", AllowRequest{Override: detect.Override{On: "px.acme.example"}, Client: here}},
	}
	for _, tt := range tests {
		w := newWorld(t)
		action := w.blockPage(here)
		resp := w.do(request("POST", action, strings.NewReader("choice="+tt.choice), pressed...), here)
		if resp.StatusCode != 303 || resp.Header.Get("Location") != hit {
			t.Errorf("%s: %d to %q, want 303 to %q", tt.choice, resp.StatusCode, resp.Header.Get("Location"), hit)
		}
		if len(w.allowed) != 1 || w.allowed[0] != tt.want {
			t.Errorf("%s: allowed %+v, want %+v", tt.choice, w.allowed, tt.want)
		}
		again := w.do(request("POST", action, strings.NewReader("choice="+tt.choice), pressed...), here)
		if again.StatusCode != 403 || len(w.allowed) != 1 {
			t.Errorf("%s: sent twice: %d, %d allows; want 403 and 1", tt.choice, again.StatusCode, len(w.allowed))
		}
		w.wantSent(0)
	}
}

func TestAllowRefused(t *testing.T) {
	t.Parallel()
	plain := []string{"Origin: https://px.acme.example"}
	with := func(list []string, lines ...string) []string { return append(append([]string(nil), list...), lines...) }
	tests := []struct {
		name, method, form string
		head               []string
		client             Client
		late               time.Duration
		status             int
	}{
		{name: "old browser that says only its origin", head: plain, status: 303},
		{name: "cross-site", head: with(without(pressed, "Sec-Fetch-Site"), "Sec-Fetch-Site: cross-site"), status: 403},
		{name: "same-site", head: with(without(pressed, "Sec-Fetch-Site"), "Sec-Fetch-Site: same-site"), status: 403},
		{name: "no user activation", head: without(pressed, "Sec-Fetch-User"), status: 403},
		{name: "by fetch", head: with(without(pressed, "Sec-Fetch-Mode"), "Sec-Fetch-Mode: cors"), status: 403},
		{name: "foreign origin", head: with(without(pressed, "Origin"), "Origin: https://evil.example"), status: 403},
		{name: "two origins", head: with(pressed, "Origin: https://evil.example"), status: 403},
		{name: "origin over http", head: with(without(pressed, "Origin"), "Origin: http://px.acme.example"), status: 403},
		{name: "opaque origin", head: with(without(pressed, "Origin"), "Origin: null"), status: 403},
		{name: "no origin", head: without(pressed, "Origin"), status: 403},
		{name: "nothing said", head: nil, status: 403},
		{name: "get", method: "GET", head: pressed, status: 405},
		{name: "other client", client: there, head: pressed, status: 403},
		{name: "late", late: pageLife + time.Second, head: pressed, status: 403},
		{name: "in time", late: pageLife - time.Second, head: pressed, status: 303},
		{name: "no choice", form: "x=1", head: pressed, status: 400},
		{name: "two choices", form: "choice=to-15m&choice=on-15m", head: pressed, status: 400},
		{name: "made-up choice", form: "choice=all-forever", head: pressed, status: 400},
		{name: "form too long", form: "choice=to-15m&x=" + strings.Repeat("a", maxForm), head: pressed, status: 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			action := w.blockPage(here)
			w.pass(tt.late)
			method, form, client := tt.method, tt.form, tt.client
			if method == "" {
				method = "POST"
			}
			if form == "" {
				form = "choice=to-15m"
			}
			if client == (Client{}) {
				client = here
			}
			resp := w.do(request(method, action, strings.NewReader(form), tt.head...), client)
			if resp.StatusCode != tt.status {
				t.Errorf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if want := tt.status == 303; (len(w.allowed) == 1) != want || len(w.allowed) > 1 {
				t.Errorf("%d allows, want that to be %v", len(w.allowed), want)
			}
			w.wantSent(0)
		})
	}
}

func TestAllowOnAnotherHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, err := url.Parse(w.blockPage(here))
	if err != nil {
		t.Fatal(err)
	}
	head := append([]string{"Origin: https://evil.example"}, without(pressed, "Origin")...)
	resp := w.do(request("POST", "https://evil.example"+u.Path, strings.NewReader("choice=to-15m"), head...), here)
	if resp.StatusCode != 403 || len(w.allowed) != 0 {
		t.Errorf("a stolen token works on another host: %d, %d allows", resp.StatusCode, len(w.allowed))
	}
}

func TestAllowThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.f.Allow = func(AllowRequest) error { return errors.New("read-only") }
	resp := w.do(request("POST", w.blockPage(here), strings.NewReader("choice=to-15m"), pressed...), here)
	if resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", resp.StatusCode)
	}
	w.f.Allow = nil
	resp = w.do(request("GET", hit, nil, "Sec-Fetch-Dest: document"), here)
	if strings.Contains(text(t, resp), "<form") {
		t.Error("a page offers what nobody can do")
	}
}

func TestOriginOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://A.example:443/x": "https://a.example", "http://a.example:80/": "http://a.example",
		"https://a.example:80/": "https://a.example:80", "http://[::1]:8080/": "http://[::1]:8080",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := originOf(u); got != want {
			t.Errorf("originOf(%s) = %s, want %s", in, got, want)
		}
	}
}
