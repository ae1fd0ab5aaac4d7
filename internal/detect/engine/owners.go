package engine

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// owners says which company (index plus one) a registrable domain belongs to,
// as far as the rules know.
type owners map[string]int32

// add says that company n owns the domains, as far as nobody else does.
func (o owners) add(n int32, domains []string) {
	for _, d := range domains {
		if o[d] == 0 {
			o[d] = n
		}
	}
}

// ownedBy gives the registrable domains that spec names, each once, in order.
func ownedBy(s *vendor.Spec) (domains []string) {
	seen := map[string]bool{}
	add := func(hosts []string) {
		for _, h := range hosts {
			if h = strings.TrimPrefix(h, "."); strings.ContainsAny(h, "*") {
				continue
			}
			if d := detect.Registrable(h); !seen[d] {
				seen[d] = true
				domains = append(domains, d)
			}
		}
	}
	add(s.Sites)
	for _, t := range s.Trackers {
		add(t.ByName.Refuse)
		for _, l := range t.Loaders {
			add(l.Hosts)
		}
		for _, h := range t.Hits {
			add(h.Hosts)
		}
	}
	return domains
}

// same reports whether both hosts are known to belong to one company.
func (o owners) same(host, page string) bool {
	a := o.of(host)
	return a > 0 && a == o.of(page)
}

// of goes up the name, which finds the registrable domain without a look into
// the Public Suffix List.
func (o owners) of(host string) int32 {
	for h := host; h != ""; h = parentOf(h) {
		if n := o[h]; n > 0 {
			return n
		}
	}
	return 0
}
