package markup

import (
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// oddHost marks hosts written to escape a comparison.
func (t *target) oddHost() {
	h := authority(t.url)
	odd := strings.HasSuffix(h, ".") || strings.HasPrefix(h, "xn--") || strings.Contains(h, ".xn--")
	for i := 0; i < len(h) && !odd; i++ {
		odd = h[i] >= 0x80 || h[i] == '%'
	}
	if h != "" && !odd && isDigit(h[0]) {
		if ip, ok := dottedIPv4(strings.ToLower(h)); ok && ip != h {
			odd = true
		}
	}
	if odd {
		t.tricks.add(112)
	}
}

// plainHost tells cheaply that the host at the start of b is written as most
// are: letters, digits, hyphens and dots, no punycode, and first a letter.
func plainHost(b []byte) bool {
	for i, c := range b {
		switch {
		case c == '/' || c == '?' || c == '#':
			return i > 0 && b[i-1] != '.'
		case isAlpha(c):
		case i == 0:
			return false
		case c == '-':
			if b[i-1] == '-' {
				return false
			}
		case c != '.' && !isDigit(c):
			return false
		}
	}
	return len(b) > 0 && b[len(b)-1] != '.'
}

// authority gives the host part of a URL, without user and port, as written.
func authority(u string) string {
	i := strings.Index(u, "//")
	if i < 0 || i > 0 && u[i-1] != ':' {
		return ""
	}
	h := u[i+2:]
	if j := strings.IndexAny(h, "/?#"); j >= 0 {
		h = h[:j]
	}
	if j := strings.LastIndexByte(h, '@'); j >= 0 {
		h = h[j+1:]
	}
	if strings.HasPrefix(h, "[") {
		if j := strings.IndexByte(h, ']'); j >= 0 {
			return h[:j+1]
		}
		return h
	}
	if j := strings.LastIndexByte(h, ':'); j >= 0 {
		h = h[:j]
	}
	return h
}

func hostOf(u string) string {
	h := authority(u)
	if strings.Contains(h, "%") {
		if d, err := url.PathUnescape(h); err == nil {
			h = d
		}
	}
	h = strings.ToLower(strings.Trim(h, "."))
	for i := 0; i < len(h); i++ {
		if h[i] >= 0x80 {
			if a, err := idna.Lookup.ToASCII(h); err == nil {
				h = a
			}
			break
		}
	}
	if ip, ok := dottedIPv4(h); ok {
		return ip
	}
	return h
}

// dottedIPv4 reads the numeric forms of IPv4 of the URL standard: one to four
// parts, each decimal, octal (0...) or hexadecimal (0x...).
func dottedIPv4(h string) (string, bool) {
	if h == "" || !isDigit(h[0]) {
		return "", false
	}
	parts := strings.SplitN(strings.TrimSuffix(h, "."), ".", 5)
	if len(parts) > 4 {
		return "", false
	}
	var ip uint64
	for i, p := range parts {
		v, err := strconv.ParseUint(octal(p), 0, 32)
		if err != nil || strings.ContainsAny(p, "_oObB") && !strings.HasPrefix(p, "0x") {
			return "", false
		}
		if i < len(parts)-1 {
			if v > 255 {
				return "", false
			}
			ip |= v << (24 - 8*i)
		} else if v >= 1<<(32-8*i) {
			return "", false
		} else {
			ip |= v
		}
	}
	out := make([]byte, 0, 15)
	for i := 24; i >= 0; i -= 8 {
		out = strconv.AppendUint(out, ip>>i&255, 10)
		if i > 0 {
			out = append(out, '.')
		}
	}
	return string(out), true
}

func octal(p string) string {
	if p == "0x" || p == "0X" {
		return "0"
	}
	return p
}
