package memory

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/score"
)

// browser is what is remembered of one client. It is never written.
type browser struct {
	sites  map[uint64]*siteIDs // by hash of the site
	others []detect.ForeignID  // sorted; replaced, never changed
	seen   map[uint64]uint64   // the last Cookie field of a host, as hashes
	used   time.Time
}

// siteIDs are the hashes of the numbers that a site keeps in its cookies.
type siteIDs struct {
	sums []uint64 // sorted; replaced, never changed
	used time.Time
}

// browser returns what is remembered of a client, which may be changed. h.mu
// is held.
func (h *History) browser(client string, now time.Time) *browser {
	b := h.browsers[client]
	if b == nil {
		if len(h.browsers) >= maxBrowsers {
			dropUnused(h.browsers, func(b *browser) time.Time { return b.used })
		}
		b = &browser{sites: map[uint64]*siteIDs{}, seen: map[uint64]uint64{}}
		h.browsers[client] = b
	}
	b.used = now
	return b
}

// dropUnused drops the one that was not used for the longest time.
func dropUnused[K comparable, V any](m map[K]V, used func(V) time.Time) {
	var oldest K
	first := true
	for k, v := range m {
		if first || used(v).Before(used(m[oldest])) {
			oldest, first = k, false
		}
	}
	delete(m, oldest)
}

// cookies remembers the numbers in a Cookie field. A field that was seen just
// before is not read again.
func (h *History) cookies(b *browser, r *detect.Request, field string, third bool, now time.Time) {
	host := maphash.String(h.seed, r.Host)
	raw := maphash.String(h.seed, field)
	if b.seen[host] == raw {
		return
	}
	if len(b.seen) >= 4*maxSites {
		clear(b.seen)
	}
	b.seen[host] = raw
	ids := score.CookieIDs(nil, field)
	if len(ids) == 0 {
		return
	}
	sums := h.sums(ids)
	if third {
		b.addOthers(sums, detect.Registrable(r.Host))
		return
	}
	b.addSite(h.siteSum(r.Host), sums, now)
}

// sums hashes identifiers, as they are and in the forms in which they are handed
// on.
func (h *History) sums(ids []score.ID) []uint64 {
	sums := make([]uint64, 0, forms*len(ids))
	add := func(v string) { sums = append(sums, h.key.Sum(detect.PastID, []byte(v), nil, nil)) }
	for _, id := range ids {
		v := []byte(id.Value)
		add(id.Value)
		m, s1, s2 := md5.Sum(v), sha1.Sum(v), sha256.Sum256(v)
		add(hex.EncodeToString(m[:]))
		add(hex.EncodeToString(s1[:]))
		add(hex.EncodeToString(s2[:]))
		add(base64.StdEncoding.EncodeToString(v))
		add(base64.RawURLEncoding.EncodeToString(v))
	}
	return sums
}

// addSite adds numbers that a site keeps.
func (b *browser) addSite(site uint64, sums []uint64, now time.Time) {
	s := b.sites[site]
	if s == nil {
		if len(b.sites) >= maxSites {
			dropUnused(b.sites, func(s *siteIDs) time.Time { return s.used })
		}
		s = &siteIDs{}
		b.sites[site] = s
	}
	s.used = now
	all := make(map[uint64]struct{}, len(s.sums)+len(sums))
	for _, sum := range sums { // the newest come first, should there be too many
		all[sum] = struct{}{}
	}
	for _, sum := range s.sums {
		if len(all) < maxSiteIDs {
			all[sum] = struct{}{}
		}
	}
	s.sums = slices.Sorted(maps.Keys(all))
}

// addOthers adds numbers that a third party keeps. Who came first with a number
// owns it: what others carry of it they were told.
func (b *browser) addOthers(sums []uint64, owner string) {
	next := slices.Clone(b.others)
	for _, sum := range sums {
		i, known := slices.BinarySearchFunc(next, sum, func(f detect.ForeignID, sum uint64) int {
			switch {
			case f.Sum < sum:
				return -1
			case f.Sum > sum:
				return 1
			}
			return 0
		})
		if known {
			continue
		}
		if len(next) >= maxOthers { // begin anew: those in use come back at once
			next, i = nil, 0
		}
		next = slices.Insert(next, i, detect.ForeignID{Sum: sum, Owner: owner})
	}
	b.others = next
}
