package filterlist

import (
	"slices"

	"github.com/quench-proxy/quench/internal/detect"
)

// All appends to into every rule that blocks r or lifts a block of it, and the
// exceptions of its page: what Match chooses from, for a person who asks why.
// Exceptions count whether or not anything blocks.
func (s *Set) All(r *detect.Request, lists []uint64, into []RuleID) []RuleID {
	if s == nil || s.count == 0 || len(lists) == 0 {
		return into
	}
	q := s.get(lists)
	defer s.put(q)
	q.request(r, Want{})
	begin := len(into)
	p := picker{all: true, into: into}
	q.find(realmBlock|realmImportant|realmException, &p)
	into = p.into
	if s.realms&realmPage != 0 {
		page := q.exceptions()
		into = append(into, page.document, page.generic)
	}
	kept := into[:begin]
	for _, id := range into[begin:] {
		if id != 0 && !slices.Contains(kept[begin:], id) {
			kept = append(kept, id)
		}
	}
	return kept
}
