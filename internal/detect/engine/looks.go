package engine

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/score"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// looksOnly reports whether the score, and neither a proof nor a rule, is what
// decided or was lifted.
func (s *Set) looksOnly(seen *detect.Seen, d detect.Decision) bool {
	switch d.Step {
	case detect.StepScore:
		return true
	case detect.StepPixel, detect.StepLearned:
		return false
	}
	r, p := seen.Request, orZero(seen.Policy)
	return score.Worth(r) && !p.Learned.Has(detect.EndpointKey(r.Host, r.URL))
}

// looks explains a decision of the score: each point is evidence.
func (s *Set) looks(seen *detect.Seen, d detect.Decision) detect.Verdict {
	r := seen.Request
	res := score.Of(r)
	v := detect.Verdict{Say: plainSaying(r), Evidence: res.Evidence()}
	v.Say.Form = detect.FormLooks
	v.Say.Because = strings.Join(res.Reasons(), "; ")
	if d.Action == detect.Strip && (r.Method == "POST" || r.Method == "PUT") {
		v.Say.Did = "Passed on without its cookies and the identifiers in its address; what it carried in its body went along."
	}
	v.Consent = &detect.Consent{State: "unknown"}
	v.Disclosed = looksFields(r)
	return v
}

// looksFields labels what the names and values of a request showed, in the
// order of the canonical fields.
func looksFields(r *detect.Request) []detect.Field {
	found := score.Fields(r)
	if r.Page != "" && r.PageFrom == detect.PageReferer {
		found = append(found, detect.Field{Name: "page_url", Value: r.Page})
	}
	var out []detect.Field
	for _, c := range vendor.Canonicals() {
		for _, f := range found {
			if f.Name == c.Name {
				f.Label, f.Sensitive = c.Label, c.Sensitive
				out = append(out, f)
				break // one page is enough, whichever way it was said
			}
		}
	}
	return out
}

// synced adds that the request carried another company's number. Two domains of
// one company tell each other nothing.
func (s *Set) synced(v *detect.Verdict, seen *detect.Seen) {
	partner := score.Partner(seen.Request)
	if partner == "" || v.Say == nil || s.owners.same(seen.Request.Host, partner) {
		return
	}
	v.Say.Sync = partner
	for _, e := range v.Evidence {
		if e.Kind == "sync" {
			return
		}
	}
	v.Evidence = append(v.Evidence, detect.Evidence{Kind: "sync", Detail: "carries the number that " + partner + " uses for you"})
}
