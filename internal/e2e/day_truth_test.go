package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/ledger"
)

// figures are the numbers of a report, in a form that can be compared.
type figures struct {
	Requests, Stopped, Stripped, Told int64
	Sites, Pages, Devices             int
	First, Last                       string
	Companies                         map[string]companyFigures
	Unknown                           map[string]string
	Days, Chains, Syncs               []string
}

type companyFigures struct {
	Requests, Stopped, Stripped, Told, Likely, Refused int64
	Pages, Linked, LinkedTold                          int
	First, Last                                        string
	Sites                                              map[string]string // pages, requests, whether joined to others
	Activities, Sensitive                              map[string]int64
	Most                                               map[string]int // sites that one value of this label joins
}

// truth counts what the script does, without a look at any record of it.
// begun is its first minute; strangers of the stranger's pixels were answered
// by their owner.
func truth(script []doing, begun time.Time, strangers int) figures {
	out := figures{Devices: 1, Companies: map[string]companyFigures{}, Unknown: map[string]string{}}
	sites, pages, odd := set{}, set{}, set{}
	seen := map[string]*counted{}
	var oddities int
	for _, d := range script {
		for _, h := range d.hits {
			at := stampOf(begun, h.hit.n)
			if h.teller == "stranger" {
				oddities++
				odd.add(d.site)
				continue
			}
			t := tellers[h.teller]
			sites.add(d.site)
			if page := pageTold(h); page != "" {
				pages.add(page)
			}
			out.Requests++
			if t.allowed {
				out.Told++
			} else {
				out.Stopped++
			}
			out.First, out.Last = cmp.Or(out.First, at), at
			if seen[h.teller] == nil {
				seen[h.teller] = newCounted()
			}
			seen[h.teller].count(t, &h.hit, pageTold(h), at)
			if h.hit.what == "sync" {
				out.Syncs = append(out.Syncs, t.company+" to exchange: 1 from 1")
			}
		}
	}
	out.Sites, out.Pages = len(sites), len(pages)
	for name, c := range seen {
		out.Companies[tellers[name].company] = c.figures(tellers[name])
	}
	out.Unknown["stranger.example"] = fmt.Sprintf("%d requests, %d told, %d sites", oddities, strangers, len(odd))
	out.Days = []string{fmt.Sprintf("%s: %d stopped, %d told", begun.Format(time.DateOnly), out.Stopped, out.Told)}
	out.Chains = chainsOf(script)
	return out
}

// pageTold is the address that the hit tells, "" if it tells none.
func pageTold(h told) string {
	if h.teller == "chartbeat" || h.hit.what == "sync" || h.hit.what == "open" {
		return ""
	}
	return h.hit.page()
}

type set map[string]bool

func (s set) add(k string) { s[k] = true }

// counted is one company's part of the truth.
type counted struct {
	companyFigures
	requests map[string]int
	pages    map[string]set // by site
	emails   set            // sites that told a fingerprint of the address
}

func newCounted() *counted {
	return &counted{requests: map[string]int{}, pages: map[string]set{}, emails: set{},
		companyFigures: companyFigures{Sites: map[string]string{}, Activities: map[string]int64{}, Sensitive: map[string]int64{}, Most: map[string]int{}}}
}

const emailLabel = "a fingerprint of your e-mail address"

func (c *counted) count(t teller, h *hit, page, at string) {
	c.Requests++
	c.First, c.Last = cmp.Or(c.First, at), at
	c.Activities[t.says[h.what]]++
	if t.allowed {
		c.Told++
	} else {
		c.Stopped++
	}
	if t.looks {
		c.Likely++
	}
	if h.refused {
		c.Refused++
	}
	for _, label := range []string{t.joined, t.own} {
		if label != "" {
			c.Sensitive[label]++
		}
	}
	switch {
	case t.company == "Meta Platforms" && h.what == "buy":
		c.Sensitive[emailLabel]++
		c.emails.add(h.site)
	case h.what == "open":
		c.Sensitive["the number by which the sender knows your address"]++
	}
	c.requests[h.site]++
	if c.pages[h.site] == nil {
		c.pages[h.site] = set{}
	}
	if page != "" {
		c.pages[h.site].add(page)
	}
}

