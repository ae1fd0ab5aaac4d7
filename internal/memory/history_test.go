package memory

import (
	"bytes"
	"fmt"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
)

const someID = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"

// asked is a request as a browser makes it.
func asked(ty detect.Type, url, page, cookie string) *detect.Request {
	h := textproto.MIMEHeader{}
	if page != "" {
		h.Set("Referer", page)
	}
	if cookie != "" {
		h.Set("Cookie", cookie)
	}
	r := intake.Request("GET", url, h)
	if r.Type = ty; ty == detect.TypeDocument {
		r.Page, r.PageFrom, r.Site = url, detect.PageDocument, detect.FirstParty
	}
	return &r
}

func image(url, page string) *detect.Request { return asked(detect.TypeImage, url, page, "") }

func TestSiteIDs(t *testing.T) {
	t.Parallel()
	h := NewHistory(newClock().now, nil)
	h.Asked("me", asked(detect.TypeDocument, "https://www.shop.example/", "", "_ga=GA1.1.1234567890.1741737600; lang=de; PHPSESSID="+someID), false)
	for _, tt := range []struct {
		client, page, value string
		want                bool
	}{
		{"me", "https://www.shop.example/a", "1234567890.1741737600", true},
		{"me", "https://m.shop.example/", "1234567890.1741737600", true}, // the same site
		{"me", "https://news.example/", "1234567890.1741737600", false},
		{"you", "https://www.shop.example/", "1234567890.1741737600", false},
		{"me", "https://www.shop.example/", someID, false}, // a session is not looked at
	} {
		p := h.Past(tt.client, image("https://t.example/x?v=1", tt.page))
		if got := p.OwnID(p.Key.Sum(detect.PastID, []byte(tt.value), nil, nil)); got != tt.want {
			t.Errorf("%s on %s: %s is the site's own: %v, want %v", tt.client, tt.page, tt.value, got, tt.want)
		}
	}
	if p := h.Past("me", asked(detect.TypeScript, "https://t.example/x.js", "https://www.shop.example/", "")); p != nil {
		t.Errorf("a script has a past: %+v", p)
	}
}

func TestOthersIDs(t *testing.T) {
	t.Parallel()
	h := NewHistory(newClock().now, nil)
	h.Asked("me", asked(detect.TypeImage, "https://px.a.example/x", "https://shop.example/", "uid="+someID), false)
	h.Asked("me", asked(detect.TypeImage, "https://b.example/x", "https://shop.example/", "partner="+someID), false)
	p := h.Past("me", image("https://b.example/sync?u="+someID, "https://shop.example/"))
	if got := p.Owner(p.Key.Sum(detect.PastID, []byte(someID), nil, nil)); got != "a.example" {
		t.Errorf("the number is %q's, want a.example's, who had it first", got)
	}
	for _, form := range []string{"7e882bf3633b67cd478b4e22b9978c37", "MGExYjJjM2QtNGU1Zi00MDcxLTgyOTMtYTRiNWM2ZDdlOGY5"} {
		if got := p.Owner(p.Key.Sum(detect.PastID, []byte(form), nil, nil)); got != "a.example" {
			t.Errorf("%s, a form of the number, is %q's, want a.example's", form, got)
		}
	}
	const fresh = "ffffabcd-4e5f-4071-8293-a4b5c6d7e8f9"
	h.Answered("me", image("https://c.example/x?r=1", "https://shop.example/"), &detect.ResponseHead{Status: 302,
		Header: textproto.MIMEHeader{"Set-Cookie": {"a=b", "u=" + fresh + "; Path=/"}}})
	p = h.Past("me", image("https://d.example/sync?u="+fresh, "https://shop.example/"))
	if got := p.Owner(p.Key.Sum(detect.PastID, []byte(fresh), nil, nil)); got != "c.example" {
		t.Errorf("the number given by a redirect is %q's, want c.example's", got)
	}
}

func TestCrossed(t *testing.T) {
	t.Parallel()
	h := NewHistory(newClock().now, nil)
	crossed := func(value string) bool {
		r := image("https://t.example/x?zz="+value, "https://c.example/")
		p := h.Past("me", r)
		_, ok := p.World.Crossed[p.Key.Sum(detect.PastCross, []byte("t.example"), []byte("zz"), []byte(value))]
		return ok
	}
	ask := func(site, value string) {
		h.Asked("me", image("https://t.example/x?zz="+value, "https://"+site+"/"), false)
	}
	ask("a.example", someID)
	ask("www.a.example", someID)
	if crossed(someID) {
		t.Error("a number seen on one site alone counts as crossed")
	}
	ask("b.example", someID)
	if !crossed(someID) {
		t.Error("a number seen on two sites does not count as crossed")
	}
}

