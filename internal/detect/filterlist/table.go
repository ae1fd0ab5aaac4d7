package filterlist

import "math/bits"

// table finds names in an arena. It is open-addressed in buckets of one cache
// line: twelve one-byte tags, a word that says whether entries spilled into the
// next bucket, twelve offsets. Whatever it finds is compared byte by byte, and
// its hash is seeded, so a name can neither be forged nor made slow by one who
// does not know the seed.
type table struct {
	buckets []uint32
	// depths has bit i set if there are names of i+1 labels; the last bit
	// stands for all that have more.
	depths uint32
	// arena holds the records: a length byte, a byte for the owner, the name,
	// what the owner keeps.
	arena string
}

const (
	bucketWords = 16 // one cache line
	bucketSlots = 12
	bucketFill  = 9 // names a bucket on average
	spillWord   = 3
	recordHead  = 2 // length, owner's byte
	// maxName is the longest name a record holds.
	maxName = 255
)

func depthBit(labels int) uint32 { return 1 << min(labels-1, 31) }

// place returns the first bucket and the tag of a hash.
func (t *table) place(h uint64) (bucket int, tag byte) {
	hi, _ := bits.Mul64(h, uint64(len(t.buckets)/bucketWords))
	return int(hi), byte(h%255) + 1
}

// newTable indexes the records of arena at offs.
func newTable(arena string, offs []uint32, seed uint64) table {
	n := max(1, (len(offs)+bucketFill-1)/bucketFill)
	t := table{buckets: make([]uint32, n*bucketWords), arena: arena}
	for _, off := range offs {
		name := t.name(off)
		t.depths |= depthBit(labels(name))
		b, tag := t.place(nameHash(name, seed))
		for !t.put(b, tag, off) {
			t.buckets[b*bucketWords+spillWord] = 1
			b = (b + 1) % n
		}
	}
	return t
}

func (t *table) put(b int, tag byte, off uint32) bool {
	w := t.buckets[b*bucketWords : (b+1)*bucketWords]
	for i := range bucketSlots {
		if shift := 8 * (i % 4); byte(w[i/4]>>shift) == 0 {
			w[i/4] |= uint32(tag) << shift
			w[4+i] = off
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

// find returns the record of a name with hash h whose text is name+rest.
func (t *table) find(h uint64, name, rest string) (off uint32, ok bool) {
	if len(t.buckets) == 0 {
		return 0, false
	}
	b, tag := t.place(h)
	for range len(t.buckets) / bucketWords {
		w := (*[bucketWords]uint32)(t.buckets[b*bucketWords:])
		if off, ok = t.inBucket(w, tag, name, rest); ok || w[spillWord] == 0 {
			return off, ok
		}
		if b++; b*bucketWords == len(t.buckets) {
			b = 0
		}
	}
	return 0, false
}

func (t *table) inBucket(w *[bucketWords]uint32, tag byte, name, rest string) (off uint32, ok bool) {
	want := uint64(tag) * ones
	for m := sameBytes(uint64(w[0])|uint64(w[1])<<32, want); m != 0; m &= m - 1 {
		off = w[4+bits.TrailingZeros64(m)>>3]
		if t.is(off, name, rest) {
			return off, true
		}
	}
	for m := sameBytes(uint64(w[2]), want); m != 0; m &= m - 1 {
		off = w[12+bits.TrailingZeros64(m)>>3&3]
		if t.is(off, name, rest) {
			return off, true
		}
	}
	return 0, false
}

func (t *table) is(off uint32, name, rest string) bool {
	got := t.name(off)
	return len(got) == len(name)+len(rest) && got[:len(name)] == name && got[len(name):] == rest
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
	t    *table
	name string
	at   int // where the last suffix began, or len(name)+1
	h    uint64
	n    int // labels so far
}

// maxLabels is how many labels of a name are looked at, from the right: DNS
// allows no more.
const maxLabels = 127

func (t *table) suffixes(name string, seed uint64) suffixes {
	return suffixes{t: t, name: name, at: len(name) + 1, h: seed}
}

// next returns the record of the next longer suffix that the table holds, and
// where in the name it begins.
func (s *suffixes) next() (off uint32, at int, ok bool) {
	for s.at > 0 && s.n < maxLabels {
		end := s.at - 1
		i := end
		for i > 0 && s.name[i-1] != '.' {
			i--
		}
		s.h = labelHash(s.h, s.name[i:end])
		s.at = i
		s.n++
		if s.t.depths&depthBit(s.n) == 0 {
			continue
		}
		if off, ok = s.t.find(s.h, s.name[i:], ""); ok {
			return off, i, true
		}
	}
	return 0, 0, false
}