func (c *counted) figures(t teller) companyFigures {
	f := c.companyFigures
	if t.joined != "" {
		f.Most[t.joined] = len(c.requests)
		if len(c.requests) > 1 {
			f.Linked = len(c.requests)
			if t.allowed {
				f.LinkedTold = f.Linked
			}
		}
	}
	if t.own != "" {
		f.Most[t.own] = 1
	}
	if len(c.emails) > 0 {
		f.Most[emailLabel] = len(c.emails)
	}
	for site, n := range c.requests {
		f.Pages += len(c.pages[site])
		f.Sites[site] = siteFigures(len(c.pages[site]), int64(n), f.Linked > 0)
	}
	return f
}

func siteFigures(pages int, requests int64, linked bool) string {
	return fmt.Sprintf("%d pages, %d requests, linked %v", pages, requests, linked)
}

// chainsOf are the interests that a company could follow to a later site.
func chainsOf(script []doing) []string {
	var out []string
	for i, d := range script {
		for _, h := range d.hits {
			t := tellers[h.teller]
			if says := t.says[h.hit.what]; !t.follows || says != looked && says != basket {
				continue
			}
			later := set{}
			for _, after := range script[i+1:] {
				if after.site != d.site && slices.ContainsFunc(after.hits, func(o told) bool { return o.teller == h.teller }) {
					later.add(after.site)
				}
			}
			if len(later) > 0 {
				out = append(out, chainFigures(t.company, d.site, t.says[h.hit.what], product, len(later)))
			}
		}
	}
	slices.Sort(out)
	return out
}

func chainFigures(company, site, says, what string, later int) string {
	return fmt.Sprintf("%s, %s: %s (%s), then %d sites", company, site, says, what, later)
}

func stampOf(begun time.Time, n int) string {
	return begun.Add(time.Duration(n) * time.Minute).Format(time.RFC3339)
}

// figuresOf takes the numbers out of a report.
func figuresOf(p *ledger.Profile) figures {
	out := figures{Requests: p.Requests, Stopped: p.Stopped, Stripped: p.Stripped, Told: p.Told, Sites: p.Sites, Pages: p.Pages, Devices: p.Devices,
		First: p.First.Format(time.RFC3339), Last: p.Last.Format(time.RFC3339), Companies: map[string]companyFigures{}, Unknown: map[string]string{}}
	for i := range p.Companies {
		out.Companies[p.Companies[i].Company] = figuresOfCompany(&p.Companies[i])
	}
	for _, u := range p.Unknown {
		out.Unknown[u.Host] = fmt.Sprintf("%d requests, %d told, %d sites", u.Requests, u.Told, u.Sites)
	}
	for _, d := range p.Days {
		out.Days = append(out.Days, fmt.Sprintf("%s: %d stopped, %d told", d.Day, d.Stopped, d.Told))
	}
	for _, c := range p.Chains {
		out.Chains = append(out.Chains, chainFigures(c.Company, c.Site, c.Says, c.What, c.Count))
	}
	slices.Sort(out.Chains)
	for _, s := range p.Syncs {
		out.Syncs = append(out.Syncs, fmt.Sprintf("%s to %s: %d from %d", s.From, s.To, s.Requests, s.Sites))
	}
	return out
}

func figuresOfCompany(c *ledger.Company) companyFigures {
	f := companyFigures{Requests: c.Requests, Stopped: c.Stopped, Stripped: c.Stripped, Told: c.Told, Likely: c.Likely, Refused: c.Refused,
		Pages: c.Pages, Linked: c.Linked, LinkedTold: c.LinkedTold, First: c.First.Format(time.RFC3339), Last: c.Last.Format(time.RFC3339),
		Sites: map[string]string{}, Activities: map[string]int64{}, Sensitive: map[string]int64{}, Most: map[string]int{}}
	for _, s := range c.Sites {
		f.Sites[s.Site] = siteFigures(s.Pages, s.Requests, s.Linked)
	}
	for _, a := range c.Activities {
		f.Activities[a.Says] += a.Requests
	}
	for _, s := range c.Sensitive {
		f.Sensitive[s.Label] += s.Requests
	}
	for _, id := range c.Identifiers {
		f.Most[id.Label] = max(f.Most[id.Label], id.Sites)
	}
	return f
}

// cellsOf are the rows of the table of companies that a page should have.
func cellsOf(f figures) map[string]string {
	out := map[string]string{}
	for name, c := range f.Companies {
		shown := name
		if c.Likely == c.Requests {
			shown += " (looks like it)"
		}
		out[shown] = strings.Join([]string{fmt.Sprint(len(c.Sites)), fmt.Sprint(c.Linked), fmt.Sprint(c.Pages), fmt.Sprint(c.Stopped),
			fmt.Sprint(c.Stripped), fmt.Sprint(c.Told), c.First[:len(time.DateOnly)]}, " ")
	}
	return out
}
