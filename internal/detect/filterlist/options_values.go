package filterlist

import (
	"net/netip"
	"strconv"
	"strings"
)

func applyNothing(*parser, spec, option) fault { return fault{} }

func applyType(p *parser, s spec, o option) fault {
	if o.negated {
		p.opts.not |= s.types
	} else {
		p.opts.only |= s.types
	}
	return fault{}
}

func applyDocument(p *parser, s spec, o option) fault {
	p.opts.document = !o.negated
	return applyType(p, s, o)
}

func applyMeaningless(p *parser, _ spec, o option) fault {
	if !o.negated {
		p.opts.meaningless = o.name
	}
	return fault{}
}

func applyParty(p *parser, s spec, o option) fault {
	want := s.party[0]
	if o.negated {
		want = s.party[1]
	}
	p.opts.party[want] = true
	return fault{}
}

func applyMatchCase(p *parser, _ spec, _ option) fault {
	p.rule.Pattern.MatchCase = true
	return fault{}
}

func applyImportant(p *parser, _ spec, _ option) fault {
	p.rule.Important = true
	return fault{}
}

func applyBadFilter(p *parser, _ spec, _ option) fault {
	p.rule.BadFilter = true
	return fault{}
}

func applyPage(p *parser, s spec, _ option) fault {
	p.rule.Page |= s.pages
	return fault{}
}

// applyKind sets what the rule does.
func applyKind(p *parser, s spec, o option) fault {
	if p.opts.kind != "" {
		return fault{reason: reasonTwo}
	}
	p.opts.kind = o.name
	r := &p.rule
	r.Kind, r.Value = s.kind, s.fixed
	if s.fixed != "" {
		return fault{}
	}
	r.Value = unescape(o.value)
	switch s.kind {
	case KindCSP:
		return checkCSP(r.Value)
	case KindRemoveParam:
		return p.checkParam(r.Value)
	case KindDNSRewrite:
		return checkRewrite(r.Value)
	}
	return fault{}
}

// applyRewrite reads Adblock Plus's way to name a resource.
func applyRewrite(p *parser, _ spec, o option) fault {
	resource, ok := strings.CutPrefix(o.value, "abp-resource:")
	if !ok || resource == "" {
		return fault{reasonUnsupported, "rewrite other than abp-resource"}
	}
	o.value = resource
	return applyKind(p, spec{kind: KindRedirect}, o)
}

func applyMP4(p *parser, s spec, o option) fault {
	p.opts.only |= BitMedia
	return applyKind(p, s, o)
}

// checkCSP refuses policies that make the browser report to somebody: a list
// must not be able to tell on its users.
func checkCSP(value string) fault {
	low := strings.ToLower(value)
	if strings.Contains(low, "report-uri") || strings.Contains(low, "report-to") {
		return fault{reasonBadValue, "csp must not make browsers report"}
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x7f {
			return fault{reasonBadValue, "csp"}
		}
	}
	return fault{}
}

func (p *parser) checkParam(value string) fault {
	if source, ok := regexpIn(strings.TrimPrefix(value, "~")); ok {
		return p.checkRegexp(source)
	}
	return fault{}
}

// checkRewrite takes "", an address, a name, an answer code, or
// "code;type;value".
func checkRewrite(value string) fault {
	code, rest, full := strings.Cut(value, ";")
	if full {
		kind, _, _ := strings.Cut(rest, ";")
		if _, ok := dnsType(kind); !ok && rest != ";" || !answerCode(code) {
			return fault{reasonBadValue, "dnsrewrite"}
		}
		return fault{}
	}
	if value == "" || answerCode(value) {
		return fault{}
	}
	if _, err := netip.ParseAddr(value); err == nil {
		return fault{}
	}
	if name, f := normalName(value); f.reason == "" && hostName(name) {
		return fault{}
	}
	return fault{reasonBadValue, "dnsrewrite"}
}

func answerCode(s string) bool {
	switch strings.ToUpper(s) {
	case "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED":
		return true
	}
	return false
}

// unescape takes the backslashes before commas away. A regular expression is
// left alone: to it "\," is a comma anyway.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 || regexpEnd(s) == len(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] != ',' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// oneValue takes the first of several values off s, parted by "|"; a regular
// expression may hold "|".
func oneValue(s string, seek *bool) (first, rest string) {
	if *seek {
		switch n := regexpEnd(s); {
		case n > 0 && n < len(s):
			return s[:n], s[n+1:]
		case n > 0:
			return s, ""
		case n < 0:
			*seek = false
		}
	}
	first, rest, _ = strings.Cut(s, "|")
	return first, rest
}

