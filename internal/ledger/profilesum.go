package ledger

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// Bounds on what a sum holds; past one, numbers are the least that it was.
const (
	maxPages      = 1 << 19 // pages, those of each company counted
	maxSites      = 1 << 16
	maxLinks      = 1 << 18 // distinct values of all companies
	maxActivities = 200     // of one company
	maxPlaces     = 10_000  // unknown places, syncs, devices, companies
	maxDays       = 4000
	dayLength     = 24 * 60 * 60 * 1000 // milliseconds

	consentBanner = "consent" // the category of those who ask for a choice
)

// profileSum takes events in the order of time and sums them up.
type profileSum struct {
	q         *ProfileQuery
	match     string // part of a company's name, lower case
	out       Profile
	seed      maphash.Seed
	pages     map[pageOf]struct{}
	sites     map[string]int32
	names     []string // of sites, by number
	seenSites map[int32]struct{}
	companies map[string]*companySum
	links     int
	days      map[int64]*Counts
	devices   map[string]struct{}
	unknown   map[string]*placeSum
	syncs     map[syncKey]*placeSum
}

// pageOf is one page in the eyes of one company; nil stands for all.
type pageOf struct {
	company *companySum
	page    uint64
}

type companySum struct {
	Company
	trackers            map[string]*trackerSum
	sites               map[int32]*SiteSeen
	links               map[string]*linkSum
	activities          map[activityKey]*Counts
	fields              map[[2]string]*Counts
	categories, purpose map[string]struct{}
}

type trackerSum struct {
	TrackerSeen
	likely int64
}

type activityKey struct {
	says      string
	automatic bool
}

// placeSum is a place or a pair of companies and the sites it was met on.
type placeSum struct {
	Counts
	listed bool
	sites  map[int32]struct{}
}

func newProfileSum(q *ProfileQuery) *profileSum {
	return &profileSum{
		q: q, match: strings.ToLower(q.Company), seed: maphash.MakeSeed(),
		pages: map[pageOf]struct{}{}, sites: map[string]int32{}, seenSites: map[int32]struct{}{},
		companies: map[string]*companySum{}, days: map[int64]*Counts{}, devices: map[string]struct{}{},
		unknown: map[string]*placeSum{}, syncs: map[syncKey]*placeSum{},
	}
}

// add takes one event.
func (p *profileSum) add(e *told) {
	t := e.said.tracker
	switch {
	case p.match != "" && !called(t, p.match):
		return
	case t == nil && e.link:
		p.out.Links += e.count
		return
	case t != nil && t.Category == consentBanner && p.match == "":
		p.out.Banners += e.count
		return
	case t == nil && e.said.act == nil && e.action == detect.Allow:
		return // a note about something else than a tracker
	}
	site, known := p.site(e.site)
	if e.said.sync || e.partner != "" {
		p.sync(e, site, known)
	}
	if t == nil {
		p.place(e, site, known)
		return
	}
	c := p.company(t)
	if c == nil {
		return
	}
	p.count(e)
	p.out.add(e.action, e.told, e.count)
	c.add(e)
	if known {
		p.seenSites[site] = struct{}{}
		p.onSite(c, e, site)
	}
}

// called reports whether a tracker or its company has part in its name.
func called(t *detect.Tracker, part string) bool {
	return t != nil && (strings.Contains(strings.ToLower(t.Company), part) ||
		strings.Contains(strings.ToLower(t.Name), part) || strings.EqualFold(t.ID, part))
}

// site returns the number of a site; known is false if there is none.
func (p *profileSum) site(name string) (n int32, known bool) {
	if name == "" {
		return 0, false
	}
	n, ok := p.sites[name]
	if ok {
		return n, true
	}
	if len(p.names) >= maxSites {
		p.out.Partial = true
		return 0, false
	}
	n = int32(len(p.names))
	p.sites[name] = n
	p.names = append(p.names, name)
	return n, true
}

func (p *profileSum) company(t *detect.Tracker) *companySum {
	name := cmp.Or(t.Company, t.Name, t.ID)
	c := p.companies[name]
	if c == nil {
		if len(p.companies) >= maxPlaces {
			p.out.Partial = true
			return nil
		}
		c = &companySum{Company: Company{Company: name}, trackers: map[string]*trackerSum{}, sites: map[int32]*SiteSeen{},
			links: map[string]*linkSum{}, activities: map[activityKey]*Counts{}, fields: map[[2]string]*Counts{},
			categories: map[string]struct{}{}, purpose: map[string]struct{}{}}
		p.companies[name] = c
	}
	return c
}

// count counts the day, the device and the span.
func (p *profileSum) count(e *told) {
	at := time.UnixMilli(e.time).UTC()
	if p.out.First.IsZero() {
		p.out.First = at
	}
	p.out.Last = at
	if len(p.devices) < maxPlaces {
		p.devices[e.client] = struct{}{}
	}
	day := e.time / dayLength
	d := p.days[day]
	if d == nil {
		if len(p.days) >= maxDays {
			p.out.Partial = true
			return
		}
		d = &Counts{}
		p.days[day] = d
	}
	d.add(e.action, e.told, e.count)
}

