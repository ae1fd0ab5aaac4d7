package dnsfilter

// leadsPast reports whether host is a public encrypted resolver: a device that
// asks for it is about to resolve names without us.
func leadsPast(host string) bool {
	switch host {
	case "dns.google", "dns64.dns.google", "dns.google.com", "8888.google",
		"cloudflare-dns.com", "one.one.one.one", "1dot1dot1dot1.cloudflare-dns.com",
		"dns.quad9.net", "dns9.quad9.net", "dns10.quad9.net", "dns11.quad9.net",
		"doh.opendns.com", "dns.opendns.com", "doh.familyshield.opendns.com", "dns.umbrella.com",
		"doh.dns.apple.com", "doh.xfinity.com", "dns.cox.net", "dns.shaw.ca",
		"dns.alidns.com", "doh.pub", "dot.pub", "doh.360.cn", "dot.360.cn",
		"dns.twnic.tw", "public.dns.iij.jp", "dns0.eu", "odoh.cloudflare-dns.com",
		"doh.libredns.gr", "dot.libredns.gr", "dns.digitale-gesellschaft.ch", "dnsforge.de", "dns.njal.la",
		"doh.applied-privacy.net", "dot1.applied-privacy.net", "unfiltered.joindns4.eu", "dns.sb", "doh.sb", "dot.sb":
		return true
	}
	for _, d := range [...]string{
		"cloudflare-dns.com", "cloudflare-gateway.com", "nextdns.io", "adguard-dns.com", "adguard-dns.io", "adguard.com",
		"controld.com", "mullvad.net", "cleanbrowsing.org", "dns0.eu", "decloudus.com", "rethinkdns.com", "quad9.net",
	} {
		if len(host) > len(d) && under(host, d) {
			return d != "adguard.com" && d != "mullvad.net" || hasLabel(host, "dns", "doh", "dot")
		}
	}
	return false
}

// hasLabel reports whether the first label of host is one of words, or begins
// with one and a hyphen.
func hasLabel(host string, words ...string) bool {
	for _, w := range words {
		if len(host) > len(w) && host[:len(w)] == w && (host[len(w)] == '.' || host[len(w)] == '-') {
			return true
		}
	}
	return false
}
