package dnsfilter

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

// localTTL is how long local answers hold, in seconds.
const localTTL = 600

// HealthName is answered with the address 127.0.0.1 and the text "ok" for as long
// as the Door serves. Questions for it are neither counted nor logged: they ask
// after the Door alone.
const HealthName = "health.quench.invalid"

// local answers what is never forwarded.
func (d *Door) local(r *request) (reply, bool) {
	switch r.host {
	case HealthName:
		return health(r), true
	case "use-application-dns.net":
		if !d.o.PassCanary && !r.j.allowed(r.host) {
			return d.canary(r), true
		}
	case "mask.icloud.com", "mask-h2.icloud.com":
		if !d.o.PassRelay && !r.j.allowed(r.host) {
			return d.canary(r), true
		}
	case d.loop:
		d.looped.Store(true)
	}
	if under(r.host, "resolver.arpa") || d.ownName(r) {
		return d.resolverInfo(r), true
	}
	if d.o.Upstream.Covers(r.host) {
		return reply{}, false
	}
	return special(r)
}

func (d *Door) canary(r *request) reply {
	rep := negative(r, dns.RcodeNameError, localTTL)
	rep.action = detect.Block
	return rep
}

func health(r *request) reply {
	if r.q.Qtype == dns.TypeTXT {
		return reply{from: "local", answer: []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: r.q.Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"ok"}}}}
	}
	rep := shaped(r, shape{reply: detect.ReplyAddress, addrs: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}}, 0)
	rep.from = "local"
	return rep
}

// special answers special-use names (RFC 6761, 6762, 7686, 8375, 9476), names
// that mean something in a home only, and the reverse of addresses that mean
// something else on every network (RFC 6303, 7793).
func special(r *request) (reply, bool) {
	top := r.host[strings.LastIndexByte(r.host, '.')+1:]
	switch top {
	case "localhost":
		rep := shaped(r, shape{reply: detect.ReplyAddress, addrs: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}}, localTTL*1e9)
		rep.from = "local"
		return rep, true
	case "invalid", "test", "local", "onion", "alt":
		return negative(r, dns.RcodeNameError, localTTL), true
	case "arpa":
		switch {
		case r.host == "home.arpa" && r.q.Qtype == dns.TypeDS: // validators need it (RFC 8375 §5)
			return reply{}, false
		case r.host == "home.arpa":
			return negative(r, dns.RcodeSuccess, localTTL), true
		case under(r.host, "home.arpa") || privateReverse(r.host):
			return loopbackPTR(r), true
		}
	}
	if upstream.HomeName(r.host) {
		return negative(r, dns.RcodeNameError, localTTL), true
	}
	return reply{}, false
}

// loopbackPTR names the loopback address; nothing else local has a name here.
func loopbackPTR(r *request) reply {
	if r.q.Qtype == dns.TypePTR && (r.host == "1.0.0.127.in-addr.arpa" || r.host == "1."+strings.Repeat("0.", 31)+"ip6.arpa") {
		return reply{from: "local", answer: []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Name: r.q.Name, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: localTTL}, Ptr: "localhost."}}}
	}
	return negative(r, dns.RcodeNameError, localTTL)
}

// privateReverse reports whether host is a reverse name of an address that is
// not public.
func privateReverse(host string) bool {
	if v4, ok := strings.CutSuffix(host, ".in-addr.arpa"); ok {
		return privateReverse4(strings.Split(v4, "."))
	}
	v6, ok := strings.CutSuffix(host, ".ip6.arpa")
	if !ok {
		return false
	}
	zeros := strings.Repeat("0.", 31)
	return v6+"." == "1."+zeros || v6+"." == "0."+zeros ||
		under(v6, "d.f") || under(v6, "8.e.f") || under(v6, "9.e.f") || under(v6, "a.e.f") || under(v6, "b.e.f") ||
		under(v6, "8.b.d.0.1.0.0.2")
}

func privateReverse4(labels []string) bool {
	num := func(i int) int { // the i-th octet of the address
		if i >= len(labels) {
			return -1
		}
		n, err := strconv.Atoi(labels[len(labels)-1-i])
		if err != nil {
			return -1
		}
		return n
	}
	a, b, c := num(0), num(1), num(2)
	switch a {
	case 10, 127, 0:
		return true
	case 172:
		return b >= 16 && b <= 31
	case 192:
		return b == 168 || b == 0 && c == 2
	case 169:
		return b == 254
	case 100:
		return b >= 64 && b <= 127
	case 198:
		return b == 51 && c == 100
	case 203:
		return b == 0 && c == 113
	case 255:
		return b == 255 && c == 255 && num(3) == 255
	}
	return false
}

func under(host, domain string) bool { return detect.UnderDomain(host, domain) }

// ownName reports whether the question is about the Door's own name as a
// resolver: _dns.NAME (RFC 9462 §5) or the RESINFO of NAME.
func (d *Door) ownName(r *request) bool {
	if d.o.Name == "" {
		return false
	}
	return r.host == "_dns."+d.own || r.host == d.own && r.q.Qtype == dns.TypeRESINFO
}

// resolverInfo answers all of resolver.arpa, which concerns nobody beyond this
// resolver (RFC 9462 §6.4): who learned an upstream's encrypted address there
// would from then on go past us.
func (d *Door) resolverInfo(r *request) reply {
	rep := reply{from: "local"}
	h := dns.RR_Header{Name: r.q.Name, Rrtype: r.q.Qtype, Class: dns.ClassINET, Ttl: localTTL}
	switch {
	case r.q.Qtype == dns.TypeSVCB && (r.host == "_dns.resolver.arpa" || strings.HasPrefix(r.host, "_dns.") && !under(r.host, "resolver.arpa")):
		rep.answer = d.designated(h)
	case r.q.Qtype == dns.TypeRESINFO && (r.host == "resolver.arpa" || r.host == d.own):
		info := &dns.RESINFO{Hdr: h, Txt: []string{"exterr=0,3,14-15,17-19,22-23"}}
		if d.o.InfoURL != "" {
			info.Txt = append(info.Txt, "infourl="+d.o.InfoURL)
		}
		rep.answer = []dns.RR{info}
	}
	if len(rep.answer) == 0 {
		return negative(r, dns.RcodeSuccess, localTTL)
	}
	return rep
}

// designated lists the encrypted ways to this resolver.
func (d *Door) designated(h dns.RR_Header) []dns.RR {
	if d.o.Name == "" {
		return nil
	}
	var out []dns.RR
	add := func(addr net.Addr, path bool, alpn ...string) {
		rr := &dns.SVCB{Hdr: h, Priority: uint16(len(out) + 1), Target: dns.Fqdn(d.o.Name)}
		rr.Value = []dns.SVCBKeyValue{&dns.SVCBAlpn{Alpn: alpn}, &dns.SVCBPort{Port: portOf(addr)}}
		if path {
			rr.Value = append(rr.Value, &dns.SVCBDoHPath{Template: dohPath + "{?dns}"})
		}
		out = append(out, rr)
	}
	if ls := d.socks.doh; len(ls) > 0 {
		alpn := []string{"h2"}
		if d.socks.h3(portOf(ls[0].Addr())) {
			alpn = append(alpn, "h3")
		}
		add(ls[0].Addr(), true, alpn...)
	}
	if ls := d.socks.dot; len(ls) > 0 {
		add(ls[0].Addr(), false, "dot")
	}
	if us := d.socks.doq; len(us) > 0 {
		add(us[0].LocalAddr(), false, "doq")
	}
	return out
}

func portOf(a net.Addr) uint16 {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return 0
	}
	return ap.Port()
}
