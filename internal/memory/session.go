package memory

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// maxSession bounds what one Session learns; past it the older half goes.
const maxSession = 2048

// Session is a Memory for one sitting that must leave no trace. What the
// Memory knows is in force in it; what is learned through it is in force for
// it alone, and is never written. It is safe for concurrent use.
type Session struct {
	m       *Memory
	history *History
	last    atomic.Pointer[joined]

	mu  sync.Mutex
	own []uint64 // in the order they were learned
}

// joined is a Policy of the Memory, and the same with what the Session knows.
type joined struct{ base, policy *detect.Policy }

// Session returns a new Session; it ends with its last use.
func (m *Memory) Session() *Session { return &Session{m: m, history: NewHistory(m.now, nil)} }

// History returns what this Session remembers of unknown requests; it is never
// nil, and begins empty.
func (s *Session) History() *History { return s.history }

// Policy returns what is in force for a client, as Memory.Policy does.
func (s *Session) Policy(client string) *detect.Policy {
	base := s.m.Policy(client)
	if j := s.last.Load(); j != nil && j.base == base {
		return j.policy
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.join(base)
}

// Learn remembers an endpoint as Memory.Learn does, but for this Session. The
// time is not kept.
func (s *Session) Learn(host, url string, _ time.Time) {
	if host == "" {
		return
	}
	key := detect.EndpointKey(host, url)
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.last.Load()
	if j != nil && j.policy.Learned.Has(key) {
		return
	}
	s.own = append(s.own, key)
	switch {
	case len(s.own) > maxSession:
		s.own = append([]uint64(nil), s.own[len(s.own)/2:]...)
		s.last.Store(nil)
	case j != nil:
		p := *j.policy
		p.Learned = p.Learned.With(key)
		s.last.Store(&joined{j.base, &p})
	}
}

// Unlearn forgets an endpoint that this Session learned.
func (s *Session) Unlearn(host, url string) {
	key := detect.EndpointKey(host, url)
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.own, key); i >= 0 {
		s.own = slices.Delete(s.own, i, i+1)
		s.last.Store(nil)
	}
}

// join adds what the Session knows to base. s.mu is held.
func (s *Session) join(base *detect.Policy) *detect.Policy {
	p := *base
	for _, key := range s.own {
		p.Learned = p.Learned.With(key)
	}
	s.last.Store(&joined{base, &p})
	return &p
}
