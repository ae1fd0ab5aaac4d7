package dnsfilter

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
)

// quick does everything about a packet that does not wait. It returns the
// answer, or a request that slow must go on with, or neither: silence.
func (d *Door) quick(pkt []byte, from netip.Addr, via Via) (out []byte, r *request) {
	return d.general(pkt, from, via, nil)
}

// general is quick with what is known already of the packet, which is not asked
// for again.
func (d *Door) general(pkt []byte, from netip.Addr, via Via, f *hint) (out []byte, r *request) {
	counted := false
	count := func() {
		if !counted {
			counted = true
			d.count.queries[via].Add(1)
		}
	}
	defer func() {
		if d.survived(recover()) {
			count()
			out, r = headerOnly(pkt, dns.RcodeServerFailure), nil
		}
	}()
	if r, out = d.intake(pkt, from.Unmap(), via, f); r == nil || r.host != HealthName {
		count()
	}
	if r == nil || out != nil {
		return out, nil
	}
	rep, done := d.answerNow(r)
	if rep.alias != "" {
		r.alias = &rep
		done = false
	}
	if !done {
		r.found = nil
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

// survived says a panic in the log, without its value, which could hold
// anything. One odd question must not take the resolver from everybody.
func (d *Door) survived(v any) bool {
	if v == nil {
		return false
	}
	d.count.panics.Add(1)
	d.log.Error("answering panicked", "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	return true
}

func (d *Door) cached(r *request) (cache.Hit, cache.State) {
	if d.o.Cache == nil {
		return cache.Hit{}, cache.Miss
	}
	if f := r.found; f != nil && f.looked {
		r.found = nil
		hit := f.hit
		hit.Wire = bytes.Clone(hit.Wire)
		return hit, f.state
	}
	return d.o.Cache.Get(nil, r.key, r.start)
}

// slow answers what quick could not, within answerTime.
func (d *Door) slow(ctx context.Context, r *request) (out []byte) {
	defer func() {
		if d.survived(recover()) {
			out = d.unpackable(r)
		}
	}()
	if r.alias != nil {
		return d.finish(r, d.redirect(ctx, r, *r.alias))
	}
	rep := d.ask(ctx, r)
	if rep.alias != "" { // a rule for a name that the answer leads to
		rep = d.redirect(ctx, r, rep)
	}
	return d.finish(r, rep)
}

// redirect answers with an alias and what the alias leads to. Where that
// is blocked or another rule's, it is the end.
func (d *Door) redirect(ctx context.Context, r *request, rep reply) reply {
	if under(r.host, hostText(rep.alias)) && len(r.host)+1 == len(rep.alias) {
		return negative(r, dns.RcodeSuccess, uint32(d.o.BlockTTL.Seconds()))
	}
	to := *r
	to.q.Name, to.alias, to.stale = rep.alias, nil, nil
	d.name(&to)
	var got reply
	if v := to.j.question(to.host, to.q.Qtype); v.blocks() {
		got = shaped(&to, shape{reply: d.o.Block, addrs: d.o.BlockAddrs}, d.o.BlockTTL)
	} else if known, ok := d.known(&to); ok {
		got = known
	} else {
		got = d.ask(ctx, &to)
	}
	h := dns.RR_Header{Name: r.q.Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: uint32(d.o.BlockTTL.Seconds())}
	rep.answer = append([]dns.RR{&dns.CNAME{Hdr: h, Target: rep.alias}}, got.answer...)
	rep.ns, rep.rcode, rep.ad = got.ns, got.rcode, false
	return rep
}

// busy answers a request for which there is no room.
func (d *Door) busy(r *request) []byte {
	d.count.busy.Add(1)
	if r.stale != nil {
		return d.finish(r, d.fromStale(r))
	}
	return d.finish(r, reply{rcode: dns.RcodeServerFailure, code: dns.ExtendedErrorCodeNotReady, text: "too many questions wait", from: "local"})
}
