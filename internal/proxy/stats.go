package proxy

import (
	"maps"
	"sync"
)

// maxReasons bounds the map of splice reasons; what is past it counts as "other".
const maxReasons = 64

// Stats counts tunnels since the Proxy was made. No host is in it.
type Stats struct {
	Intercepted int64            `json:"intercepted"`
	Refused     int64            `json:"refused"`  // by name
	Refusals    int64            `json:"refusals"` // clients that refused our certificate
	Spliced     map[string]int64 `json:"spliced"`  // by reason
}

// Stats returns the counts so far.
func (p *Proxy) Stats() Stats {
	p.stats.mu.Lock()
	defer p.stats.mu.Unlock()
	s := p.stats.Stats
	s.Spliced = maps.Clone(s.Spliced)
	return s
}

type stats struct {
	mu sync.Mutex
	Stats
}

func (s *stats) spliced(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Spliced == nil {
		s.Spliced = map[string]int64{}
	}
	if _, known := s.Spliced[reason]; !known && len(s.Spliced) >= maxReasons {
		reason = "other"
	}
	s.Spliced[reason]++
}

func (s *stats) count(n *int64) {
	s.mu.Lock()
	*n++
	s.mu.Unlock()
}
