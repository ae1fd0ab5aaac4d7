package filterlist

import (
	"runtime"

	"github.com/quench-proxy/quench/internal/detect"
)

// Host asks what lists say about a bare name: a DNS question, a CONNECT target,
// a name in a ClientHello or a mail. Rules act as on a resolver: those whose
// pattern can be a name (a host, hosts and domain lists, wildcards, regular
// expressions; nothing with a path, port or scheme), compared with the name
// alone, where "^" stands for its end, too. important, badfilter, to,
// denyallow, dnstype, client, ctag and dnsrewrite hold. A rule with domain, a
// party, some types (all of them is none), method, header, redirect,
// redirect-rule, removeparam or csp does not act on a bare name, nor does a
// page exception. Exception is set whether or not anything blocks. It
// allocates nothing, as Match.
func (s *Set) Host(h *detect.HostQuestion, lists []uint64) Match {
	if s == nil || len(lists) == 0 {
		return Match{}
	}
	var f finds
	if s.realms&hasNamePattern == 0 {
		var rest suffixes
		off, ok := s.hosts.first(h.Host, s.seed, &rest)
		if !ok {
			return Match{}
		}
		if s.hostOnly(off, &rest, lists, &f) {
			runtime.KeepAlive(s) // what it lies in may go with it
			return f.match()
		}
	}
	q := s.get(lists)
	q.ofName(h)
	p := picker{rank: true}
	q.find(realmName, &p)
	f = p.finds
	f.rewrite = q.rewrite()
	s.put(q)
	return f.match()
}

// finds holds the first rule of each rank for a name.
type finds struct {
	ranks   [4]RuleID
	rewrite RuleID
}

// The ranks, as bits of a shape say them: flagException and flagImportant.
const rankMask = flagException | flagImportant

func (f *finds) add(id RuleID, flags uint32) {
	if at := flags & rankMask; f.ranks[at] == 0 {
		f.ranks[at] = id
	}
}

func (f *finds) match() Match {
	m := Match{Block: f.ranks[0], Exception: f.ranks[flagException], Rewrite: f.rewrite}
	important, lifts := f.ranks[flagImportant], f.ranks[rankMask]
	switch {
	case lifts != 0:
		m.Exception = lifts
		if important != 0 {
			m.Block = important
		}
	case important != 0:
		m.Important, m.Block, m.Exception = important, 0, 0
	}
	return m
}

// hostOnly answers from the host table alone, without scratch space: from the
// record at off and those of longer suffixes. It returns false if a rule has a
// condition that needs more.
func (s *Set) hostOnly(off uint32, rest *suffixes, lists []uint64, f *finds) bool {
	for ok := true; ok; off, _, ok = rest.next() {
		if s.hosts.arena[off+1]&(realmName|realmRewrite) == 0 {
			continue
		}
		rec := s.record(off)
		for id, r, ok := rec.rule(); ok; id, r, ok = rec.rule() {
			sh := r.shape
			if !sh.is(flagNames) || !s.inForce(sh, lists) {
				continue
			}
			if sh.to|sh.deny|sh.dns != 0 || sh.kind() != KindBlock {
				return false
			}
			f.add(id, sh.flags)
		}
	}
	return true
}

// rewrite returns the first dnsrewrite rule that holds and is not taken back.
func (q *query) rewrite() RuleID {
	if q.s.realms&realmRewrite == 0 {
		return 0
	}
	p := picker{all: true, into: q.ids[:0]}
	q.find(realmRewrite, &p)
	if ids := q.s.lift(p.into); len(ids) > 0 {
		return ids[0]
	}
	return 0
}

// Rewrites appends to into every dnsrewrite rule that holds for h and that no
// exception takes back: several may name addresses that all belong to the
// answer. Their Info.Value says what it is.
func (s *Set) Rewrites(h *detect.HostQuestion, lists []uint64, into []RuleID) []RuleID {
	if s == nil || s.realms&realmRewrite == 0 || len(lists) == 0 {
		return into
	}
	q := s.get(lists)
	q.ofName(h)
	p := picker{all: true, into: into}
	q.find(realmRewrite, &p)
	s.put(q)
	got := s.lift(p.into[len(into):])
	runtime.KeepAlive(s)
	return p.into[:len(into)+len(got)]
}

// Names reports whether any enabled rule, of whatever kind, names host or a
// domain above it as what it is about. It does not look at patterns that have a
// wildcard before the host ends, or no host.
func (s *Set) Names(host string, lists []uint64) bool {
	if s == nil || len(lists) == 0 {
		return false
	}
	defer runtime.KeepAlive(s)
	for sfx := s.hosts.suffixes(host, s.seed); ; {
		off, _, ok := sfx.next()
		if !ok {
			return false
		}
		rec := s.record(off)
		for _, r, ok := rec.rule(); ok; _, r, ok = rec.rule() {
			if s.inForce(r.shape, lists) {
				return true
			}
		}
	}
}
