// Package engine composes detect's rooms into one immutable Set that decides
// fast and explains later.
//
// In flow Requests, host names, held bodies and response heads with the Policy
// in force; out flow Decisions, without allocation, and off the data path the
// Verdicts that explain them. A Set never changes, reads no clock and does no
// I/O; whoever reloads rules builds a new one and swaps the pointer. What is
// queued for explaining keeps the Set that decided.
//
// Precedence: the user's allow or block > shipped veto > list important >
// vendor hit > list exception > vendor loader > list block > heuristics.
package engine

import (
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/detect/links"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/detect/widgets"
)

// Set is everything that decides, compiled. It is safe for concurrent use.
type Set struct {
	vendors   *vendor.Rules
	vetoes    *vetoes
	benign    *vetoes // hosts that heuristics leave alone; nil without shipped rules
	owners    owners
	stubs     map[string]string
	links     *links.Rules
	widgets   *widgets.Rules
	resources resources
	lists     *filterlist.Set // nil if there are none
	listNames []List
	// generation and allLists belong to lists; see WithLists and enabled.
	generation uint64
	allLists   []uint64
}

// The rooms a detect.Rule can name; the room is in the top four bits, the
// index plus one below.
const (
	roomShift = 28
	roomRule  = 1 // a vendor's hit or loader
	roomName  = 2 // a tracker refused by name
	roomVeto  = 3
	roomList  = 4 // a list's rule
)

func ruleOf(room int, n int32) detect.Rule { return detect.Rule(room<<roomShift | int(n)) }

func room(r detect.Rule) (int, int32) {
	return int(r >> roomShift), int32(r & (1<<roomShift - 1))
}

var noPolicy detect.Policy // never changed: what a nil Policy means

func orZero(p *detect.Policy) *detect.Policy {
	if p == nil {
		return &noPolicy
	}
	return p
}

// Host answers for a name alone: DNS, CONNECT, SNI, mail. Block means that the
// name may be refused outright (by_name: refuse, or the user's block).
func (s *Set) Host(q *detect.HostQuestion, p *detect.Policy) detect.Decision {
	p = orZero(p)
	n, refuse := s.vendors.Refuse(q.Host)
	d := detect.Decision{}
	if refuse {
		d = detect.Decision{Action: detect.Block, Reply: detect.ReplyRefused, Step: detect.StepName, Rule: ruleOf(roomName, n)}
	}
	d = s.hostListed(q, p, d)
	page := detect.HostOf(q.Page)
	switch {
	case p.Allows.Match(q.Host, page):
		return lifted(d, detect.StepUserAllow, 0)
	case p.Blocks.Match(q.Host, page):
		d.Action, d.Reply, d.Step = detect.Block, detect.ReplyRefused, detect.StepUserBlock
	default:
		if v := s.vetoes.match(q.Host, ""); v > 0 {
			return lifted(d, detect.StepVeto, ruleOf(roomVeto, v))
		}
	}
	return finish(d, p)
}

// lifted lets pass what d would have stopped. If there was nothing to lift the
// zero Decision says so.
func lifted(d detect.Decision, by detect.Step, exception detect.Rule) detect.Decision {
	if d.Step == detect.StepNone {
		return detect.Decision{}
	}
	return detect.Decision{Action: detect.Allow, Step: by, Told: true, Rule: d.Rule, Exception: exception,
		List: d.List, Would: d.Action, Need: d.Need & detect.NeedBody}
}

// finish applies observe mode and says what will have left.
func finish(d detect.Decision, p *detect.Policy) detect.Decision {
	if p.Observe && d.Action > detect.Observe {
		d.Would, d.Action, d.Reply = d.Action, detect.Observe, detect.ReplyAuto
	}
	if d.Step != detect.StepNone && d.Action <= detect.Observe {
		d.Told = true
	}
	return d
}

// Links returns what is known of links; nil if nothing is.
func (s *Set) Links() *links.Rules { return s.links }

// Widgets returns what is known of frames of social networks; nil if nothing is.
func (s *Set) Widgets() *widgets.Rules { return s.widgets }

// Vetoed reports whether nothing may be done to requests for this host and path.
func (s *Set) Vetoed(host, path string) bool { return s.vetoes.match(host, path) > 0 }

