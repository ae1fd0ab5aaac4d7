package dnsfilter

import (
	"net/netip"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
)

// fromHit makes the answer out of a cached one: what the client's policy says
// of all names and addresses in it comes first.
func (d *Door) fromHit(r *request, h *cache.Hit, from string) reply {
	if v, chain := r.inspect(h.Targets, h.Aliases); v.blocks() {
		return d.block(r, v, chain)
	} else if v.seen() {
		d.record(r, v, chain, 0)
	}
	var m dns.Msg
	if err := m.Unpack(h.Wire); err != nil { // what we packed ourselves
		d.log.Error("kept answer could not be read")
		return reply{rcode: dns.RcodeServerFailure}
	}
	rep := reply{rcode: m.Rcode, ad: m.AuthenticatedData, answer: m.Answer, ns: m.Ns, extra: m.Extra, from: from}
	if h.Code >= 0 {
		rep.code, rep.coded, rep.text = uint16(h.Code), true, h.Text
	}
	r.restoreCase(rep.answer)
	if h.Look && r.via != Inside {
		return d.lookAt(r, rep)
	}
	return rep
}

// inspect asks about the names that an answer leads to; the first that is
// blocked decides. chain is the CNAME chain up to it.
func (r *request) inspect(targets []string, aliases int) (v verdict, chain []string) {
	if len(targets) == 0 || r.via == Inside || r.j.allowed(r.host) {
		return verdict{}, nil
	}
	for i, t := range targets {
		if u := r.j.target(r.host, t, r.q.Qtype); u.seen() && (u.blocks() || !v.seen()) {
			v = u
			if chain = targets[:min(i+1, aliases)]; i >= aliases {
				chain = append(chain[:len(chain):len(chain)], t)
			}
			if v.blocks() {
				break
			}
		}
	}
	return v, chain
}

// restoreCase gives the client's own letters to records of the name it asked
// for; who checks them (0x20) finds them as sent.
func (r *request) restoreCase(rrs []dns.RR) {
	for _, rr := range rrs {
		if h := rr.Header(); len(h.Name) == len(r.q.Name) && equalFold(h.Name, r.q.Name) {
			h.Name = r.q.Name
		}
	}
}

// lookAt looks at the addresses of an answer: those in networks the user blocks
// block it, private ones of public names are taken out.
func (d *Door) lookAt(r *request, rep reply) reply {
	open := d.mayBePrivate(r.host)
	lifted := r.j.allowed(r.host)
	bad := func(a netip.Addr) bool { return !open && isPrivate(a) }
	kept := rep.answer[:0:0]
	var removed bool
	for _, rr := range rep.answer {
		for _, a := range addrsOf(rr) {
			if !lifted && inNets(a, d.o.BlockNets) {
				return d.blockAddress(r)
			}
		}
		rr, cut := without(rr, bad)
		removed = removed || cut
		if rr != nil {
			kept = append(kept, rr)
		}
	}
	if !removed {
		return rep
	}
	d.count.rebinding.Add(1)
	rep.ad, rep.extra = false, nil
	if rep.answer = kept; !hasType(kept, r.q.Qtype) {
		none := negative(r, dns.RcodeSuccess, uint32(d.o.BlockTTL.Seconds()))
		rep.answer, rep.ns = nil, none.ns
	}
	rep.code, rep.coded, rep.action = dns.ExtendedErrorCodeBlocked, true, detect.Strip
	rep.text = "a public name with a private address (DNS rebinding)"
	return rep
}

// blockAddress is the answer where an address decided.
func (d *Door) blockAddress(r *request) reply {
	rep := shaped(r, shape{reply: d.o.Block, addrs: d.o.BlockAddrs}, d.o.BlockTTL)
	rep.code, rep.coded, rep.from, rep.action = dns.ExtendedErrorCodeBlocked, true, "block", detect.Block
	if !d.o.Silent {
		rep.text = "blocked by address"
	}
	d.count.blocked.Add(1)
	return rep
}

func hasType(rrs []dns.RR, t uint16) bool {
	for _, rr := range rrs {
		if rr.Header().Rrtype == t {
			return true
		}
	}
	return false
}

func inNets(a netip.Addr, nets []netip.Prefix) bool {
	for _, n := range nets {
		if n.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// addrsOf returns the addresses in a record: its own, or its hints.
func addrsOf(rr dns.RR) []netip.Addr {
	var out []netip.Addr
	add := func(ip []byte) {
		if a, ok := netip.AddrFromSlice(ip); ok {
			out = append(out, a.Unmap())
		}
	}
	switch rr := rr.(type) {
	case *dns.A:
		add(rr.A)
	case *dns.AAAA:
		add(rr.AAAA)
	}
	for _, kv := range paramsOf(rr) {
		switch kv := kv.(type) {
		case *dns.SVCBIPv4Hint:
			for _, ip := range kv.Hint {
				add(ip)
			}
		case *dns.SVCBIPv6Hint:
			for _, ip := range kv.Hint {
				add(ip)
			}
		}
	}
	return out
}

func paramsOf(rr dns.RR) []dns.SVCBKeyValue {
	switch rr := rr.(type) {
	case *dns.HTTPS:
		return rr.Value
	case *dns.SVCB:
		return rr.Value
	}
	return nil
}

// without returns rr without bad addresses, nil if nothing is left of it. A
// record of the DNSSEC kind goes with nothing: its set may have changed.
func without(rr dns.RR, bad func(netip.Addr) bool) (left dns.RR, cut bool) {
	for _, a := range addrsOf(rr) {
		cut = cut || bad(a)
	}
	if !cut {
		return rr, false
	}
	switch rr := rr.(type) {
	case *dns.HTTPS:
		rr.Value = noHints(rr.Value)
		return rr, true
	case *dns.SVCB:
		rr.Value = noHints(rr.Value)
		return rr, true
	}
	return nil, true
}

// noHints takes out all address hints: where one is private none is to be
// trusted, and clients do without.
func noHints(kvs []dns.SVCBKeyValue) []dns.SVCBKeyValue {
	var out []dns.SVCBKeyValue
	for _, kv := range kvs {
		switch kv := kv.(type) {
		case *dns.SVCBIPv4Hint, *dns.SVCBIPv6Hint:
			continue
		case *dns.SVCBMandatory: // it may name the hints
			keep := &dns.SVCBMandatory{}
			for _, k := range kv.Code {
				if k != dns.SVCB_IPV4HINT && k != dns.SVCB_IPV6HINT {
					keep.Code = append(keep.Code, k)
				}
			}
			if len(keep.Code) > 0 {
				out = append(out, keep)
			}
			continue
		}
		out = append(out, kv)
	}
	return out
}

// equalFold is strings.EqualFold for ASCII alone: K is not the Kelvin sign.
func equalFold(a, b string) bool {
	for i := range len(a) {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}
