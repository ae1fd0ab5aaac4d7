package filter

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
)

// events keeps the notes, which notebook drops.
type events struct {
	notebook
	said []ledger.Event
}

func (e *events) Note(v ledger.Event) { e.said = append(e.said, v) }

var crossing = []string{"Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"}

func TestLinksAreCleaned(t *testing.T) {
	t.Parallel()
	goal := "https://shop.example/a?b=c"
	tests := []struct {
		name, url string
		head      []string
		want      string // where the browser is sent; "" if it is not
		said      string
	}{
		{"a number", "https://shop.example/a?aclid=7&b=c", crossing, goal, "The link to shop.example carried the number Acme gave to this click. That was taken out before the page was opened."},
		{"twice", "https://shop.example/a?aclid=7&b=c&ac_x=1", crossing, goal, "The link to shop.example carried the number Acme gave to this click. That was taken out before the page was opened."},
		{"through a tracker", "https://out.acme.example/go?u=" + url.QueryEscape(goal), crossing, goal, "The link to shop.example led through Acme, which would have learned that you follow it. You went straight there."},
		{"both", "https://out.acme.example/go?u=" + url.QueryEscape(goal+"&aclid=1"), crossing, goal, "You went straight there. The link to shop.example carried"},
		{"typed, or from a mail", "https://shop.example/a?aclid=7&b=c", []string{navigation, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none"}, goal, "carried"},
		{"an old browser", "https://shop.example/a?aclid=7&b=c", []string{"Accept: text/html", "Referer: https://other.example/"}, goal, "carried"},
		{"within the site", "https://shop.example/a?aclid=7", []string{navigation, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: same-origin"}, "", ""},
		{"within the site, an old browser", "https://shop.example/a?aclid=7", []string{"Accept: text/html", "Referer: https://www.shop.example/"}, "", ""},
		{"no page", "https://shop.example/a?aclid=7", []string{"Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site"}, "", ""},
		{"a frame", "https://shop.example/a?aclid=7", []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site"}, "", ""},
		{"a program", "https://shop.example/a?aclid=7", []string{"Accept: */*"}, "", ""},
		{"sign-in", "https://a.login.example/?aclid=7", crossing, "", ""},
		{"nothing in it", "https://shop.example/a?b=c", crossing, "", ""},
	}
	for _, tt := range tests {
		w := newWorld(t)
		e := &events{}
		w.f.Recorder = e
		resp := w.get(tt.url, tt.head...)
		got := ""
		if resp.StatusCode == http.StatusTemporaryRedirect {
			got = resp.Header.Get("Location")
		}
		said := ""
		for _, v := range e.said {
			said += v.Sentence
		}
		if got != tt.want || !strings.Contains(said, tt.said) || tt.said == "" && said != "" {
			t.Errorf("%s: sent to %q, said %q; want %q, %q", tt.name, got, said, tt.want, tt.said)
		}
		if strings.Contains(said, "aclid") {
			t.Errorf("%s: %q names a parameter", tt.name, said)
		}
	}
}

// TestSitesThatInsist: who is sent back at once goes through.
func TestSitesThatInsist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const link = "https://shop.example/a?aclid=7"
	for i, want := range []int{307, 200, 307} {
		if i == 2 {
			w.pass(again + time.Second)
		}
		if resp := w.get(link, crossing...); resp.StatusCode != want {
			t.Errorf("time %d: status %d, want %d", i+1, resp.StatusCode, want)
		}
	}
	if resp := w.do(request("GET", link, nil, crossing...), there); resp.StatusCode != 307 {
		t.Errorf("another client: status %d", resp.StatusCode)
	}
}

func TestLinksLeftAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"switched off": func(w *world) { w.f.KeepLinks = true },
		"observe":      func(w *world) { w.policy = &detect.Policy{Observe: true} },
		"allowed": func(w *world) {
			w.policy = &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "shop.example"}})}
		},
		"paused there": func(w *world) {
			w.policy = &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{On: "shop.example"}})}
		},
	} {
		w := newWorld(t)
		change(w)
		if resp := w.get("https://shop.example/a?aclid=7", crossing...); resp.StatusCode != 200 {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
}
