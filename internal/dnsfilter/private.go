package dnsfilter

import (
	"net/netip"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"golang.org/x/net/publicsuffix"
)

// notPublic are networks that no public name may lead to, beside those that
// netip knows.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("fec0::/10"),
}

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	sixTo = netip.MustParsePrefix("2002::/16")
)

// isPrivate reports whether an address lies on the client's own machine or
// network, also when it is wrapped in an IPv6 one.
func isPrivate(a netip.Addr) bool {
	a = a.Unmap()
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return true
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return true
		}
	}
	if a.Is6() {
		b := a.As16()
		switch {
		case nat64.Contains(a):
			return isPrivate(netip.AddrFrom4([4]byte(b[12:])))
		case sixTo.Contains(a):
			return isPrivate(netip.AddrFrom4([4]byte(b[2:6])))
		case [12]byte(b[:12]) == [12]byte{}: // deprecated IPv4-compatible form
			return isPrivate(netip.AddrFrom4([4]byte(b[12:])))
		}
	}
	return false
}

// mayBePrivate reports whether a name may lead to private addresses: the user
// said so, it has an upstream of its own, or no stranger can register it.
func (d *Door) mayBePrivate(host string) bool {
	if d.o.AllowPrivate || under(host, "fritz.box") || d.o.Upstream.Covers(host) {
		return true
	}
	for _, n := range d.private {
		if detect.UnderDomain(host, n) {
			return true
		}
	}
	top := host[strings.LastIndexByte(host, '.')+1:]
	if top == host {
		return true
	}
	_, icann := publicsuffix.PublicSuffix(top)
	return !icann
}

// home is who may ask if Options say nothing.
func home() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
		"169.254.0.0/16", "fe80::/10", "fc00::/7"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
