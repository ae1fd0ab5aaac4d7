package filter

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/rules"
)

const someList = `||ads.example^$script,redirect=noopjs
||video.example^$media,redirect=noop-1s.mp4
||pic.example^$image,redirect=2x2.png
||plain.example^
||frame.example^$redirect=noop.html,document,subdocument
$removeparam=utm_source
||doc.example^$csp=script-src 'none'
||late.example^$header=x-ads:yes
`

// withList is a world whose Set also has someList and the shipped resources.
func withList(t testing.TB) *world {
	w := newWorld(t)
	full, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	compiled, _ := filterlist.Compile([]filterlist.Source{{Name: "easy", Text: []byte(someList)}}, filterlist.Options{})
	set := full.WithLists(compiled, []engine.List{{Name: "easy"}}, 1)
	w.f.Set = func() *engine.Set { return set }
	return w
}

func TestListAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url  string
		head []string
		mime string
		note string
	}{
		{"https://ads.example/a.js", []string{page, script}, "text/javascript; charset=utf-8", "block empty-js"},
		{"https://video.example/a", []string{page, "Sec-Fetch-Dest: video"}, "video/mp4", "block media"},
		{"https://pic.example/a", []string{page, image}, "image/png", "block png"},
		{"https://plain.example/a.css", []string{page, "Sec-Fetch-Dest: style"}, "text/css; charset=utf-8", "block empty-css"},
		{"https://frame.example/", []string{page, "Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate"}, "text/html; charset=utf-8", "block empty-html"},
		{"https://frame.example/", []string{"Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none"}, "text/html; charset=utf-8", "block page"},
	} {
		w := withList(t)
		resp := w.get(tt.url, tt.head...)
		w.wantSent(0)
		w.wantNotes(tt.note)
		body := text(t, resp)
		if got := resp.Header.Get("Content-Type"); got != tt.mime {
			t.Errorf("%s: %s, want %s", tt.url, got, tt.mime)
		}
		if tt.note == "block page" && !strings.Contains(body, "plain") && !strings.Contains(body, "frame.example") {
			t.Errorf("%s: the block page does not name the host: %.200s", tt.url, body)
		}
	}
}

func TestListRewrites(t *testing.T) {
	t.Parallel()
	w := withList(t)
	resp := w.get("https://shop.example/?a=%20b&utm_source=mail&c", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Cookie: s=1")
	if got := text(t, resp); got != "from the origin" {
		t.Errorf("body %q", got)
	}
	w.wantSent(1)
	if got := w.sent[0].URL.String(); got != "https://shop.example/?a=%20b&c" {
		t.Errorf("sent %s", got)
	}
	if w.sent[0].Header.Get("Cookie") != "s=1" {
		t.Error("the cookie went as well")
	}
	list := w.wantNotes("strip")
	v := list[0].Set.Explain(list[0].Seen, list[0].Decision)
	if v[0].Rewritten != "https://shop.example/?a=%20b&c" || !strings.Contains(v[0].Sentence, "Passed on without the tracking parameters") {
		t.Errorf("explained as %+v", v[0])
	}
}

func TestListObserveTouchesNothing(t *testing.T) {
	t.Parallel()
	w := withList(t)
	w.policy = &detect.Policy{Observe: true}
	w.get("https://doc.example/?utm_source=mail", "Sec-Fetch-Dest: document")
	if got := w.sent[0].URL.String(); got != "https://doc.example/?utm_source=mail" {
		t.Errorf("sent %s", got)
	}
	w.wantNotes("observe told")
}

func TestListPolicies(t *testing.T) {
	t.Parallel()
	w := withList(t)
	resp := w.get("https://doc.example/", "Sec-Fetch-Dest: document")
	if got := resp.Header.Values("Content-Security-Policy"); !cmp.Equal(got, []string{"script-src 'none'"}) {
		t.Errorf("policies %q", got)
	}
	w.wantNotes("strip")
	if resp = w.get("https://doc.example/x.js", page, script); len(resp.Header.Values("Content-Security-Policy")) > 0 {
		t.Error("a script got a document's policy")
	}
}

func TestListHeaders(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"X-Ads: yes": "block gif told", "X-Ads: no": ""} {
		w := withList(t)
		w.origin = func(*http.Request) *http.Response {
			return reply(200, "image/jpeg", strings.Repeat("x", 20<<10), header, "Set-Cookie: a=b")
		}
		resp := w.get("https://late.example/big.jpg", page, image)
		w.wantSent(1)
		if want == "" {
			w.wantNotes()
			if len(text(t, resp)) != 20<<10 {
				t.Error("the answer was changed")
			}
			continue
		}
		list := w.wantNotes(want)
		if resp.Header.Get("Set-Cookie") != "" || len(text(t, resp)) > 100 {
			t.Error("the answer reached the page")
		}
		if got := sentence(list[0]); got != "shop.example asked for late.example, which is on the list easy. The request had left before we knew; its answer was kept from the page." {
			t.Errorf("sentence %q", got)
		}
	}
}
