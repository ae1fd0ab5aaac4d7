package filterlist

import (
	"runtime"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// Modifiers appends to into every removeparam and csp rule that holds for r,
// without those that exceptions of their kind, or a document exception for the
// page, take back. A removeparam rule holds only if the URL has a query, and
// one that is a mere name only if the query has that parameter. It allocates
// only what into lacks.
func (s *Set) Modifiers(r *detect.Request, lists []uint64, into []RuleID) []RuleID {
	if s == nil || s.realms&realmModifier == 0 || len(lists) == 0 {
		return into
	}
	q := s.get(lists)
	q.request(r, Want{})
	p := picker{all: true, into: into}
	q.find(realmModifier, &p)
	if got := p.into[len(into):]; len(got) > 0 {
		got = q.present(s.lift(got))
		if len(got) > 0 && q.s.realms&realmPage != 0 && q.exceptions().document != 0 {
			got = s.important(got)
		}
		p.into = p.into[:len(into)+len(got)]
	}
	s.put(q)
	return p.into
}

// present drops the removeparam rules that have nothing to remove.
func (q *query) present(ids []RuleID) []RuleID {
	kept := ids[:0]
	for _, id := range ids {
		sh := q.s.shapeOf(id)
		value := q.s.str(sh.value)
		if sh.kind() == KindRemoveParam &&
			(!strings.Contains(q.url, "?") || plainParam(value) && !q.hasParam(value)) {
			continue
		}
		kept = append(kept, id)
	}
	return kept
}

func (s *Set) important(ids []RuleID) []RuleID {
	kept := ids[:0]
	for _, id := range ids {
		if sh := s.shapeOf(id); sh.is(flagImportant) {
			kept = append(kept, id)
		}
	}
	return kept
}

// Clean returns url without the parameters that the removeparam rules among
// ids name; url itself if nothing goes. The rest stays as written.
func (s *Set) Clean(url string, ids []RuleID) string {
	head, rest, ok := strings.Cut(url, "?")
	if s == nil || !ok {
		return url
	}
	query, fragment := rest, ""
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		query, fragment = rest[:i], rest[i:]
	}
	var kept []string
	removed := false
	for one := range strings.SplitSeq(query, "&") {
		if s.removes(ids, one) {
			removed = true
			continue
		}
		kept = append(kept, one)
	}
	runtime.KeepAlive(s)
	switch {
	case !removed:
		return url
	case len(kept) == 0:
		return head + fragment
	}
	return head + "?" + strings.Join(kept, "&") + fragment
}

// removes reports whether a removeparam rule among ids names a parameter.
func (s *Set) removes(ids []RuleID, param string) bool {
	for _, id := range ids {
		sh := s.shapeOf(id)
		if sh.kind() == KindRemoveParam && s.removesOne(sh, param) {
			return true
		}
	}
	return false
}

func (s *Set) removesOne(sh *shape, param string) bool {
	value, not := strings.CutPrefix(s.str(sh.value), "~")
	name, _, _ := strings.Cut(param, "=")
	switch {
	case value == "":
		return !not
	case sh.regex != 0:
		return s.matches(sh.regex-1, param[:min(len(param), maxRegexpText)]) != not
	}
	return (name == value) != not
}
