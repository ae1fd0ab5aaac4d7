package filter

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
)

const visitor = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"

// from are the header lines of an image on a page.
func from(page string, more ...string) []string {
	return append([]string{"Referer: " + page, "Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site"}, more...)
}

func remembering(t *testing.T) *world {
	w := newWorld(t)
	w.f.History = memory.NewHistory(w.f.Now, nil)
	return w
}

func TestUnknownIsBlocked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resp := w.get("https://pixel.t.example/collect?uid="+visitor+"&ev=PageView&u=https%3A%2F%2Fshop.example%2Fa", from("https://shop.example/a")...)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("answered %d %s, want a GIF", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	w.wantSent(0)
	notes := w.wantNotes("block gif")
	if got := sentence(notes[0]); !strings.Contains(got, "pixel.t.example, which looks like a tracker") {
		t.Errorf("sentence %q", got)
	}
}

// TestUnknownIsStripped: cookies, the page's path and identifiers stay behind,
// and the address keeps its length.
func TestUnknownIsStripped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.origin = func(*http.Request) *http.Response {
		return reply(200, "image/png", strings.Repeat("x", 5000), "Set-Cookie: u="+visitor+"; Max-Age=31536000")
	}
	const url = "https://t.example/x?uid=" + visitor + "&v=3"
	resp := w.get(url, from("https://shop.example/a/b?c=d", "Cookie: lang=de")...)
	w.wantSent(1)
	sent := w.sent[0]
	if got, want := sent.URL.String(), "https://t.example/x?uid=00000000-0000-0000-0000-000000000000&v=3"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if got, want := sent.Header.Get("Referer"), "https://shop.example/"; got != want {
		t.Errorf("Referer %q, want %q", got, want)
	}
	if got := sent.Header.Get("Cookie"); got != "" {
		t.Errorf("Cookie %q was sent", got)
	}
	if got := resp.Header.Get("Set-Cookie"); got != "" {
		t.Errorf("Set-Cookie %q came back", got)
	}
	if len(text(t, resp)) != 5000 {
		t.Error("the answer did not come as it was")
	}
	notes := w.wantNotes("strip")
	if notes[0].Seen.Request.URL != url {
		t.Errorf("explained is %s, want what the page asked for", notes[0].Seen.Request.URL)
	}
}

// TestUnknownCallsStay: what a page reads is not touched for a little.
// TestUnknownBodyIsTold: a body goes as it is, and what it tells is told.
func TestUnknownBodyIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy = &detect.Policy{Unknown: detect.UnknownStrip}
	w.do(request("POST", "https://collect.t.example/v1", strings.NewReader(`{"visitor_id":"`+visitor+`","event":"page_view","url":"https://shop.example/a"}`),
		"Content-Type: text/plain", "Origin: https://shop.example", "Referer: https://shop.example/a", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site"), here)
	w.wantSent(1)
	got := sentence(w.wantNotes("strip told")[0])
	if !strings.Contains(got, "has sent collect.t.example") || !strings.Contains(got, "what it carried in its body went along") {
		t.Errorf("sentence %q", got)
	}
}

func TestUnknownCallsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const body = `{"query":"query Q { a }","variables":{"id":"` + visitor + `"}}`
	r := request("POST", "https://api.t.example/graphql?user_id="+visitor, strings.NewReader(body),
		"Content-Type: application/json", "Origin: https://shop.example", "Referer: https://shop.example/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site")
	w.do(r, here)
	w.wantSent(1)
	if w.bodies[0] != body || w.sent[0].URL.Query().Get("user_id") != visitor {
		t.Errorf("sent %s with %q", w.sent[0].URL, w.bodies[0])
	}
	w.wantNotes()
}

// TestUnknownBodyIsHeard: the body alone shows what a call is.
func TestUnknownBodyIsHeard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request("POST", "https://collect.t.example/v1", strings.NewReader(
		`{"visitor_id":"`+visitor+`","event":"page_view","url":"https://shop.example/a","screen":"1920x1080","lang":"de"}`),
		"Content-Type: text/plain", "Origin: https://shop.example", "Referer: https://shop.example/", "Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: cross-site")
	w.do(r, here)
	w.wantSent(0)
	w.wantNotes("block json")
}