// Names reports whether any rule or enabled list speaks of host, its page-serving
// hosts included.
func (s *Set) Names(host string, p *detect.Policy) bool {
	return s.vendors.Names(host) || s.lists != nil && s.lists.Names(host, s.enabled(p))
}

// Request decides about a request by its URL, header and page. If Need is set
// see Need's values. It does not read r.Body.
func (s *Set) Request(r *detect.Request, p *detect.Policy) detect.Decision {
	p = orZero(p)
	d := s.rules(r, p)
	page := detect.HostOf(r.Page)
	if r.PageFrom == detect.PageGuess {
		page = ""
	}
	switch {
	case p.Allows.Match(r.Host, page):
		return lifted(known(d), detect.StepUserAllow, 0)
	case p.Blocks.Match(r.Host, page):
		return finish(detect.Decision{Action: detect.Block, Step: detect.StepUserBlock, Rule: d.Rule}, p)
	}
	if v := s.vetoes.matchURL(r.Host, r.URL); v > 0 {
		if d.Step == detect.StepScore { // a guess about a host that is known to be none
			return detect.Decision{}
		}
		return lifted(known(d), detect.StepVeto, ruleOf(roomVeto, v))
	}
	if d.Step == detect.StepNone && s.lists != nil && s.lists.WantsResponse() {
		d.Need |= detect.NeedResponse
	}
	return finish(d, p)
}

// known drops what is not yet decided: an allow lifts nothing then.
func known(d detect.Decision) detect.Decision {
	if d.Action == detect.Allow || d.Step == detect.StepScore && d.Action < detect.Strip {
		return detect.Decision{}
	}
	return d
}

// rules is the precedence below user and veto.
func (s *Set) rules(r *detect.Request, p *detect.Policy) detect.Decision {
	l := s.listed(r, p, filterlist.Want{})
	if l.Important != 0 {
		return s.byList(l.Important, l.Redirect, detect.StepImportant)
	}
	m := s.vendors.Match(r)
	switch {
	case m.Hit > 0:
		return s.hit(m.Hit, r)
	case m.Maybe > 0:
		return detect.Decision{Need: detect.NeedBody, Rule: ruleOf(roomRule, m.Maybe)}
	}
	return s.below(m, l, r, p)
}

// loaderOrName is what a vendor's rules say of what is no hit.
func (s *Set) loaderOrName(m vendor.Match, r *detect.Request, p *detect.Policy) detect.Decision {
	if m.Loader > 0 {
		return s.loader(m.Loader, p)
	}
	if n, ok := s.vendors.RefuseRequest(m, r); ok && r.Method != "OPTIONS" {
		if t, _ := s.vendors.RefusedBy(n); p.Loaders[t.ID] != detect.LoaderPass {
			return detect.Decision{Action: detect.Block, Step: detect.StepName, Rule: ruleOf(roomName, n)}
		}
	}
	return detect.Decision{}
}

func (s *Set) hit(n int32, r *detect.Request) detect.Decision {
	info := s.vendors.Info(n)
	d := detect.Decision{Action: info.Action, Reply: info.Reply, Step: detect.StepHit, Rule: ruleOf(roomRule, n)}
	if info.Action == detect.Strip {
		d.Step = detect.StepStrip
	}
	if info.Body && r.Method != "" && r.Method != "GET" && r.Method != "HEAD" {
		d.Need = detect.NeedBody
	}
	return d
}

func (s *Set) loader(n int32, p *detect.Policy) detect.Decision {
	info := s.vendors.Info(n)
	d := detect.Decision{Action: detect.Block, Step: detect.StepLoader, Rule: ruleOf(roomRule, n)}
	mode := p.Loaders[info.Tracker]
	if info.TagManager {
		d.Step = detect.StepTagManager
		if mode == detect.LoaderDefault && !p.Strict {
			mode = detect.LoaderPass
		}
	}
	if mode == detect.LoaderDefault {
		mode = info.Mode
	}
	switch {
	case mode == detect.LoaderPass:
		d.Action = detect.Observe
	case mode == detect.LoaderStub && s.stubs[info.Stub] != "":
		d.Reply = detect.ReplyStub
	case info.MustFail:
		d.Reply = detect.ReplyRefused
	}
	return d
}

