package vendor

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"golang.org/x/net/publicsuffix"
)

func parent(h string) string {
	i := strings.IndexByte(h, '.')
	if i < 0 {
		return ""
	}
	return h[i+1:]
}

// Refuse reports whether host does nothing but track, so that it may be
// refused by name, and which tracker (index plus one) it belongs to.
func (r *Rules) Refuse(host string) (tracker int32, ok bool) {
	if p := r.places[host]; p != nil && p.refuse > 0 {
		return p.refuse, true
	}
	for h := host; h != "" && len(h) >= r.shortest; h = parent(h) {
		if p := r.places[h]; p != nil && p.refuseUnder > 0 {
			return p.refuseUnder, true
		}
	}
	return 0, false
}

// RefuseRequest is Refuse for a whole request, of which Match said m: a page
// of the vendor's own may ask its own hosts for what it likes.
func (r *Rules) RefuseRequest(m Match, q *detect.Request) (tracker int32, ok bool) {
	if m.Refuse == 0 || !thirdParty(q, r.trackers[m.Refuse-1].company.Sites) {
		return 0, false
	}
	return m.Refuse, true
}

// Names reports whether any rule names host; rules for any host do not count.
func (r *Rules) Names(host string) bool {
	if p := r.places[host]; p != nil && (p.refuse > 0 || len(p.exact) > 0) {
		return true
	}
	for h := host; h != "" && len(h) >= r.shortest; h = parent(h) {
		if p := r.places[h]; p != nil && (p.refuseUnder > 0 || len(p.under) > 0) {
			return true
		}
	}
	return len(r.byStem(host)) > 0
}

// Covers reports whether rule n (index plus one) names host, or any host.
func (r *Rules) Covers(n int32, host string) bool {
	if r.rules[n-1].excludes(host) {
		return false
	}
	if re := r.rules[n-1].hostRE; re != nil {
		return re.match(host)
	}
	for _, h := range r.rules[n-1].spec().Hosts {
		d, under := strings.CutPrefix(h, ".")
		stem, any := strings.CutSuffix(h, ".*")
		switch {
		case h == "*", h == host, under && detect.UnderDomain(host, d):
			return true
		case any:
			suffix, _ := publicsuffix.PublicSuffix(host)
			if host == stem+"."+suffix {
				return true
			}
		}
	}
	return false
}
