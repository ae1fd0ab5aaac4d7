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
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// Set is everything that decides, compiled. It is safe for concurrent use.
type Set struct {
	vendors *vendor.Rules
	stubs   map[string]string
}

// Strip says what a request loses. All means every cookie or parameter.
type Strip struct {
	Cookies, Params       []string
	AllCookies, AllParams bool
}

// Host answers for a name alone: DNS, CONNECT, SNI, mail. Block means that the
// name may be refused outright (by_name: refuse, or the user's block).
func (s *Set) Host(q *detect.HostQuestion, p *detect.Policy) detect.Decision {
	return detect.Decision{}
}

// Names reports whether any rule or enabled list speaks of host, its page-serving
// hosts included.
func (s *Set) Names(host string, p *detect.Policy) bool { return false }

// Request decides about a request by its URL, header and page. If Need is set
// see Need's values. It does not read r.Body.
func (s *Set) Request(r *detect.Request, p *detect.Policy) detect.Decision { return detect.Decision{} }

// Chain asks for each name of a CNAME chain what Request and Host say; the
// first block or strip wins. A zero Decision means that the chain says nothing.
func (s *Set) Chain(r *detect.Request, chain []string, p *detect.Policy) detect.Decision {
	return detect.Decision{}
}

// Body decides again when d.Need has NeedBody and d.Action is below Block:
// r.Body now holds the body, or BodyCut says that it could not be held.
func (s *Set) Body(r *detect.Request, d detect.Decision, p *detect.Policy) detect.Decision { return d }

// Response decides again when d.Need has NeedResponse or NeedHead and the
// response has begun. Strip with Told means: send a blank answer, without
// Set-Cookie, ETag and Last-Modified, and remember detect.EndpointKey.
func (s *Set) Response(r *detect.Request, h *detect.ResponseHead, d detect.Decision, p *detect.Policy) detect.Decision {
	return d
}

// Modifiers returns every removeparam and csp rule that also holds, appended to into.
func (s *Set) Modifiers(r *detect.Request, p *detect.Policy, into []detect.Rule) []detect.Rule {
	return into
}

// Strip says what r loses when d.Action is Strip before it was sent.
func (s *Set) Strip(d detect.Decision) Strip { return Strip{} }

// Stub returns the script that answers the loader d decided about; ok is false
// if there is none. It contains the text "@QUENCH@" once, which the door
// replaces by the URL prefix its reports go to (https://HOST/PATH/TOKEN/), the
// stub appends "<number>?<query string>".
func (s *Set) Stub(d detect.Decision) (script string, ok bool) { return "", false }

// RuleName names a rule for logs: "meta-pixel/tr", "" for 0.
func (s *Set) RuleName(r detect.Rule) string { return "" }

// Explain says what seen told, or would have told: one Verdict for each event
// of a batch, at least one if d matched a rule, none if d is the zero Decision.
// It is meant for a queue off the data path.
func (s *Set) Explain(seen detect.Seen, d detect.Decision) []detect.Verdict { return nil }
