package lists

import (
	"time"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

const (
	// maxTitle is how much of a list's own words is kept, in characters.
	maxTitle = 100

	// minExpires and maxExpires bound how long a list may be believed, whatever
	// it says itself; defaultExpires is for lists that say nothing.
	minExpires     = time.Hour
	maxExpires     = 7 * 24 * time.Hour
	defaultExpires = 24 * time.Hour
)

// describe notes what a list says of itself.
func (k *kept) describe(m filterlist.Meta) {
	k.Title, k.Version = clean(m.Title, maxTitle), clean(m.Version, maxTitle)
	k.Licence, k.Homepage = clean(m.License, maxTitle), clean(m.Homepage, maxTitle)
	k.Expires = defaultExpires
	if m.Expires > 0 {
		k.Expires = min(max(m.Expires, minExpires), maxExpires)
	}
}
