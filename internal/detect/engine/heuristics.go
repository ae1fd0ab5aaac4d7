package engine

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/internal/detect/score"
)

// heuristics judges what no rule knows: an endpoint that proved itself a pixel
// before, what looks like a tracker's by its score, or a third-party image whose
// bytes must be seen first.
func (s *Set) heuristics(r *detect.Request, p *detect.Policy) detect.Decision {
	image := r.Type == detect.TypeImage || r.Type == detect.TypeOther
	if !image && r.Type != detect.TypeXHR && r.Type != detect.TypePing || r.Party() != detect.ThirdParty {
		return detect.Decision{}
	}
	d := detect.Decision{}
	if image {
		d.Need = detect.NeedResponse | detect.NeedHead
	}
	path, _ := detect.Split(r.URL)
	if s.benign != nil && s.benign.match(r.Host, path) > 0 {
		return d
	}
	if image && p.Learned.Len() > 0 && p.Learned.Has(detect.EndpointKey(r.Host, r.URL)) && identifies(r) {
		return detect.Decision{Action: detect.Block, Step: detect.StepLearned}
	}
	if s.benign == nil || p.Unknown == detect.UnknownOff || !score.Worth(r) || s.owners.same(r.Host, detect.HostOf(r.Page)) {
		return d
	}
	points := score.Of(r).Points
	if d.Action = actionFor(r, points, p); d.Action > detect.Allow {
		d.Step = detect.StepScore
	}
	if d.Action == detect.Block {
		d.Need = 0
	} else if score.WantsBody(r, points) {
		d.Need |= detect.NeedBody
	}
	return d
}

// actionFor says what a score of so many points leads to. Of a ping nobody
// reads the answer, so that nothing is lost where others are only stripped, and
// its body would have told what a strip leaves in.
func actionFor(r *detect.Request, points int, p *detect.Policy) detect.Action {
	a := detect.Allow
	switch {
	case points >= score.Block, points >= score.Strip && r.Type == detect.TypePing:
		a = detect.Block
	case points >= score.Strip:
		a = detect.Strip
	case points >= score.Looks:
		a = detect.Observe
	}
	switch p.Unknown {
	case detect.UnknownObserve:
		return min(a, detect.Observe)
	case detect.UnknownStrip:
		return min(a, detect.Strip)
	}
	return a
}

// identifies reports whether a request carries anything that could tell one
// visitor from another: a cookie, a query, or a token in the path.
func identifies(r *detect.Request) bool {
	path, query := detect.Split(r.URL)
	if query != "" || r.Header != nil && r.Header.Get("Cookie") != "" {
		return true
	}
	for path != "" {
		var seg string
		seg, path, _ = strings.Cut(path, "/")
		if detect.TokenLike(seg) {
			return true
		}
	}
	return false
}

// Response decides again when d.Need has NeedResponse or NeedHead and the
// response has begun. Strip with Told means: send a blank answer, without
// Set-Cookie, ETag and Last-Modified, and remember detect.EndpointKey. Block
// with Told means: a list's rule names a field of the header, and the answer is
// kept from the page.
func (s *Set) Response(r *detect.Request, h *detect.ResponseHead, d detect.Decision, p *detect.Policy) detect.Decision {
	if listed := s.responseListed(r, h, d, orZero(p)); listed.Step != detect.StepNone {
		return listed
	}
	if where, _ := room(d.Rule); d.Step != detect.StepNone && d.Step != detect.StepScore && where != roomList || d.Action == detect.Block || d.Need&detect.NeedHead == 0 || h.Status != 200 || !imageType(h.Header) {
		return d
	}
	if !pixel.Look(h.Head, h.Complete).Tiny {
		if d.Step == detect.StepNone {
			d = detect.Decision{}
		}
		return d
	}
	d = detect.Decision{Action: detect.Observe, Step: detect.StepPixel, Told: true}
	if identifies(r) {
		d.Action = detect.Strip
	}
	return finish(d, orZero(p))
}

func imageType(h detect.Header) bool {
	t := strings.ToLower(strings.TrimSpace(h.Get("Content-Type")))
	return t == "" || strings.HasPrefix(t, "image/") || strings.HasPrefix(t, "application/octet-stream")
}
