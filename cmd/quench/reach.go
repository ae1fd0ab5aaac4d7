package main

import (
	"fmt"
	"net"
	"net/netip"
)

// checkReach refuses a proxy that can be reached from beyond this machine
// unless somebody has said from where: left to chance it would be an open
// proxy, or look broken.
func checkReach(listen string, p *proxyConfig) error {
	if !reachesOut(listen) {
		return nil
	}
	beyond := false
	for _, text := range p.AllowFrom {
		prefix, err := parsePrefix(text)
		if err != nil {
			continue // a fault of its own
		}
		if half(prefix) && p.PasswordFile == "" {
			return fmt.Errorf("%s can be reached from beyond this machine and allow_from has everybody (%s): an open proxy; name your networks there, or set password_file",
				listen, text)
		}
		beyond = beyond || !loopbackOnly(prefix)
	}
	if !beyond {
		return fmt.Errorf("%s can be reached from beyond this machine, but allow_from lets nobody in from there; "+
			"name your clients, such as allow_from: [127.0.0.0/8, \"::1\", 192.168.1.0/24], or listen on 127.0.0.1", listen)
	}
	return nil
}

// half reports whether p is so large a part of the internet that it is no
// network of anybody's: two or a few such make everybody.
func half(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < 7
	}
	local := netip.MustParsePrefix("fc00::/7").Contains(p.Addr()) || netip.MustParsePrefix("fe80::/10").Contains(p.Addr())
	return p.Bits() < 7 || p.Bits() < 16 && !local
}

// reachesOut reports whether an address to listen on is more than loopback.
func reachesOut(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "localhost" {
		return false // off, or a fault of its own
	}
	a, err := netip.ParseAddr(host)
	return err != nil || !a.Unmap().IsLoopback()
}

func loopbackOnly(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Addr().IsLoopback() && p.Bits() >= 8
	}
	return p.Addr().IsLoopback() && p.Bits() == 128
}

// checkResolverReach refuses a resolver that can be reached from beyond this
// machine unless somebody has said from where: an open resolver is used for
// attacks on others.
func checkResolverReach(listen string, allowFrom []string) error {
	if !reachesOut(listen) {
		return nil
	}
	beyond := false
	for _, text := range allowFrom {
		if prefix, err := parsePrefix(text); err == nil {
			beyond = beyond || !loopbackOnly(prefix)
		}
	}
	if !beyond {
		return fmt.Errorf("%s can be reached from beyond this machine, but dns.allow_from lets nobody in from there; "+
			"name your network, such as allow_from: [192.168.1.0/24], or listen on 127.0.0.1", listen)
	}
	return nil
}
