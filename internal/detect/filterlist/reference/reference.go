// Package reference decides what filter lists say, slowly and obviously, to
// hold the real index against. Imported by tests only.
//
// In flow the same lists and requests as the index gets; out flows which rules
// hold. Options come from filterlist.Parse; what a pattern means is read from
// the rule's own text again and becomes one regular expression. Each request
// is held against every rule in turn. It answers no host questions.
package reference

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// Matcher holds every rule of some lists. It never changes once it is made.
type Matcher struct {
	// Rules are all rules, in the order of the lists.
	Rules   []*Rule
	Reports []filterlist.Report
}

// Rule is one rule and its pattern as a regular expression.
type Rule struct {
	filterlist.Rule
	URL       *regexp.Regexp
	canonical string
}

// Result is everything the enabled lists say of a request.
type Result struct {
	Blocked, ByImportant bool
	// Important and Block are all blocking rules that hold; Exceptions all
	// rules that lift such, whether or not there is one.
	Important, Block, Exceptions []*Rule
}

// New parses lists; the first has number 1.
func New(sources ...filterlist.Source) *Matcher {
	m := &Matcher{}
	for i, src := range sources {
		m.Reports = append(m.Reports, filterlist.Parse(src, uint16(i+1), func(r *filterlist.Rule) {
			m.Rules = append(m.Rules, NewRule(r))
		}))
	}
	return m
}

// NewRule copies what it keeps of r.
func NewRule(r *filterlist.Rule) *Rule {
	c := *r
	w := &c.Where
	for _, n := range []*filterlist.Names{&w.Domains, &w.To, &w.Clients, &w.Tags} {
		n.Include, n.Exclude = slices.Clone(n.Include), slices.Clone(n.Exclude)
	}
	w.DenyAllow = slices.Clone(w.DenyAllow)
	w.DNSTypes, w.NotDNSTypes = slices.Clone(w.DNSTypes), slices.Clone(w.NotDNSTypes)
	return &Rule{Rule: c, URL: Pattern(r), canonical: filterlist.Canonical(r)}
}

// Match decides about r under the lists that are set in lists, as
// detect.Policy.Lists has them.
func (m *Matcher) Match(r *detect.Request, lists []uint64) Result {
	on := m.enabled(lists)
	page := &detect.Request{URL: r.Page, Host: detect.HostOf(r.Page), Page: r.Page, Type: detect.TypeDocument}
	if r.Type == detect.TypeDocument {
		page = &detect.Request{URL: r.URL, Host: r.Host, Page: r.URL, Type: detect.TypeDocument}
	}
	var res Result
	var generic []*Rule // exceptions that switch generic rules off
	for _, rule := range on {
		switch {
		case rule.Kind == filterlist.KindPage:
			if page.URL == "" || !rule.Holds(page) {
				continue
			}
			if rule.Page&filterlist.PageDocument != 0 {
				res.Exceptions = append(res.Exceptions, rule)
			}
			if rule.Page&filterlist.PageGenericBlock != 0 {
				generic = append(generic, rule)
			}
		case rule.Kind != filterlist.KindBlock && (rule.Kind != filterlist.KindRedirect || rule.Exception):
		case !rule.Holds(r):
		case rule.Exception:
			res.Exceptions = append(res.Exceptions, rule)
		case rule.Important:
			res.Important = append(res.Important, rule)
		default:
			res.Block = append(res.Block, rule)
		}
	}
	res.decide(generic)
	return res
}

// decide applies the realms in their order.
func (res *Result) decide(generic []*Rule) {
	if len(res.Important) > 0 {
		lifted := slices.ContainsFunc(res.Exceptions, func(r *Rule) bool { return r.Important })
		res.Blocked, res.ByImportant = !lifted, !lifted
		return
	}
	if len(generic) > 0 {
		specific := slices.DeleteFunc(slices.Clone(res.Block), func(r *Rule) bool {
			return len(r.Where.Domains.Include) == 0
		})
		if len(specific) == 0 && len(res.Block) > 0 {
			res.Exceptions = append(res.Exceptions, generic...)
			return
		}
		res.Block = specific
	}
	res.Blocked = len(res.Block) > 0 && len(res.Exceptions) == 0
}

