package filterlist

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/quench-proxy/quench/internal/detect"
)

// sites remembers answers of the Public Suffix List, whose lookup costs more
// than all else of a match, and allocates. The zero value remembers nothing.
type sites struct {
	// known has two places for each hash: the newer first.
	known [sitesKept][2]site
}

type site struct {
	name [siteName]byte
	size uint8 // of the name
	// suffix is how many bytes of it are a public suffix.
	suffix uint8
}

const (
	sitesKept = 64
	siteName  = 62
)

// suffix returns how many bytes of a host's end are its public suffix.
func (s *sites) suffix(host string) int {
	if len(host) > siteName {
		suffix, _ := publicsuffix.PublicSuffix(host)
		return len(suffix)
	}
	known := &s.known[nameHash(host, 0)%sitesKept]
	if known[0].is(host) {
		return int(known[0].suffix)
	}
	known[0], known[1] = known[1], known[0]
	if !known[0].is(host) {
		suffix, _ := publicsuffix.PublicSuffix(host)
		known[0].size, known[0].suffix = uint8(copy(known[0].name[:], host)), uint8(len(suffix))
	}
	return int(known[0].suffix)
}

func (s *site) is(host string) bool { return string(s.name[:s.size]) == host }

// partyOf is detect.PartyOf.
func (s *sites) partyOf(host, page string) detect.Party {
	common := commonSuffix(host, page)
	if strings.IndexByte(common, '.') < 0 || perhapsAddress(host) || perhapsAddress(page) {
		return detect.PartyOf(host, page)
	}
	if len(host) == len(page) && len(common) == len(host) || s.suffix(common) < len(common) {
		return detect.FirstParty
	}
	return detect.ThirdParty
}

// perhapsAddress reports whether a host may be an IP address: it is no name then.
func perhapsAddress(host string) bool {
	last := host[len(host)-1]
	return last >= '0' && last <= '9' || strings.IndexByte(host, ':') >= 0
}

// commonSuffix returns the whole labels that both names end in.
func commonSuffix(a, b string) string {
	n, labels := 0, 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		if n++; a[len(a)-n] == '.' {
			labels = n - 1
		}
	}
	if (n == len(a) || a[len(a)-n-1] == '.') && (n == len(b) || b[len(b)-n-1] == '.') {
		labels = n
	}
	return a[len(a)-labels:]
}
