package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
)

var (
	shopAds = &detect.Tracker{ID: "acme", Name: "Acme Pixel", Company: "Acme", Category: "advertising", Purposes: []string{"retargeting"}}
	counter = &detect.Tracker{ID: "tally", Name: "Tally", Company: "Tally Ltd", Category: "analytics", Purposes: []string{"analytics"}}
)

// seen is one event of a test, so many minutes after noon.
type seen struct {
	minute     int
	tracker    *detect.Tracker
	page, says string
	number     string // a visitor id
	email      string // a fingerprint
	action     detect.Action
	told       bool
	sentence   string
	more       []detect.Field
	consent    string
	evidence   string
	detail     string
	host       string
	count      int
}

func (s seen) event() Event {
	e := Event{Time: noon.Add(time.Duration(s.minute) * time.Minute), Door: "proxy", Count: s.count,
		Request: Request{Host: orElse(s.host, "t.example"), Page: s.page, Type: "image"}}
	e.Verdict = detect.Verdict{Tracker: s.tracker, Action: s.action, Told: s.told, Sentence: s.sentence, Disclosed: s.more}
	if s.says != "" {
		e.Activity = &detect.Activity{Name: "x", Says: s.says}
	}
	if s.consent != "" {
		e.Consent = &detect.Consent{State: s.consent}
	}
	if s.evidence != "" {
		e.Evidence = []detect.Evidence{{Kind: s.evidence, Detail: orElse(s.detail, "x")}}
	}
	if s.number != "" {
		e.Disclosed = append(e.Disclosed, detect.Field{Name: "visitor_id", Label: "the number", Value: s.number, Made: "2025-03-12", Sensitive: true})
	}
	if s.email != "" {
		e.Disclosed = append(e.Disclosed, detect.Field{Name: "email_hash", Label: "a fingerprint", Value: s.email, Sensitive: true})
	}
	return e
}