// TestVaries: a name that takes value after value tells nobody apart.
func TestVaries(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := NewHistory(c.now, nil)
	varies := func(host string) bool {
		p := h.Past("me", image("https://"+host+"/x?v=1", "https://c.example/"))
		_, ok := p.World.Varies[p.Key.Sum(detect.PastName, []byte(host), []byte("zz"), nil)]
		return ok
	}
	ask := func(client, host string, n int) {
		h.Asked(client, image(fmt.Sprintf("https://%s/x?zz=%s%02d", host, someID[:34], n), "https://a.example/"), false)
	}
	for n := range 3 {
		ask("me", "t.example", 10+n)
		ask(fmt.Sprint("client", n), "many.example", 10+n) // one value each
		ask("me", "slow.example", 10+n)
		c.add(namesLife + time.Minute)
	}
	for n := range 4 {
		ask("me", "t.example", 20+n)
	}
	for host, want := range map[string]bool{"t.example": true, "many.example": false, "slow.example": false} {
		if got := varies(host); got != want {
			t.Errorf("%s: varies = %v, want %v", host, got, want)
		}
	}
}

func traitsOf(h *History, host string) detect.HostTraits {
	p := h.Past("nobody", image("https://"+host+"/x?v=1", "https://z.example/"))
	return p.World.Hosts[p.Key.Sum(detect.PastHost, []byte(host), nil, nil)]
}

func TestHosts(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := NewHistory(c.now, nil)
	for i, site := range []string{"a.example", "www.a.example", "b.example", "c.example"} {
		if got, want := traitsOf(h, "t.example"), detect.HostTraits(0); got != want {
			t.Errorf("after %d sites: traits %b, want %b", i, got, want)
		}
		h.Asked("me", image("https://t.example/x?zz="+someID, "https://"+site+"/"), true)
	}
	if got := traitsOf(h, "t.example"); got != detect.HostTracks {
		t.Errorf("after three sites: traits %b, want %b", got, detect.HostTracks)
	}
	small := &detect.ResponseHead{Status: 204, Header: textproto.MIMEHeader{"Set-Cookie": {"u=" + someID + "; Max-Age=31536000"}}}
	h.Answered("me", image("https://id.example/x", "https://a.example/"), small)
	if got := traitsOf(h, "id.example"); got != detect.HostGivesIDs {
		t.Errorf("a host that gives numbers: traits %b, want %b", got, detect.HostGivesIDs)
	}
	large := &detect.ResponseHead{Status: 200, Header: textproto.MIMEHeader{"Content-Type": {"image/jpeg"}}, Length: 40_000}
	for range fewAnswers {
		h.Answered("me", image("https://cdn.example/x", "https://a.example/"), large)
	}
	if got := traitsOf(h, "cdn.example"); got != detect.HostContent {
		t.Errorf("a host of pictures: traits %b, want %b", got, detect.HostContent)
	}
	c.add(historyLife + time.Hour)
	for _, host := range []string{"t.example", "id.example", "cdn.example"} {
		if got := traitsOf(h, host); got != 0 {
			t.Errorf("%s after 30 days: traits %b, want none", host, got)
		}
	}
}

// TestHistoryIsKept over a restart, and nothing of it can be read.
func TestHistoryIsKept(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	m := open(t, dir, c)
	fill := func(h *History) {
		for _, site := range []string{"visited-a.example", "visited-b.example", "visited-c.example"} {
			h.Asked("client-name", asked(detect.TypeDocument, "https://"+site+"/", "", "own="+someID), false)
			h.Asked("client-name", asked(detect.TypeImage, "https://t.example/x?zz="+someID, "https://"+site+"/", "u="+someID), true)
		}
	}
	fill(m.History())
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, StateName))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{someID, someID[:8], "visited", "client-name", "t.example"} {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("the state holds %q", secret)
		}
	}
	again := open(t, dir, c)
	if got := traitsOf(again.History(), "t.example"); got != detect.HostTracks {
		t.Errorf("after a restart: traits %b, want %b", got, detect.HostTracks)
	}
	w := again.History().world.Load()
	if len(w.Crossed) != 1 {
		t.Errorf("after a restart %d values have crossed, want 1", len(w.Crossed))
	}
	frozen := again.History().Frozen()
	if got := traitsOf(frozen, "t.example"); got != detect.HostTracks {
		t.Errorf("frozen: traits %b, want %b", got, detect.HostTracks)
	}
	fill(frozen)
	if len(frozen.browsers) != 0 {
		t.Error("what is frozen learned")
	}
	again.Forget()
	if got := traitsOf(again.History(), "t.example"); got != 0 {
		t.Errorf("forgotten: traits %b, want none", got)
	}
}

func TestSessionKeepsItsOwnHistory(t *testing.T) {
	t.Parallel()
	m := open(t, t.TempDir(), newClock())
	s := m.Session()
	for _, site := range []string{"a.example", "b.example", "c.example"} {
		s.History().Asked("me", image("https://t.example/x?zz="+someID, "https://"+site+"/"), true)
	}
	if got := traitsOf(s.History(), "t.example"); got != detect.HostTracks {
		t.Errorf("the session: traits %b, want %b", got, detect.HostTracks)
	}
	if got := traitsOf(m.History(), "t.example"); got != 0 {
		t.Errorf("the memory learned from a session: traits %b", got)
	}
}

