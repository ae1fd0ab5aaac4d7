package main

import (
	"fmt"
	"net"
	"net/netip"
)

// want is one address that a key of the configuration listens on.
type want struct {
	path     []any
	network  string // tcp or udp
	addr     netip.AddrPort
	wildcard bool // all addresses
}

// clashes says which keys want one and the same port.
func (k *checker) clashes(c *config) {
	var all []want
	add := func(text string, networks []string, path ...any) {
		for _, a := range addresses(text) {
			for _, n := range networks {
				if w, ok := wanted(a); ok {
					w.path, w.network = path, n
					all = append(all, w)
				}
			}
		}
	}
	tcp, udp, both := []string{"tcp"}, []string{"udp"}, []string{"tcp", "udp"}
	add(c.Proxy.Listen, tcp, "proxy", "listen")
	add(c.DNS.Listen, both, "dns", "listen")
	add(c.DNS.DoT, tcp, "dns", "dot")
	add(c.DNS.DoH, both, "dns", "doh") // over QUIC too
	add(c.DNS.DoQ, udp, "dns", "doq")
	add(c.Metrics.Listen, tcp, "metrics", "listen")
	for i := range all {
		for _, o := range all[:i] {
			if all[i].clashes(&o) {
				k.fault(fmt.Sprintf("%s is taken already by %s (line %d)", all[i].addr, keyPath(o.path), k.line(o.path)), all[i].path...)
				break
			}
		}
	}
}

func keyPath(path []any) string { return fmt.Sprintf("%s.%s", path...) }

// wanted reads an address to listen on; port 0 is no wish for a certain one.
func wanted(text string) (w want, ok bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return w, false // a fault of its own
	}
	switch host {
	case "":
		host = "::"
	case "localhost":
		host = "127.0.0.1"
	}
	w.addr, err = netip.ParseAddrPort(net.JoinHostPort(host, port))
	w.wildcard = w.addr.Addr().IsUnspecified()
	return w, err == nil && w.addr.Port() != 0
}

func (w *want) clashes(o *want) bool {
	if w.network != o.network || w.addr.Port() != o.addr.Port() {
		return false
	}
	return w.addr == o.addr || w.wildcard && o.covers(w) || o.wildcard && w.covers(o)
}

// covers reports whether all addresses, as all has them, hold that of w: those
// of IPv6 hold IPv4's too.
func (w *want) covers(all *want) bool {
	return all.addr.Addr().Is6() || w.addr.Addr().Is4()
}
