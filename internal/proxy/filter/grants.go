package filter

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

const (
	// maxGrants is how many preflights we stand by at a time; past it they are
	// refused, so that the browser does not make the request at all.
	maxGrants = 10_000
	// grantLife is longer than what the browser was told: it counts from when
	// the answer arrived.
	grantLife = answer.MaxAge + time.Minute
)

// grant is a preflight that we answered. The request that follows on it is
// answered too, whatever the rules then say: its origin never agreed to it.
type grant struct {
	set    *engine.Set
	policy *detect.Policy
	d      detect.Decision
	until  time.Time
}

type grantKey [sha256.Size]byte

// grants remembers what was granted. The zero value is ready.
type grants struct {
	n  atomic.Int64 // entries, so that the common case takes no lock
	mu sync.Mutex
	m  bounded[grantKey, grant]
}

func (s *grants) key(ex *Exchange) grantKey {
	return sha256.Sum256([]byte(ex.client.key() + "\x00" + ex.r.Header.Get("Origin") + "\x00" + ex.req.URL))
}

// put remembers a grant; ok is false if there is no room.
func (s *grants) put(key grantKey, g grant, now time.Time) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.dropWhile(func(g grant) bool { return now.After(g.until) })
	if _, again := s.m.get(key); !again && s.m.len() >= maxGrants {
		return false
	}
	s.m.put(key, g, maxGrants)
	s.n.Store(int64(s.m.len()))
	return true
}

func (s *grants) get(key grantKey, now time.Time) (grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Looked up without being moved: the order stays that of expiry.
	e, ok := s.m.byKey[key]
	if !ok {
		return grant{}, false
	}
	g := e.Value.(entry[grantKey, grant]).value
	return g, !now.After(g.until)
}

// preflight answers a preflight if the request it asks about is blocked by
// what is known of it now; nil means that the origin is to answer.
func (f *Filter) preflight(ex *Exchange) *http.Response {
	asked := ex.req
	asked.Method = ex.r.Header.Get("Access-Control-Request-Method")
	asked.Type = detect.TypeXHR
	d := ex.set.Request(&asked, ex.policy)
	if d.Action != detect.Block {
		return nil
	}
	ex.over = true // a preflight is no event
	now := f.now()
	if !f.grants.put(f.grants.key(ex), grant{ex.set, ex.policy, d, now.Add(grantLife)}, now) {
		return answer.DenyPreflight(ex.r)
	}
	return answer.Preflight(ex.r)
}

// granted answers a request that follows on a preflight of ours.
func (f *Filter) granted(ex *Exchange) *http.Response {
	if f.grants.n.Load() == 0 || ex.r.Header.Get("Origin") == "" {
		return nil
	}
	g, ok := f.grants.get(f.grants.key(ex), f.now())
	if !ok {
		return nil
	}
	ex.d = ex.set.Request(&ex.req, ex.policy)
	if ex.d.Action != detect.Block {
		ex.set, ex.policy, ex.d = g.set, g.policy, g.d
	}
	f.look(ex)
	return f.block(ex)
}
