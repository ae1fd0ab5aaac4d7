package markup

import (
	"sort"
)

// span is a piece of text and where its bytes came from. Most are slices of
// the document; decoded ones (entities, percent escapes) carry a mapping back.
type span struct {
	b   []byte
	off int      // place of b[0], in the coordinates of m or of the document
	m   *mapping // nil: off is an offset in the document
}

// mapping leads from decoded bytes to what they were decoded from.
type mapping struct {
	segs    []seg // ascending; nothing between: the distance to the last one carries over
	up      span  // what was decoded; only off and m are used
	opaque  bool  // no byte has a place of its own (base64): all lie at up[0:size]
	size    int
	percent bool
}

type seg struct{ dst, src int }

func (t span) sub(a, b int) span { return span{t.b[a:b], t.off + a, t.m} }

// at gives the range of t.b[a:b] in the document, and whether it is exact.
func (t span) at(a, b int) (r Range, exact bool) {
	r, exact = Range{t.off + a, t.off + b}, true
	for m := t.m; m != nil; m = m.up.m {
		if m.opaque {
			r, exact = Range{m.up.off, m.up.off + m.size}, false
			continue
		}
		r.Start, r.End = m.up.off+m.pos(r.Start), m.up.off+m.pos(r.End)
	}
	return r, exact
}

func (t span) whole() Range {
	r, _ := t.at(0, len(t.b))
	return r
}

func (t span) percent() bool {
	for m := t.m; m != nil; m = m.up.m {
		if m.percent {
			return true
		}
	}
	return false
}

func (m *mapping) pos(i int) int {
	n := sort.Search(len(m.segs), func(k int) bool { return m.segs[k].dst > i })
	if n == 0 {
		return i
	}
	s := m.segs[n-1]
	p := s.src + i - s.dst
	if n < len(m.segs) {
		p = min(p, m.segs[n].src)
	}
	return p
}

// decoded gives a span over out, made from t by replacing units; segs marks
// where the distance between the two changed.
func (t span) decoded(out []byte, segs []seg) span {
	return span{out, 0, &mapping{segs: segs, up: span{off: t.off, m: t.m}}}
}

// opaque gives a span over out, whose bytes have no places of their own in t.
func (t span) opaque(out []byte) span {
	return span{out, 0, &mapping{opaque: true, size: len(t.b), up: span{off: t.off, m: t.m}}}
}

// trim drops white space and controls from both ends.
func (t span) trim() span {
	a, b := 0, len(t.b)
	for a < b && t.b[a] <= ' ' {
		a++
	}
	for b > a && t.b[b-1] <= ' ' {
		b--
	}
	return t.sub(a, b)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

func hexVal(c byte) int {
	if isDigit(c) {
		return int(c - '0')
	}
	return int(c|0x20-'a') + 10
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// hasPrefixFold reports whether b starts with p; p is lower-case ASCII.
func hasPrefixFold(b []byte, p string) bool {
	return len(b) >= len(p) && equalFold(b[:len(p)], p)
}

// equalFold reports whether b is p but for case; p is lower-case ASCII.
func equalFold(b []byte, p string) bool {
	if len(b) != len(p) {
		return false
	}
	for i := range b {
		if lowerByte(b[i]) != p[i] {
			return false
		}
	}
	return true
}

// indexFold is the first place of p, lower-case ASCII, in b; -1 if none.
func indexFold(b []byte, p string) int {
	for i := 0; i+len(p) <= len(b); i++ {
		if lowerByte(b[i]) == p[0] && hasPrefixFold(b[i:], p) {
			return i
		}
	}
	return -1
}

// cut gives at most n bytes of b as a string.
func cut(b []byte, n int) string { return string(b[:min(len(b), n)]) }