func profileOf(t *testing.T, q ProfileQuery, all ...seen) *Profile {
	t.Helper()
	l := start(t, Options{Now: func() time.Time { return noon.Add(time.Hour) }})
	for _, s := range all {
		l.Note(s.event())
	}
	settle(t, l)
	p, err := l.Profile(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const long = "number-of-one-browser-0001"

var day = []seen{
	{minute: 1, tracker: shopAds, page: "https://www.shop.example/shoes?x=1", says: "you looked at a product", number: long, action: detect.Block,
		more: []detect.Field{{Name: "products", Label: "the products", Value: "Red shoes"}}},
	{minute: 2, tracker: shopAds, page: "https://news.example/", says: "you opened a page", number: long, action: detect.Block, count: 3},
	{minute: 3, tracker: shopAds, page: "https://blog.example/a", says: "you opened a page", number: long, action: detect.Observe, told: true, consent: "denied"},
	{minute: 4, tracker: shopAds, page: "https://shop.example/shoes", says: "you looked at a product", number: "short", email: "ab", action: detect.Strip},
	{minute: 5, tracker: counter, page: "https://shop.example/shoes", says: "you opened a page", action: detect.Block,
		sentence: "shop.example tried to tell what looks like Tally (Tally Ltd) that you opened a page."},
	{minute: 6, tracker: counter, action: detect.Block},
	{minute: 7, page: "https://shop.example/", action: detect.Strip, says: "you opened a page", evidence: "sync", detail: "carries the number that Acme uses for you", host: "px.stranger.example"},
	{minute: 8, page: "https://shop.example/", action: detect.Block, evidence: "list", host: "ads.other.example"},
	{minute: 9, page: "https://shop.example/", action: detect.Allow, evidence: "heuristic", host: "bank.example", sentence: "left alone"},
	{minute: 10, tracker: counter, page: "https://shop.example/", says: "you are here", action: detect.Block, evidence: "sync",
		more: []detect.Field{{Name: "sync_partner", Label: "x", Value: "Acme"}}},
}

func TestProfile(t *testing.T) {
	t.Parallel()
	p := profileOf(t, ProfileQuery{}, day...)
	if want := (Counts{Requests: 9, Stopped: 7, Stripped: 1, Told: 1}); p.Counts != want {
		t.Errorf("counts %+v, want %+v", p.Counts, want)
	}
	if p.Sites != 3 || p.Pages != 2 || p.Devices != 1 || p.Partial || len(p.Companies) != 2 {
		t.Fatalf("%d sites, %d pages, %d devices, partial %v, companies %+v; want 3, 2, 1, false and two", p.Sites, p.Pages, p.Devices, p.Partial, p.Companies)
	}
	acme, tally := p.Companies[0], p.Companies[1]
	if acme.Company != "Acme" || acme.Linked != 3 || acme.LinkedTold != 0 || acme.Refused != 1 || acme.Likely != 0 || len(acme.Sites) != 3 {
		t.Errorf("got %+v, want Acme that links 3 sites", acme)
	}
	if tally.ByName != 1 || tally.Likely != 1 || tally.Linked != 0 || tally.Trackers[0].Likely {
		t.Errorf("got %+v, want Tally once by name, once by its looks", tally)
	}
	want := Identifier{Field: "visitor_id", Label: "the number", Value: "numb…001", Made: "2025-03-12", Sites: 3, Told: 1, Count: 5}
	got := acme.Identifiers[0]
	got.Link = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identifier (-want +got):\n%s", diff)
	}
	if len(acme.Identifiers) != 1 {
		t.Errorf("identifiers %+v: values too short to be one person's join nothing", acme.Identifiers)
	}
	chain := Chain{Company: "Acme", Site: "shop.example", Says: "you looked at a product", What: "Red shoes",
		Time: noon.Add(time.Minute), Label: "the number", Later: []string{"blog.example", "news.example"}, Count: 2}
	if len(p.Chains) == 1 {
		p.Chains[0].Link = ""
	}
	if diff := cmp.Diff([]Chain{chain}, p.Chains); diff != "" {
		t.Errorf("chains (-want +got):\n%s", diff)
	}
	syncs := []Sync{{From: "Acme", To: "stranger.example", Sites: 1, Counts: Counts{Requests: 1, Stripped: 1}},
		{From: "Tally Ltd", To: "Acme", Both: true, Sites: 1, Counts: Counts{Requests: 1, Stopped: 1}}}
	if diff := cmp.Diff(syncs, p.Syncs); diff != "" {
		t.Errorf("syncs (-want +got):\n%s", diff)
	}
	unknown := []Unknown{{Host: "other.example", Listed: true, Sites: 1, Counts: Counts{Requests: 1, Stopped: 1}},
		{Host: "stranger.example", Sites: 1, Counts: Counts{Requests: 1, Stripped: 1}}}
	if diff := cmp.Diff(unknown, p.Unknown); diff != "" {
		t.Errorf("unknown (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Day{{"2026-11-22", p.Counts}}, p.Days); diff != "" {
		t.Errorf("days (-want +got):\n%s", diff)
	}
}

func TestProfileQuery(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		q         ProfileQuery
		requests  int64
		companies int
	}{
		{"part of a name", ProfileQuery{Company: "tALLY"}, 3, 1},
		{"an id", ProfileQuery{Company: "acme"}, 6, 1},
		{"nobody", ProfileQuery{Company: "nobody"}, 0, 0},
		{"a site", ProfileQuery{Site: "www.shop.example"}, 4, 2},
		{"from a time", ProfileQuery{Since: noon.Add(5 * time.Minute)}, 3, 1},
		{"up to a time", ProfileQuery{Until: noon.Add(2 * time.Minute)}, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := profileOf(t, tt.q, day...)
			if p.Requests != tt.requests || len(p.Companies) != tt.companies {
				t.Errorf("%d requests of %d companies, want %d of %d", p.Requests, len(p.Companies), tt.requests, tt.companies)
			}
		})
	}
}

