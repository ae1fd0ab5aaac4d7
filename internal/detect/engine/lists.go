package engine

import (
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// List names one list of a Set.
type List struct {
	Name  string // short and stable, as people configure it
	Title string // as the list calls itself; "" means Name
}

// WithLists returns a Set with the same rules and other lists: names[n-1] is
// list n, and generation tells Policies made for these lists (their ListsOf)
// from others; it is not 0. A nil l means no lists. The two Sets share all else.
func (s *Set) WithLists(l *filterlist.Set, names []List, generation uint64) *Set {
	c := *s
	c.lists, c.listNames, c.generation = l, names, generation
	c.allLists = make([]uint64, (len(names)+63)/64)
	for i := range names {
		c.allLists[i/64] |= 1 << (i % 64)
	}
	return &c
}

// enabled returns the bits of the lists that p enables.
func (s *Set) enabled(p *detect.Policy) []uint64 {
	if p != nil && p.ListsOf == s.generation {
		return p.Lists
	}
	return s.allLists
}

// listed asks the lists; the zero Match if none is enabled.
func (s *Set) listed(r *detect.Request, p *detect.Policy, want filterlist.Want) filterlist.Match {
	if s.lists == nil {
		return filterlist.Match{}
	}
	return s.lists.Match(r, s.enabled(p), want)
}

// below is the precedence below a vendor's hit: list exception > vendor loader
// and refusal by name > list block > heuristics.
func (s *Set) below(m vendor.Match, l filterlist.Match, r *detect.Request, p *detect.Policy) detect.Decision {
	d := s.loaderOrName(m, r, p)
	if d.Step == detect.StepNone && l.Block != 0 {
		d = s.byList(l.Block, l.Redirect, detect.StepList)
	}
	if d.Step == detect.StepNone {
		d = s.heuristics(r, p)
	}
	if d.Action <= detect.Observe {
		return d
	}
	if l.Exception == 0 && l.Block == 0 { // it was not looked for
		l = s.listed(r, p, filterlist.Want{Exceptions: true})
	}
	if l.Exception != 0 {
		return lifted(d, detect.StepListException, listRule(l.Exception))
	}
	return d
}

func listRule(id filterlist.RuleID) detect.Rule { return ruleOf(roomList, int32(id)) }

func (s *Set) byList(id, redirect filterlist.RuleID, step detect.Step) detect.Decision {
	d := detect.Decision{Action: detect.Block, Step: step, Rule: listRule(id), List: s.lists.ListOf(id)}
	if redirect != 0 {
		d.Redirect = listRule(redirect)
	}
	return d
}

// responseListed is what lists with header= rules say of a response that
// nothing stood against before.
func (s *Set) responseListed(r *detect.Request, h *detect.ResponseHead, d detect.Decision, p *detect.Policy) detect.Decision {
	if d.Step != detect.StepNone && d.Step != detect.StepStrip && d.Step != detect.StepScore || d.Need&detect.NeedResponse == 0 || s.lists == nil || !s.lists.WantsResponse() {
		return detect.Decision{}
	}
	l := s.listed(r, p, filterlist.Want{Response: h.Header})
	var out detect.Decision
	switch {
	case l.Important != 0:
		out = s.byList(l.Important, l.Redirect, detect.StepImportant)
	case l.Blocked():
		out = s.byList(l.Block, l.Redirect, detect.StepList)
	default:
		return out
	}
	out.Told = true
	return finish(out, p)
}

// hostListed is what lists say of a bare name beside d, what a vendor's rule says.
func (s *Set) hostListed(q *detect.HostQuestion, p *detect.Policy, d detect.Decision) detect.Decision {
	if s.lists == nil {
		return d
	}
	l := s.lists.Host(q, s.enabled(p))
	switch {
	case l.Important != 0:
		d = s.byList(l.Important, 0, detect.StepImportant)
		d.Reply = detect.ReplyRefused
		return d
	case d.Step == detect.StepNone && l.Block != 0:
		d = s.byList(l.Block, 0, detect.StepList)
		d.Reply = detect.ReplyRefused
	}
	switch {
	case d.Step != detect.StepNone && l.Exception != 0:
		return lifted(d, detect.StepListException, listRule(l.Exception))
	case d.Step == detect.StepNone && l.Rewrite != 0:
		d = s.byList(l.Rewrite, 0, detect.StepList)
		d.Reply = detect.ReplyAddress
	}
	return d
}

// Rewrites returns the values of all dnsrewrite rules that hold for q, when
// Host's Reply is ReplyAddress.
func (s *Set) Rewrites(q *detect.HostQuestion, p *detect.Policy) []string {
	if s.lists == nil {
		return nil
	}
	var out []string
	for _, id := range s.lists.Rewrites(q, s.enabled(p), nil) {
		out = append(out, s.lists.Info(id).Value)
	}
	return out
}

// Modifiers returns every removeparam and csp rule that also holds, appended
// to into.
func (s *Set) Modifiers(r *detect.Request, p *detect.Policy, into []detect.Rule) []detect.Rule {
	if s.lists == nil {
		return into
	}
	for _, id := range s.lists.Modifiers(r, s.enabled(p), nil) {
		into = append(into, listRule(id))
	}
	return into
}

// Changes are what lists change about a request that passes.
type Changes struct {
	URL string   // to be sent in place of the request's; "" for no change
	CSP []string // policies that the document's answer gets beside its own
}

// Modify says what lists change about r, which d lets pass, and decides again:
// a change that nothing else stands behind is a Strip of its own.
func (s *Set) Modify(r *detect.Request, d detect.Decision, p *detect.Policy) (detect.Decision, Changes) {
	if d.Action == detect.Block || d.Step == detect.StepUserAllow || d.Step == detect.StepVeto {
		return d, Changes{}
	}
	p = orZero(p)
	c, by := s.changes(r, s.Modifiers(r, p, nil))
	if by == 0 {
		return d, Changes{}
	}
	if d.Step == detect.StepNone {
		_, n := room(by)
		need := d.Need
		d = finish(detect.Decision{Action: detect.Strip, Step: detect.StepStrip, Rule: by, Need: need,
			List: s.lists.ListOf(filterlist.RuleID(n))}, p)
	}
	if p.Observe {
		return d, Changes{}
	}
	return d, c
}

// changes applies rules to r. by is the first that changes anything.
func (s *Set) changes(r *detect.Request, rules []detect.Rule) (c Changes, by detect.Rule) {
	var params []filterlist.RuleID
	for _, rule := range rules {
		_, n := room(rule)
		id := filterlist.RuleID(n)
		switch info := s.lists.Info(id); info.Kind {
		case filterlist.KindCSP:
			c.CSP = append(c.CSP, info.Value)
			by = rule
		case filterlist.KindRemoveParam:
			params = append(params, id)
		}
	}
	for i := range params { // the rule that is named is one that did something
		if url := s.lists.Clean(r.URL, params[:i+1]); url != r.URL {
			c.URL = s.lists.Clean(r.URL, params)
			return c, listRule(params[i])
		}
	}
	return c, by
}

// Resource returns the body that a list's redirect rule names for d, nil if
// there is none, or none of that name.
func (s *Set) Resource(d detect.Decision) *Resource {
	where, n := room(d.Redirect)
	if where != roomList || s.lists == nil {
		return nil
	}
	return s.resources.find(s.lists.Info(filterlist.RuleID(n)).Value)
}

// Listed explains a list's rule: the list, the line there and its text. ok is
// false if rule is none of a list.
func (s *Set) Listed(rule detect.Rule) (l List, line int, text string, ok bool) {
	where, n := room(rule)
	if where != roomList || s.lists == nil {
		return List{}, 0, "", false
	}
	info := s.lists.Info(filterlist.RuleID(n))
	if i := int(info.List) - 1; i >= 0 && i < len(s.listNames) {
		l = s.listNames[i]
	}
	if l.Title == "" {
		l.Title = l.Name
	}
	return l, int(info.Line), info.Text, true
}

// maxShown bounds the bytes of a rule's text in evidence.
const maxShown = 300

func (s *Set) listEvidence(rule detect.Rule) detect.Evidence {
	l, line, text, _ := s.Listed(rule)
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return detect.Evidence{Kind: "list", Detail: text, Source: l.Name + ":" + strconv.Itoa(line)}
}

// byListVerdict explains a decision that a list's rule brought about.
func (s *Set) byListVerdict(seen *detect.Seen, d detect.Decision) detect.Verdict {
	l, _, _, _ := s.Listed(d.Rule)
	v := detect.Verdict{Say: plainSaying(seen.Request), Evidence: []detect.Evidence{s.listEvidence(d.Rule)}}
	v.Say.Form, v.Say.Listed = detect.FormPlain, l.Title
	if seen.Request.URL == "" {
		v.Say.Form = detect.FormName
	}
	if d.Step == detect.StepStrip {
		v.Say.Listed = ""
	}
	return v
}

// listsAgree adds what the lists say beside what decided, and what they changed.
func (s *Set) listsAgree(v *detect.Verdict, seen *detect.Seen, d detect.Decision) {
	p := orZero(seen.Policy)
	if s.lists == nil || seen.Request.URL == "" {
		return
	}
	if where, _ := room(d.Rule); where != roomList {
		l := s.listed(seen.Request, p, filterlist.Want{})
		if l.Important != 0 {
			v.Evidence = append(v.Evidence, s.listEvidence(listRule(l.Important)))
		} else if l.Block != 0 {
			v.Evidence = append(v.Evidence, s.listEvidence(listRule(l.Block)))
		}
	}
	_, c := s.Modify(seen.Request, d, p)
	v.Rewritten = c.URL
	if d.Action == detect.Block && d.Told {
		v.Say.Did = "The request had left before we knew; its answer was kept from the page."
	}
	if d.Step != detect.StepStrip || d.Action != detect.Strip {
		return
	}
	switch {
	case c.URL != "":
		v.Say.Did = "Passed on without the tracking parameters in its address."
	case len(c.CSP) > 0:
		v.Say.Did = "Passed on, with a rule for the page that keeps it from loading what a list forbids."
	}
}
