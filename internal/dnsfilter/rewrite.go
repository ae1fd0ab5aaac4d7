package dnsfilter

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
)

// shape is how a block is answered.
type shape struct {
	reply detect.Reply
	addrs []netip.Addr
	rrs   []dns.RR // a rule's own records, of any types; owner and TTL come later
	alias string   // another name whose addresses are the answer, "" for none
}

// rewriteShape reads the values of dnsrewrite rules: an address, a name, a
// response code, or "CODE;TYPE;DATA". An alias stands alone; addresses and
// records of several rules add up; of several codes the first holds. ok is
// false if no value can be read.
func rewriteShape(values []string) (s shape, ok bool) {
	for _, v := range values {
		one, good := rewriteValue(v)
		if !good {
			continue
		}
		switch {
		case one.alias != "" || one.reply == detect.ReplyNXDomain || one.reply == detect.ReplyRefused:
			return one, true
		case !ok:
			s = one
		default:
			s.addrs, s.rrs = append(s.addrs, one.addrs...), append(s.rrs, one.rrs...)
		}
		ok = true
	}
	return s, ok
}

func rewriteValue(v string) (shape, bool) {
	parts := strings.SplitN(strings.TrimSpace(v), ";", 3)
	if len(parts) == 1 {
		return rewriteWord(parts[0])
	}
	if s, ok := rewriteCode(parts[0]); !ok || s.reply != detect.ReplyNoData || len(parts) < 3 || parts[1] == "" {
		return s, ok
	}
	return rewriteRecord(strings.ToUpper(parts[1]), parts[2])
}

// rewriteWord reads the short form.
func rewriteWord(w string) (shape, bool) {
	if a, err := netip.ParseAddr(w); err == nil {
		return shape{reply: detect.ReplyAddress, addrs: []netip.Addr{a}}, true
	}
	if w == strings.ToUpper(w) && !strings.Contains(w, ".") {
		return rewriteCode(w)
	}
	return aliasShape(w)
}

func rewriteCode(w string) (shape, bool) {
	switch w {
	case "NOERROR":
		return shape{reply: detect.ReplyNoData}, true
	case "NXDOMAIN":
		return shape{reply: detect.ReplyNXDomain}, true
	case "REFUSED":
		return shape{reply: detect.ReplyRefused}, true
	}
	return shape{}, false
}

func aliasShape(name string) (shape, bool) {
	if _, ok := dns.IsDomainName(name); !ok || name == "" || strings.ContainsAny(name, " \\") {
		return shape{}, false
	}
	return shape{reply: detect.ReplyAddress, alias: dns.Fqdn(strings.ToLower(name))}, true
}

func rewriteRecord(rtype, data string) (shape, bool) {
	if rtype == "CNAME" {
		return aliasShape(data)
	}
	if rtype == "TXT" {
		data = quoted(data)
	}
	if !slices.Contains([]string{"A", "AAAA", "TXT", "MX", "PTR", "SRV", "SVCB", "HTTPS"}, rtype) || strings.ContainsAny(data, "\n\r()") {
		return shape{}, false
	}
	rr, err := dns.NewRR(". 0 IN " + rtype + " " + data)
	if err != nil || rr == nil {
		return shape{}, false
	}
	if as := addrsOf(rr); len(as) == 1 && (rtype == "A" || rtype == "AAAA") {
		return shape{reply: detect.ReplyAddress, addrs: as}, true
	}
	return shape{reply: detect.ReplyAddress, rrs: []dns.RR{rr}}, true
}

// quoted makes one text out of data, whatever is in it.
func quoted(data string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(data) + `"`
}

// own gives a rule's records the question's name, leaving out those of other types.
func (s shape) own(q dns.Question, ttl uint32) []dns.RR {
	var out []dns.RR
	for _, rr := range s.rrs {
		if rr.Header().Rrtype != q.Qtype {
			continue
		}
		c := dns.Copy(rr)
		*c.Header() = dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: ttl}
		out = append(out, c)
	}
	return out
}
