package judge

import (
	"math"
	"net/url"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// Strength grades how likely it is that a value names one reader or one copy.
type Strength uint8

// The grades.
const (
	None   Strength = iota // a word, a size, a date, a version
	Short                  // a small number or a few mixed characters: many share it
	Mixed                  // long enough to tell readers apart
	Strong                 // made to be unique: a UUID, a digest, a sealed blob
)

// Value is one value of a URL that may be a token.
type Value struct {
	Text     string
	In       string // "path", "host", "fragment", or the parameter's name
	Kind     string // uuid, hex, digits, mixed, jwt, sealed, address
	Strength Strength
	Bits     float64 // upper bound on its entropy: length times the alphabet's logarithm
	last     bool    // last segment of the path
}

// maxValues is how many values of one URL are looked at.
const maxValues = 64

// ignored parameters name a version, a campaign or nothing, whatever their value
// looks like.
var ignored = set("v ver version rev utm_source utm_medium utm_campaign utm_content utm_term utm_id cb rnd rand ord cachebuster")

// describing parameters say how a picture shall look, unless their value is too
// long for that.
var describing = set("w h width height q quality fit fm format auto dpr crop size sz scale resize rect bg wid hei " +
	"lang language locale hl ext type mode theme color font family display subset")

// signatures are parameters by which storage services and picture servers let
// an address be used; several together are a signed URL.
var signatures = set("expires signature key-pair-id policy x-amz-algorithm x-amz-credential x-amz-date x-amz-expires " +
	"x-amz-signature x-amz-signedheaders x-amz-security-token awsaccesskeyid googleaccessid x-goog-algorithm x-goog-credential " +
	"x-goog-date x-goog-expires x-goog-signature x-goog-signedheaders sv se sr sp sig st spr skoid sktid skt ske sks skv " +
	"hdnea hdnts __token__ oh oe _nc_ht _nc_cat _nc_sid _nc_ohc _nc_oc ccb token-expiry ixlib ixid ik-s hmac")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// values lists what may be tokens in u, and reports whether u is signed.
func values(u string) (out []Value, signed bool) {
	path, query := detect.Split(u)
	signs := 0
	add := func(text, in string) {
		if len(out) < maxValues {
			if v := classify(text); v.Strength > None {
				v.In = in
				out = append(out, v)
			}
		}
	}
	host := detect.HostOf(u)
	if site := detect.Registrable(host); len(host) > len(site) {
		for label := range strings.SplitSeq(host[:len(host)-len(site)-1], ".") {
			add(label, "host")
		}
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		n := len(out)
		name, value, ok := strings.Cut(s, "=")
		if ok && len(name) < 20 {
			add(value, name)
		} else {
			add(s, "path")
		}
		if len(out) > n && i == len(segments)-1 {
			out[n].last = true
		}
	}
	params := query
	if i := strings.IndexByte(u, '#'); i >= 0 && strings.Contains(u[i:], "=") {
		params += "&" + u[i+1:]
	}
	for p := range strings.FieldsFuncSeq(params, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, ok := strings.Cut(p, "=")
		lower := strings.ToLower(strings.TrimPrefix(name, "amp;"))
		switch {
		case !ok:
			add(p, "query")
		case signatures[lower]:
			signs++
		case !ignored[lower] && !(describing[lower] && classify(value).Strength < Strong):
			add(value, name)
		}
	}
	return out, signs >= 2
}

// classify judges one value as it stands in a URL.
func classify(text string) Value {
	if d, err := url.PathUnescape(text); err == nil {
		text = d
	}
	v := Value{Text: text}
	if strings.Contains(text, "://") || strings.HasPrefix(text, "//") || len(text) < 3 {
		return v
	}
	if i := strings.LastIndexByte(text, '.'); i > 0 && len(text)-i <= 6 && !strings.Contains(text[i+1:], "=") && strings.Count(text, ".") < 2 {
		text = text[:i] // a file extension
	}
	v.Kind, v.Strength = kind(text)
	v.Bits = bits(text)
	return v
}

func kind(s string) (string, Strength) {
	c := count(s)
	switch {
	case strings.Contains(s, "@") && strings.Contains(s[strings.IndexByte(s, '@'):], "."):
		return "address", Strong
	case isUUID(s):
		return "uuid", Strong
	case strings.HasPrefix(s, "eyJ") && len(s) >= 16:
		return "jwt", Strong
	case c.other > 0 && c.other*4 > len(s):
		return "", None
	case c.digits == len(s):
		return "digits", digits(s)
	case c.hex == len(s) && c.digits >= 2 && c.digits < len(s):
		return "hex", byLength(len(s), 6, 8, 16)
	}
	if c.seps > 0 {
		return pieces(s)
	}
	return "mixed", mixture(s, &c)
}

// mixture grades a run of letters and digits: words have few changes between
// digits, small and capital letters, made values have many.
func mixture(s string, c *counts) Strength {
	letters := c.lower + c.upper
	switch {
	case c.digits == 0 && (c.lower == 0 || c.upper == 0):
		return None // a word
	case len(s) < 24 && c.upper*3 <= letters && c.switches-2*c.upper <= 2 && c.digits < 5 && c.upper > 0:
		return None // HeroImage, iPhone15Pro
	case c.switches*6 < len(s) && letters > c.digits && c.digits < 5 && s[0] > '9':
		return None // image2024, summer25
	case letters == 1 && strings.Contains(s[1:len(s)-1], "x") && len(s) < 12:
		return None // 600x200
	case letters <= 2 && c.digits < 6: // a1234
		return min(Short, byLength(len(s), 5, 9, 18))
	}
	return byLength(len(s), 5, 9, 18)
}

func byLength(n, short, mixed, strong int) Strength {
	switch {
	case n >= strong:
		return Strong
	case n >= mixed:
		return Mixed
	case n >= short:
		return Short
	}
	return None
}

// pieces judges values joined by marks: a made one among them counts whole,
// several numbers count together, and several made ones too short to count.
func pieces(s string) (string, Strength) {
	best, name := None, ""
	var numbers, made, bytes int
	for p := range strings.FieldsFuncSeq(s, isSep) {
		k, st := kind(p)
		if st == None {
			continue
		}
		if c := count(p); c.lower+c.upper <= 2 {
			numbers += c.digits
		} else {
			made++
			bytes += len(p)
		}
		if st > best {
			best, name = st, k
		}
	}
	switch {
	case made >= 2 && bytes >= 16 && best < Strong:
		return "mixed", Strong
	case made >= 2 && best < Mixed:
		return "mixed", Mixed
	case numbers >= 8 && best < Mixed:
		return "digits", Mixed
	}
	return name, best
}

func isSep(r rune) bool {
	return r == '-' || r == '_' || r == '.' || r == '~' || r == '+' || r == ',' || r == ':' || r == '|' || r == ' ' || r == '=' || r == '!'
}

// digits judges a number: dates and times name no reader.
func digits(s string) Strength {
	switch {
	case len(s) == 4 && (strings.HasPrefix(s, "19") || strings.HasPrefix(s, "20")):
		return None
	case len(s) == 8 && (strings.HasPrefix(s, "19") || strings.HasPrefix(s, "20")) && s[4:6] <= "12" && s[6:] <= "31":
		return None
	case len(s) == 10 && s >= "1300000000" && s < "2200000000", len(s) == 13 && s >= "1300000000000" && s < "2200000000000":
		return Short
	}
	return byLength(len(s), 3, 7, 18)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

type counts struct{ digits, lower, upper, hex, seps, other, switches int }

func count(s string) (c counts) {
	last := 0
	for i := range len(s) {
		b, class := s[i], 0
		switch {
		case b >= '0' && b <= '9':
			c.digits++
			class = 1
		case b >= 'a' && b <= 'z':
			c.lower++
			class = 2
		case b >= 'A' && b <= 'Z':
			c.upper++
			class = 3
		case isSep(rune(b)):
			c.seps++
		default:
			c.other++
		}
		if b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f' {
			c.hex++
		}
		if class != 0 && last != 0 && class != last {
			c.switches++
		}
		if class != 0 {
			last = class
		}
	}
	return c
}

func bits(s string) float64 {
	c := count(s)
	alphabet := 0.0
	switch {
	case c.hex == len(s) && c.digits == len(s):
		alphabet = 10
	case c.hex == len(s):
		alphabet = 16
	case c.lower > 0 && c.upper > 0:
		alphabet = 62
	case c.digits > 0:
		alphabet = 36
	default:
		alphabet = 26
	}
	return float64(len(s)-c.seps) * math.Log2(alphabet)
}