// TestProfileGuess: a guessed page is no site, unless the hit itself names it.
func TestProfileGuess(t *testing.T) {
	t.Parallel()
	l := start(t, Options{Now: func() time.Time { return noon }})
	for i, says := range []string{"", "https://www.news.example/a?b=1"} {
		e := seen{tracker: shopAds, page: "https://shop.example/x", number: fmt.Sprint(long, i), action: detect.Block}.event()
		e.Request.PageFrom = "guess"
		if says != "" {
			e.Disclosed = append(e.Disclosed, detect.Field{Name: "page_url", Value: says})
		}
		l.Note(e)
	}
	settle(t, l)
	p, err := l.Profile(t.Context(), ProfileQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Requests != 2 || p.Sites != 1 || p.Pages != 1 || p.Companies[0].Sites[0].Site != "news.example" {
		t.Errorf("%d requests, %d pages, sites %+v; want 2, 1 and news.example", p.Requests, p.Pages, p.Companies[0].Sites)
	}
}

// TestProfileBanners: what asks for a choice follows nobody.
func TestProfileBanners(t *testing.T) {
	t.Parallel()
	banner := &detect.Tracker{ID: "ask", Name: "Ask banner", Company: "Ask", Category: "consent"}
	list := []seen{{minute: 1, tracker: banner, page: "https://shop.example/", told: true, count: 3}, day[0]}
	if p := profileOf(t, ProfileQuery{}, list...); p.Banners != 3 || len(p.Companies) != 1 || p.Told != 0 {
		t.Errorf("%d of banners, companies %+v", p.Banners, p.Companies)
	}
	if p := profileOf(t, ProfileQuery{Company: "ask"}, list...); p.Banners != 0 || len(p.Companies) != 1 || p.Told != 3 {
		t.Errorf("asked for: %d of banners, companies %+v", p.Banners, p.Companies)
	}
}

// TestProfileIdentifiers: many values of one kind leave room for another.
func TestProfileIdentifiers(t *testing.T) {
	t.Parallel()
	var all []seen
	for i := range 3 * maxIdentifiers {
		all = append(all, seen{minute: i, tracker: shopAds, page: "https://shop.example/", number: fmt.Sprint(long, i), action: detect.Block, count: 2})
	}
	all = append(all, seen{minute: 50, tracker: shopAds, page: "https://shop.example/", email: "b4c9a289323b21a01c3e940f150eb9b8", action: detect.Block})
	c := profileOf(t, ProfileQuery{}, all...).Companies[0]
	if len(c.Identifiers) != maxIdentifiers || c.Identifiers[0].Field != "visitor_id" || c.Identifiers[1].Field != "email_hash" || c.Linked != 0 {
		t.Errorf("got %+v, want a number, then the fingerprint", c.Identifiers)
	}
}

// TestProfilePages reads more events than one page holds, in another order than
// they happened, against counting them one by one.
func TestProfilePages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir, Now: func() time.Time { return noon }, Queue: 64 << 20})
	const n = 2*profilePage + 17
	for i := range n {
		e := seen{tracker: shopAds, page: fmt.Sprintf("https://s%d.example/p%d", i%50, i%7), number: fmt.Sprint(long, i%3), action: detect.Block}.event()
		e.Time = noon.Add(-time.Duration(i*7919%n) * time.Minute)
		l.Note(e)
	}
	settle(t, l)
	r, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := r.Profile(t.Context(), ProfileQuery{})
	if err != nil {
		t.Fatal(err)
	}
	pages, links := map[string]bool{}, map[string]map[string]bool{}
	var events int64
	for e := range l.Events(t.Context(), Filter{}) {
		events++
		pages[e.Request.Page] = true
		link := e.Disclosed[0].Link
		if links[link] == nil {
			links[link] = map[string]bool{}
		}
		links[link][siteOf(&e)] = true
	}
	most := 0
	for _, sites := range links {
		most = max(most, len(sites))
	}
	c := p.Companies[0]
	if p.Requests != n || events != n || p.Pages != len(pages) || c.Pages != len(pages) || len(c.Sites) != 50 || c.Linked != most || p.Partial {
		t.Errorf("%d requests, %d pages, %d sites, %d linked, partial %v; want %d, %d, 50, %d", p.Requests, p.Pages, len(c.Sites), c.Linked, p.Partial, n, len(pages), most)
	}
}

// TestProfileBounds goes past the bounds that are quickly reached.
func TestProfileBounds(t *testing.T) {
	t.Parallel()
	p := newProfileSum(&ProfileQuery{})
	e := told{count: 1, action: detect.Block, site: "a.example", said: &said{tracker: shopAds, act: &detect.Activity{}}}
	for i := range maxPages + 10 {
		e.page = strconv.Itoa(i)
		e.time = int64(i%(maxDays+5)) * dayLength
		e.said.act.Says = "you did " + strconv.Itoa(i%(2*maxActivities))
		e.client = strconv.Itoa(i % (maxPlaces + 5))
		p.add(&e)
	}
	out := p.profile()
	if !out.Partial || out.Pages > maxPages || len(out.Days) != maxDays || len(out.Companies[0].Activities) != maxActivities+1 || out.Devices != maxPlaces {
		t.Errorf("partial %v, %d pages, %d days, %d activities, %d devices", out.Partial, out.Pages, len(out.Days), len(out.Companies[0].Activities), out.Devices)
	}
	if out.Requests != maxPages+10 || out.Companies[0].Requests != maxPages+10 {
		t.Errorf("%d requests, want all %d", out.Requests, maxPages+10)
	}
}

func TestOpenReaderNone(t *testing.T) {
	t.Parallel()
	if _, err := OpenReader(t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is none", err)
	}
}