// enabled returns the rules of enabled lists that no badfilter of an enabled
// list cancels.
func (m *Matcher) enabled(lists []uint64) []*Rule {
	is := func(r *Rule) bool {
		n := int(r.List) - 1
		return n/64 < len(lists) && lists[n/64]>>(n%64)&1 == 1
	}
	bad := map[string]bool{}
	for _, r := range m.Rules {
		if r.BadFilter && is(r) {
			bad[r.canonical] = true
		}
	}
	var on []*Rule
	for _, r := range m.Rules {
		if is(r) && !r.BadFilter && !bad[r.canonical] {
			on = append(on, r)
		}
	}
	return on
}

// Holds reports whether the pattern and all conditions hold for r. For a rule
// about pages r is the request for the page.
func (rule *Rule) Holds(r *detect.Request) bool {
	w := &rule.Where
	if rule.HostOnly {
		return detect.UnderDomain(r.Host, rule.Pattern.Host)
	}
	if len(w.DNSTypes)+len(w.NotDNSTypes)+len(w.Clients.Include)+len(w.Clients.Exclude)+
		len(w.Tags.Include)+len(w.Tags.Exclude) > 0 || w.Header != "" {
		return false
	}
	types := w.Types
	if types == 0 {
		types = filterlist.AllTypes
	}
	if rule.Kind != filterlist.KindPage && types&(1<<r.Type) == 0 {
		return false
	}
	page := detect.HostOf(r.Page)
	return methodHolds(w, r.Method) && partyHolds(w.Party, r, page) &&
		Covers(w.Domains, page) &&
		Covers(w.To, r.Host) &&
		(len(w.DenyAllow) == 0 || !Covers(filterlist.Names{Include: w.DenyAllow}, r.Host)) &&
		rule.URL.MatchString(r.URL)
}

func methodHolds(w *filterlist.Conditions, method string) bool {
	bits := map[string]filterlist.Methods{
		"": filterlist.MethodGet, "GET": filterlist.MethodGet, "HEAD": filterlist.MethodHead,
		"POST": filterlist.MethodPost, "PUT": filterlist.MethodPut, "DELETE": filterlist.MethodDelete,
		"OPTIONS": filterlist.MethodOptions, "PATCH": filterlist.MethodPatch, "CONNECT": filterlist.MethodConnect,
	}
	bit, ok := bits[method]
	if !ok {
		bit = filterlist.MethodOther
	}
	return w.NotMethods&bit == 0 && (w.Methods == 0 || w.Methods&bit != 0)
}

func partyHolds(want filterlist.PartyWant, r *detect.Request, page string) bool {
	party := r.Site
	if party == detect.PartyUnknown && page != "" && r.PageFrom != detect.PageGuess {
		party = detect.ThirdParty
		if site(r.Host) == site(page) {
			party = detect.FirstParty
		}
	}
	switch want {
	case filterlist.WantThird:
		return party == detect.ThirdParty
	case filterlist.WantFirst:
		return party == detect.FirstParty
	case filterlist.WantStrictThird:
		return page != "" && page != r.Host
	case filterlist.WantStrictFirst:
		return page != "" && page == r.Host
	case filterlist.WantSibling:
		return party == detect.FirstParty && page != "" && page != r.Host
	}
	return true
}

// site is the registrable domain; an address or a public suffix stands for
// itself.
func site(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if s, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return s
	}
	return host
}

// Covers reports whether names include host: the longest name that covers it
// decides, an exclusion before an inclusion as long; then regular expressions,
// an exclusion first; then whether there is any inclusion to be missed.
func Covers(names filterlist.Names, host string) bool {
	in, inRegexp := longest(names.Include, host)
	out, outRegexp := longest(names.Exclude, host)
	switch {
	case out > 0 && out >= in:
		return false
	case in > 0:
		return true
	case outRegexp:
		return false
	case inRegexp:
		return true
	}
	return len(names.Include) == 0
}

// longest returns how many bytes of host the longest of names covers, and
// whether a regular expression among them matches it.
func longest(names []string, host string) (n int, byRegexp bool) {
	if host == "" {
		return 0, false
	}
	for _, name := range names {
		if strings.HasPrefix(name, "/") {
			re := regexp.MustCompile("(?i)" + strings.Trim(name, "/"))
			byRegexp = byRegexp || re.MatchString(host)
			continue
		}
		covered := len(name)
		if stem, ok := strings.CutSuffix(name, ".*"); ok {
			suffix, _ := publicsuffix.PublicSuffix(host)
			name, covered = stem+"."+suffix, len(stem)+1+len(suffix)
		}
		if detect.UnderDomain(host, name) {
			n = max(n, covered)
		}
	}
	return n, byRegexp
}
