package identity

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// Most URLs hold nobody's address. quiet finds that out in one walk over the
// bytes, without taking any encoding off and without memory of its own; only
// what it does not clear is searched. It may take a URL for worth a search that
// holds nothing, never the other way: TestQuietIsRight holds it to that.

// maxQuiet is how deep quiet looks; what has more around it is searched.
const maxQuiet = 2

// Classes of bytes beside those of views.go.
const (
	classSlash = 1 << (iota + 3)
	classLower
	classDigit
	classMixed // what makes base64 of a run: capitals, "+"
	classSmall // base32 in small letters
	classLarge // base32 in capitals
)

// kinds are the classes of each byte, those of views.go included.
var kinds = func() (t [256]uint16) {
	for c := range 256 {
		t[c] = uint16(classes[c])
		switch b := byte(c); {
		case b == '/':
			t[c] |= classSlash
		case b >= 'a' && b <= 'z':
			t[c] |= classLower
		case b >= '0' && b <= '9':
			t[c] |= classDigit
		case b >= 'A' && b <= 'Z' || b == '+':
			t[c] |= classMixed
		}
		if t[c]&classB32 != 0 && t[c]&classMixed == 0 {
			t[c] |= classSmall
		}
		if t[c]&classB32 != 0 && t[c]&classLower == 0 {
			t[c] |= classLarge
		}
	}
	return t
}()

// small makes capitals of ASCII small and leaves the rest.
var small = func() (t [256]uint8) {
	for c := range 256 {
		t[c] = byte(c)
		if c >= 'A' && c <= 'Z' {
			t[c] |= 0x20
		}
	}
	return t
}()

// opening is a text by whose first bytes a domain or local part is noticed.
type opening struct {
	first uint16 // its first two bytes
	text  string // lower case
	token bool   // counts only where a token starts
}

// notice makes the starts of what own, verps and locals look for known to quiet.
func (s *Set) notice() {
	s.openings = make([]opening, 0, len(s.domains)+len(s.locals))
	add := func(text string, token bool) {
		w := uint(text[0])<<8 | uint(text[1])
		s.openings = append(s.openings, opening{uint16(w), text, token})
		s.starts[w>>6%uint(len(s.starts))] |= 1 << (w & 63)
	}
	for i := range s.domains {
		if len(s.domains[i].written) >= minLocal {
			add(s.domains[i].written, false)
		}
	}
	for l := range s.locals {
		add(l, true)
		s.wide = s.wide || strings.IndexFunc(l, func(r rune) bool { return r >= 0x80 }) >= 0
	}
	slices.SortFunc(s.openings, func(a, b opening) int { return cmp.Compare(a.first, b.first) })
}

// magicFilter is the filter of a Set without digests.
var magicFilter = func() (t [1 << 9]uint64) {
	for _, w := range magics() {
		t[w>>6%uint(len(t))] |= 1 << (w & 63)
	}
	return t
}()

// magics are the first two bytes of all that inflated tries.
func magics() []uint {
	list := []uint{0x1f8b}
	for w := uint(0x7800); w < 0x7900; w++ {
		if w%31 == 0 && w&0x20 == 0 {
			list = append(list, w)
		}
	}
	return list
}

// quiet reports whether u, which lies depth encodings deep, holds no address,
// of the person or of anybody else.
func (s *Set) quiet(u string, depth int) bool {
	for ; depth <= maxQuiet; depth++ {
		if s.wide || !s.silent(u) {
			return false
		}
		if strings.IndexByte(u, '%') < 0 {
			return s.sealed(u, depth)
		}
		v := view{b: []byte(u)}
		d := unpercent(&v)
		if d == nil {
			return s.sealed(u, depth)
		}
		u = string(d.b)
	}
	return false
}

// silent reports whether u as it stands holds no sign of an address, no
// escape, and neither a domain nor a local part of the person's.
func (s *Set) silent(u string) bool {
	if strings.IndexByte(u, '@') >= 0 || strings.IndexByte(u, '\\') >= 0 || strings.Contains(u, "&#") {
		return false
	}
	for i := 1; i < len(u); i++ {
		w := uint(small[u[i-1]])<<8 | uint(small[u[i]])
		if s.starts[w>>6%uint(len(s.starts))]&(1<<(w&63)) != 0 && s.opens(u, i-1, w) {
			return false
		}
	}
	return true
}

