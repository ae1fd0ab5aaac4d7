package judge

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// gateway is a scanner of mail that puts its own address in front of links. The
// reader's provider or employer runs it; what its part of the address says of
// the reader was put there behind the sender's back.
type gateway struct {
	host string // with everything below
	mark string // what the first label holds; "" for any
	by   string
}

var gateways = []gateway{
	{"safelinks.protection.outlook.com", "", "Microsoft Safe Links"},
	{"safelinks.protection.office365.us", "", "Microsoft Safe Links"},
	{"proofpoint.com", "urldefense", "Proofpoint URL Defense"},
	{"urldefense.com", "", "Proofpoint URL Defense"},
	{"urldefense.us", "", "Proofpoint URL Defense"},
	{"mimecast.com", "protect", "Mimecast"},
	{"mimecastprotect.com", "", "Mimecast"},
	{"linkprotect.cudasvc.com", "", "Barracuda"},
	{"secure-web.cisco.com", "", "Cisco"},
	{"clicktime.symantec.com", "", "Symantec"},
	{"protect.checkpoint.com", "", "Check Point"},
	{"avanan.url-protection.com", "", "Check Point"},
	{"scanmail.trustwave.com", "", "Trustwave"},
	{"protection.sophos.com", "", "Sophos"},
	{"trendmicro.com", "-ctp", "Trend Micro"},
	{"protect2.fireeye.com", "", "Trellix"},
	{"link.edgepilot.com", "", "EdgePilot"},
}

// gatewayOf is who runs the gateway host is, "" if it is none.
func gatewayOf(host string) string {
	for i := range gateways {
		g := &gateways[i]
		label, _, _ := strings.Cut(host, ".")
		if detect.UnderDomain(host, g.host) && strings.Contains(label, g.mark) {
			return g.by
		}
	}
	return ""
}

// gmail reports whether l is a link as Gmail's pages rewrite it.
func gmail(l *link) bool {
	return l.origin.host == "www.google.com" && l.path == "/url" && strings.Contains(l.query, "source=gmail")
}

// scanned takes one gateway off l: by is who runs it, "" if there is none, and
// inner the address behind it, "" if the gateway alone knows.
func scanned(l *link) (inner, by string) {
	by = l.origin.gateway
	if by == "" && gmail(l) {
		by = "Gmail"
	}
	if by == "" || len(l.url) > maxWrapped {
		return "", by
	}
	if _, rest, ok := strings.Cut(l.path, "/___"); ok { // Check Point
		if inner, _, ok = strings.Cut(rest, "___"); ok && absolute(inner) != "" {
			return absolute(inner), by
		}
	}
	if inner = unredirect(l); inner != "" {
		return inner, by
	}
	return named(l), by
}

// named reads the one thing that some gateways tell of the goal: its host.
func named(l *link) string {
	for p := range strings.SplitSeq(l.query, "&") {
		name, value, _ := strings.Cut(p, "=")
		if (name == "domain" || name == "d") && hostLike(strings.ToLower(value)) {
			return absolute("https://" + value + "/")
		}
	}
	return ""
}

// own is l without what holds inner: what the wrapper itself says.
func own(l *link, inner string) string {
	if i := strings.Index(l.url, inner); i > 0 && inner != "" { // in clear
		return l.url[:i] + l.url[i+len(inner):]
	}
	inPath := fragmentURL(l) != inner
	var query []string
	for p := range strings.SplitSeq(l.query, "&") {
		one := link{query: p, origin: l.origin}
		if paramURL(&one) == inner || strings.HasPrefix(l.path, "/v2/") && strings.HasPrefix(p, "u=") {
			inPath = false
			continue
		}
		query = append(query, p)
	}
	u := "https://" + l.origin.host
	if !inPath {
		u += l.path
	}
	return u + "?" + strings.Join(query, "&")
}

// unwrapAll takes gateways and image proxies off l: inner is the address behind
// them, "" if there is none or the outermost does not tell.
func (f *facts) unwrapAll(b *bench) {
	l := f.link
	for range MaxUnwrap {
		inner, by := scanned(&l)
		if by == "" {
			break
		}
		if f.gateway == "" {
			f.gateway = by
		}
		if inner == "" {
			return
		}
		f.original = inner
		l = b.origins.link(inner)
	}
	if original, via := unproxyAll(&l); original != "" {
		f.original, f.via = original, via
	}
}
