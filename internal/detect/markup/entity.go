package markup

import (
	"bytes"
	"html"
	"unicode/utf8"
)

// maxEntity is the longest named character reference, "&" included, that is
// looked up: HTML's longest has 33 bytes.
const maxEntity = 40

// unescape decodes character references. In an attribute, a name without a
// semicolon stays as it is if a letter, digit or "=" follows (HTML 13.2.5.73).
// Without any "&", t itself is returned.
func (t span) unescape() span {
	i := bytes.IndexByte(t.b, '&')
	if i < 0 {
		return t
	}
	out := append(make([]byte, 0, len(t.b)), t.b[:i]...)
	var few struct {
		mapping
		segs [8]seg
	}
	segs := few.segs[:0]
	for i < len(t.b) {
		if t.b[i] == '&' {
			var n int
			at := len(out)
			if out, n = appendEntity(out, t.b[i:]); n > 0 {
				i += n
				segs = append(segs, seg{at, i - n}, seg{len(out), i})
				continue
			}
		}
		end := bytes.IndexByte(t.b[i+1:], '&')
		if end < 0 {
			end = len(t.b)
		} else {
			end += i + 1
		}
		out = append(out, t.b[i:end]...)
		i = end
	}
	if len(segs) == 0 {
		return t
	}
	few.mapping = mapping{segs: segs, up: span{off: t.off, m: t.m}}
	return span{out, 0, &few.mapping}
}

// appendEntity appends what the reference at the start of b stands for and
// says how many bytes it took; 0 if there is none.
func appendEntity(out, b []byte) ([]byte, int) {
	if len(b) > 2 && b[1] == '#' {
		return appendNumeric(out, b)
	}
	n := 1
	for n < len(b) && n < maxEntity && (isAlpha(b[n]) || isDigit(b[n])) {
		n++
	}
	if n == 1 {
		return out, 0
	}
	name, semi := b[1:n], n < len(b) && b[n] == ';'
	if !semi && n < len(b) && b[n] == '=' {
		return out, 0
	}
	if semi {
		n++
	}
	if c := commonEntity(name); c != 0 {
		return append(out, c), n
	}
	dec := html.UnescapeString(string(b[:n]))
	if dec[0] == '&' || !semi && utf8.RuneCountInString(dec) != 1 || semi && dec[len(dec)-1] == ';' {
		return out, 0
	}
	return append(out, dec...), n
}

func commonEntity(name []byte) byte {
	switch string(name) {
	case "amp", "AMP":
		return '&'
	case "quot", "QUOT":
		return '"'
	case "lt", "LT":
		return '<'
	case "gt", "GT":
		return '>'
	}
	return 0
}

func appendNumeric(out, b []byte) ([]byte, int) {
	i, base := 2, 10
	if b[i]|0x20 == 'x' {
		i, base = 3, 16
	}
	start, v := i, 0
	for i < len(b) && (isDigit(b[i]) || base == 16 && isHex(b[i])) {
		v = min(v*base+hexVal(b[i]), utf8.MaxRune+1)
		i++
	}
	if i == start {
		return out, 0
	}
	if i < len(b) && b[i] == ';' {
		i++
	}
	switch {
	case v < 0x80 && v > 0:
		return append(out, byte(v)), i
	case v >= 0x80 && v < 0xA0:
		return append(out, html.UnescapeString(string(b[:i]))...), i
	case v == 0 || v > utf8.MaxRune:
		v = utf8.RuneError
	}
	return utf8.AppendRune(out, rune(v)), i
}

// unpercent decodes %XX.
func (t span) unpercent() span {
	i := bytes.IndexByte(t.b, '%')
	if i < 0 {
		t = t.decoded(t.b, []seg{{0, 0}})
		t.m.percent = true
		return t
	}
	out := append(make([]byte, 0, len(t.b)), t.b[:i]...)
	var segs []seg
	for i < len(t.b) {
		if t.b[i] == '%' && i+2 < len(t.b) && isHex(t.b[i+1]) && isHex(t.b[i+2]) {
			out = append(out, byte(hexVal(t.b[i+1])<<4|hexVal(t.b[i+2])))
			i += 3
			segs = append(segs, seg{len(out) - 1, i - 3}, seg{len(out), i})
			continue
		}
		out = append(out, t.b[i])
		i++
	}
	t = t.decoded(out, segs)
	t.m.percent = true
	return t
}

// unslash decodes the escapes of a JSON string; faulty ones stay.
func (t span) unslash() span {
	i := bytes.IndexByte(t.b, '\\')
	if i < 0 {
		return t
	}
	out := append(make([]byte, 0, len(t.b)), t.b[:i]...)
	var segs []seg
	for i < len(t.b) {
		if t.b[i] != '\\' || i+1 == len(t.b) {
			out = append(out, t.b[i])
			i++
			continue
		}
		at, n := len(out), 2
		switch c := t.b[i+1]; {
		case c == 'u' && i+6 <= len(t.b) && allHex(t.b[i+2:i+6]):
			out, n = utf8.AppendRune(out, rune(hex4(t.b[i+2:i+6]))), 6
		case c == 'n' || c == 'r' || c == 't':
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
		i += n
		segs = append(segs, seg{at, i - n}, seg{len(out), i})
	}
	return t.decoded(out, segs)
}

func allHex(b []byte) bool {
	for _, c := range b {
		if !isHex(c) {
			return false
		}
	}
	return true
}

func hex4(b []byte) int {
	v := 0
	for _, c := range b {
		v = v<<4 | hexVal(c)
	}
	return v
}