// opens reports whether one of the openings that start with w stands at u[i:].
func (s *Set) opens(u string, i int, w uint) bool {
	n, _ := slices.BinarySearchFunc(s.openings, uint16(w), func(o opening, w uint16) int { return cmp.Compare(o.first, w) })
	for ; n < len(s.openings) && s.openings[n].first == uint16(w); n++ {
		o := &s.openings[n]
		if len(u)-i < len(o.text) || o.token && i > 0 && s.localByte[u[i-1]] {
			continue
		}
		k := 2
		for k < len(o.text) && small[u[i+k]] == o.text[k] {
			k++
		}
		if k == len(o.text) {
			return true
		}
	}
	return false
}

// sealed reports whether no run of u decodes to something worth reading.
func (s *Set) sealed(u string, depth int) bool {
	// Runs of base64, and runs of the same with slashes, which hold the first.
	start, whole, slashes := 0, 0, 0
	for i := 0; i <= len(u); i++ {
		k := uint16(0)
		if i < len(u) {
			k = kinds[u[i]]
		}
		if k&classB64 != 0 {
			continue
		}
		if i-start >= minB64 && !s.run(u[start:i], depth) {
			return false
		}
		start = i + 1
		if k&classSlash != 0 {
			slashes++
			continue
		}
		if slashes > 0 && i-whole >= minB64+4 && !s.noise(u[whole:i], depth) {
			return false
		}
		whole, slashes = i+1, 0
	}
	return true
}

// run judges one run of base64's letters.
func (s *Set) run(b string, depth int) bool {
	seen := uint16(0)
	var hex, small, large int // how long the runs of these are at a byte, and at most
	var maxHex, maxOne int
	for i := range len(b) {
		k := kinds[b[i]]
		seen |= k
		hex = (hex + 1) * int(k/classHex&1)
		small = (small + 1) * int(k/classSmall&1)
		large = (large + 1) * int(k/classLarge&1)
		maxHex, maxOne = max(maxHex, hex), max(maxOne, small, large)
	}
	if maxHex >= minHex && !s.inner(b, classHex, minHex, s.hexNoise) || maxOne >= minB32 && !s.inner(b, classB32, minB32, s.b32Noise) {
		return false
	}
	if seen&classMixed == 0 && seen&(classLower|classDigit) != classLower|classDigit {
		return true // plainWord
	}
	return s.noise(b, depth)
}

// inner asks f about each run of a class in b.
func (s *Set) inner(b string, class uint16, least int, f func(string) bool) bool {
	start := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && kinds[b[i]]&class != 0 {
			continue
		}
		if i-start >= least && !f(b[start:i]) {
			return false
		}
		start = i + 1
	}
	return true
}

// noise reports whether base64 b holds, whatever byte it starts at, no digest
// of the person's, no compressed data and no text with an address.
func (s *Set) noise(b string, depth int) bool {
	if len(b) < 4*minText/3+4 { // too short for two whole groups of text
		return s.brief(b)
	}
	const n = uint(len(s.filter))
	acc, read := uint64(0), uint(0)
	for i := range len(b) {
		acc = acc<<6 | uint64(sextets[b[i]])
		w, x, y := uint(acc)&0xffff, uint(acc>>8)&0xffff, uint(acc>>16)&0xffff
		if (s.filter[w>>6%n]>>(w&63)|s.filter[x>>6%n]>>(x&63)|s.filter[y>>6%n]>>(y&63))&1 != 0 &&
			(s.begun(b, 6*(i+1)-16) || s.begun(b, 6*(i+1)-24) || s.begun(b, 6*(i+1)-32)) {
			return false
		}
		// Eight readable bytes in a row hold two whole groups.
		if acc&0x808080808080 != 0 || i < 7 || read>>((i+1)&3)&1 != 0 || !legible(acc) || !textAround(b, i) {
			continue
		}
		if !s.quiet(string(decoded(b[(i+1)&3:])), depth+1) {
			return false
		}
		read |= 1 << ((i + 1) & 3)
	}
	return true
}

