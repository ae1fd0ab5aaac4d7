package clients

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// MaxPauses bounds how many clients can be paused at once.
const MaxPauses = 1024

// Pauses remembers for which clients nothing is blocked for a while. The zero
// value has none. It is safe for concurrent use; reading costs one atomic load
// while nobody is paused.
type Pauses struct {
	mu  sync.Mutex // for writers
	now atomic.Pointer[map[string]time.Time]
}

// Pause lets everything through for the client with this label until then, ""
// meaning this machine. What passes is still recorded. It reports false if
// there are too many.
func (p *Pauses) Pause(label string, until, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[string]time.Time{}
	if old := p.now.Load(); old != nil {
		for l, end := range *old {
			if end.After(now) {
				next[l] = end
			}
		}
	}
	if _, ok := next[label]; !ok && len(next) >= MaxPauses {
		return false
	}
	next[label] = until
	p.now.Store(&next)
	return true
}

// Resume ends a client's pause, if there is one.
func (p *Pauses) Resume(label string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.now.Load()
	if old == nil {
		return
	}
	next := maps.Clone(*old)
	delete(next, label)
	p.now.Store(&next)
}

// Apply returns what is in force for a client: policy, or one that only
// observes while it is paused.
func (p *Pauses) Apply(label string, policy *detect.Policy, now time.Time) *detect.Policy {
	all := p.now.Load()
	if all == nil || !(*all)[label].After(now) {
		return policy
	}
	var open detect.Policy
	if policy != nil {
		open = *policy
	}
	open.Observe = true
	return &open
}