func TestUnlearn(t *testing.T) {
	t.Parallel()
	const host, url = "t.example", "https://t.example/p.gif?u=1"
	c := newClock()
	m := open(t, t.TempDir(), c)
	s := m.Session()
	s.Learn(host, url, c.now())
	if s.Unlearn(host, url); s.Policy("").Learned.Has(detect.EndpointKey(host, url)) {
		t.Error("the session still knows the endpoint")
	}
	m.Learn(host, url, c.now())
	m.Unlearn(host, "https://t.example/other.gif")
	if !m.Endpoints().Has(detect.EndpointKey(host, url)) {
		t.Fatal("another endpoint was forgotten")
	}
	if m.Unlearn(host, url); m.Endpoints().Has(detect.EndpointKey(host, url)) || len(m.Learned()) != 0 {
		t.Error("the memory still knows the endpoint")
	}
	m.Learn(host, url, c.now())
	c.add(30*24*time.Hour + time.Minute)
	if m.Endpoints().Has(detect.EndpointKey(host, url)) {
		t.Error("the endpoint is known after 30 days")
	}
}

// TestHistoryIsBounded: past each bound something old goes.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	h := NewHistory(newClock().now, nil)
	for i := range maxBrowsers + 10 {
		h.Asked(fmt.Sprint("client", i), asked(detect.TypeDocument, "https://a.example/", "", "u="+someID), false)
	}
	for i := range maxSites + 10 {
		h.Asked("me", asked(detect.TypeDocument, fmt.Sprintf("https://site%d.example/", i), "", "u="+someID), false)
	}
	for i := range 2 * maxSiteIDs {
		h.Asked("me", asked(detect.TypeDocument, "https://a.example/", "", fmt.Sprintf("u=%s%03d", someID[:33], i)), false)
	}
	for i := range maxOthers + 10 {
		h.Asked("me", asked(detect.TypeImage, "https://t.example/", "https://a.example/", fmt.Sprintf("u=%s%03d", someID[:33], i)), false)
	}
	for i := range maxHosts + 10 {
		h.Proved(image(fmt.Sprintf("https://t%d.example/", i), "https://a.example/"))
	}
	for i := range maxCrossed + 10 {
		h.cross(uint64(i), h.now())
	}
	for i := range maxNames + 10 {
		h.Asked("me", image(fmt.Sprintf("https://t.example/x?n%d=%s", i, someID), "https://a.example/"), false)
	}
	me := h.browsers["me"]
	site := me.sites[h.siteSum("a.example")]
	for _, b := range []struct {
		name      string
		got, most int
	}{
		{"clients", len(h.browsers), maxBrowsers}, {"sites", len(me.sites), maxSites}, {"numbers of a site", len(site.sums), maxSiteIDs},
		{"numbers of others", len(me.others), maxOthers}, {"hosts", len(h.hosts), maxHosts}, {"crossed", len(h.crossed), maxCrossed},
		{"names", len(h.names), maxNames}, {"Cookie fields", len(me.seen), 4 * maxSites},
	} {
		if b.got > b.most || b.got == 0 {
			t.Errorf("%s: %d are kept, want some and at most %d", b.name, b.got, b.most)
		}
	}
	if err := NewHistory(nil, nil).restore([]byte(`{"key":"00"}`)); err == nil || !strings.Contains(err.Error(), "key of 2 characters") {
		t.Errorf("restore with a short key: %v", err)
	}
}

// TestHistoryTogether: many ask and are remembered at once.
func TestHistoryTogether(t *testing.T) {
	t.Parallel()
	h := NewHistory(nil, nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 200 {
				page := fmt.Sprintf("https://site%d.example/", n%5)
				r := asked(detect.TypeImage, fmt.Sprintf("https://t%d.example/x?zz=%s", n%7, someID), page, fmt.Sprintf("u=%s%03d", someID[:33], n))
				r.Past = h.Past(fmt.Sprint(i%3), r)
				r.Past.Owner(1)
				h.Asked(fmt.Sprint(i%3), r, n%2 == 0)
				h.Answered(fmt.Sprint(i%3), r, &detect.ResponseHead{Status: 200, Header: textproto.MIMEHeader{}, Length: int64(n * 100)})
				if n%50 == 0 {
					h.state()
				}
			}
		})
	}
	wg.Wait()
	if got := traitsOf(h, "t1.example"); got&detect.HostTracks == 0 {
		t.Errorf("traits %b, want at least %b", got, detect.HostTracks)
	}
}

func BenchmarkHistory(b *testing.B) {
	h := NewHistory(nil, nil)
	for i := range 400 { // a memory in use
		h.Proved(image(fmt.Sprintf("https://t%d.example/", i), "https://a.example/"))
		h.cross(uint64(i), h.now())
	}
	for _, bb := range []struct{ name, url, cookie string }{
		{"picture", "https://images.example/a/b-320x200.jpg?w=320&h=200&q=80", ""},
		{"tracker", "https://t.example/collect?cid=1234567890.1741737600&uid=" + someID, "u=" + someID},
	} {
		r := asked(detect.TypeImage, bb.url, "https://shop.example/", bb.cookie)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Past = h.Past("me", r)
				h.Asked("me", r, false)
			}
		})
	}
}
