package redact

import (
	"encoding/base64"
	"strings"
)

// keyShape is how a well-known kind of key begins and goes on.
type keyShape struct {
	prefix string
	more   int    // bytes that must follow
	extra  string // what may stand in it beside letters and digits
	dot    bool   // at least one dot
}

var keyShapes = []keyShape{
	{"eyJ", 20, "_-.", true}, // JWT, JWE
	{"AKIA", 16, "", false}, {"ASIA", 16, "", false}, {"AIza", 30, "_-", false}, {"ya29.", 20, "_-.", false},
	{"ghp_", 20, "", false}, {"gho_", 20, "", false}, {"ghu_", 20, "", false}, {"ghs_", 20, "", false}, {"ghr_", 20, "", false},
	{"github_pat_", 20, "_", false}, {"glpat-", 16, "_-", false}, {"npm_", 30, "", false}, {"hf_", 30, "", false},
	{"sk_live_", 10, "_", false}, {"sk_test_", 10, "_", false}, {"rk_live_", 10, "_", false}, {"rk_test_", 10, "_", false},
	{"whsec_", 16, "_+/=", false}, {"sk-", 20, "_-", false}, {"xoxa-", 10, "-", false}, {"xoxb-", 10, "-", false},
	{"xoxp-", 10, "-", false}, {"xoxr-", 10, "-", false}, {"xoxs-", 10, "-", false}, {"xapp-", 10, "-", false},
	{"SG.", 30, "_-.", true}, {"dop_v1_", 30, "", false}, {"shpat_", 20, "", false}, {"shpss_", 20, "", false},
	{"EAACEdEose0cBA", 4, "", false}, {"AccountKey=", 20, "+/=", false},
}

func elideKeys(s string) string {
	for i := range keyShapes {
		s = keyShapes[i].elide(s)
	}
	return s
}

func (k *keyShape) elide(s string) string {
	for at := 0; ; {
		i := strings.Index(s[at:], k.prefix)
		if i < 0 {
			return s
		}
		i += at
		end := i + len(k.prefix)
		for end < len(s) && (class(s[end]) != '.' || strings.IndexByte(k.extra, s[end]) >= 0) {
			end++
		}
		at = end
		if i > 0 && class(s[i-1]) != '.' && !escaped(s, i) || end-i-len(k.prefix) < k.more ||
			k.dot && !strings.Contains(s[i+len(k.prefix):end], ".") {
			continue
		}
		s = s[:i] + Elided + s[end:]
		at = i + len(Elided)
	}
}

// escaped reports whether a percent escape ends before s[i].
func escaped(s string, i int) bool { return i >= 3 && s[i-3] == '%' && isHex(s[i-2:i]) }

// elidePEM elides from a PEM header to its end.
func elidePEM(s string) string {
	for {
		i := strings.Index(s, "-----BEGIN")
		if i < 0 {
			return s
		}
		end := len(s)
		if j := strings.Index(s[i:], "-----END"); j >= 0 {
			end = i + j + len("-----END")
			if k := strings.Index(s[end:], "-----"); k >= 0 {
				end += k + 5
			}
		}
		s = s[:i] + Elided + s[end:]
	}
}

// lowerASCII lowers letters of ASCII alone, so that every byte keeps its place.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// elideSchemes elides what follows "Bearer " and "Basic ".
func elideSchemes(s string) string {
	low := lowerASCII(s)
	for _, scheme := range []string{"bearer ", "basic ", "digest "} {
		for at := 0; ; {
			i := strings.Index(low[at:], scheme)
			if i < 0 {
				break
			}
			start := at + i + len(scheme)
			end := start
			for end < len(s) && (class(s[end]) != '.' || strings.IndexByte("_-.~+/=", s[end]) >= 0) {
				end++
			}
			at = max(end, start)
			if credential(scheme, s[start:end]) {
				s, low = s[:start]+Elided+s[end:], low[:start]+Elided+low[end:]
				at = start + len(Elided)
			}
		}
	}
	return s
}

func credential(scheme, t string) bool {
	if scheme == "basic " {
		d, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(t, "="))
		return err == nil && strings.Contains(string(d), ":")
	}
	return len(t) >= 16 || len(t) >= 6 && strings.ContainsAny(t, "0123456789")
}

