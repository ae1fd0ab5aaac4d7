package main

import (
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/internal/memory"
)

// fromGroup says that a list was asked for by a group of clients; if nobody else
// does, it holds for that group alone.
const fromGroup = "clients"

// groupLists returns all lists that groups of clients name.
func (c *config) groupLists() []string {
	var all []string
	for i := range c.Clients {
		all = append(all, c.Clients[i].Lists...)
		for _, w := range c.Clients[i].Schedule {
			all = append(all, w.Lists...)
		}
	}
	return all
}

// parties joins what holds for a group with what holds for everybody, and keeps
// the outcome: policies are asked for with every question.
type parties struct {
	allow  map[*detect.Policy][]detect.Override // what a group's policy lets pass; others have nothing of their own
	rest   *detect.Policy                       // of clients without a group; nil is nothing of its own
	common func(label string) []detect.Override
	made   atomic.Pointer[map[joint]*detect.Policy]
}

// joint is what a policy was made of. Who is paused or allowed what is part of
// the second, which is another one after each change.
type joint struct{ own, all *detect.Policy }

// maxJoint bounds the policies kept; more than groups times labels with allows
// of their own are old ones.
const maxJoint = 256

// join returns all with what own says besides: its lists, its allows, its pause.
func (p *parties) join(own, all *detect.Policy, label string) *detect.Policy {
	if p == nil {
		return all
	}
	if own == nil {
		if own = p.rest; own == nil {
			return all
		}
	}
	key := joint{own, all}
	made := p.made.Load()
	if made != nil {
		if q := (*made)[key]; q != nil {
			return q
		}
	}
	q := *all
	q.Lists, q.ListsOf = own.Lists, own.ListsOf
	q.Observe = all.Observe || own.Observe
	if allow := p.allow[own]; len(allow) > 0 {
		q.Allows = detect.NewOverrides(append(slices.Clone(allow), p.common(label)...))
	}
	next := map[joint]*detect.Policy{}
	if made != nil && len(*made) < maxJoint {
		maps.Copy(next, *made)
	}
	next[key] = &q
	p.made.Store(&next) // a lost entry is made again
	return &q
}

// policyFor returns what is in force for who asks from addr, out of what mind
// has for a label. proxyLabel is what the proxy calls it.
func (s *service) policyFor(addr netip.Addr, proxyLabel string, mind func(label string) *detect.Policy) *detect.Policy {
	f, now := s.force.Load(), time.Now()
	if f.parties == nil {
		return s.pauses.Apply(proxyLabel, mind(proxyLabel), now)
	}
	c := f.table.Find(addr)
	if c.Group < 0 {
		return s.pauses.Apply(proxyLabel, f.parties.join(nil, mind(proxyLabel), proxyLabel), now)
	}
	return s.pauses.Apply(c.Label, f.parties.join(f.table.Policy(&c, now), mind(c.Label), c.Label), now)
}

// group makes the groups of cfg for the lists of snap. Nothing is made if there
// are no groups.
func (s *service) group(cfg *config, snap *lists.Snapshot, generation uint64) (*clients.Table, *parties, error) {
	if len(cfg.Clients) == 0 {
		table, err := clients.New(nil, s.near.find)
		return table, nil, err
	}
	cat, err := catalogue()
	if err != nil {
		return nil, nil, err
	}
	path, _, err := s.app.configPath()
	if err != nil {
		return nil, nil, err
	}
	number := func(spec string) uint16 {
		r, err := cat.Resolve(spec, filepath.Dir(path), fromGroup)
		if err != nil {
			return 0
		}
		return snap.Number(r.Key)
	}
	m := maker{snap: snap, generation: generation, number: number,
		p: &parties{allow: map[*detect.Policy][]detect.Override{}, common: s.allowsOf}}
	var groups []clients.Group
	for i := range cfg.Clients {
		groups = append(groups, m.group(&cfg.Clients[i]))
	}
	m.p.rest = m.everybody()
	table, err := clients.New(groups, s.near.find)
	return table, m.p, err
}

// maker makes groups for the lists of one Snapshot.
type maker struct {
	snap       *lists.Snapshot
	generation uint64
	number     func(spec string) uint16
	p          *parties
}

func (m *maker) group(c *clientConfig) clients.Group {
	g := clients.Group{Name: c.Name, Match: c.Match, Tags: c.Tags}
	g.Policy = m.policy(c.Lists, c.Allow, c.Pause)
	for _, w := range c.Schedule {
		win, err := clients.ParseWindow(w.At)
		if err != nil {
			continue // loading refuses it
		}
		named := w.Lists
		if named == nil {
			named = c.Lists
		}
		win.Policy = m.policy(named, append(slices.Clone(c.Allow), w.Allow...), w.Pause || c.Pause)
		g.Windows = append(g.Windows, win)
	}
	return g
}

// policy is what a group says; nil lists are those of everybody.
func (m *maker) policy(named []string, allow []detect.Override, pause bool) *detect.Policy {
	p := m.everybody()
	if p == nil {
		p = &detect.Policy{}
	}
	p.Observe = pause
	if named != nil {
		var numbers []uint16
		for _, spec := range named {
			numbers = append(numbers, m.number(spec))
		}
		p.ListsOf, p.Lists = m.generation, m.bits(func(i int, l *lists.Loaded) bool {
			return slices.Contains(l.From, lists.FromRules) || slices.Contains(numbers, uint16(i+1))
		})
	}
	m.p.allow[p] = cleaned(allow)
	return p
}

// cleaned is allow as the engine asks for it, pasted URLs and all.
func cleaned(allow []detect.Override) []detect.Override {
	var out []detect.Override
	for _, o := range allow {
		if o, err := memory.CheckOverride(o); err == nil { // loading refuses what is none
			out = append(out, o)
		}
	}
	return out
}

// everybody is nil if all lists hold for everybody.
func (m *maker) everybody() *detect.Policy {
	shared := func(_ int, l *lists.Loaded) bool {
		return slices.ContainsFunc(l.From, func(s string) bool { return s != fromGroup })
	}
	for i := range m.snap.Lists {
		if !shared(i, &m.snap.Lists[i]) {
			return &detect.Policy{ListsOf: m.generation, Lists: m.bits(shared)}
		}
	}
	return nil
}

// bits has a bit for each list that on reports, and at least a word: none at all
// would be no choice.
func (m *maker) bits(on func(i int, l *lists.Loaded) bool) []uint64 {
	bits := make([]uint64, len(m.snap.Lists)/64+1)
	for i := range m.snap.Lists {
		if on(i, &m.snap.Lists[i]) {
			bits[i/64] |= 1 << (i % 64)
		}
	}
	return bits
}

// allowsOf returns the user's allows for a label: those of the configuration and
// those given by command.
func (s *service) allowsOf(label string) []detect.Override {
	all := s.cfg.Load().memory().Allows
	now := time.Now()
	for _, a := range s.mem.ListAllows() {
		if (a.Client == "" || a.Client == label) && (a.Until.IsZero() || a.Until.After(now)) {
			all = append(all, a.Override)
		}
	}
	return all
}

// labelOf is what the log calls a client beyond this machine.
func (s *service) labelOf(addr netip.Addr) string {
	c := s.table().Find(addr)
	return c.Label
}
