package engine

import (
	"slices"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// maxListed bounds the rules that Agreeing names.
const maxListed = 32

// Agreeing names every rule of the lists that p enables which blocks r or lifts
// a block of it and that v does not name, by list and line. A nil p enables all.
func (s *Set) Agreeing(r *detect.Request, p *detect.Policy, v *detect.Verdict) []detect.Evidence {
	if s.lists == nil || r.URL == "" {
		return nil
	}
	said := slices.Clone(v.Evidence)
	if v.Exception != nil {
		said = append(said, *v.Exception)
	}
	var out []detect.Evidence
	ids := s.lists.All(r, s.enabled(p), nil)
	slices.SortFunc(ids, func(a, b filterlist.RuleID) int {
		if x, y := s.lists.ListOf(a), s.lists.ListOf(b); x != y {
			return int(x) - int(y)
		}
		return int(s.lists.Info(a).Line) - int(s.lists.Info(b).Line)
	})
	for _, id := range ids {
		if e := s.listEvidence(listRule(id)); !slices.Contains(said, e) && len(out) < maxListed {
			out = append(out, e)
		}
	}
	return out
}
