package memory

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

const (
	// proofLife is how long a request read through our certificate proves that
	// its client trusts us.
	proofLife = 24 * time.Hour
	// refusalLife is how long a client or a host of a client is left alone.
	refusalLife = 24 * time.Hour
	// refusalGap is how close refusals of two hosts must be to speak against
	// the client and not against the hosts.
	refusalGap = time.Minute
	// refusalsOfHost is how many refusals make a host left alone.
	refusalsOfHost = 2
	// maxClients and maxClientHosts bound what is remembered; past them the
	// entry that was used least recently goes.
	maxClients     = 1024
	maxClientHosts = 256 // of one client
	// proofGrain is how old a proof must be before it is renewed in the file.
	proofGrain = time.Hour
)

// Trust is what is known of a client.
type Trust uint8

// The states. Unproven is the zero value.
const (
	Unproven Trust = iota // nothing is known: only a probe may find out
	Proven                // a request was read through our certificate
	Refusing              // it refused our certificate: neither intercept nor probe
)

// Reason says why a host of a client is left alone.
type Reason string

// The reasons.
const (
	ReasonRefused     Reason = "refused"            // the program refused our certificate twice
	ReasonClientCert  Reason = "client certificate" // the site asks for one
	ReasonNegotiate   Reason = "negotiate"          // NTLM or Negotiate
	ReasonBotWall     Reason = "bot wall"           // its bot wall turned us away
	ReasonPrivateCert Reason = "private certificate"
)

// Clients remembers which clients trust our certificate, and which hosts each
// is better left alone with. It is safe for concurrent use. Keys are opaque:
// the same for all connections of one client. Nothing is asked of the network
// or the clock but Now.
type Clients struct {
	now     func() time.Time
	changed func()

	mu   sync.Mutex
	byID map[string]*client
}

type client struct {
	Proved  time.Time        `json:"proved,omitzero"`
	Refused time.Time        `json:"refused,omitzero"` // when it ended proof and probing
	Used    time.Time        `json:"used"`
	Hosts   map[string]*host `json:"hosts,omitempty"`
}

type host struct {
	Refusals int       `json:"refusals,omitempty"`
	Last     time.Time `json:"last,omitzero"` // of the refusals
	Left     time.Time `json:"left,omitzero"` // since when it is left alone
	Reason   Reason    `json:"reason,omitempty"`
}

// NewClients returns an empty memory of clients. now is the clock (nil:
// time.Now), changed is called after each change worth keeping (nil: nothing);
// it must not call back.
func NewClients(now func() time.Time, changed func()) *Clients {
	if now == nil {
		now = time.Now
	}
	if changed == nil {
		changed = func() {}
	}
	return &Clients{now: now, changed: changed, byID: map[string]*client{}}
}

// Trust returns what is known of the client.
func (c *Clients) Trust(key string) Trust {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := c.byID[key]
	if cl == nil {
		return Unproven
	}
	now := c.now()
	cl.Used = now
	switch {
	case within(now, cl.Refused, refusalLife):
		return Refusing
	case within(now, cl.Proved, proofLife):
		return Proven
	}
	return Unproven
}

// within reports whether t is set and less than d before now.
func within(now, t time.Time, d time.Duration) bool { return !t.IsZero() && now.Sub(t) < d }

// Proved notes that a request of the client was read through our certificate.
// It does not lift a refusal: that lasts its day, or until Reset.
func (c *Clients) Proved(key string) {
	c.mu.Lock()
	cl, now := c.client(key), c.now()
	save := !within(now, cl.Proved, proofGrain)
	cl.Proved = now
	c.mu.Unlock()
	if save {
		c.changed()
	}
}

// Refusal is what follows from a refusal. At most one is set; if none is, it
// was only counted.
type Refusal struct {
	Client bool // the client is left alone from now on
	Host   bool // the host is left alone for this client from now on
}

// Refuse notes that the client refused our certificate for name. probe says
// that the host was intercepted to find out, or is one that would be refused
// by name.
func (c *Clients) Refuse(key, name string, probe bool) Refusal {
	c.mu.Lock()
	r := c.refuse(c.client(key), name, probe)
	c.mu.Unlock()
	c.changed()
	return r
}

func (c *Clients) refuse(cl *client, name string, probe bool) Refusal {
	now := c.now()
	other := false
	for n, h := range cl.Hosts {
		if n != name && within(now, h.Last, refusalGap) {
			other = true
		}
	}
	h := cl.host(name, now)
	if !within(now, h.Last, refusalLife) {
		h.Refusals = 0
	}
	h.Refusals++
	h.Last = now
	if probe || other {
		first := !within(now, cl.Refused, refusalLife)
		cl.Refused, cl.Proved = now, time.Time{}
		return Refusal{Client: first}
	}
	if h.Refusals < refusalsOfHost {
		return Refusal{}
	}
	first := !within(now, h.Left, refusalLife)
	h.Left, h.Reason = now, ReasonRefused
	return Refusal{Host: first}
}

