package memory

import (
	"crypto/rand"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/score"
)

const (
	// historyLife is how long what a host did counts.
	historyLife = 30 * 24 * time.Hour
	// namesLife is how long a name may take new values before they are counted
	// anew.
	namesLife = 2 * 24 * time.Hour
	// jarLife is how long the numbers of a client are remembered without being
	// seen. They come back with its next visit.
	jarLife = 12 * time.Hour
	// pruneEvery is how often what is too old is looked for.
	pruneEvery = time.Hour
	// publishEvery is how often a World of more than smallWorld parts is made
	// anew; a smaller one is at once.
	publishEvery = time.Second
	smallWorld   = 512

	maxHosts    = 4096        // hosts that are remembered
	maxCrossed  = 8192        // values that were seen on two sites
	maxNames    = 16384       // names of values that are watched
	maxBrowsers = 256         // clients
	maxSites    = 128         // sites of one client
	forms       = 6           // in which a number is known again: itself, three digests, two of base64
	maxSiteIDs  = 64 * forms  // numbers that one site keeps for it
	maxOthers   = 400 * forms // numbers that third parties keep for it
	maxValues   = 4           // more values than that of one name tell nobody apart
	tracksOn    = 3           // sites after which a host is known to track
	fewAnswers  = 5           // answers of a host before their kind counts
)

// History is what time teaches about requests that no rule knows: which numbers
// sites and third parties keep for a client, which of them cross from site to
// site, and how hosts behave. It holds hashes under a key and domains, never a
// value. What belongs to one client is never written; the rest is, as hashes. It
// is safe for concurrent use.
type History struct {
	now     func() time.Time
	changed func()
	seed    maphash.Seed
	frozen  bool
	key     *detect.PastKey
	world   atomic.Pointer[detect.World]

	mu       sync.Mutex
	hosts    map[uint64]*hostFacts
	crossed  map[uint64]time.Time
	names    map[uint64]nameFacts
	varies   map[uint64]time.Time
	browsers map[string]*browser
	pruned   time.Time

	stale     bool      // the World lacks something
	published time.Time // when it was made
}

// hostFacts is how a host behaved.
type hostFacts struct {
	Sites   []uint64  // hashes of sites where it tracked, at most tracksOn
	Answers uint32    // answers to images and calls
	Content uint32    // of them, those that were content
	GivesID bool      // see detect.HostGivesIDs
	Seen    time.Time // when something was last added
}

func (f *hostFacts) traits() (t detect.HostTraits) {
	if len(f.Sites) >= tracksOn {
		t |= detect.HostTracks
	}
	if f.GivesID {
		t |= detect.HostGivesIDs
	}
	if f.Answers >= fewAnswers && f.Content*5 > f.Answers {
		t |= detect.HostContent
	}
	return t
}

// nameFacts is what was sent under a name for one client.
type nameFacts struct {
	value, site uint64
	changes     uint8
	since       time.Time
}

// NewHistory makes an empty history under a key of its own. nil means time.Now
// for now, and nothing for changed, which is called when there is more to keep.
func NewHistory(now func() time.Time, changed func()) *History {
	if now == nil {
		now = time.Now
	}
	if changed == nil {
		changed = func() {}
	}
	h := &History{now: now, changed: changed, seed: maphash.MakeSeed()}
	h.clear()
	return h
}

// Frozen returns a History that knows of hosts what h knows now, of clients
// nothing, and learns nothing.
func (h *History) Frozen() *History {
	c := NewHistory(h.now, nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	*c.key = *h.key
	c.world.Store(h.world.Load())
	c.frozen = true
	return c
}

// clear begins anew, under another key. h.mu is held, but for NewHistory.
func (h *History) clear() {
	h.key = new(detect.PastKey)
	_, _ = rand.Read(h.key[:]) // never fails
	h.hosts, h.crossed = map[uint64]*hostFacts{}, map[uint64]time.Time{}
	h.names, h.varies = map[uint64]nameFacts{}, map[uint64]time.Time{}
	h.browsers = map[string]*browser{}
	h.pruned = h.now()
	h.world.Store(&detect.World{})
}

// Forget drops everything.
func (h *History) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clear()
	h.changed()
}

// judged reports whether the score could ever look at a request.
func judged(r *detect.Request) bool {
	switch r.Type {
	case detect.TypeImage, detect.TypeXHR, detect.TypePing, detect.TypeOther:
		return true
	}
	return false
}

