package filterlist

import (
	"net/netip"
	"strings"
)

// hosts reads one line of a hosts file or of a list of domains: an address and
// names, or one name in any of its guises.
func (p *parser) hosts(line string) fault {
	if line[0] == '#' || line[0] == '!' || line[0] == ';' {
		p.comment(line[1:])
		return fault{}
	}
	if all, _ := classes(line); all&classBad != 0 {
		return fault{reason: reasonNUL}
	}
	if i := strings.IndexByte(line, '#'); i > 0 {
		line = trim(line[:i])
	}
	if startsWithAddress(line) {
		return p.hostNames(line)
	}
	if name, ok, f := dnsmasqName(line); ok || f.reason != "" {
		if f.reason != "" {
			return f
		}
		return p.eachName(name, '/', true)
	}
	name := line
	wild := strings.HasPrefix(name, "*.") || strings.HasPrefix(name, ".")
	if wild {
		name = name[strings.IndexByte(name, '.')+1:]
	}
	return p.host(name, wild, line)
}

// domainLine reports whether a line can be one of a list of domains.
func domainLine(line string) bool {
	if i := strings.IndexByte(line, '#'); i > 0 {
		line = trim(line[:i])
	}
	if _, ok, f := dnsmasqName(line); ok || f.reason != "" {
		return true
	}
	line = strings.TrimPrefix(strings.TrimPrefix(line, "*"), ".")
	return hostName(strings.ToLower(strings.TrimSuffix(line, "."))) || !ascii(line) && siteList(strings.Map(noHigh, line))
}

func noHigh(r rune) rune {
	if r >= 0x80 {
		return -1
	}
	return r
}

// startsWithAddress reports whether line is an IP address, space, and more.
func startsWithAddress(line string) bool {
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return false
	}
	_, ok := address(line[:i])
	return ok
}

// address reads an IP address, zone included; null says that it leads nowhere:
// unspecified or loopback.
func address(s string) (null, ok bool) {
	switch s {
	case "0.0.0.0", "127.0.0.1", "::", "::1", "0":
		return true, true
	}
	if s == "" || len(s) > 64 || strings.IndexByte("0123456789abcdefABCDEF:", s[0]) < 0 {
		return false, false
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return false, false
	}
	a = a.Unmap()
	return a.IsUnspecified() || a.IsLoopback(), true
}

// ownNames are what a hosts file says of the machine itself.
var ownNames = map[string]bool{
	"localhost": true, "localhost.localdomain": true, "localhost4": true, "localhost6": true,
	"localhost4.localdomain4": true, "localhost6.localdomain6": true, "local": true,
	"broadcasthost": true, "loopback": true, "ip6-localhost": true, "ip6-loopback": true,
	"ip6-localnet": true, "ip6-mcastprefix": true, "ip6-allnodes": true, "ip6-allrouters": true,
	"ip6-allhosts": true, "0.0.0.0": true, "127.0.0.1": true, "::1": true,
}

// hostNames reads "address name…" with an optional comment at the end.
func (p *parser) hostNames(line string) fault {
	if i := strings.IndexByte(line, '#'); i > 0 {
		line = trim(line[:i])
	}
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return fault{reasonName, line}
	}
	null, _ := address(line[:i])
	rest := trim(line[i:])
	if !null {
		if first := strings.IndexAny(rest+" ", " \t"); ownNames[strings.ToLower(rest[:first])] {
			p.report.Idle++
			return fault{}
		}
		return fault{reasonAddress, line[:i]}
	}
	return p.eachName(rest, ' ', false)
}

// eachName emits a rule for each of several names; the first that is none is
// the fault.
func (p *parser) eachName(names string, sep byte, wild bool) (first fault) {
	whole := strings.IndexByte(names, sep) < 0 && strings.IndexByte(names, '\t') < 0
	for names != "" {
		name := names
		if i := strings.IndexAny(names, string([]byte{sep, '\t'})); i >= 0 {
			name, names = names[:i], trim(names[i+1:])
		} else {
			names = ""
		}
		text := p.rule.Text
		if !whole {
			text = name
		}
		if f := p.host(name, wild, text); f.reason != "" && first.reason == "" {
			first = f
		}
	}
	return first
}

// host emits the rule of one name. wild says that the author meant names below
// it in so many words: then it may be a top-level domain.
func (p *parser) host(name string, wild bool, text string) fault {
	if name == "" {
		return fault{reason: reasonName}
	}
	if ownNames[name] {
		p.report.Idle++
		return fault{}
	}
	name, f := normalName(name)
	switch {
	case f.reason != "":
		return f
	case !hostName(name):
		return fault{reasonName, name}
	case !wild && strings.IndexByte(name, '.') < 0:
		return fault{reasonTLD, name}
	}
	r := &p.rule
	r.HostOnly, r.Text = true, text
	r.Pattern = Pattern{Anchor: AnchorHost, Host: name, Text: name}
	p.send()
	return fault{}
}

// dnsmasqName returns the names, "/" between them, of a dnsmasq line that blocks
// them.
func dnsmasqName(line string) (names string, ok bool, f fault) {
	i := strings.Index(line, "=/")
	if i < 0 {
		return "", false, fault{}
	}
	key, rest := line[:i], line[i+2:]
	if key != "address" && key != "server" && key != "local" {
		return "", false, fault{}
	}
	end := strings.LastIndexByte(rest, '/')
	if end < 0 {
		return "", false, fault{reasonBadValue, key}
	}
	to := rest[end+1:]
	switch null, isAddr := address(to); {
	case to == "" || key == "address" && (to == "#" || isAddr && null):
		return rest[:end], true, fault{}
	case key == "address":
		return "", false, fault{reasonAddress, to}
	}
	return "", false, fault{reasonForward, to}
}

// normalName makes a name what requests carry: lower case, no final dot,
// punycode.
func normalName(s string) (string, fault) {
	if len(s) > maxNameText {
		return "", fault{reason: reasonName}
	}
	s = strings.TrimSuffix(s, ".")
	all, _ := classes(s)
	if all&classHigh != 0 {
		name, err := punycode.ToASCII(s)
		if err != nil {
			return "", fault{reasonName, err.Error()}
		}
		if all, _ := classes(name); all&(classSpace|classBad) != 0 { // some signs are mapped to a space and an accent
			return "", fault{reasonName, name}
		}
		s = name
	} else if all&classUpper != 0 {
		s = strings.ToLower(s)
	}
	if s == "" {
		return "", fault{reason: reasonName}
	}
	return s, fault{}
}