// Leave notes that the host is left alone for this client for a day. It reports
// whether that is news.
func (c *Clients) Leave(key, name string, why Reason) bool {
	c.mu.Lock()
	now := c.now()
	h := c.client(key).host(name, now)
	news := !within(now, h.Left, refusalLife)
	h.Left, h.Reason = now, why
	c.mu.Unlock()
	c.changed()
	return news
}

// Left reports whether the host is left alone for this client, and why.
func (c *Clients) Left(key, name string) (Reason, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.known(key, name); h != nil && within(c.now(), h.Left, refusalLife) {
		return h.Reason, true
	}
	return "", false
}

// RefusedBefore reports whether the client refused our certificate for this
// host within the last day.
func (c *Clients) RefusedBefore(key, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.known(key, name)
	return h != nil && h.Refusals > 0 && within(c.now(), h.Last, refusalLife)
}

func (c *Clients) known(key, name string) *host {
	if cl := c.byID[key]; cl != nil {
		return cl.Hosts[name]
	}
	return nil
}

// Reset forgets all refusals, as a newly installed certificate deserves. Proofs
// and what sites asked for stay.
func (c *Clients) Reset() {
	c.mu.Lock()
	for _, cl := range c.byID {
		cl.Refused = time.Time{}
		for n, h := range cl.Hosts {
			if h.Reason == ReasonRefused || h.Reason == "" {
				delete(cl.Hosts, n)
				continue
			}
			h.Refusals, h.Last = 0, time.Time{}
		}
	}
	c.mu.Unlock()
	c.changed()
}

// client returns the entry of key, making it and room for it if need be.
func (c *Clients) client(key string) *client {
	cl := c.byID[key]
	if cl == nil {
		if len(c.byID) >= maxClients {
			drop(c.byID, func(a, b *client) bool { return a.Used.Before(b.Used) })
		}
		cl = &client{}
		c.byID[key] = cl
	}
	cl.Used = c.now()
	return cl
}

func (cl *client) host(name string, now time.Time) *host {
	if h := cl.Hosts[name]; h != nil {
		return h
	}
	if cl.Hosts == nil {
		cl.Hosts = map[string]*host{}
	}
	if len(cl.Hosts) >= maxClientHosts {
		drop(cl.Hosts, func(a, b *host) bool { return a.touched().Before(b.touched()) })
	}
	h := &host{}
	cl.Hosts[name] = h
	return h
}

func (h *host) touched() time.Time {
	if h.Left.After(h.Last) {
		return h.Left
	}
	return h.Last
}

// drop removes the first entry of m by less. Both maps are small, so a look
// through all is cheaper than an order kept with every use.
func drop[V any](m map[string]V, less func(a, b V) bool) {
	var oldest string
	found := false
	for k, v := range m {
		if !found || less(v, m[oldest]) {
			oldest, found = k, true
		}
	}
	delete(m, oldest)
}

// State returns what is remembered as JSON, without what has ended.
func (c *Clients) State() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	live := make(map[string]*client, len(c.byID))
	now := c.now()
	for k, cl := range c.byID {
		for n, h := range cl.Hosts {
			if !within(now, h.touched(), refusalLife) {
				delete(cl.Hosts, n)
			}
		}
		if len(cl.Hosts) > 0 || within(now, cl.Proved, proofLife) || within(now, cl.Refused, refusalLife) {
			live[k] = cl
		}
	}
	b, err := json.Marshal(live)
	if err != nil { // strings and times in years that JSON has: cannot be
		return nil
	}
	return b
}

// Restore replaces what is remembered by what State returned. Times in the
// future are taken as now, so that nothing lasts longer than it may.
func (c *Clients) Restore(b []byte) error {
	var saved map[string]*client
	if err := json.Unmarshal(b, &saved); err != nil {
		return fmt.Errorf("clients: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.byID = make(map[string]*client, min(len(saved), maxClients))
	for k, cl := range saved {
		if cl == nil {
			continue
		}
		if len(c.byID) >= maxClients {
			break
		}
		cl.settle(now)
		c.byID[k] = cl
	}
	return nil
}

func (cl *client) settle(now time.Time) {
	for _, t := range []*time.Time{&cl.Proved, &cl.Refused, &cl.Used} {
		notAfter(t, now)
	}
	for n, h := range cl.Hosts {
		if h == nil {
			delete(cl.Hosts, n)
			continue
		}
		notAfter(&h.Last, now)
		notAfter(&h.Left, now)
	}
	for len(cl.Hosts) > maxClientHosts {
		drop(cl.Hosts, func(a, b *host) bool { return a.touched().Before(b.touched()) })
	}
}

func notAfter(t *time.Time, now time.Time) {
	if t.After(now) {
		*t = now
	}
}
