package ledger

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/redact"
)

const (
	maxIdentifiers = 10 // of one company, in a profile
	maxInterests   = 8  // that are followed by one value
	maxChains      = 20 // in a profile
	maxLater       = 5  // sites that a chain names
)

// joining are the fields that say who somebody is, on whatever site. Numbers of
// a visit, an order or a click are not among them, nor fingerprints of what
// many share: a name, a town, a day of birth.
var joining = []string{"visitor_id", "tp_cookie", "user_id", "recipient", "device_fp", "email_hash", "phone_hash",
	"email_plain", "phone_plain"}

// interests are the activities after which shops like to follow a person.
var interests = []string{"you looked at a product", "you looked at a product or an article", "you looked at a kind of product",
	"you put something into the basket", "you looked into the basket", "you put something on your wish list",
	"you searched for something", "you went to the checkout"}

// following are the purposes for which they do.
var following = []string{"retargeting", "audiences"}

// linkSum is one value that a company was sent.
type linkSum struct {
	Identifier
	sites     map[int32]bool // whether it was told there
	interests []*interest
}

type interest struct {
	site       int32
	says, what string
	at         time.Time
	told       bool
	later      map[int32]struct{}
}

// joins reports whether f can tell that two visits are of one person. A value
// too short for a short form may be the same by chance.
func joins(f *sent) bool {
	return f.link != "" && slices.Contains(joining, f.field) &&
		(f.value != redact.Elided || f.field == "email_plain" || f.field == "phone_plain")
}

// link notes the values by which c could know the person again.
func (p *profileSum) link(c *companySum, e *told, site int32) {
	for i := range e.fields {
		f := &e.fields[i]
		if !joins(f) {
			continue
		}
		l := c.links[f.link]
		if l == nil {
			if p.links >= maxLinks {
				p.out.Partial = true
				continue
			}
			p.links++
			l = &linkSum{Identifier: Identifier{Field: f.field, Label: f.label, Value: f.value, Link: f.link}, sites: map[int32]bool{}}
			c.links[f.link] = l
		}
		if f.made != "" && (l.Made == "" || f.made < l.Made) {
			l.Made = f.made
		}
		l.Count += e.count
		l.sites[site] = l.sites[site] || e.told || e.action <= detect.Observe
		l.follow(e, site)
	}
}

// follow notes an interest, and that those noted on other sites are followed
// to this one.
func (l *linkSum) follow(e *told, site int32) {
	for _, in := range l.interests {
		if in.site != site {
			in.later[site] = struct{}{}
		}
	}
	a := e.said.act
	if a == nil || len(l.interests) >= maxInterests || !slices.Contains(interests, a.Says) ||
		!slices.ContainsFunc(e.said.tracker.Purposes, func(s string) bool { return slices.Contains(following, s) }) {
		return
	}
	for _, in := range l.interests {
		if in.site == site && in.says == a.Says && in.what == e.product {
			return
		}
	}
	l.interests = append(l.interests, &interest{site: site, says: a.Says, what: e.product,
		at: time.UnixMilli(e.time).UTC(), told: e.told || e.action <= detect.Observe, later: map[int32]struct{}{}})
}

// finish gives what c was told, sorted.
func (c *companySum) finish(p *profileSum) Company {
	out := c.Company
	out.Categories, out.Purposes = slices.Sorted(maps.Keys(c.categories)), slices.Sorted(maps.Keys(c.purpose))
	for _, t := range c.trackers {
		t.Likely = t.likely == t.Requests
		out.Trackers = append(out.Trackers, t.TrackerSeen)
	}
	slices.SortFunc(out.Trackers, func(a, b TrackerSeen) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.ID, b.ID))
	})
	best := c.identifiers(p, &out)
	for n, s := range c.sites {
		if best != nil {
			_, s.Linked = best.sites[n]
		}
		out.Sites = append(out.Sites, *s)
	}
	slices.SortFunc(out.Sites, func(a, b SiteSeen) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Site, b.Site))
	})
	for k, n := range c.activities {
		out.Activities = append(out.Activities, ActivityCount{k.says, k.automatic, *n})
	}
	slices.SortFunc(out.Activities, func(a, b ActivityCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Says, b.Says))
	})
	for k, n := range c.fields {
		out.Sensitive = append(out.Sensitive, FieldCount{k[0], k[1], *n})
	}
	slices.SortFunc(out.Sensitive, func(a, b FieldCount) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Label, b.Label))
	})
	return out
}

// identifiers fills in the values that say most; it returns the one that joins
// the most sites, nil if none joins two.
func (c *companySum) identifiers(p *profileSum, out *Company) *linkSum {
	all := make([]*linkSum, 0, len(c.links))
	for _, l := range c.links {
		l.Sites, l.Told = len(l.sites), 0
		for _, told := range l.sites {
			if told {
				l.Told++
			}
		}
		if l.Told > 1 {
			out.LinkedTold = max(out.LinkedTold, l.Told)
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *linkSum) int {
		return cmp.Or(cmp.Compare(b.Sites, a.Sites), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Link, b.Link))
	})
	oneOfEach(all)
	for _, l := range all[:min(len(all), maxIdentifiers)] {
		out.Identifiers = append(out.Identifiers, l.Identifier)
	}
	if len(all) == 0 || all[0].Sites < 2 {
		return nil
	}
	out.Linked = all[0].Sites
	return all[0]
}

// oneOfEach moves, among values that join as many sites, the first of each
// label to the front: one kind of value is not to push the others out.
func oneOfEach(all []*linkSum) {
	nth, met := map[*linkSum]int{}, map[string]int{}
	for _, l := range all {
		nth[l] = met[l.Label]
		met[l.Label]++
	}
	slices.SortStableFunc(all, func(a, b *linkSum) int {
		return cmp.Or(cmp.Compare(b.Sites, a.Sites), cmp.Compare(min(nth[a], 1), min(nth[b], 1)))
	})
}

// chains gives the interests that c could have followed to another site.
func (c *companySum) chains(p *profileSum) []Chain {
	type key struct {
		site       int32
		says, what string
	}
	best := map[key]Chain{}
	for _, l := range c.links {
		for _, in := range l.interests {
			k := key{in.site, in.says, in.what}
			if old := best[k]; len(in.later) == 0 || len(in.later) < old.Count || len(in.later) == old.Count && l.Link > old.Link {
				continue
			}
			ch := Chain{Company: c.Company.Company, Site: p.names[in.site], Says: in.says, What: in.what, Time: in.at,
				Label: l.Label, Link: l.Link, Count: len(in.later), Told: in.told}
			for n := range in.later {
				ch.Later = append(ch.Later, p.names[n])
			}
			slices.Sort(ch.Later)
			ch.Later = ch.Later[:min(len(ch.Later), maxLater)]
			best[k] = ch
		}
	}
	return slices.Collect(maps.Values(best))
}

// topChains keeps those that lead farthest.
func topChains(all []Chain) []Chain {
	slices.SortFunc(all, func(a, b Chain) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Time.Compare(b.Time), cmp.Compare(a.Company, b.Company),
			cmp.Compare(a.Site, b.Site), cmp.Compare(a.Says, b.Says), cmp.Compare(a.What, b.What))
	})
	return all[:min(len(all), maxChains)]
}
