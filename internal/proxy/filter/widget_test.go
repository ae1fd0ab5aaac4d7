package filter

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const frameURL = "https://www.acme.example/embed/7?a=b"

var (
	inFrame = []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site", "Referer: https://shop.example/"}
	byHand  = []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Sec-Fetch-User: ?1"}
	href    = regexp.MustCompile(`href="([^"]+)"`)
)

// offered returns where the links of a box lead.
func offered(t *testing.T, resp *http.Response) []string {
	t.Helper()
	body := text(t, resp)
	if !strings.Contains(body, "Quench did not load a post of Acme") {
		t.Fatalf("no box: %d %q", resp.StatusCode, body)
	}
	var out []string
	for _, m := range href.FindAllStringSubmatch(body, -1) {
		out = append(out, "https://www.acme.example"+strings.ReplaceAll(m[1], "&amp;", "&"))
	}
	return out
}

// TestWidgetWaitsForAClick follows a frame from box to post.
func TestWidgetWaitsForAClick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := &events{}
	w.f.Recorder = e
	links := offered(t, w.get(frameURL, inFrame...))
	w.wantSent(0)
	want := "shop.example shows a post of Acme. Loading it would have told Acme that you are there, whether you look at it or not. A click loads it."
	if len(e.said) != 1 || e.said[0].Sentence != want || e.said[0].Request.Page != "https://shop.example" {
		t.Errorf("said %+v, want %q", e.said, want)
	}
	if len(links) != 2 || !strings.HasPrefix(links[0], frameURL+"&"+showParam+"=") {
		t.Fatalf("links %q", links)
	}
	resp := w.get(links[0], byHand...)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != frameURL {
		t.Fatalf("the click: %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	w.wantSent(0)
	if got := text(t, w.get(frameURL, inFrame...)); got != "from the origin" {
		t.Errorf("after the click: %q", got)
	}
	w.wantSent(1)
	elsewhere := []string{inFrame[0], inFrame[1], inFrame[2], "Referer: https://other.example/"}
	offered(t, w.get(frameURL, elsewhere...)) // one click is for one site
	if got := text(t, w.get(frameURL, inFrame[:3]...)); got != "from the origin" {
		t.Errorf("in a sandbox, right after the click: %q", got)
	}
	w.pass(followTime + time.Second)
	offered(t, w.get(frameURL, inFrame[:3]...))
	w.pass(shownLife + time.Second)
	offered(t, w.get(frameURL, inFrame...))
}

// TestWidgetAlways lets the frames of one host pass on one site.
func TestWidgetAlways(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	links := offered(t, w.get(frameURL, inFrame...))
	w.get(links[1], byHand...)
	want := detect.Override{To: "www.acme.example", On: "shop.example"}
	if len(w.allowed) != 1 || w.allowed[0].Override != want || w.allowed[0].For != 0 {
		t.Errorf("allowed %+v, want %+v for good", w.allowed, want)
	}
}

// TestWidgetClicksThatDoNotCount: nobody but the person opens a box.
func TestWidgetClicksThatDoNotCount(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		client Client
		change func(link string) string
		head   []string
		wait   time.Duration
		sends  int
	}{
		{name: "a script", client: here, head: inFrame},
		{name: "another client", client: there, head: byHand},
		{name: "too late", client: here, head: byHand, wait: offerLife + time.Second},
		{name: "another frame", client: here, head: byHand, change: func(l string) string { return strings.Replace(l, "/7", "/8", 1) }},
		// Without a token of ours the parameter is the page's own affair: the box stays.
		{name: "forged", client: here, head: inFrame, change: func(l string) string { return l + "A" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			link := offered(t, w.get(frameURL, inFrame...))[1]
			w.pass(tt.wait)
			if tt.change != nil {
				link = tt.change(link)
			}
			w.do(request("GET", link, nil, tt.head...), tt.client)
			w.wantSent(0)
			if len(w.allowed) != 0 {
				t.Errorf("allowed %+v", w.allowed)
			}
			offered(t, w.do(request("GET", frameURL, nil, inFrame...), tt.client))
		})
	}
}

func TestWidgetsThatLoad(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		head      []string
		prepare   func(*world)
	}{
		{name: "the company's own page", url: frameURL, head: []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin", "Referer: https://www.acme.example/"}},
		{name: "opened by itself", url: frameURL, head: crossing},
		{name: "no frame", url: frameURL, head: []string{"Sec-Fetch-Dest: script", "Sec-Fetch-Site: cross-site", "Referer: https://shop.example/"}},
		{name: "no widget", url: "https://www.acme.example/other", head: inFrame},
		{name: "turned off", url: frameURL, head: inFrame, prepare: func(w *world) { w.f.KeepWidgets = true }},
		{name: "only watched", url: frameURL, head: inFrame, prepare: func(w *world) { w.policy = &detect.Policy{Observe: true} }},
		{name: "allowed there", url: frameURL, head: inFrame, prepare: func(w *world) {
			w.policy = &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "www.acme.example", On: "shop.example"}})}
		}},
		{name: "allowed site", url: frameURL, head: inFrame, prepare: func(w *world) {
			w.policy = &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{On: "shop.example"}})}
		}},
	}
	for _, tt := range tests {
		w := newWorld(t)
		if tt.prepare != nil {
			tt.prepare(w)
		}
		if got := text(t, w.get(tt.url, tt.head...)); got != "from the origin" {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// TestOffersAreBounded shows more boxes than are remembered.
func TestOffersAreBounded(t *testing.T) {
	t.Parallel()
	var o offers
	now := time.Now()
	for i := range maxOffers + 10 {
		tok := strings.Repeat("x", i+1)
		o.put(tok, offer{client: "c", url: tok, until: now.Add(offerLife)}, now)
		if i > maxOffers-maxShown-20 {
			o.accept(tok, "c", tok, now)
		}
	}
	if o.made.len() > maxOffers || o.shown.len() > maxShown {
		t.Errorf("%d offers and %d shown, want at most %d and %d", o.made.len(), o.shown.len(), maxOffers, maxShown)
	}
}
