package filterlist

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unsafe"
)

// maxURL is how many bytes of a URL are read. What lies past them is not seen:
// a rule for a host, for the URL's beginning, or for anything in the first
// maxURL bytes matches all the same, so a tracker cannot hide its endpoint
// behind a long query; only a rule that names nothing but something late in
// such a query misses. A pattern that must meet the URL's end does not match
// a longer one.
const maxURL = 4096

// pad lets eight bytes be loaded at any offset of a text.
const pad = 16

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// text is a URL or name in lower case, and where in it tokens stand. It is
// scratch: it belongs to one query at a time.
type text struct {
	low [maxURL + pad]byte
	n   int  // bytes of low in use
	cut bool // the URL is longer
	// marks has a bit for each byte that is part of a token.
	marks [maxURL/64 + 2]uint64
}

// set reads url: lower case and token marks.
func (t *text) set(url string) {
	t.cut = len(url) > maxURL
	t.n = copy(t.low[:maxURL], url)
	clear(t.low[t.n : t.n+pad])
	t.classify()
}

// str is what is in use of low, in place: it changes with the next set.
func (t *text) str() string { return bytesString(t.low[:t.n]) }

// bytesString is b as a string, in place.
func bytesString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// classify lower-cases low in place and marks token bytes, eight at a time.
func (t *text) classify() {
	words := (t.n + 63) / 64
	for w := range words {
		var m uint64
		for k := range 8 {
			at := w*64 + k*8
			if at >= t.n {
				break
			}
			v, b := classify8(binary.LittleEndian.Uint64(t.low[at:]))
			binary.LittleEndian.PutUint64(t.low[at:], v)
			m |= b << (8 * k)
		}
		t.marks[w] = m
	}
	t.marks[words] = 0
}

// classify8 returns eight bytes in lower case, and one bit for each that is a
// token byte: a letter, a digit or a percent sign.
func classify8(v uint64) (low, mask uint64) {
	x := v &^ highs
	upper := (x + (0x80-'A')*ones) &^ (x + (0x7f-'Z')*ones) &^ v & highs
	v |= upper >> 2
	x |= upper >> 2
	m := (x + (0x80-'a')*ones) &^ (x + (0x7f-'z')*ones)
	m |= (x + (0x80-'0')*ones) &^ (x + (0x7f-'9')*ones)
	m |= ^((x ^ '%'*ones) + 0x7f*ones)
	m = m &^ v & highs >> 7
	return v, m * 0x0102040810204080 >> 56
}

// hash hashes the token low[start:end]: by its first and last eight bytes and
// its length. Two tokens that differ only between them share a bucket, which
// costs a comparison and no more: the pattern is always verified.
func (t *text) hash(start, end int, seed uint64) uint32 {
	w := binary.LittleEndian.Uint64(t.low[start:])
	n := end - start
	if n <= 8 {
		return tokenHash(w&(^uint64(0)>>((64-8*n)&63)), 0, n, seed)
	}
	return tokenHash(w, binary.LittleEndian.Uint64(t.low[end-8:]), n, seed)
}

// headLen is how many bytes make the head of a token: what a pattern is found
// by if its last token may go on.
const headLen = 4

// head hashes the first headLen bytes of a token that has as many.
func (t *text) head(start int, seed uint64) uint32 {
	return tokenHash(uint64(binary.LittleEndian.Uint32(t.low[start:])), 0, 255, seed)
}

func tokenHash(first, last uint64, n int, seed uint64) uint32 {
	return uint32(mix(first^seed, last^uint64(n)<<32^0xd6e8feb86659fd93))
}

// mix folds two words into one that depends on every bit of both.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

// Names are hashed from the right, in blocks of eight bytes, so that all
// suffixes of a name are hashed in one pass: mix for each whole block, and
// suffixHash with the bytes of the next one that the suffix has.

// suffixHash ends the hash of a suffix that has the upper n < 8 bytes of block.
func suffixHash(h, block uint64, n int) uint64 {
	return mix(h+uint64(n)*0x9e3779b97f4a7c15, block>>(64-8*n))
}

// blockBefore loads name[i-8:i]; bytes before the beginning are 0.
func blockBefore(name string, i int) uint64 {
	switch {
	case i >= 8:
		return le64(name[i-8:])
	case len(name) >= 8:
		return le64(name) << (64 - 8*i)
	}
	var w uint64
	for k := range i {
		w |= uint64(name[k]) << (64 - 8*i + 8*k)
	}
	return w
}

// dotsIn sets the high bit of exactly those bytes of a block that are dots.
func dotsIn(block uint64) uint64 {
	x := block ^ '.'*ones
	return ^((x&^highs + 0x7f*ones) | x | 0x7f*ones)
}

// nameHash hashes a whole name.
func nameHash(name string, seed uint64) uint64 {
	end := len(name)
	for ; end >= 8; end -= 8 {
		seed = mix(seed, blockBefore(name, end))
	}
	return suffixHash(seed, blockBefore(name, end), end)
}

func le64(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func le32(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func labels(name string) int { return strings.Count(name, ".") + 1 }

// separators are the bytes that "^" stands for: everything in ASCII but letters,
// digits and "_-.%".
var separators = makeSeparators()

func makeSeparators() (t [256]bool) {
	for c := range 0x80 {
		t[c] = strings.IndexByte("_-.%", byte(c)) < 0 && !isTokenByte(byte(c))
	}
	return t
}

func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '%'
}
