package upstream

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// homeSuffixes are the ends of names that home networks give their devices and
// that no registry hands out (RFC 6762 appendix G, RFC 8375, ICANN's "internal").
// "local" is not among them: it is asked by multicast.
var homeSuffixes = []string{"lan", "home", "home.arpa", "internal", "intranet", "private", "corp", "localdomain"}

// HomeName reports whether name (lower case, no trailing dot) can mean something
// in the own network only: it ends as home networks name their devices, or is a
// single label that is no top-level domain. Public resolvers know none of them,
// and would learn what devices there are.
func HomeName(name string) bool {
	if name == "" {
		return false
	}
	if !strings.Contains(name, ".") {
		_, icann := publicsuffix.PublicSuffix(name)
		return !icann
	}
	return slices.ContainsFunc(homeSuffixes, func(s string) bool {
		rest, ok := strings.CutSuffix(name, s)
		return ok && (rest == "" || strings.HasSuffix(rest, "."))
	})
}

// athome reports whether the general upstreams belong to the own network: the
// Options say so, or all are at private addresses, as routers are. One on
// loopback is not: it may forward to anybody.
func athome(o Options) bool {
	if o.Home {
		return true
	}
	n := 0
	for _, sp := range o.Servers {
		if sp.general || sp.Domains != nil {
			continue
		}
		if a := sp.addr.Unmap(); sp.Named() || !a.IsPrivate() && !a.IsLinkLocalUnicast() {
			return false
		}
		n++
	}
	return n > 0
}
