package dnsfilter

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// maxSystemServers bounds how many resolvers of the system are used, as the
// system's own library does, with room for a second family.
const maxSystemServers = 6

// SystemServers reads the resolvers named in a resolv.conf, without those that
// own reports: asking oneself would never end.
func SystemServers(conf io.Reader, own func(netip.AddrPort) bool) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	sc := bufio.NewScanner(conf)
	for sc.Scan() && len(out) < maxSystemServers {
		f := strings.Fields(sc.Text())
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		a, err := netip.ParseAddr(f[1])
		if err != nil {
			continue // the system ignores it too
		}
		if ap := netip.AddrPortFrom(a.Unmap(), 53); own == nil || !own(ap) {
			out = append(out, ap)
		}
	}
	return out, sc.Err()
}

// Own reports whether asking an address would be asking this Door: one of its
// listeners, or any address of this machine if it listens on all. Listen comes
// first.
func (d *Door) Own(ap netip.AddrPort) bool {
	target := ap.Addr().Unmap().WithZone("")
	for _, list := range d.Addrs() {
		for _, l := range list {
			if l.Port() != ap.Port() {
				continue
			}
			if a := l.Addr().WithZone(""); a == target || a.IsUnspecified() && ofThisMachine(target) {
				return true
			}
		}
	}
	return false
}

func ofThisMachine(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, x := range addrs {
		if n, ok := x.(*net.IPNet); ok {
			if b, ok := netip.AddrFromSlice(n.IP); ok && b.Unmap() == a {
				return true
			}
		}
	}
	return false
}

// Looped asks the upstreams for a name that only this Door knows, and reports
// whether the question came back to it: an upstream, perhaps the router, asks
// us. The Door must be serving. Even then no question multiplies, since equal
// ones share one flight; but none that is not cached would be answered.
func (d *Door) Looped(ctx context.Context) bool {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(d.loop), dns.TypeA)
	_, _, _ = d.o.Upstream.Exchange(ctx, q) // only the way of the question counts
	return d.looped.Load()
}