// decoded is base64 b without its encoding.
func decoded(b string) []byte {
	out := make([]byte, len(b)*6/8)
	for i := range out {
		out[i] = at(b, 8*i)
	}
	return out
}

// legible reports whether the low six bytes of acc are readable.
func legible(acc uint64) bool {
	for range 6 {
		if byte(acc)-0x20 >= 0x5f {
			return false
		}
		acc >>= 8
	}
	return true
}

// begun reports whether a digest of the person's or a compressed stream starts
// at a bit of base64 b.
func (s *Set) begun(b string, bit int) bool {
	if bit < 0 {
		return false
	}
	var sum [8]byte
	for n := range sum {
		sum[n] = at(b, bit+8*n)
	}
	return s.knows(binary.BigEndian.Uint64(sum[:])) || packed(&sum)
}

// at decodes the byte of base64 b that starts at a bit; zeros stand for what
// lies behind its end.
func at(b string, bit int) byte {
	c, w := bit/6, uint(0)
	for k := c; k < c+3; k++ {
		w <<= 6
		if k < len(b) {
			w |= uint(sextets[b[k]])
		}
	}
	return byte(w >> (10 - uint(bit%6)))
}

// textAround reports whether eight readable bytes in a row lie among the two
// groups that end with b[i] and their neighbours.
func textAround(b string, i int) bool {
	n, from, to := 0, i-11, i+1
	if from < 0 {
		from += 4
	}
	for bit := 6 * from; bit+8 <= 6*len(b) && bit < 6*(to+4); bit += 8 {
		if at(b, bit)-0x20 >= 0x5f {
			n = 0
			continue
		}
		if n++; n == minText {
			return true
		}
	}
	return false
}

// brief is noise for what is too short for a digest: fewer than ten bytes.
func (s *Set) brief(b string) bool {
	for k := range min(4, len(b)-minB64+1) {
		src := b[k:]
		n := len(src) * 6 / 8
		if n > minText && s.begun(src, 0) {
			return false
		}
		want, text := min(minText, n), 0
		for i := 0; i < n && n-i+text >= want; i++ {
			if at(src, 8*i)-0x20 >= 0x5f {
				text = 0
			} else if text++; text == want {
				return false
			}
		}
	}
	return true
}

// still reports whether decoded bytes hold no digest, no compressed data and no text.
func (s *Set) still(b []byte) bool {
	for i := 1; i < len(b); i++ {
		w := uint(b[i-1])<<8 | uint(b[i])
		if s.filter[w>>6%uint(len(s.filter))]&(1<<(w&63)) != 0 {
			return false
		}
	}
	return !hasText(b)
}

func (s *Set) hexNoise(b string) bool {
	var acc uint64
	text := [2]int{}
	want := min(minText, len(b)/2)
	for i := range len(b) {
		acc = acc<<4 | uint64(nibble(b[i]))
		w := uint(acc) & 0xffff
		if i >= 3 && s.filter[w>>6%uint(len(s.filter))]&(1<<(w&63)) != 0 && s.hexBegun(b[i-3:]) {
			return false
		}
		n := &text[i&1]
		if i == 0 || byte(acc)-0x20 >= 0x5f {
			*n = 0
			continue
		}
		if *n++; *n >= want {
			return false
		}
	}
	return true
}

func (s *Set) hexBegun(b string) bool {
	var sum [8]byte
	for i := range min(8, len(b)/2) {
		sum[i] = nibble(b[2*i])<<4 | nibble(b[2*i+1])
	}
	return s.knows(binary.BigEndian.Uint64(sum[:])) || sum[0] == 0x78 || sum[0] == 0x1f
}

// b32Noise decodes b, which is rare.
func (s *Set) b32Noise(b string) bool {
	if !oneCase([]byte(b)) {
		return true
	}
	f := finder{set: s}
	up := view{b: []byte(b)}
	return s.still(f.base32At(&up, 0, len(b)).b)
}