func applyNames(p *parser, s spec, o option) fault {
	names := s.names(&p.rule.Where)
	seek := true
	for rest := o.value; rest != ""; {
		var one string
		one, rest = oneValue(rest, &seek)
		one = trim(one)
		to := &names.Include
		if strings.HasPrefix(one, "~") {
			one, to = one[1:], &names.Exclude
		}
		name, f := p.siteName(one)
		if f.reason != "" {
			return f
		}
		*to = append(*to, name)
	}
	return fault{}
}

// siteName reads one entry of domain= or to=: a name, "name.*", an IPv6 address
// in brackets, or a regular expression.
func (p *parser) siteName(s string) (string, fault) {
	if source, ok := regexpIn(s); ok && s[len(s)-1] == '/' {
		return s, p.checkRegexp(source)
	}
	if len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' {
		if a, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil && a.Zone() == "" {
			return a.String(), fault{}
		}
		return "", fault{reasonName, s}
	}
	base, entity := strings.CutSuffix(s, ".*")
	name, f := normalName(strings.TrimPrefix(base, "*."))
	switch {
	case f.reason != "":
		return "", fault{reasonName, s}
	case !hostName(name):
		return "", fault{reasonName, s}
	case !entity:
		return name, fault{}
	case name == base:
		return s, fault{}
	}
	return name + ".*", fault{}
}

func applyDenyAllow(p *parser, _ spec, o option) fault {
	for rest := o.value; rest != ""; {
		var one string
		one, rest, _ = strings.Cut(rest, "|")
		name, f := normalName(trim(one))
		if f.reason != "" || !hostName(name) {
			return fault{reasonName, one}
		}
		p.rule.Where.DenyAllow = append(p.rule.Where.DenyAllow, name)
	}
	return fault{}
}

var methodNames = [...]string{"get", "head", "post", "put", "delete", "options", "patch", "connect"}

func applyMethod(p *parser, _ spec, o option) fault {
	for one := range strings.SplitSeq(strings.ToLower(o.value), "|") {
		to, bit := &p.rule.Where.Methods, Methods(0)
		one = trim(one)
		if strings.HasPrefix(one, "~") {
			one, to = one[1:], &p.rule.Where.NotMethods
		}
		for i, name := range methodNames {
			if one == name {
				bit = 1 << i
			}
		}
		if bit == 0 {
			return fault{reasonBadValue, "method"}
		}
		*to |= bit
	}
	return fault{}
}

// applyHeader reads "name" or "name:value".
func applyHeader(p *parser, _ spec, o option) fault {
	name, value, _ := strings.Cut(o.value, ":")
	for i := range len(name) {
		if classOf[name[i]]&(className|classUpper) == 0 {
			return fault{reasonBadValue, "header"}
		}
	}
	value = trim(value)
	if source, ok := regexpIn(strings.TrimPrefix(value, "~")); ok {
		if f := p.checkRegexp(source); f.reason != "" {
			return f
		}
	} else if strings.HasPrefix(strings.TrimPrefix(value, "~"), "/") {
		return fault{reasonBadValue, "header"}
	}
	if name == "" || p.rule.Where.Header != "" {
		return fault{reasonBadValue, "header"}
	}
	switch {
	case value == "":
		p.rule.Where.Header = strings.ToLower(name)
	default:
		p.rule.Where.Header = strings.ToLower(name) + ":" + unescape(value)
	}
	return fault{}
}

var dnsTypes = map[string]uint16{
	"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28,
	"SRV": 33, "NAPTR": 35, "DS": 43, "RRSIG": 46, "DNSKEY": 48, "SVCB": 64, "HTTPS": 65, "ANY": 255,
	"CAA": 257,
}

// dnsType reads a query type by name or as TYPE123 (RFC 3597).
func dnsType(s string) (uint16, bool) {
	s = strings.ToUpper(s)
	if n, ok := dnsTypes[s]; ok {
		return n, true
	}
	if digits, ok := strings.CutPrefix(s, "TYPE"); ok {
		n, err := strconv.ParseUint(digits, 10, 16)
		return uint16(n), err == nil && n > 0
	}
	return 0, false
}

func applyDNSType(p *parser, _ spec, o option) fault {
	for one := range strings.SplitSeq(o.value, "|") {
		one = trim(one)
		to := &p.rule.Where.DNSTypes
		if strings.HasPrefix(one, "~") {
			one, to = one[1:], &p.rule.Where.NotDNSTypes
		}
		n, ok := dnsType(one)
		if !ok {
			return fault{reasonBadValue, "dnstype"}
		}
		*to = append(*to, n)
	}
	return fault{}
}