// Past returns what is remembered for a request of a client; nil if nothing
// about it can matter.
func (h *History) Past(client string, r *detect.Request) *detect.Past {
	if !judged(r) || r.Party() != detect.ThirdParty {
		return nil
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.frozen && now.Sub(h.pruned) >= pruneEvery {
		h.prune(now)
	}
	if h.stale && now.Sub(h.published) >= publishEvery {
		h.publish(now)
	}
	p := &detect.Past{Key: h.key, World: h.world.Load()}
	b := h.browsers[client]
	if b == nil {
		return p
	}
	b.used = now
	p.Others = b.others
	if s := b.sites[h.siteSum(detect.HostOf(r.Page))]; s != nil {
		p.Site = s.sums
	}
	return p
}

func (h *History) siteSum(host string) uint64 {
	return h.key.Sum(detect.PastSite, []byte(detect.Registrable(host)), nil, nil)
}

// Asked notes what a request shows: the numbers in its cookies and parameters.
// tracked says that it was found to be a tracker's.
func (h *History) Asked(client string, r *detect.Request, tracked bool) {
	third := r.Party() == detect.ThirdParty
	cookie := ""
	if r.Header != nil {
		cookie = r.Header.Get("Cookie")
	}
	worth := third && score.Worth(r)
	if h.frozen || cookie == "" && !worth || r.Party() == detect.PartyUnknown {
		return
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if cookie != "" {
		h.cookies(h.browser(client, now), r, cookie, third, now)
	}
	if !worth {
		return
	}
	site := h.siteSum(detect.HostOf(r.Page))
	if tracked && r.Page != "" {
		h.tracked(r.Host, site, now)
	}
	if r.Page != "" {
		h.parameters(client, r, site, now)
	}
}

// tracked notes that a host was told about somebody on a site.
func (h *History) tracked(host string, site uint64, now time.Time) {
	f := h.host(host, now)
	if len(f.Sites) >= tracksOn || slices.Contains(f.Sites, site) {
		return
	}
	f.Sites = append(f.Sites, site)
	f.Seen = now
	if len(f.Sites) == tracksOn {
		h.learned(now)
	}
	h.changed()
}

// Proved notes that an answer proved a request to be a tracker's.
func (h *History) Proved(r *detect.Request) {
	if h.frozen || r.Page == "" || r.Party() != detect.ThirdParty {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tracked(r.Host, h.siteSum(detect.HostOf(r.Page)), h.now())
}

// parameters watches the identifiers in a request's address.
func (h *History) parameters(client string, r *detect.Request, site uint64, now time.Time) {
	owner := []byte(detect.Registrable(r.Host))
	for _, id := range score.IDs(r) {
		if id.Cookie {
			continue
		}
		name, value := []byte(id.Name), []byte(id.Value)
		at := h.key.Sum(detect.PastName, owner, name, []byte(client))
		sum := h.key.Sum(detect.PastCross, owner, name, value)
		f, known := h.names[at]
		switch {
		case !known || now.Sub(f.since) > namesLife:
			if len(h.names) >= maxNames {
				clear(h.names) // they come back; nothing here is worth an order
			}
			h.names[at] = nameFacts{value: sum, site: site, since: now}
		case f.value != sum:
			f.value, f.site, f.changes = sum, site, f.changes+1
			h.names[at] = f
			if f.changes >= maxValues-1 {
				h.vary(h.key.Sum(detect.PastName, owner, name, nil), now)
			}
		case f.site != site:
			h.cross(sum, now)
		}
	}
}

func (h *History) vary(sum uint64, now time.Time) {
	_, known := h.varies[sum]
	if !known && len(h.varies) < maxNames {
		h.varies[sum] = now
		h.learned(now)
	}
}

func (h *History) cross(sum uint64, now time.Time) {
	old, known := h.crossed[sum]
	if known && now.Sub(old) < seenGrain {
		return
	}
	if !known && len(h.crossed) >= maxCrossed {
		dropOldest(h.crossed, func(t time.Time) time.Time { return t })
	}
	h.crossed[sum] = now
	if !known {
		h.learned(now)
	}
	h.changed()
}

// host returns the facts of a host, which may be changed. h.mu is held.
func (h *History) host(host string, now time.Time) *hostFacts {
	sum := h.key.Sum(detect.PastHost, []byte(host), nil, nil)
	f := h.hosts[sum]
	if f == nil {
		if len(h.hosts) >= maxHosts {
			dropOldest(h.hosts, func(f *hostFacts) time.Time { return f.Seen })
			h.stale = true
		}
		f = &hostFacts{Seen: now}
		h.hosts[sum] = f
	}
	return f
}

// dropOldest drops the oldest twentieth.
func dropOldest[V any](m map[uint64]V, seen func(V) time.Time) {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b uint64) int { return seen(m[a]).Compare(seen(m[b])) })
	for _, k := range keys[:max(1, len(keys)/20)] {
		delete(m, k)
	}
}

// learned makes what was learned known, at once or soon. h.mu is held.
func (h *History) learned(now time.Time) {
	if h.stale = true; len(h.crossed)+len(h.varies)+len(h.hosts) <= smallWorld || now.Sub(h.published) >= publishEvery {
		h.publish(now)
	}
}

// publish makes the World anew. h.mu is held.
func (h *History) publish(now time.Time) {
	h.stale, h.published = false, now
	w := &detect.World{
		Crossed: make(map[uint64]struct{}, len(h.crossed)), Varies: make(map[uint64]struct{}, len(h.varies)),
		Hosts: map[uint64]detect.HostTraits{},
	}
	for k := range h.crossed {
		w.Crossed[k] = struct{}{}
	}
	for k := range h.varies {
		w.Varies[k] = struct{}{}
	}
	for k, f := range h.hosts {
		if t := f.traits(); t != 0 {
			w.Hosts[k] = t
		}
	}
	h.world.Store(w)
}

// prune drops what is too old. h.mu is held.
func (h *History) prune(now time.Time) {
	h.pruned = now
	for k, f := range h.hosts {
		if now.Sub(f.Seen) >= historyLife {
			delete(h.hosts, k)
		}
	}
	for k, t := range h.crossed {
		if now.Sub(t) >= historyLife {
			delete(h.crossed, k)
		}
	}
	for k, t := range h.varies {
		if now.Sub(t) >= historyLife {
			delete(h.varies, k)
		}
	}
	for k, f := range h.names {
		if now.Sub(f.since) > namesLife {
			delete(h.names, k)
		}
	}
	for k, b := range h.browsers {
		if now.Sub(b.used) >= jarLife {
			delete(h.browsers, k)
		}
	}
	h.publish(now)
}