// elideUserinfo elides what stands before "@" in the authority of a URL.
func elideUserinfo(s string) string {
	var b strings.Builder
	from := 0
	for at := 0; ; {
		i := strings.Index(s[at:], "//")
		if i < 0 {
			break
		}
		start := at + i + 2
		end := len(s)
		if j := strings.IndexAny(s[start:], "/?# \t\r\n\"'<>\\"); j >= 0 {
			end = start + j
		}
		at = max(start, end-1) // "///a@b": the authority may still come
		if end == start {
			at = start - 1
		}
		if j := strings.LastIndexByte(s[start:end], '@'); j > 0 {
			b.WriteString(s[from:start] + Elided)
			from = start + j
		}
	}
	if from == 0 {
		return s
	}
	return b.String() + s[from:]
}

// elideNumbers elides card numbers, also in groups, and IBANs.
func elideNumbers(s string) string {
	for i := 0; i < len(s); i++ {
		k := class(s[i])
		if k == '.' || i > 0 && k != '0' && class(s[i-1]) != '.' && !escaped(s, i) {
			continue
		}
		end := 0
		if k == '0' && (i == 0 || class(s[i-1]) != '0' || escaped(s, i)) {
			end = cardAt(s, i)
		} else if k != '0' {
			end = ibanAt(s, i)
		}
		if end > 0 {
			s = s[:i] + Elided + s[end:]
			i += len(Elided) - 1
		}
	}
	return s
}

// cardAt returns where a card number that begins at s[i] ends, 0 if none does.
// Groups may stand apart by one space or dash.
func cardAt(s string, i int) int {
	var digits [19]byte
	n, best := 0, 0
	for j := i; j < len(s) && n < len(digits); j++ {
		if s[j] < '0' || s[j] > '9' {
			if (s[j] == ' ' || s[j] == '-') && j+1 < len(s) && class(s[j+1]) == '0' {
				continue
			}
			break
		}
		digits[n] = s[j]
		n++
		edge := j+1 == len(s) || class(s[j+1]) != '0'
		if (edge || n == 15 || n == 16) && issued(digits[:n]) && luhn(digits[:n]) {
			if edge || longRun(s, i) {
				best = j + 1
			}
		}
	}
	if best > 0 { // never leave the rest of a longer run of digits
		for best < len(s) && class(s[best]) == '0' {
			best++
		}
	}
	return best
}

// longRun reports whether more digits stand together than any card has: then a
// card with its date and check number may lead them.
func longRun(s string, i int) bool {
	n := 0
	for i+n < len(s) && class(s[i+n]) == '0' {
		n++
	}
	return n > 19
}

func luhn(d []byte) bool {
	sum := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		if i%2 == 1 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}

// issued reports whether a number begins and is as long as an issuer's are.
func issued(d []byte) bool {
	if len(d) < 13 {
		return false
	}
	n, p2, p4 := len(d), int(d[0]-'0')*10+int(d[1]-'0'), 0
	for _, c := range d[:4] {
		p4 = p4*10 + int(c-'0')
	}
	switch {
	case d[0] == '4':
		return n == 13 || n == 16 || n == 19
	case p2 >= 51 && p2 <= 55, p4 >= 2221 && p4 <= 2720:
		return n == 16
	case p2 == 34, p2 == 37:
		return n == 15
	case p2 == 36, p2 == 38, p2 == 39, p4 >= 3000 && p4 <= 3059:
		return n >= 14
	case p2 == 35, p2 == 60, p2 == 62, p2 == 64, p2 == 65, p2 == 81:
		return n >= 16
	}
	return p2 == 50 || p2 >= 56 && p2 <= 58 || p2 == 63 || p2 == 67
}

// ibanLength holds the length of an IBAN by country.
var ibanLength = map[string]int{"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29,
	"BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18,
	"FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
	"IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22,
	"MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22,
	"SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20}

// ibanAt returns where an IBAN that begins at s[i] ends, 0 if none does.
func ibanAt(s string, i int) int {
	if i+4 > len(s) || class(s[i+2]) != '0' || class(s[i+3]) != '0' {
		return 0
	}
	want := ibanLength[strings.ToUpper(s[i:i+2])]
	if want == 0 {
		return 0
	}
	var buf [34]byte
	n, j := 0, i
	for ; j < len(s) && n < want; j++ {
		if class(s[j]) == '.' {
			if s[j] == ' ' || s[j] == '-' {
				continue
			}
			return 0
		}
		buf[n] = s[j] &^ 0x20
		if class(s[j]) == '0' {
			buf[n] = s[j]
		}
		n++
	}
	if n < want || mod97(buf[:n]) != 1 {
		return 0
	}
	return j
}

func mod97(b []byte) int {
	m := 0
	for i := range b {
		c := b[(i+4)%len(b)]
		if c >= 'A' {
			m = (m*100 + int(c-'A') + 10) % 97
		} else {
			m = (m*10 + int(c-'0')) % 97
		}
	}
	return m
}