// add counts what needs no site.
func (c *companySum) add(e *told) {
	t, at := e.said.tracker, time.UnixMilli(e.time).UTC()
	if c.First.IsZero() {
		c.First = at
	}
	c.Last = at
	c.Counts.add(e.action, e.told, e.count)
	ts := c.trackers[t.ID]
	if ts == nil {
		ts = &trackerSum{TrackerSeen: TrackerSeen{ID: t.ID, Name: t.Name}}
		c.trackers[t.ID] = ts
		if t.Category != "" {
			c.categories[t.Category] = struct{}{}
		}
		for _, purpose := range t.Purposes {
			c.purpose[purpose] = struct{}{}
		}
	}
	ts.add(e.action, e.told, e.count)
	if e.likely {
		c.Likely += e.count
		ts.likely += e.count
	}
	if e.said.refused {
		c.Refused += e.count
	}
	if e.site == "" && e.said.act == nil {
		c.ByName += e.count
	}
	c.did(e)
	for i := range e.fields {
		key := [2]string{e.fields[i].field, e.fields[i].label}
		if c.fields[key] == nil {
			c.fields[key] = &Counts{}
		}
		c.fields[key].add(e.action, e.told, e.count)
	}
}

func (c *companySum) did(e *told) {
	a := e.said.act
	if a == nil || a.Says == "" {
		return
	}
	key := activityKey{a.Says, a.Automatic}
	if c.activities[key] == nil {
		if len(c.activities) >= maxActivities {
			key = activityKey{says: "something else happened"}
		}
		if c.activities[key] == nil {
			c.activities[key] = &Counts{}
		}
	}
	c.activities[key].add(e.action, e.told, e.count)
}

// onSite counts what company c was asked from a known site.
func (p *profileSum) onSite(c *companySum, e *told, site int32) {
	s := c.sites[site]
	at := time.UnixMilli(e.time).UTC()
	if s == nil {
		s = &SiteSeen{Site: p.names[site], First: at}
		c.sites[site] = s
	}
	s.Last = at
	s.add(e.action, e.told, e.count)
	if e.page != "" {
		h := maphash.String(p.seed, e.page)
		if p.newPage(pageOf{c, h}) {
			c.Pages++
			s.Pages++
			if p.newPage(pageOf{nil, h}) {
				p.out.Pages++
			}
		}
	}
	p.link(c, e, site)
}

// newPage remembers a page and reports whether it was not yet known.
func (p *profileSum) newPage(k pageOf) bool {
	if _, ok := p.pages[k]; ok {
		return false
	}
	if len(p.pages) >= maxPages {
		p.out.Partial = true
		return false
	}
	p.pages[k] = struct{}{}
	return true
}

// place counts what no rule knows.
func (p *profileSum) place(e *told, site int32, known bool) {
	host := cmp.Or(detect.Registrable(e.host), e.host)
	if s := sumAt(p, p.unknown, host); s != nil {
		s.take(e, site, known)
		s.listed = s.listed || e.said.listed
	}
}

// syncKey is two companies. If both, which of them told the other is unknown.
type syncKey struct {
	from, to string
	both     bool
}

// sync counts a number that is handed on.
func (p *profileSum) sync(e *told, site int32, known bool) {
	asked := cmp.Or(detect.Registrable(e.host), e.host)
	if t := e.said.tracker; t != nil {
		asked = cmp.Or(t.Company, t.Name)
	}
	key := syncKey{from: e.said.from, to: asked}
	if e.said.from == "" && e.partner != "" {
		key = syncKey{from: asked, to: e.partner, both: true}
	}
	if s := sumAt(p, p.syncs, key); s != nil {
		s.take(e, site, known)
	}
}

func sumAt[K comparable](p *profileSum, m map[K]*placeSum, key K) *placeSum {
	s := m[key]
	if s == nil {
		if len(m) >= maxPlaces {
			p.out.Partial = true
			return nil
		}
		s = &placeSum{sites: map[int32]struct{}{}}
		m[key] = s
	}
	return s
}

func (s *placeSum) take(e *told, site int32, known bool) {
	s.add(e.action, e.told, e.count)
	if known {
		s.sites[site] = struct{}{}
	}
}

// profile gives the sum, sorted.
func (p *profileSum) profile() *Profile {
	out := &p.out
	out.Sites, out.Devices = len(p.seenSites), len(p.devices)
	for _, c := range p.companies {
		out.Companies = append(out.Companies, c.finish(p))
		out.Chains = append(out.Chains, c.chains(p)...)
	}
	slices.SortFunc(out.Companies, func(a, b Company) int {
		return cmp.Or(cmp.Compare(len(b.Sites), len(a.Sites)), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Company, b.Company))
	})
	out.Chains = topChains(out.Chains)
	for _, day := range slices.Sorted(maps.Keys(p.days)) {
		out.Days = append(out.Days, Day{time.UnixMilli(day * dayLength).UTC().Format(time.DateOnly), *p.days[day]})
	}
	for host, s := range p.unknown {
		out.Unknown = append(out.Unknown, Unknown{Host: host, Listed: s.listed, Sites: len(s.sites), Counts: s.Counts})
	}
	slices.SortFunc(out.Unknown, func(a, b Unknown) int {
		return cmp.Or(cmp.Compare(b.Sites, a.Sites), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Host, b.Host))
	})
	for k, s := range p.syncs {
		out.Syncs = append(out.Syncs, Sync{From: k.from, To: k.to, Both: k.both, Sites: len(s.sites), Counts: s.Counts})
	}
	slices.SortFunc(out.Syncs, func(a, b Sync) int {
		return cmp.Or(cmp.Compare(b.Sites, a.Sites), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.From, b.From),
			cmp.Compare(a.To, b.To))
	})
	return out
}
