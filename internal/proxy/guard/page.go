package guard

import (
	"net/netip"
	"strings"
)

// pageHost returns the host of the page that made the request by its Origin,
// else its Referer; "" if neither names one.
func pageHost(f From) string {
	if f.Origin != "" {
		return hostOf(f.Origin)
	}
	return hostOf(f.Referer)
}

func hostOf(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		rest = rest[:i]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if ap, err := netip.ParseAddrPort(rest); err == nil {
		return ap.Addr().String()
	}
	if strings.HasPrefix(rest, "[") {
		return strings.Trim(rest, "[]")
	}
	rest, _, _ = strings.Cut(rest, ":")
	return strings.ToLower(strings.TrimSuffix(rest, "."))
}
