package engine

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
)

// heuristics judges what no rule knows: an endpoint that proved itself a pixel
// before, or a third-party image whose bytes must be seen first.
func heuristics(r *detect.Request, p *detect.Policy) detect.Decision {
	if r.Type != detect.TypeImage && r.Type != detect.TypeOther || r.Party() != detect.ThirdParty {
		return detect.Decision{}
	}
	if p.Learned.Len() > 0 && p.Learned.Has(detect.EndpointKey(r.Host, r.URL)) && identifies(r) {
		return detect.Decision{Action: detect.Block, Step: detect.StepLearned}
	}
	return detect.Decision{Need: detect.NeedResponse | detect.NeedHead}
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
	if where, _ := room(d.Rule); d.Step != detect.StepNone && where != roomList || d.Action == detect.Block || d.Need&detect.NeedHead == 0 || h.Status != 200 || !imageType(h.Header) {
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
