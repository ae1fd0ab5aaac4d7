package judge

import (
	"slices"

	"github.com/quench-proxy/quench/internal/detect"
)

// mail takes over what the rules know of mail alone. A link tells of a click, not
// of opening, so it gets no further up than Token; a picture of a common shape
// is held to what a signature needs.
func (b *bench) mail(d *ruling, r *Ref, f *Finding) {
	hit := &d.hit
	if !d.mail || hit.Link != f.Link {
		return
	}
	rung, activity := Token, "click"
	switch {
	case !hit.Link:
		rung, activity = known(r, f, hit.Signature), "open"
	case hit.Signature:
		rung = f.Ladder
	}
	f.Ladder = min(f.Ladder, rung)
	if hit.Link && f.Target == "" {
		f.Target = hit.Goal
	}
	if f.Ladder == Ordinary { // the shape alone says nothing
		return
	}
	f.Tracker, f.Disclosed, f.Known = hit.Tracker, slices.Clip(hit.Disclosed), !hit.Signature
	f.Activity = &detect.Activity{Name: activity, Says: hit.Says}
	f.Evidence = append(f.Evidence, hit.Evidence...)
}
