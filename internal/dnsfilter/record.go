package dnsfilter

import (
	"sync/atomic"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
)

const door = "dns"

// record hands a sighting to the ledger, if there is something to tell. The
// proxy tells its own.
func (d *Door) record(r *request, v verdict, chain []string, rep detect.Reply) {
	if d.o.Record == nil || !v.seen() || r.via == Inside {
		return
	}
	dec := v.d
	if dec.Action == detect.Block {
		if rep == detect.ReplyAuto {
			rep = detect.ReplyNullAddress
		}
		dec.Reply = rep
	}
	d.o.Record(ledger.Sighting{
		Set: r.j.set, Decision: dec, Door: door, Client: r.client.Label,
		Seen: detect.Seen{
			Request: &detect.Request{Host: r.host}, Policy: r.j.policy, Chain: chain, Reply: dec.Reply, At: r.start,
		},
	})
}

// done counts an answer and hands it to the query log.
func (d *Door) done(r *request, rep reply, rcode int) {
	if r.host == HealthName {
		return
	}
	d.count.rcodes[min(rcode, len(d.count.rcodes)-1)].Add(1)
	if rep.from == "cache" {
		d.count.cached.Add(1)
	}
	if d.o.Query == nil || r.via == Inside || r.host == "" && r.key == nil {
		return
	}
	d.o.Query(Query{At: r.start, Client: r.client.Label, Host: r.host, QType: r.q.Qtype, RCode: rcode,
		Action: rep.action, From: rep.from, Via: r.via.String(), Took: d.now().Sub(r.start)})
}

// counters are what Stats is made of.
type counters struct {
	queries                              [vias]atomic.Int64
	rcodes                               [maxRcode]atomic.Int64
	blocked, cached, stale, prefetch     atomic.Int64
	upstream, failed                     atomic.Int64
	dropped, strangers, limited, busy    atomic.Int64
	panics                               atomic.Int64
	rebinding, connections, refusedConns atomic.Int64
}

// maxRcode is one more than the largest code counted by itself; BADVERS is 16.
const maxRcode = 17

// Stats are the Door's counters since it was made.
type Stats struct {
	// Queries by transport: udp, tcp, dot, doh, doq, proxy.
	Queries map[string]int64 `json:"queries"`
	// RCodes by number.
	RCodes map[int]int64 `json:"rcodes"`
	// Blocked, Cached, Stale: answered so. Prefetched: asked for before its end.
	Blocked    int64 `json:"blocked"`
	Cached     int64 `json:"cached"`
	Stale      int64 `json:"stale"`
	Prefetched int64 `json:"prefetched"`
	// Upstream: questions passed on (equal ones at once count once); Failed: without answer.
	Upstream int64 `json:"upstream"`
	Failed   int64 `json:"failed"`
	// Dropped: packets that are no questions. Strangers: refused by network.
	// Limited: told to come by TCP. Busy: no room to wait for an upstream.
	Dropped   int64 `json:"dropped"`
	Strangers int64 `json:"strangers"`
	Limited   int64 `json:"limited"`
	Busy      int64 `json:"busy"`
	// Lost: blocked questions that came faster than the ledger could be told.
	Lost int64 `json:"lost"`
	// Panics: faults of ours that a question met.
	Panics int64 `json:"panics"`
	// Rebinding: public names whose private addresses were taken out.
	Rebinding int64 `json:"rebinding"`
	// Connections: accepted; RefusedConnections: closed at once, over a bound.
	Connections        int64 `json:"connections"`
	RefusedConnections int64 `json:"refused_connections"`
}

// Stats returns the counters as of now.
func (d *Door) Stats() Stats {
	c := &d.count
	s := Stats{
		Queries: map[string]int64{}, RCodes: map[int]int64{},
		Blocked: c.blocked.Load(), Cached: c.cached.Load(), Stale: c.stale.Load(), Prefetched: c.prefetch.Load(),
		Upstream: c.upstream.Load(), Failed: c.failed.Load(),
		Dropped: c.dropped.Load(), Strangers: c.strangers.Load(), Limited: c.limited.Load(), Busy: c.busy.Load(), Panics: c.panics.Load(),
		Rebinding: c.rebinding.Load(), Connections: c.connections.Load(), RefusedConnections: c.refusedConns.Load(),
	}
	rcodes := d.addLanes(&s)
	for v := range vias {
		if n := c.queries[v].Load(); n > 0 {
			s.Queries[v.String()] += n
		}
	}
	for i := range c.rcodes {
		if n := c.rcodes[i].Load() + rcodes[i]; n > 0 {
			s.RCodes[i] = n
		}
	}
	return s
}

// addLanes adds what the lanes counted and returns their answers by code.
func (d *Door) addLanes(s *Stats) (rcodes [maxRcode]int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		c := &l.count
		if n := c.queries.Load(); n > 0 {
			s.Queries[UDP.String()] += n
		}
		s.Dropped += c.dropped.Load()
		s.Blocked += c.blocked.Load()
		s.Cached += c.cached.Load()
		s.Lost += c.lost.Load()
		for i := range c.rcodes {
			rcodes[i] += c.rcodes[i].Load()
		}
	}
	return rcodes
}
