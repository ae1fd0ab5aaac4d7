package memory

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

func knows(p *detect.Policy, host string) bool {
	return p.Learned.Has(detect.EndpointKey(host, "https://"+host+"/p.gif"))
}

func TestSessionLearnsForItselfAlone(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	m := open(t, dir, c)
	m.Learn("before.example", "https://before.example/p.gif", c.now())
	s, other := m.Session(), m.Session()
	s.Learn("own.example", "https://own.example/p.gif?u=1", c.now()) // before its first Policy
	s.Policy("")
	s.Learn("second.example", "https://second.example/p.gif", c.now())
	m.Learn("after.example", "https://after.example/p.gif", c.now())
	for _, tt := range []struct {
		who  string
		p    *detect.Policy
		host string
		want bool
	}{
		{"session", s.Policy(""), "before.example", true},
		{"session", s.Policy(""), "own.example", true},
		{"session", s.Policy(""), "second.example", true},
		{"session", s.Policy(""), "after.example", true},
		{"other session", other.Policy(""), "own.example", false},
		{"other session", other.Policy(""), "before.example", true},
		{"memory", m.Policy(""), "own.example", false},
		{"memory", m.Policy(""), "second.example", false},
	} {
		if got := knows(tt.p, tt.host); got != tt.want {
			t.Errorf("%s knows %s: %v, want %v", tt.who, tt.host, got, tt.want)
		}
	}
	if p := s.Policy(""); p != s.Policy("") {
		t.Error("the policy changed although nothing did")
	}
	if _, err := m.AddAllow(detect.Override{To: "cdn.example"}, time.Time{}, "", "command"); err != nil {
		t.Fatal(err)
	}
	if p := s.Policy(""); !p.Allows.Match("cdn.example", "") || !knows(p, "own.example") {
		t.Error("an allow does not hold at once in a session, or made it forget")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, c)
	if n := len(again.Learned()); n != 2 {
		t.Errorf("%d endpoints were kept, want the 2 of the memory itself", n)
	}
	if _, err := os.Stat(filepath.Join(dir, StateName)); err != nil {
		t.Error(err)
	}
}

func TestSessionBound(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, t.TempDir(), c).Session()
	for i := range maxSession + 1 {
		host := fmt.Sprintf("t%d.example", i)
		s.Learn(host, "https://"+host+"/p.gif", c.now())
		s.Policy("")
	}
	p := s.Policy("")
	if n := p.Learned.Len(); n > maxSession || n < maxSession/2 {
		t.Errorf("%d endpoints kept, want at most %d and at least half", n, maxSession)
	}
	if knows(p, "t0.example") || !knows(p, fmt.Sprintf("t%d.example", maxSession)) {
		t.Error("the oldest was kept or the newest was dropped")
	}
}

func TestLearnIsSeenByTheNextRequest(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := open(t, t.TempDir(), c)
	if _, err := m.AddAllow(detect.Override{To: "cdn.example"}, time.Time{}, "kids", "page"); err != nil {
		t.Fatal(err)
	}
	const each = 300 // past what a set keeps beside its map
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range each {
				host := fmt.Sprintf("t%d-%d.example", g, i)
				m.Learn(host, "https://"+host+"/p.gif", c.now())
				for _, client := range []string{"", "kids"} {
					if !knows(m.Policy(client), host) {
						t.Errorf("client %q: %s is not in force after Learn returned", client, host)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := m.Endpoints().Len(); n != 4*each {
		t.Errorf("%d endpoints, want %d", n, 4*each)
	}
	if !m.Policy("kids").Allows.Match("cdn.example", "") {
		t.Error("learning lost a client's allow")
	}
	c.add(endpointLife)
	if n := m.Endpoints().Len(); n != 0 {
		t.Errorf("%d endpoints after their life, want none", n)
	}
}

func BenchmarkLearnNew(b *testing.B) {
	c := newClock()
	m, err := Open(b.TempDir(), Options{Now: c.now})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	for i := range maxEndpoints - 1 {
		m.endpoints[uint64(i)] = endpoint{host: "h", seen: c.now()}
	}
	m.rebuild()
	for i := 0; b.Loop(); i++ {
		m.Learn("t.example", fmt.Sprintf("https://t.example/w%dx/p.gif", i), c.now())
	}
}