// Chain asks for each name of a CNAME chain what Request and Host say; the
// first block or strip wins. A zero Decision means that the chain says nothing.
func (s *Set) Chain(r *detect.Request, chain []string, p *detect.Policy) detect.Decision {
	if len(chain) == 0 {
		return detect.Decision{}
	}
	p = orZero(p)
	path, _ := detect.Split(r.URL)
	if p.Allows.Match(r.Host, detect.HostOf(r.Page)) || s.vetoes.match(r.Host, path) > 0 {
		return detect.Decision{}
	}
	alias := *r
	for _, name := range chain {
		alias.Host = name
		if s.lists != nil { // their patterns read the host in the URL
			alias.URL = withHost(r.URL, name)
		}
		// The score is about whom the page asked, not about who serves it.
		if d := s.Request(&alias, p); d.Step != detect.StepScore && (d.Action >= detect.Strip || d.Would >= detect.Strip) {
			return d
		}
		if d := s.Host(&detect.HostQuestion{Host: name, Page: r.Page}, p); d.Action == detect.Block || d.Would == detect.Block {
			d.Reply = detect.ReplyAuto
			return d
		}
	}
	return detect.Decision{}
}

// withHost returns url with another host in it.
func withHost(url, host string) string {
	i := strings.Index(url, "//")
	if i < 0 {
		return url
	}
	rest := url[i+2:]
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return url[:i+2] + host + rest[end:]
}

// Body decides again when d.Need has NeedBody and d.Action is below Block:
// r.Body now holds the body, or BodyCut says that it could not be held.
func (s *Set) Body(r *detect.Request, d detect.Decision, p *detect.Policy) detect.Decision {
	where, n := room(d.Rule)
	unknown := where == 0 && d.Need&detect.NeedBody != 0 && (d.Step == detect.StepNone || d.Step == detect.StepScore)
	if !unknown && (d.Step != detect.StepNone || where != roomRule) {
		return d
	}
	p = orZero(p)
	if !unknown && s.vendors.MatchBody(n, r) {
		hit := s.hit(n, r)
		hit.Need = 0
		return finish(hit, p)
	}
	return finish(s.below(s.vendors.Match(r), s.listed(r, p, filterlist.Want{}), r, p), p)
}

// Strip says what a request loses.
type Strip struct {
	Cookies, Params       []string
	AllCookies, AllParams bool
	// Unknown: nobody knows what the request is, so the Referer loses its path,
	// and identifiers make way for as many other characters (score.Mask).
	Unknown bool
}

// Strip says what r loses when d.Action is Strip before it was sent.
func (s *Set) Strip(d detect.Decision) Strip {
	where, n := room(d.Rule)
	if d.Step == detect.StepScore && d.Action == detect.Strip {
		return Strip{AllCookies: true, Unknown: true}
	}
	if where != roomRule || d.Action != detect.Strip || d.Told {
		return Strip{}
	}
	spec := s.vendors.Info(n).Strip
	return Strip{
		Cookies: spec.Cookies, Params: spec.Params,
		AllCookies: len(spec.Cookies) == 1 && spec.Cookies[0] == "*",
		AllParams:  len(spec.Params) == 1 && spec.Params[0] == "*",
	}
}

// StubMark stands once in each stub, for the URL prefix its reports go to.
const StubMark = "@QUENCH@"

// Stub returns the script that answers the loader d decided about; ok is false
// if there is none. It contains StubMark once, which the door replaces by the
// URL prefix its reports go to (https://HOST/PATH/TOKEN/); the stub appends
// "<number>?<query string>".
func (s *Set) Stub(d detect.Decision) (script string, ok bool) {
	where, n := room(d.Rule)
	if where != roomRule {
		return "", false
	}
	script = s.stubs[s.vendors.Info(n).Stub]
	return script, script != ""
}

// RuleName names a rule for logs: "meta-pixel/tr", "" for 0.
func (s *Set) RuleName(r detect.Rule) string {
	switch where, n := room(r); where {
	case roomRule:
		return s.vendors.RuleName(n)
	case roomName:
		t, _ := s.vendors.RefusedBy(n)
		return t.ID
	case roomVeto:
		return "veto/" + s.vetoes.why(n)
	case roomList:
		l, line, _, _ := s.Listed(r)
		return l.Name + ":" + strconv.Itoa(line)
	}
	return ""
}

// Trackers returns the ids of all trackers the rules know.
func (s *Set) Trackers() []string { return s.vendors.Trackers() }

// Len returns the number of vendor rules.
func (s *Set) Len() int { return s.vendors.Len() }
