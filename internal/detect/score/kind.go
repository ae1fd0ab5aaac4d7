package score

// Kind is the type of a value that could tell one person, browser or visit
// from all others. KindNone is everything else: words, numbers that count
// something, times, sizes, versions, languages, addresses.
type Kind uint8

// The kinds of identifiers.
const (
	KindNone    Kind = iota
	KindUUID         // 8-4-4-4-12 hexadecimal digits
	KindHash         // 32, 40 or 64 hexadecimal digits, as MD5, SHA-1 and SHA-256 give
	KindHex          // at least 16 hexadecimal digits
	KindNumber       // at least 9 digits that are no time
	KindStamped      // a number beside the time it was made, as in _ga and _fbp
	KindToken        // at least 12 letters and digits, mixed
)

const (
	// minID is the shortest value that is looked at: shorter ones are shared by
	// too many.
	minID = 8
	// maxID is the longest: longer ones are content.
	maxID = 160
)

// KindOf says what kind of identifier v is. It decides by v's form alone,
// reads no clock and allocates nothing.
func KindOf(v []byte) Kind {
	if len(v) < minID || len(v) > maxID {
		return KindNone
	}
	f := formOf(v)
	switch {
	case f.other > 0:
		return KindNone
	case f.letters == 0:
		return numeric(v, &f)
	case isUUID(v):
		return KindUUID
	case f.hex == len(v) && f.digits > 0:
		return hexKind(v, &f)
	case isStamped(v):
		return KindStamped
	case isToken(v, &f):
		return KindToken
	}
	return KindNone
}

// form counts what a value is made of.
type form struct {
	digits, letters, upper, lower int
	hex                           int // of letters and digits, those that are hexadecimal
	switches                      int // between letters and digits
	separators                    int // - _ . ~ + / = |
	other                         int // anything that no identifier has
}

func formOf(v []byte) form {
	var f form
	last := byte(0)
	for _, c := range v {
		kind := byte(0)
		switch {
		case c >= '0' && c <= '9':
			f.digits++
			f.hex++
			kind = 'd'
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			f.letters++
			kind = 'l'
			if c >= 'a' {
				f.lower++
			} else {
				f.upper++
			}
			if c|0x20 <= 'f' {
				f.hex++
			}
		case c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '/' || c == '=' || c == '|':
			f.separators++
			continue
		default:
			f.other++
		}
		if last != 0 && kind != last {
			f.switches++
		}
		last = kind
	}
	return f
}

// numeric judges a value of digits and separators.
func numeric(v []byte, f *form) Kind {
	if isStamped(v) {
		return KindStamped
	}
	if v[0] == '-' {
		v = v[1:]
		f.separators--
	}
	if f.separators > 0 || f.digits < 9 || len(v) > 40 || isTime(v) || isRun(v) {
		return KindNone
	}
	return KindNumber
}

func hexKind(v []byte, f *form) Kind {
	if f.upper > 0 && f.lower > 0 || isRun(v) {
		return KindNone
	}
	switch len(v) {
	case 32, 40, 64:
		return KindHash
	}
	if len(v) >= 16 {
		return KindHex
	}
	return KindNone
}

func isUUID(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	zeros := 0
	for i, c := range v {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
			continue
		}
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
		if c == '0' {
			zeros++
		}
	}
	return zeros < 24 // the nil UUID and its like name nobody
}

// isStamped reports whether v holds, between dots, a number beside the time it
// was made: 1234567890.1741737600, GA1.1.444444444.1763805600,
// fb.1.1741737600123.1234567890.
func isStamped(v []byte) bool {
	var prev []byte
	parts := 0
	for rest := v; ; {
		part, more := rest, false
		for i, c := range rest {
			if c == '.' {
				part, rest, more = rest[:i], rest[i+1:], true
				break
			}
		}
		if parts++; parts > 5 {
			return false
		}
		if parts > 1 && beside(prev, part) {
			return !more
		}
		if len(part) > 13 || !plain(part) {
			return false
		}
		prev = part
		if !more {
			return false
		}
	}
}

