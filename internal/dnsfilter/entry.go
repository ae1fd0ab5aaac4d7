package dnsfilter

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/wire"
)

// maxChain bounds the CNAME chain that is believed.
const maxChain = 16

// badAnswer says what was wrong with an answer from upstream.
type badAnswer struct {
	code uint16
	text string
}

func (b *badAnswer) Error() string { return b.text }

// entry makes what the cache keeps out of an answer: only records that belong to
// it, without OPT, TTLs made equal within a set and bounded, owner names as
// asked.
func (d *Door) entry(q dns.Question, host string, m *dns.Msg) (cache.Entry, error) {
	e := cache.Entry{Code: -1}
	if err := fits(q, m); err != nil {
		return e, err
	}
	m.Id = 0
	m.Answer, e.Targets, e.Aliases = chained(q, m.Answer)
	m.Ns = slices.DeleteFunc(m.Ns, isOPT)
	m.Extra = d.foreign(&e, m.Extra)
	e.Targets = append(e.Targets, serviceTargets(q, m.Answer)...)
	levelTTLs(m.Answer, maxPositive)
	levelTTLs(m.Ns, maxPositive)
	levelTTLs(m.Extra, maxPositive)
	e.Lifetime = lifetime(q, m)
	e.Look = d.mustLook(host, m.Answer)
	m.Compress, m.Authoritative, m.Truncated, m.Zero, m.RecursionAvailable = true, false, false, false, true
	var err error
	if e.Wire, err = m.Pack(); err != nil {
		return e, fmt.Errorf("pack the answer: %w", err)
	}
	if e.TTLs, err = wire.TTLs(e.Wire); err != nil {
		return e, fmt.Errorf("read the answer: %w", err)
	}
	return e, nil
}

func isOPT(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }

// fits reports what is wrong with an answer as a whole.
func fits(q dns.Question, m *dns.Msg) error {
	switch {
	case m == nil || !m.Response || len(m.Question) != 1 || m.Question[0].Qtype != q.Qtype || m.Question[0].Qclass != q.Qclass ||
		len(m.Question[0].Name) != len(q.Name) || !equalFold(m.Question[0].Name, q.Name):
		return &badAnswer{dns.ExtendedErrorCodeInvalidData, "an upstream answered another question"}
	case m.Truncated:
		return &badAnswer{dns.ExtendedErrorCodeInvalidData, "an upstream's answer was cut off"}
	}
	m.Question[0].Name = q.Name
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
		return nil
	}
	bad := &badAnswer{dns.ExtendedErrorCodeNoReachableAuthority, "the upstream answered " + dns.RcodeToString[m.Rcode]}
	if ede := extended(m); ede != nil { // it knows better
		bad.code = ede.InfoCode
		if ede.ExtraText != "" {
			bad.text = clip(ede.ExtraText)
		}
	}
	return bad
}

// extended returns the first extended error of a message, nil if it has none.
func extended(m *dns.Msg) *dns.EDNS0_EDE {
	if o := m.IsEdns0(); o != nil {
		for _, x := range o.Option {
			if e, ok := x.(*dns.EDNS0_EDE); ok {
				return e
			}
		}
	}
	return nil
}

// foreign takes the OPT record out of extra and its extended error into e.
func (d *Door) foreign(e *cache.Entry, extra []dns.RR) []dns.RR {
	if ede := extended(&dns.Msg{Extra: extra}); ede != nil {
		e.Code, e.Text = int(ede.InfoCode), clip(ede.ExtraText)
	}
	return slices.DeleteFunc(extra, func(rr dns.RR) bool { return isOPT(rr) || rr.Header().Rrtype == dns.TypeTSIG })
}

