package memory

import (
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// endpoint is a learned place, as it is shown and kept.
type endpoint struct {
	host, path string
	seen       time.Time
}

// Endpoint is a learned place for people to read. Path has "*" where an
// identifier or anything else that may name a person stood.
type Endpoint struct {
	Host string    `json:"host"`
	Path string    `json:"path"`
	Seen time.Time `json:"seen"`
}

// Learn remembers the endpoint of host (as in detect.Request) and url, seen
// at the given time. It is in force for every Policy asked for afterwards.
// Learning a known endpoint renews it, for next to nothing.
func (m *Memory) Learn(host, url string, at time.Time) {
	if host == "" {
		return
	}
	key := detect.EndpointKey(host, url)
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.endpoints[key]
	if known && at.Sub(old.seen) < seenGrain {
		return
	}
	if known {
		old.seen = at
		m.endpoints[key] = old
	} else {
		full := len(m.endpoints) >= maxEndpoints
		if full {
			m.evict()
		}
		m.endpoints[key] = endpoint{host: host, path: shownPath(url), seen: at}
		if full {
			m.rebuild()
		} else {
			m.include(key, at)
		}
	}
	m.changed()
}

// Unlearn forgets the endpoint of host and url: it answered with content.
func (m *Memory) Unlearn(host, url string) {
	key := detect.EndpointKey(host, url)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.endpoints[key]; !known {
		return
	}
	delete(m.endpoints, key)
	m.rebuild()
	m.changed()
}

// Forget drops everything learned, the History too, and returns how many
// endpoints it were.
func (m *Memory) Forget() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.endpoints)
	clear(m.endpoints)
	m.history.Forget()
	m.rebuild()
	m.changed()
	return n
}

// Endpoints returns what is learned and not expired; it is never nil.
func (m *Memory) Endpoints() *detect.Endpoints { return m.current().endpoints }

// Learned lists what is learned, the newest first.
func (m *Memory) Learned() []Endpoint {
	m.mu.Lock()
	list := make([]Endpoint, 0, len(m.endpoints))
	for _, e := range m.endpoints {
		list = append(list, Endpoint{Host: e.host, Path: e.path, Seen: e.seen})
	}
	m.mu.Unlock()
	slices.SortFunc(list, func(a, b Endpoint) int {
		if c := b.Seen.Compare(a.Seen); c != 0 {
			return c
		}
		return strings.Compare(a.Host+a.Path, b.Host+b.Path)
	})
	return list
}

// evict drops the oldest twentieth, so that the next thousand cost nothing.
func (m *Memory) evict() {
	type aged struct {
		key  uint64
		seen time.Time
	}
	all := make([]aged, 0, len(m.endpoints))
	for k, e := range m.endpoints {
		all = append(all, aged{k, e.seen})
	}
	slices.SortFunc(all, func(a, b aged) int { return a.seen.Compare(b.seen) })
	for _, a := range all[:max(1, len(all)/20)] {
		delete(m.endpoints, a.key)
	}
}

const (
	maxShownPath    = 200 // longer ones end in "*"
	maxShownSegment = 24  // words of a path are shorter
)

// shownPath is the path of url with every segment elided that is not plainly a
// word: the key is a hash, so what is shown can afford to be stricter.
func shownPath(url string) string {
	path, _ := detect.Split(url)
	var b strings.Builder
	for seg := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if b.Len() > maxShownPath {
			b.WriteString("/*")
			break
		}
		b.WriteByte('/')
		if plainSegment(seg) {
			b.WriteString(seg)
		} else {
			b.WriteByte('*')
		}
	}
	return b.String()
}

func plainSegment(seg string) bool {
	if len(seg) > maxShownSegment || detect.TokenLike(seg) {
		return false
	}
	digits := 0
	for i := range len(seg) {
		switch c := seg[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'z', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return digits <= 3
}
