package dnsfilter

import (
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/dnsfilter/wire"
)

// lane is what one reader of UDP packets has for itself: counters, and memory
// of what it would otherwise have to make anew for each packet. Everything in
// it is bounded. Only its reader uses it, but for the counters and what waits
// to be told.
type lane struct {
	d       *Door
	q       wire.Question
	host    string
	ask     detect.HostQuestion
	key     []byte
	found   hint
	hosts   hostNames
	clients known
	whys    whys
	told    tray
	count   laneCount
}

// newLane makes a lane and has Stats count it.
func (d *Door) newLane() *lane {
	l := &lane{d: d, clients: known{}, hosts: hostNames{seed: maphash.MakeSeed()}}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lanes = append(d.lanes, l)
	return l
}

// laneCount are the counters of one lane. They lie apart from those of others,
// which other processors write.
type laneCount struct {
	_                                       [64]byte
	queries, dropped, blocked, cached, lost atomic.Int64
	rcodes                                  [16]atomic.Int64
	_                                       [64]byte
}

// hostNames makes names into strings without making the same one twice in a
// row: it remembers as many as it has places.
type hostNames struct {
	seed maphash.Seed
	buf  [wire.MaxName]byte
	at   [1024]string
}

// of returns the name that is name in wire form, as rules know it.
func (h *hostNames) of(name []byte) string {
	b := wire.AppendName(h.buf[:0], name)
	p := &h.at[maphash.Bytes(h.seed, b)%uint64(len(h.at))]
	if *p != string(b) {
		*p = string(b)
	}
	return *p
}

const (
	// maxKnown bounds the clients that a lane remembers.
	maxKnown = 1024
	// knownTime is how long it does: what a client is called comes from the
	// network's tables, which are some seconds old themselves.
	knownTime = time.Second
)

// known remembers who is who. What is in force for a client is asked for with
// every question.
type known map[netip.Addr]*acquaintance

type acquaintance struct {
	client clients.Client
	who    string // as rules name clients
	table  *clients.Table
	at     time.Time
}

func (k known) of(from netip.Addr, t *clients.Table, now time.Time) *acquaintance {
	a := k[from]
	if a != nil && a.table == t && now.Sub(a.at) < knownTime && !now.Before(a.at) {
		return a
	}
	if a == nil && len(k) >= maxKnown {
		clear(k)
	}
	a = &acquaintance{client: t.Find(from), table: t, at: now}
	a.who = newJudge(nil, nil, &a.client).who
	k[from] = a
	return a
}

// whys remembers how blocks by the rules asked for last are answered, and why.
type whys [256]why

type why struct {
	set  *engine.Set
	rule detect.Rule
	user bool
	as   shape  // never automatic
	told bool   // text is known
	text string // of the extended error
}

// of says how a block is answered.
func (w *whys) of(d *Door, j *judge, v verdict) *why {
	p := &w[(uint32(v.d.Rule)*2654435761)>>24] // Fibonacci hashing
	if p.set == j.set && p.rule == v.d.Rule && p.user == v.byUser() {
		return p
	}
	*p = why{set: j.set, rule: v.d.Rule, user: v.byUser(), as: j.shape(v, 0, d.o.ListBlock)}
	if p.as.reply == detect.ReplyAuto {
		p.as.reply, p.as.addrs = d.o.Block, d.o.BlockAddrs
	}
	return p
}

// reason is the text of the extended error, which not every client can be told.
func (p *why) reason(d *Door, j *judge, v verdict) string {
	if !p.told && !d.o.Silent {
		p.text = clip(j.reason(v))
	}
	p.told = true
	return p.text
}
