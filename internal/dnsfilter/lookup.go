package dnsfilter

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxLookup bounds the addresses of one Lookup.
const maxLookup = 16

// Lookup finds the addresses of host for another part of this program, through
// the cache and the upstreams and with the CNAME chain, nearest first, without
// the host itself. Nothing is filtered and nothing recorded here: who asks
// knows the whole request, judges better by it, and tells of it. blocked says
// that an upstream refuses to say (by an extended error or a null address).
// Private addresses are returned; who dials guards them. A name that does not
// exist is a *net.DNSError with IsNotFound.
func (d *Door) Lookup(ctx context.Context, host string, client netip.Addr) (addrs []netip.Addr, chain []string, ttl time.Duration, blocked bool, err error) {
	four := make(chan found, 1)
	go func() { four <- d.lookup(ctx, host, client, dns.TypeA) }()
	six := d.lookup(ctx, host, client, dns.TypeAAAA)
	a := <-four
	for _, f := range []found{a, six} {
		for _, x := range f.addrs {
			if len(addrs) < maxLookup {
				addrs = append(addrs, x)
			}
		}
		if len(f.chain) > len(chain) {
			chain = f.chain
		}
		blocked = blocked || f.blocked
		if f.err == nil && (ttl == 0 || f.ttl < ttl) {
			ttl = f.ttl
		}
	}
	switch {
	case blocked:
		return nil, chain, ttl, true, nil
	case len(addrs) > 0:
		return addrs, chain, ttl, false, nil
	case a.err != nil:
		return nil, chain, 0, false, a.err
	case six.err != nil:
		return nil, chain, 0, false, six.err
	}
	return nil, chain, ttl, false, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

type found struct {
	addrs   []netip.Addr
	chain   []string
	ttl     time.Duration
	blocked bool
	err     error
}

func (d *Door) lookup(ctx context.Context, host string, client netip.Addr, qtype uint16) found {
	fail := func(text string) found {
		return found{err: &net.DNSError{Err: text, Name: host, IsTemporary: true}}
	}
	q := new(dns.Msg).SetQuestion(dns.Fqdn(strings.ToLower(host)), qtype)
	q.SetEdns0(MaxUDP, false)
	pkt, err := q.Pack()
	if err != nil {
		return found{err: &net.DNSError{Err: "not a name", Name: host, IsNotFound: true}}
	}
	d.count.queries[Inside].Add(1)
	r, out := d.intake(pkt, client, Inside, nil)
	if r == nil || out != nil {
		return fail("not a question")
	}
	rep, ok := d.inside(r)
	if !ok {
		if !d.missing.enter(client) {
			return fail("too many questions wait")
		}
		rep = d.ask(ctx, r)
		d.missing.leave(client)
	}
	if ctx.Err() != nil {
		return found{err: &net.DNSError{Err: "no answer in time", Name: host, IsTimeout: true}}
	}
	return rep.found(r, host)
}

// inside gives the answers that need nobody upstream.
func (d *Door) inside(r *request) (reply, bool) {
	if !d.o.Upstream.Covers(r.host) {
		if rep, ok := special(r); ok {
			return rep, true
		}
	}
	return d.known(r)
}

// found reads an answer for Lookup.
func (rep reply) found(r *request, host string) found {
	f := found{}
	switch rep.rcode {
	case dns.RcodeSuccess, dns.RcodeNameError:
	default:
		text := rep.text
		if text == "" {
			text = "server misbehaving"
		}
		return found{err: &net.DNSError{Err: text, Name: host, IsTemporary: true}}
	}
	least := uint32(maxPositive / time.Second)
	alias := aliasesIn(rep.answer)
	for at := lower(r.q.Name); alias[at] != "" && len(f.chain) < maxChain; at = alias[at] {
		f.chain = append(f.chain, hostText(alias[at]))
	}
	for _, rr := range rep.answer {
		least = min(least, rr.Header().Ttl)
		for _, a := range addrsOf(rr) {
			if a.IsUnspecified() {
				f.blocked = true
				continue
			}
			f.addrs = append(f.addrs, a)
		}
	}
	if len(rep.answer) == 0 {
		least = 0
		for _, rr := range rep.ns {
			least = rr.Header().Ttl
		}
	}
	f.ttl = time.Duration(least) * time.Second
	if rep.coded && rep.code >= dns.ExtendedErrorCodeBlocked && rep.code <= dns.ExtendedErrorCodeFiltered {
		f.blocked = true
	}
	return f
}
