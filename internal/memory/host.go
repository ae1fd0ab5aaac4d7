package memory

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/quench-proxy/quench/internal/detect"
)

// maxTyped bounds what is looked at when a person pastes a host or URL.
const maxTyped = 8 << 10

// CheckOverride returns o with its hosts as CleanHost makes them. At least one
// must be given.
func CheckOverride(o detect.Override) (detect.Override, error) {
	if strings.TrimSpace(o.To) == "" && strings.TrimSpace(o.On) == "" {
		return o, errors.New("neither a destination nor a page is given")
	}
	var err error
	if strings.TrimSpace(o.To) != "" {
		if o.To, err = CleanHost(o.To); err != nil {
			return o, err
		}
	}
	if strings.TrimSpace(o.On) != "" {
		if o.On, err = CleanHost(o.On); err != nil {
			return o, err
		}
	}
	return o, nil
}

// CleanHost returns the host that a person meant: a host name, perhaps with
// umlauts, a port or a leading "*.", an IP address, or a pasted URL. The result
// is lower case and ASCII. A name under which strangers register their own,
// such as com or co.uk, is refused: it would let nearly everything pass.
func CleanHost(s string) (string, error) {
	given := strings.TrimSpace(s)
	if len(given) > maxTyped {
		return "", fmt.Errorf("a host name of %d bytes is too long", len(given))
	}
	h := given
	if strings.Contains(h, "//") {
		h = detect.HostOf(h)
	} else if i := strings.IndexAny(h, "/?#"); i >= 0 {
		h = h[:i]
	}
	if host, _, err := net.SplitHostPort(h); err == nil {
		h = host
	}
	h = strings.TrimSuffix(strings.TrimPrefix(strings.Trim(h, "[]"), "*."), ".")
	if h == "" {
		return "", fmt.Errorf("%q names no host", given)
	}
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Unmap().WithZone("").String(), nil
	}
	// Lookup's profile maps case and width as browsers do. Underscores occur in
	// real names, so its STD3 rule is not used; what is allowed is checked below.
	names := idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))
	ascii, err := names.ToASCII(h)
	if again, err2 := names.ToASCII(ascii); err != nil || err2 != nil || again != ascii || !validName(ascii) {
		return "", fmt.Errorf("%q is not a host name", given)
	}
	if suffix, icann := publicsuffix.PublicSuffix(ascii); icann && suffix == ascii {
		return "", fmt.Errorf("%q is a suffix that many sites share; name one of them", ascii)
	}
	return ascii, nil
}

// validName applies the bounds of RFC 1035 and the letters of real host names.
func validName(h string) bool {
	if len(h) > 253 {
		return false
	}
	for label := range strings.SplitSeq(h, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}
