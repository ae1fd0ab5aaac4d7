package clients

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// MaxPauses bounds how many clients can be paused at once.
const MaxPauses = 1024

// ErrPauses says that there is no room for another pause.
var ErrPauses = errors.New("too many clients are paused")

// Paused is a client for whom nothing is blocked for a while.
type Paused struct {
	// Client is the label of a client or of its group; "" is everybody.
	Client string
	// Until is when it ends.
	Until time.Time
}

// Pauses remembers for which clients nothing is blocked for a while. The zero
// value has none. It is safe for concurrent use; reading costs one atomic load
// while nobody is paused, and does not allocate but for the first question
// after something changed.
type Pauses struct {
	mu  sync.Mutex // for writers
	now atomic.Pointer[map[string]*pause]
}

type pause struct {
	until time.Time
	made  atomic.Pointer[opened]
}

// opened is a policy and what became of it.
type opened struct{ from, to *detect.Policy }

// Pause lets everything through for the client with this label until then; ""
// is everybody. What passes is still recorded. The error is ErrPauses.
func (p *Pauses) Pause(label string, until, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.live(now)
	if _, ok := next[label]; !ok && len(next) >= MaxPauses {
		return ErrPauses
	}
	next[label] = &pause{until: until}
	p.now.Store(&next)
	return nil
}

// Resume ends a client's pause and reports whether there was one.
func (p *Pauses) Resume(label string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.live(now)
	_, had := next[label]
	delete(next, label)
	if len(next) == 0 {
		p.now.Store(nil)
	} else {
		p.now.Store(&next)
	}
	return had
}

// live is a copy of the pauses that have not ended.
func (p *Pauses) live(now time.Time) map[string]*pause {
	next := map[string]*pause{}
	if old := p.now.Load(); old != nil {
		for l, x := range *old {
			if x.until.After(now) {
				next[l] = x
			}
		}
	}
	return next
}

// List gives the pauses that have not ended, by client.
func (p *Pauses) List(now time.Time) []Paused {
	var out []Paused
	if all := p.now.Load(); all != nil {
		for l, x := range *all {
			if x.until.After(now) {
				out = append(out, Paused{l, x.until})
			}
		}
	}
	slices.SortFunc(out, func(a, b Paused) int { return strings.Compare(a.Client, b.Client) })
	return out
}

// Apply returns what is in force for a client: policy, or one that only
// observes while it or everybody is paused.
func (p *Pauses) Apply(label string, policy *detect.Policy, now time.Time) *detect.Policy {
	all := p.now.Load()
	if all == nil {
		return policy
	}
	x := (*all)[label]
	if x == nil || !x.until.After(now) {
		if x = (*all)[""]; x == nil || !x.until.After(now) {
			return policy
		}
	}
	if m := x.made.Load(); m != nil && m.from == policy {
		return m.to
	}
	var open detect.Policy
	if policy != nil {
		open = *policy
	}
	open.Observe = true
	x.made.Store(&opened{policy, &open})
	return &open
}