// chained follows the chain of names from q through an answer. It keeps the
// records of those names and drops all others, which nobody asked for
// (RFC 2181 §5.4.1), and returns the names that the chain leads to.
func chained(q dns.Question, rrs []dns.RR) (kept []dns.RR, targets []string, aliases int) {
	alias := aliasesIn(rrs)
	at := lower(q.Name)
	names := map[string]bool{at: true}
	for range maxChain {
		next, ok := alias[at]
		if !ok || names[next] {
			break
		}
		names[next] = true
		targets = append(targets, hostText(next))
		at = next
	}
	for _, rr := range rrs {
		h := rr.Header()
		owner := lower(h.Name)
		synth := h.Rrtype == dns.TypeDNAME || covers(rr, dns.TypeDNAME)
		if isOPT(rr) || h.Class != q.Qclass || !names[owner] && !(synth && above(owner, names)) {
			continue
		}
		beside := !synth && h.Rrtype != dns.TypeCNAME && !covers(rr, dns.TypeCNAME)
		if _, ok := alias[owner]; ok && beside {
			continue // nothing stands beside a CNAME (RFC 2181 §10.1)
		}
		if owner == lower(q.Name) {
			h.Name = q.Name
		}
		kept = append(kept, rr)
	}
	return kept, targets, len(targets)
}

// aliasesIn maps the owner of each CNAME to where it leads; the first counts.
func aliasesIn(rrs []dns.RR) map[string]string {
	out := map[string]string{}
	for _, rr := range rrs {
		if c, ok := rr.(*dns.CNAME); ok {
			if owner := lower(c.Hdr.Name); out[owner] == "" {
				out[owner] = lower(c.Target)
			}
		}
	}
	return out
}

// covers reports whether rr is a signature over records of type t.
func covers(rr dns.RR, t uint16) bool {
	s, ok := rr.(*dns.RRSIG)
	return ok && s.TypeCovered == t
}

// above reports whether owner is a domain above one of names.
func above(owner string, names map[string]bool) bool {
	for n := range names {
		if dns.IsSubDomain(owner, n) {
			return true
		}
	}
	return false
}

// serviceTargets returns the other names that records lead a browser to.
func serviceTargets(q dns.Question, rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs {
		var t string
		switch rr := rr.(type) {
		case *dns.HTTPS:
			t = rr.Target
		case *dns.SVCB:
			t = rr.Target
		}
		if t != "" && t != "." && lower(t) != lower(q.Name) && len(out) < maxChain {
			out = append(out, hostText(t))
		}
	}
	return out
}

// levelTTLs makes the TTLs of each record set equal, and none longer than most.
func levelTTLs(rrs []dns.RR, most time.Duration) {
	type set struct {
		name        string
		rtype, sigs uint16
	}
	key := func(rr dns.RR) set {
		k := set{name: lower(rr.Header().Name), rtype: rr.Header().Rrtype}
		if s, ok := rr.(*dns.RRSIG); ok {
			k.sigs = s.TypeCovered
		}
		return k
	}
	least := map[set]uint32{}
	for _, rr := range rrs {
		h := rr.Header()
		if h.Ttl > 1<<31-1 { // RFC 2181 §8
			h.Ttl = 0
		}
		h.Ttl = min(h.Ttl, uint32(most/time.Second))
		if old, ok := least[key(rr)]; !ok || h.Ttl < old {
			least[key(rr)] = h.Ttl
		}
	}
	for _, rr := range rrs {
		rr.Header().Ttl = least[key(rr)]
	}
}

// lifetime is how long an answer holds: the least TTL, and where it says that
// there is nothing what its SOA says, which it says itself from then on
// (RFC 2308 §5). Without one nothing is remembered.
func lifetime(q dns.Question, m *dns.Msg) time.Duration {
	least := uint32(maxPositive / time.Second)
	for _, rr := range m.Answer {
		least = min(least, rr.Header().Ttl)
	}
	if m.Rcode == dns.RcodeSuccess && hasType(m.Answer, q.Qtype) {
		return time.Duration(least) * time.Second
	}
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			soa.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl, uint32(maxNegative/time.Second))
			return time.Duration(min(least, soa.Hdr.Ttl)) * time.Second
		}
	}
	return 0
}

// mustLook reports whether addresses in an answer may have to be taken out.
func (d *Door) mustLook(host string, rrs []dns.RR) bool {
	var addrs []netip.Addr
	for _, rr := range rrs {
		addrs = append(addrs, addrsOf(rr)...)
	}
	for _, a := range addrs {
		if inNets(a, d.o.BlockNets) || isPrivate(a) && !d.mayBePrivate(host) {
			return true
		}
	}
	return false
}
