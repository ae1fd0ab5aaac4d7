package memory

import (
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// snapshot is what readers see. It never changes.
type snapshot struct {
	endpoints *detect.Endpoints
	everyone  *detect.Policy
	clients   map[string]*detect.Policy // those with allows of their own
	// until is when something in it ends; zero is never.
	until time.Time
}

// Policy returns what is in force for a client (its label, "" for this
// machine). It is immutable, never nil, and the same pointer as long as nothing
// changed. It does not wait: only the first call after an allow or an endpoint
// ended makes a new one.
func (m *Memory) Policy(client string) *detect.Policy {
	s := m.current()
	if p, ok := s.clients[client]; ok {
		return p
	}
	return s.everyone
}

func (m *Memory) current() *snapshot {
	s := m.snap.Load()
	if s.until.IsZero() || m.now().Before(s.until) {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.snap.Load(); s.until.IsZero() || m.now().Before(s.until) {
		return s // another did it
	}
	m.rebuild()
	m.changed()
	return m.snap.Load()
}

// rebuild makes the snapshot anew. m.mu is held, but for Open.
func (m *Memory) rebuild() {
	now := m.now()
	s := &snapshot{clients: map[string]*detect.Policy{}}
	s.endpoints = m.liveEndpoints(now, s)
	common := append([]detect.Override{}, m.cfg.Allows...)
	own := map[string][]detect.Override{}
	for _, a := range m.allows {
		if a.ended(now) {
			continue
		}
		s.ends(a.Until)
		if a.Client == "" {
			common = append(common, a.Override)
		} else {
			own[a.Client] = append(own[a.Client], a.Override)
		}
	}
	s.everyone = m.policy(s.endpoints, common)
	for client, list := range own {
		s.clients[client] = m.policy(s.endpoints, append(list, common...))
	}
	m.snap.Store(s)
}

// include puts one more endpoint into the snapshot, which spares pages that
// teach many at once a rebuild of everything for each. m.mu is held.
func (m *Memory) include(key uint64, seen time.Time) {
	old := m.snap.Load()
	s := &snapshot{endpoints: old.endpoints.With(key), clients: map[string]*detect.Policy{}, until: old.until}
	s.ends(seen.Add(endpointLife))
	with := func(p *detect.Policy) *detect.Policy {
		q := *p
		q.Learned = s.endpoints
		return &q
	}
	s.everyone = with(old.everyone)
	for client, p := range old.clients {
		s.clients[client] = with(p)
	}
	m.snap.Store(s)
}

func (m *Memory) policy(e *detect.Endpoints, allows []detect.Override) *detect.Policy {
	p := &detect.Policy{Strict: m.cfg.Strict, Observe: m.cfg.Observe, Learned: e, Loaders: m.cfg.Loaders, Unknown: m.cfg.Unknown}
	if len(allows) > 0 {
		p.Allows = detect.NewOverrides(allows)
	}
	return p
}

// liveEndpoints drops what expired and returns the rest.
func (m *Memory) liveEndpoints(now time.Time, s *snapshot) *detect.Endpoints {
	keys := make([]uint64, 0, len(m.endpoints))
	oldest := time.Time{}
	for k, e := range m.endpoints {
		if now.Sub(e.seen) >= endpointLife {
			delete(m.endpoints, k)
			continue
		}
		if oldest.IsZero() || e.seen.Before(oldest) {
			oldest = e.seen
		}
		keys = append(keys, k)
	}
	if !oldest.IsZero() {
		s.ends(oldest.Add(endpointLife))
	}
	return detect.NewEndpoints(keys)
}

func (s *snapshot) ends(t time.Time) {
	if !t.IsZero() && (s.until.IsZero() || t.Before(s.until)) {
		s.until = t
	}
}