// TestSiteCookieInAPixel: the number of the site's own cookie is known again.
func TestSiteCookieInAPixel(t *testing.T) {
	t.Parallel()
	const url = "https://t.example/x?zz=1234567891234567"
	w := remembering(t)
	w.get(url, from("https://shop.example/a")...)
	w.wantNotes()
	w.get("https://shop.example/a", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Cookie: _v=1234567891234567")
	w.get(url, from("https://shop.example/a")...)
	notes := w.wantNotes("block gif")
	if got := sentence(notes[0]); !strings.Contains(got, "Because: carries the number that the site's own cookie holds;") {
		t.Errorf("sentence %q", got)
	}
	w.do(request("GET", url, nil, from("https://shop.example/a")...), there) // another client's cookie it is not
	w.wantNotes("block gif")
	w.get(url, from("https://news.example/")...) // nor another site's, but from here on it has crossed
	w.get(url, from("https://blog.example/")...)
	notes = w.wantNotes("block gif", "strip")
	if got := sentence(notes[1]); !strings.Contains(got, "Because: carried the same number on another site;") {
		t.Errorf("sentence %q", got)
	}
}

// TestSyncIsTold: a number that one keeps and another is sent.
func TestSyncIsTold(t *testing.T) {
	t.Parallel()
	w := remembering(t)
	w.get("https://ads.example/banner.jpg", from("https://shop.example/", "Cookie: uid="+visitor)...)
	w.get("https://match.t.example/x?partner="+visitor, from("https://shop.example/")...)
	notes := w.notes.all()
	last := notes[len(notes)-1]
	if got, want := sentence(last), "ads.example tried to tell match.t.example which number it uses for you."; !strings.Contains(got, want) {
		t.Errorf("sentence %q, want it to say %q", got, want)
	}
}

// TestUnlearning: an endpoint that answers with a picture is no pixel.
func TestUnlearning(t *testing.T) {
	t.Parallel()
	const url = "https://cdn.t.example/p.gif"
	for _, tt := range []struct {
		name, mime, body string
		want             int
	}{
		{"a picture", "image/png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x02\x00\x00\x00" + strings.Repeat("x", 3000), 1},
		{"a large file", "image/jpeg", strings.Repeat("x", 100_000), 1},
		{"a pixel", "image/gif", "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;", 0},
		{"no image", "text/html", strings.Repeat("x", 100_000), 0},
	} {
		w := newWorld(t)
		w.policy = &detect.Policy{Learned: detect.NewEndpoints([]uint64{detect.EndpointKey("cdn.t.example", url)})}
		w.origin = func(*http.Request) *http.Response { return reply(200, tt.mime, tt.body) }
		var gone []string
		w.f.Unlearn = func(_, url string) { gone = append(gone, url) }
		resp := w.get(url, from("https://shop.example/")...)
		if tt.want == 1 && text(t, resp) != tt.body {
			t.Errorf("%s: the answer did not come as it was", tt.name)
		}
		w.wantSent(1)
		if len(gone) != tt.want {
			t.Errorf("%s: %d endpoints forgotten, want %d", tt.name, len(gone), tt.want)
		}
	}
}

// TestTrackingHostIsRemembered: what was found out on three sites holds on a
// fourth, where the request alone would not show it.
func TestTrackingHostIsRemembered(t *testing.T) {
	t.Parallel()
	w := remembering(t)
	w.origin = func(*http.Request) *http.Response { return reply(200, "image/png", strings.Repeat("x", 1000)) }
	const weak = "https://t.example/x?id=12345"
	w.get(weak, from("https://d.example/")...)
	w.wantNotes()
	for _, site := range []string{"a", "b", "c"} {
		w.get("https://t.example/x?uid="+visitor, from("https://"+site+".example/")...)
	}
	w.get(weak, from("https://d.example/")...)
	notes := w.notes.all()
	last := notes[len(notes)-1]
	if last.Decision.Action < detect.Strip || last.Seen.Request.URL != weak {
		t.Errorf("%s: %s, want it stripped", last.Seen.Request.URL, last.Decision.Action)
	}
	if got := sentence(last); !strings.Contains(got, "did the same on three sites or more") {
		t.Errorf("sentence %q", got)
	}
}
