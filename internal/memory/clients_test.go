package memory

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// ticker is a clock that stands still until it is moved.
type ticker struct {
	mu sync.Mutex
	t  time.Time
}

func newTicker() *ticker { return &ticker{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *ticker) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *ticker) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestProofEndsAfterADay(t *testing.T) {
	t.Parallel()
	clock := newTicker()
	c := NewClients(clock.now, nil)
	if got := c.Trust("a"); got != Unproven {
		t.Fatalf("unknown client: %v", got)
	}
	c.Proved("a")
	clock.add(23 * time.Hour)
	if got := c.Trust("a"); got != Proven {
		t.Errorf("after 23 h: %v, want proven", got)
	}
	c.Proved("a")
	clock.add(24*time.Hour - time.Second)
	if got := c.Trust("a"); got != Proven {
		t.Errorf("a new proof did not renew: %v", got)
	}
	clock.add(time.Second)
	if got := c.Trust("a"); got != Unproven {
		t.Errorf("after a day: %v, want unproven", got)
	}
	if got := c.Trust("b"); got != Unproven {
		t.Errorf("another client: %v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	type step struct {
		wait  time.Duration
		host  string
		probe bool
		want  Refusal
	}
	tests := []struct {
		name  string
		steps []step
		trust Trust
		left  string // host that must be left alone at the end
	}{
		{"of a probe", []step{{0, "t.example", true, Refusal{Client: true}}}, Refusing, ""},
		{"of a probe, again", []step{{0, "t.example", true, Refusal{Client: true}}, {0, "u.example", true, Refusal{}}}, Refusing, ""},
		{"of one host once", []step{{0, "a.example", false, Refusal{}}}, Proven, ""},
		{"of one host twice", []step{{0, "a.example", false, Refusal{}}, {time.Second, "a.example", false, Refusal{Host: true}}}, Proven, "a.example"},
		{"of one host three times", []step{{0, "a.example", false, Refusal{}}, {0, "a.example", false, Refusal{Host: true}},
			{0, "a.example", false, Refusal{}}}, Proven, "a.example"},
		{"of one host, long after", []step{{0, "a.example", false, Refusal{}}, {25 * time.Hour, "a.example", false, Refusal{}}}, Unproven, ""},
		{"of two hosts within a minute", []step{{0, "a.example", false, Refusal{}}, {59 * time.Second, "b.example", false, Refusal{Client: true}}}, Refusing, ""},
		{"of two hosts, apart", []step{{0, "a.example", false, Refusal{}}, {time.Minute, "b.example", false, Refusal{}}}, Proven, ""},
	}
	for _, tt := range tests {
		clock := newTicker()
		c := NewClients(clock.now, nil)
		c.Proved("k")
		for i, s := range tt.steps {
			clock.add(s.wait)
			if got := c.Refuse("k", s.host, s.probe); got != s.want {
				t.Errorf("%s, step %d: %+v, want %+v", tt.name, i, got, s.want)
			}
		}
		if got := c.Trust("k"); got != tt.trust {
			t.Errorf("%s: trust %v, want %v", tt.name, got, tt.trust)
		}
		for _, h := range []string{"a.example", "b.example", "t.example"} {
			if _, left := c.Left("k", h); left != (h == tt.left) {
				t.Errorf("%s: %s left alone: %v", tt.name, h, left)
			}
		}
	}
}

func TestRefusalOutlastsProofAndEnds(t *testing.T) {
	t.Parallel()
	clock := newTicker()
	c := NewClients(clock.now, nil)
	c.Refuse("k", "t.example", true)
	c.Proved("k")
	if got := c.Trust("k"); got != Refusing {
		t.Errorf("a proof lifted the refusal: %v", got)
	}
	clock.add(24 * time.Hour)
	if got := c.Trust("k"); got != Unproven {
		t.Errorf("after a day: %v", got)
	}
	c.Refuse("k", "t.example", true)
	c.Leave("k", "bank.example", ReasonClientCert)
	c.Reset()
	if got := c.Trust("k"); got != Unproven {
		t.Errorf("after reset: %v", got)
	}
	if c.RefusedBefore("k", "t.example") {
		t.Error("reset kept the refusal of a host")
	}
	if why, ok := c.Left("k", "bank.example"); !ok || why != ReasonClientCert {
		t.Errorf("reset forgot what the site asked for: %q %v", why, ok)
	}
}

func TestLeave(t *testing.T) {
	t.Parallel()
	clock := newTicker()
	changes := 0
	c := NewClients(clock.now, func() { changes++ })
	if !c.Leave("k", "wall.example", ReasonBotWall) || c.Leave("k", "wall.example", ReasonBotWall) {
		t.Error("the first is news, the second is not")
	}
	if changes == 0 {
		t.Error("nobody was told of a change")
	}
	if _, ok := c.Left("other", "wall.example"); ok {
		t.Error("left alone for another client too")
	}
	clock.add(24 * time.Hour)
	if _, ok := c.Left("k", "wall.example"); ok {
		t.Error("left alone for more than a day")
	}
}

func TestClientsAreBounded(t *testing.T) {
	t.Parallel()
	clock := newTicker()
	c := NewClients(clock.now, nil)
	for i := range maxClients + 50 {
		clock.add(time.Millisecond)
		c.Proved(fmt.Sprint("client ", i))
	}
	for i := range maxClientHosts + 50 {
		clock.add(time.Millisecond)
		c.Leave("client 1000", fmt.Sprint("host ", i), ReasonBotWall)
	}
	if n := len(c.byID); n != maxClients {
		t.Errorf("%d clients, want %d", n, maxClients)
	}
	if n := len(c.byID["client 1000"].Hosts); n != maxClientHosts {
		t.Errorf("%d hosts, want %d", n, maxClientHosts)
	}
	if c.Trust("client 0") != Unproven || c.Trust(fmt.Sprint("client ", maxClients+49)) != Proven {
		t.Error("the oldest stayed or the newest went")
	}
}

func TestClientsRestore(t *testing.T) {
	t.Parallel()
	clock := newTicker()
	c := NewClients(clock.now, nil)
	c.Proved("good")
	c.Refuse("bad", "t.example", true)
	c.Leave("good", "bank.example", ReasonNegotiate)
	saved := c.State()

	clock.add(-time.Hour) // a clock that was set back must not lengthen anything
	d := NewClients(clock.now, nil)
	if err := d.Restore(saved); err != nil {
		t.Fatal(err)
	}
	if d.Trust("good") != Proven || d.Trust("bad") != Refusing {
		t.Errorf("trust %v and %v", d.Trust("good"), d.Trust("bad"))
	}
	if why, ok := d.Left("good", "bank.example"); !ok || why != ReasonNegotiate {
		t.Errorf("left %q %v", why, ok)
	}
	clock.add(24 * time.Hour)
	if d.Trust("good") != Unproven || d.Trust("bad") != Unproven {
		t.Error("the restored lasted more than a day")
	}
	if got := string(d.State()); got != "{}" {
		t.Errorf("what has ended is kept: %s", got)
	}
	for _, bad := range []string{"", "[]", `{"a":3}`} {
		if err := d.Restore([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if err := d.Restore([]byte(`{"a":null,"b":{"hosts":{"x":null}}}`)); err != nil || d.Trust("a") != Unproven {
		t.Errorf("nulls: %v", err)
	}
}
