package mail

import (
	"bytes"
	"sort"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// run says that n decoded bytes come from rn source bytes. If same, they are
// the same bytes; else they belong together.
type run struct {
	dec, src, n, rn int32
	same            bool
}

// runs is how one layer of encoding came off, in order. Source bytes that made
// nothing (soft line breaks, shift sequences) lie between or inside runs.
type runs []run

func (r *runs) add(dec, src, n, rn int, same bool) {
	if same && len(*r) > 0 {
		if l := &(*r)[len(*r)-1]; l.same && int(l.src+l.rn) == src && int(l.dec+l.n) == dec {
			l.n, l.rn = l.n+int32(n), l.rn+int32(rn)
			return
		}
	}
	*r = append(*r, run{int32(dec), int32(src), int32(n), int32(rn), same})
}

// at is the index of the run that holds decoded offset d.
func (r runs) at(d int) int {
	return sort.Search(len(r), func(i int) bool { return int(r[i].dec+r[i].n) > d })
}

// span gives the source bytes that made decoded [from,to).
func (r runs) span(from, to int) (start, end int) {
	if len(r) == 0 {
		return 0, 0
	}
	i := r.at(from)
	if i == len(r) {
		l := r[i-1]
		return int(l.src + l.rn), int(l.src + l.rn)
	}
	start = int(r[i].src)
	if r[i].same {
		start += from - int(r[i].dec)
	}
	if to <= from {
		return start, start
	}
	j := r.at(to - 1)
	if j == len(r) {
		j--
	}
	end = int(r[j].src + r[j].rn)
	if r[j].same {
		end = int(r[j].src) + to - int(r[j].dec)
	}
	return start, end
}

// maxRoom is for how many escapes room is made at once.
const maxRoom = 1 << 14

// quotedRuns maps decodeQuoted(src).
func quotedRuns(src []byte) runs {
	r := make(runs, 0, 2*min(bytes.Count(src, []byte{'='}), maxRoom)+1) // most escapes part two runs
	dec := 0
	for i := 0; i < len(src); {
		n := bytes.IndexByte(src[i:], '=')
		if n < 0 {
			n = len(src) - i
		}
		if n > 0 {
			r.add(dec, i, n, n, true)
			dec, i = dec+n, i+n
			continue
		}
		c, size, _ := quotedAt(src[i:])
		if c >= 0 {
			r.add(dec, i, 1, size, size == 1)
			dec++
		}
		i += size
	}
	return r
}

// sextets maps base64: dec counts sextets, of which each group of four makes
// three bytes.
type sextets struct {
	runs   runs
	groups []group
}

// group is a run of base64 up to padding: from decoded offset dec and sextet sx.
type group struct{ dec, sx int }

func base64Runs(src []byte) (s sextets) {
	sx := 0
	s.groups = []group{{}}
	end := func() {
		g := s.groups[len(s.groups)-1]
		n := sx - g.sx
		made := n/4*3 + max(0, n%4-1)
		s.groups = append(s.groups, group{g.dec + made, sx})
	}
	for i := 0; i < len(src); i++ {
		switch {
		case sextet(src[i]) < 64:
			s.runs.add(sx, i, 1, 1, true)
			sx++
		case src[i] == '=' && sx > s.groups[len(s.groups)-1].sx:
			end()
		}
	}
	return s
}

// of gives the sextet range that makes decoded bytes [from,to) of one group,
// and the group.
func (s *sextets) of(from, to int) (first, last int, g group) {
	i := sort.Search(len(s.groups), func(i int) bool { return s.groups[i].dec > from }) - 1
	g = s.groups[i]
	first = g.sx + (from-g.dec)*8/6
	last = g.sx + ((to-g.dec)*8+5)/6
	return first, last, g
}

func (s *sextets) span(from, to int) (start, end int) {
	first, _, _ := s.of(from, from)
	if to <= from {
		start, _ = s.runs.span(first, first)
		return start, start
	}
	_, last, _ := s.of(to-1, to)
	return s.runs.span(first, last)
}

// charsetRuns maps c.decode(src), a character at a time.
func charsetRuns(c charset, src []byte) (r runs) {
	if c.name == utf7.name {
		_, r = decodeUTF7(src, true)
		return r
	}
	if m, ok := c.enc.(*charmap.Charmap); ok && ascii(m) {
		return charmapRuns(m, src)
	}
	d := c.enc.NewDecoder()
	var buf [utf8.UTFMax]byte
	dec := 0
	for i := 0; i < len(src); {
		n, used := 0, 0
		// Room for one character only, so that no run holds two.
		for size := 1; size <= len(buf) && n == 0 && used == 0; size++ {
			n, used, _ = d.Transform(buf[:size], src[i:], true)
		}
		if n == 0 && used == 0 {
			used = 1
		}
		if n > 0 {
			r.addChars(dec, i, buf[:n], src[i:i+used], c.unit)
		}
		dec, i = dec+n, i+used
	}
	return r
}

// ascii reports whether the ASCII bytes of m are those characters.
func ascii(m *charmap.Charmap) bool {
	for c := range byte(utf8.RuneSelf) {
		if m.DecodeByte(c) != rune(c) {
			return false
		}
	}
	return true
}

// charmapRuns is charsetRuns for a charset of one byte a character.
func charmapRuns(m *charmap.Charmap, src []byte) (r runs) {
	dec := 0
	for i := 0; i < len(src); {
		n := 0
		for i+n < len(src) && src[i+n] < utf8.RuneSelf {
			n++
		}
		if n > 0 {
			r.add(dec, i, n, n, true)
			dec, i = dec+n, i+n
			continue
		}
		made := utf8.RuneLen(m.DecodeByte(src[i]))
		r.add(dec, i, made, 1, false)
		dec, i = dec+made, i+1
	}
	return r
}

// addChars adds what one step of a decoder made: several ASCII characters at
// once become runs of their own.
func (r *runs) addChars(dec, at int, out, src []byte, unit int) {
	if unit == 1 && isASCII(out) && bytes.HasSuffix(src, out) {
		// What precedes is a shift sequence: it stays where it is.
		r.add(dec, at+len(src)-len(out), len(out), len(out), true)
		return
	}
	if isASCII(out) && len(src) == unit*len(out) {
		for k := range out {
			r.add(dec+k, at+k*unit, 1, unit, unit == 1 && out[k] == src[k])
		}
		return
	}
	r.add(dec, at, len(out), len(src), false)
}

// decodeUTF7 decodes UTF-7 (RFC 2152); each shifted run is one piece.
func decodeUTF7(src []byte, trace bool) (out []byte, r runs) {
	out = make([]byte, 0, len(src))
	for i := 0; i < len(src); {
		n := bytes.IndexByte(src[i:], '+')
		if n < 0 {
			n = len(src) - i
		}
		if n > 0 {
			if trace {
				r.add(len(out), i, n, n, true)
			}
			out, i = append(out, src[i:i+n]...), i+n
			continue
		}
		made, size := shifted(src[i:])
		if trace && len(made) > 0 {
			r.add(len(out), i, len(made), size, false)
		}
		out, i = append(out, made...), i+size
	}
	return out, r
}

// shifted reads "+base64-".
func shifted(b []byte) (out []byte, size int) {
	var units []uint16
	var acc uint32
	bits := 0
	i := 1
	for ; i < len(b) && sextet(b[i]) < 64; i++ {
		acc = acc<<6 | uint32(sextet(b[i]))
		if bits += 6; bits >= 16 {
			bits -= 16
			units = append(units, uint16(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	if i < len(b) && b[i] == '-' {
		i++
		if i == 2 {
			return []byte{'+'}, 2
		}
	}
	if i == 1 {
		return []byte{'+'}, 1
	}
	return []byte(string(utf16.Decode(units))), i
}
