package dnsfilter

import (
	"context"
	"net/netip"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
)

// quick does everything about a packet that does not wait. It returns the
// answer, or a request that slow must go on with, or neither: silence.
func (d *Door) quick(pkt []byte, from netip.Addr, via Via) ([]byte, *request) {
	d.count.queries[via].Add(1)
	r, out := d.intake(pkt, from.Unmap(), via)
	if r == nil || out != nil {
		return out, nil
	}
	rep, done := d.answerNow(r)
	if !done {
		return nil, r
	}
	return d.finish(r, rep), nil
}

// answerNow gives the answers that need nobody upstream.
func (d *Door) answerNow(r *request) (reply, bool) {
	if rep, ok := d.local(r); ok {
		return rep, true
	}
	if d.o.Bypass != nil && leadsPast(r.host) {
		d.o.Bypass(r.client.Label, r.host)
	}
	r.seen = r.j.question(r.host, r.q.Qtype)
	if r.seen.blocks() {
		return d.block(r, r.seen, nil), true
	}
	if r.q.Qtype == dns.TypeANY {
		return minimalANY(r), true
	}
	d.record(r, r.seen, nil, 0)
	return d.known(r)
}

// known answers from the cache. A stale answer is put by.
func (d *Door) known(r *request) (reply, bool) {
	hit, state := d.cached(r)
	switch state {
	case cache.Due:
		d.refresh(r)
		return d.fromHit(r, &hit, "cache"), true
	case cache.Fresh:
		return d.fromHit(r, &hit, "cache"), true
	case cache.Stale:
		r.stale = &hit
	}
	return reply{}, false
}

func (d *Door) cached(r *request) (cache.Hit, cache.State) {
	if d.o.Cache == nil {
		return cache.Hit{}, cache.Miss
	}
	return d.o.Cache.Get(nil, r.key, r.start)
}

// slow answers what quick could not, within answerTime.
func (d *Door) slow(ctx context.Context, r *request) []byte {
	return d.finish(r, d.ask(ctx, r))
}

// busy answers a request for which there is no room.
func (d *Door) busy(r *request) []byte {
	d.count.busy.Add(1)
	if r.stale != nil {
		return d.finish(r, d.fromStale(r))
	}
	return d.finish(r, reply{rcode: dns.RcodeServerFailure, code: dns.ExtendedErrorCodeNotReady, text: "too many questions wait", from: "local"})
}
