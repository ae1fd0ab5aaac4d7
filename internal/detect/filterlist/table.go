package filterlist

import "math/bits"

// table finds names in an arena. It is open-addressed in buckets of fifteen
// slots: their one-byte tags lie together, apart from the offsets, so that what
// tells that a name is unknown is small enough for a near cache. A sixteenth
// byte says whether entries spilled into the next bucket. Whatever is found is
// compared byte by byte, and the hash is seeded, so a name can neither be
// forged nor made slow by one who does not know the seed.
type table struct {
	tags []uint32
	offs []uint32
	// depths has bit i set if there are names of i+1 labels; the last bit
	// stands for all that have more.
	depths uint32
	// arena holds the records: a length byte, a byte for the owner, the name,
	// what the owner keeps.
	arena string
}

const (
	tagWords    = 4 // of a bucket
	bucketSlots = 15
	bucketFill  = 12 // names a bucket on average
	spill       = 1 << 24
	recordHead  = 2 // length, owner's byte
	// maxName is the longest name a record holds.
	maxName = 255
)

func depthBit(labels int) uint32 { return 1 << min(labels-1, 31) }

// place returns the first bucket and the tag of a hash.
func (t *table) place(h uint64) (bucket int, tag byte) {
	hi, _ := bits.Mul64(h, uint64(len(t.tags)/tagWords))
	return int(hi), max(1, byte(h))
}

// newTable indexes the records of arena at offs.
func newTable(arena string, offs []uint32, seed uint64) table {
	n := max(1, (len(offs)+bucketFill-1)/bucketFill)
	t := table{tags: make([]uint32, n*tagWords), offs: make([]uint32, n*bucketSlots), arena: arena}
	for _, off := range offs {
		name := t.name(off)
		t.depths |= depthBit(labels(name))
		b, tag := t.place(nameHash(name, seed))
		for !t.put(b, tag, off) {
			t.tags[b*tagWords+3] |= spill
			b = (b + 1) % n
		}
	}
	return t
}

func (t *table) put(b int, tag byte, off uint32) bool {
	w := t.tags[b*tagWords : (b+1)*tagWords]
	for i := range bucketSlots {
		if shift := 8 * (i % 4); byte(w[i/4]>>shift) == 0 {
			w[i/4] |= uint32(tag) << shift
			t.offs[b*bucketSlots+i] = off
			return true
		}
	}
	return false
}

// name returns the name of the record at off, "" if it does not fit the arena.
func (t *table) name(off uint32) string {
	if int(off)+recordHead > len(t.arena) {
		return ""
	}
	from := int(off) + recordHead
	to := from + int(t.arena[off])
	if to > len(t.arena) {
		return ""
	}
	return t.arena[from:to]
}

// find returns the record of a name with hash h.
func (t *table) find(h uint64, name string) (off uint32, ok bool) {
	if len(t.tags) == 0 {
		return 0, false
	}
	b, tag := t.place(h)
	want := uint64(tag) * ones
	for range len(t.tags) / tagWords {
		w := (*[tagWords]uint32)(t.tags[b*tagWords:])
		low := sameBytes(uint64(w[0])|uint64(w[1])<<32, want)
		high := sameBytes(uint64(w[2])|uint64(w[3])<<32, want) &^ (0xff << 56)
		for ; low != 0; low &= low - 1 {
			if off = t.offs[b*bucketSlots+bits.TrailingZeros64(low)>>3]; t.name(off) == name {
				return off, true
			}
		}
		for ; high != 0; high &= high - 1 {
			if off = t.offs[b*bucketSlots+8+bits.TrailingZeros64(high)>>3]; t.name(off) == name {
				return off, true
			}
		}
		if w[3] < spill {
			break
		}
		if b++; b*tagWords == len(t.tags) {
			b = 0
		}
	}
	return 0, false
}

// first finds the first suffix of name that the table holds, and sets rest to
// walk the longer ones. It is next without what only a find needs: most names
// that are asked about are not there.
func (t *table) first(name string, h uint64, rest *suffixes) (off uint32, ok bool) {
	n := 0
	for end := len(name); ; end -= 8 {
		w := blockBefore(name, end)
		for dots := dotsIn(w); dots != 0; {
			k := bits.LeadingZeros64(dots) >> 3
			dots &^= 1 << (63 - 8*k)
			if n++; t.depths>>min(n-1, 31)&1 == 0 {
				continue
			}
			if off, ok = t.perhaps(suffixHash(h, w, k), name[end-k:]); ok {
				*rest = suffixes{t: t, name: name, h: h, block: w, dots: dots, end: end, labels: n}
				return off, true
			}
		}
		if end < 8 {
			rest.through = true
			if t.depths>>min(n, 31)&1 == 0 {
				return 0, false
			}
			return t.perhaps(suffixHash(h, w, end), name)
		}
		h = mix(h, w)
	}
}

// perhaps is find for a name that is most likely not there.
func (t *table) perhaps(h uint64, name string) (off uint32, ok bool) {
	b, tag := t.place(h)
	w := (*[tagWords]uint32)(t.tags[b*tagWords:])
	want := uint64(tag) * ones
	if w[3] < spill && sameBytes(uint64(w[0])|uint64(w[1])<<32, want)|sameBytes(uint64(w[2])|uint64(w[3])<<32, want) == 0 {
		return 0, false
	}
	return t.find(h, name)
}

// sameBytes sets the high bit of every byte of v that equals that of want, and
// perhaps of some above one that does; tags are never zero.
func sameBytes(v, want uint64) uint64 {
	x := v ^ want
	return (x - ones) &^ x & highs
}

// suffixes walks the whole-label suffixes of a name from the right, and finds
// those that a table holds.
type suffixes struct {
	t       *table
	name    string
	h       uint64 // of the blocks right of this one
	block   uint64
	dots    uint64 // of the block that are still to be looked at
	end     int    // where the block ends
	labels  int
	through bool
}

// maxLabels bounds the suffixes of one name that can be found: DNS allows no
// more labels.
const maxLabels = 127

func (t *table) suffixes(name string, seed uint64) suffixes {
	w := blockBefore(name, len(name))
	return suffixes{t: t, name: name, h: seed, block: w, dots: dotsIn(w), end: len(name)}
}

// next returns the record of the next longer suffix that the table holds, and
// where in the name it begins.
func (s *suffixes) next() (off uint32, at int, ok bool) {
	for !s.through && s.labels < maxLabels {
		var h uint64
		switch {
		case s.dots != 0:
			k := bits.LeadingZeros64(s.dots) >> 3
			s.dots &^= 1 << (63 - 8*k)
			h, at = suffixHash(s.h, s.block, k), s.end-k
		case s.end < 8:
			h, at, s.through = suffixHash(s.h, s.block, s.end), 0, true
		default:
			s.h = mix(s.h, s.block)
			s.end -= 8
			s.block = blockBefore(s.name, s.end)
			s.dots = dotsIn(s.block)
			continue
		}
		s.labels++
		if s.t.depths&depthBit(s.labels) == 0 {
			continue
		}
		if off, ok = s.t.find(h, s.name[at:]); ok {
			return off, at, true
		}
	}
	return 0, 0, false
}