// beside reports whether one of two is a time and the other a random number.
func beside(a, b []byte) bool {
	if !allDigits(a) || !allDigits(b) {
		return false
	}
	return isTime(a) && len(b) >= 6 && len(b) <= 20 || isTime(b) && len(a) >= 6 && len(a) <= 20
}

func plain(v []byte) bool {
	for _, c := range v {
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			return false
		}
	}
	return len(v) > 0
}

func allDigits(v []byte) bool {
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(v) > 0
}

// Times from 2010 to 2037 count as times, in seconds; the package has no clock,
// and what is a time should not depend on the day it is looked at.
const (
	firstTime = 1262304000
	lastTime  = 2145916800
)

// isTime reports whether digits are a time in seconds, milliseconds,
// microseconds or nanoseconds, or a date written out (20250312, with a time or
// without).
func isTime(v []byte) bool {
	if len(v) > 19 {
		return false
	}
	n := number(v)
	switch len(v) {
	case 10:
		return n >= firstTime && n <= lastTime
	case 13:
		return n/1e3 >= firstTime && n/1e3 <= lastTime
	case 16:
		return n/1e6 >= firstTime && n/1e6 <= lastTime
	case 19:
		return n/1e9 >= firstTime && n/1e9 <= lastTime
	case 8, 12, 14, 17:
		year, month, day := number(v[:4]), number(v[4:6]), number(v[6:8])
		return year >= 1990 && year <= 2060 && month >= 1 && month <= 12 && day >= 1 && day <= 31
	}
	return false
}

func number(v []byte) (n uint64) {
	for _, c := range v {
		n = n*10 + uint64(c-'0')
	}
	return n
}

// isRun reports whether a value is made of at most two different characters:
// 00000000000, 1111-1111.
func isRun(v []byte) bool {
	a, b := v[0], byte(0)
	for _, c := range v {
		switch {
		case c == a || c == b:
		case b == 0:
			b = c
		default:
			return false
		}
	}
	return true
}

// isToken reports whether v mixes letters and digits as random texts do, and
// is not words, product numbers, versions or sizes.
func isToken(v []byte, f *form) bool {
	if f.letters+f.digits < 12 || f.digits < 2 || f.letters < 2 || f.separators*4 > len(v) {
		return false
	}
	if v[0] == '/' || v[0] == '.' || isSlug(v) || isSize(v) {
		return false
	}
	// A word with a number behind it has one switch; random text of twelve
	// characters has more, base64 some, and mixed case besides.
	return f.switches >= 4 || f.switches >= 2 && f.upper >= 2 && f.lower >= 2
}

// isSlug reports whether v is made of words and short numbers between
// separators: red-shoes-2024, SKU-12345-AB, jquery-3.7.1.min, 1920x1080x24.
func isSlug(v []byte) bool {
	pieces, odd := 0, 0
	for start, i := 0, 0; i <= len(v); i++ {
		if i < len(v) && (v[i]|0x20 >= 'a' && v[i]|0x20 <= 'z' || v[i] >= '0' && v[i] <= '9') {
			continue
		}
		if p := v[start:i]; len(p) > 0 {
			pieces++
			if !isWord(p) {
				odd++
			}
		}
		start = i + 1
	}
	return odd == 0 || pieces >= 3 && odd*3 <= pieces
}

// isWord reports whether a piece is letters, a short number, or one behind the
// other: shoes, 2024, v2, 24px, x86, 1920x1080.
func isWord(p []byte) bool {
	switches, digits := 0, 0
	for i, c := range p {
		d := c >= '0' && c <= '9'
		if d {
			digits++
		}
		if i > 0 && d != (p[i-1] >= '0' && p[i-1] <= '9') {
			switches++
		}
	}
	switch {
	case digits == 0:
		return len(p) <= 24
	case digits == len(p):
		return len(p) <= 6
	}
	return switches <= 1 && digits <= 6 || switches == 2 && digits == len(p)-1 && len(p) <= 11
}
