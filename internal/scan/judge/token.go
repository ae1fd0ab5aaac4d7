package judge

import (
	"math"
	"net/url"
	"strings"
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
	uses     int     // in bench.uses, counted from 1; 0 if it is too short to be counted
}

// maxValues is how many values of one URL are looked at.
const maxValues = 64

// ignoredParams name a version, a campaign or nothing, whatever their value
// looks like.
const ignoredParams = "v ver version rev utm_source utm_medium utm_campaign utm_content utm_term utm_id cb rnd rand ord cachebuster"

// describingParams say how a picture shall look, unless their value is too
// long for that.
const describingParams = "w h width height q quality fit fm format auto dpr crop size sz scale resize rect bg wid hei " +
	"lang language locale hl ext type mode theme color font family display subset"

// signatureParams are those by which storage services and picture servers let
// an address be used; several together are a signed URL.
const signatureParams = "expires signature key-pair-id policy x-amz-algorithm x-amz-credential x-amz-date x-amz-expires " +
	"x-amz-signature x-amz-signedheaders x-amz-security-token awsaccesskeyid googleaccessid x-goog-algorithm x-goog-credential " +
	"x-goog-date x-goog-expires x-goog-signature x-goog-signedheaders sv se sr sp sig st spr skoid sktid skt ske sks skv " +
	"hdnea hdnts __token__ oh oe _nc_ht _nc_cat _nc_sid _nc_ohc _nc_oc ccb token-expiry ixlib ixid ik-s hmac"

// values appends to out what may be tokens in l, and reports whether l is signed.
func values(out []Value, l *link) (all []Value, signed bool) {
	v := valuer{out: out, from: len(out)}
	if o := l.origin; len(o.host) > len(o.site) {
		for labels, label := o.host[:len(o.host)-len(o.site)-1], ""; labels != ""; {
			label, labels, _ = strings.Cut(labels, ".")
			v.add(label, "host")
		}
	}
	for rest, more := l.path, true; more; {
		var s string
		s, rest, more = strings.Cut(rest, "/")
		n := len(v.out)
		name, value, ok := strings.Cut(s, "=")
		if ok && len(name) < 20 {
			v.add(value, name)
		} else {
			v.add(s, "path")
		}
		if len(v.out) > n && !more {
			v.out[n].last = true
		}
	}
	v.params(l.query)
	if f := l.fragment(); strings.IndexByte(f, '=') >= 0 {
		v.params(f)
	}
	return v.out, v.signs >= 2
}

// valuer collects the values of one URL.
type valuer struct {
	out   []Value
	from  int // where those of this URL start
	signs int // parameters of a signature
}

func (v *valuer) add(text, in string) {
	if len(text) < 3 || len(v.out)-v.from >= maxValues {
		return
	}
	if c := classify(text); c.Strength > None {
		c.In = in
		v.out = append(v.out, c)
	}
}

func (v *valuer) params(query string) {
	for query != "" {
		var p string
		p, query = cutParam(query)
		if p == "" {
			continue
		}
		name, value, ok := strings.Cut(p, "=")
		switch w := lookup(strings.TrimPrefix(name, "amp;")); {
		case !ok:
			v.add(p, "query")
		case w.says&saysSigned != 0:
			v.signs++
		case w.says&saysNothing == 0 && !(w.says&saysDescribing != 0 && classify(value).Strength < Strong):
			v.add(value, name)
		}
	}
}

// cutParam cuts the first parameter off a query.
func cutParam(query string) (first, rest string) {
	for i := range len(query) {
		if query[i] == '&' || query[i] == ';' {
			return query[:i], query[i+1:]
		}
	}
	return query, ""
}

// classify judges one value as it stands in a URL.
func classify(text string) Value {
	if strings.IndexByte(text, '%') >= 0 {
		if d, err := url.PathUnescape(text); err == nil {
			text = d
		}
	}
	v := Value{Text: text}
	if strings.Contains(text, "://") || strings.HasPrefix(text, "//") || len(text) < 3 {
		return v
	}
	if i := strings.LastIndexByte(text, '.'); i > 0 && len(text)-i <= 6 && !strings.Contains(text[i+1:], "=") && strings.Count(text, ".") < 2 {
		text = text[:i] // a file extension
	}
	c := count(text)
	if v.Kind, v.Strength = kind(text, &c); v.Strength > None {
		v.Bits = bits(text, &c)
	}
	return v
}

// kind says what s is made of and how telling that is; c is its count.
func kind(s string, c *counts) (string, Strength) {
	switch {
	case c.other > 0 && strings.Contains(s, "@") && strings.Contains(s[strings.IndexByte(s, '@'):], "."):
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
	return "mixed", mixture(s, c)
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
	for start, i := 0, 0; i <= len(s); i++ {
		if i < len(s) && classes[s[i]]&isMark == 0 {
			continue
		}
		p := s[start:i]
		start = i + 1
		if p == "" {
			continue
		}
		c := count(p)
		k, st := kind(p, &c)
		if st == None {
			continue
		}
		if c.lower+c.upper <= 2 {
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

// counts are how many bytes of a value are of each class, and how often digits,
// small and capital letters take turns.
type counts struct{ digits, lower, upper, hex, seps, other, switches int }

// Classes of a byte: the low two bits say digit, small or capital letter.
const (
	isDigit = 1 + iota
	isLower
	isUpper
	isMark // what joins the pieces of a value
	isHex  = 8
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = isDigit | isHex
		case b >= 'a' && b <= 'z':
			t[c] = isLower
		case b >= 'A' && b <= 'Z':
			t[c] = isUpper
		case strings.IndexByte("-_.~+,:| =!", b) >= 0:
			t[c] = isMark
		}
		if b := byte(c) | 0x20; b >= 'a' && b <= 'f' && t[c] != 0 {
			t[c] |= isHex
		}
	}
	return t
}()

// turns says for the class last seen and the next (last<<2|next) which is seen
// last then, and adds 4 if they take turns.
var turns = [16]uint8{0, 1, 2, 3, 1, 1, 4 + 2, 4 + 3, 2, 4 + 1, 2, 4 + 3, 3, 4 + 1, 4 + 2, 3}

func count(s string) (c counts) {
	var of [8]int
	last := uint8(0)
	for i := range len(s) {
		k := classes[s[i]]
		of[k&7]++
		c.hex += int(k >> 3)
		last = turns[last<<2|k&3]
		c.switches += int(last >> 2)
		last &= 3
	}
	c.other, c.digits, c.lower, c.upper, c.seps = of[0], of[isDigit], of[isLower], of[isUpper], of[isMark]
	return c
}

// Entropy of one byte of an alphabet of so many.
var log10, log26, log36, log62 = math.Log2(10), math.Log2(26), math.Log2(36), math.Log2(62)

func bits(s string, c *counts) float64 {
	each := log26
	switch {
	case c.hex == len(s) && c.digits == len(s):
		each = log10
	case c.hex == len(s):
		each = 4
	case c.lower > 0 && c.upper > 0:
		each = log62
	case c.digits > 0:
		each = log36
	}
	return float64(len(s)-c.seps) * each
}
