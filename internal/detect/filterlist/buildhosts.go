package filterlist

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// hostBuilder gathers host rules. While it does, a record of tmp is: length,
// name, shape, line, the record of the same name after it and, in the first,
// the last one (offsets plus one); further marks the others.
type hostBuilder struct {
	seed  uint64
	tmp   []byte
	slots []uint64 // the upper half of a name's hash, and the offset plus one of its first record
	names int
	size  int // of the records that finish will write
	// mentioned holds what mention has added: 48 bits of the name's hash, and the shape.
	mentioned map[uint64]bool
	// realms tells those of a shape, for the record's byte.
	realms func(shape uint32) uint8
}

const (
	tmpTail = 16
	further = 1<<32 - 1
)

func (h *hostBuilder) add(name string, shape, line uint32) {
	off := uint32(len(h.tmp))
	h.tmp = append(append(h.tmp, byte(len(name))), name...)
	h.tmp = binary.LittleEndian.AppendUint32(h.tmp, shape)
	h.tmp = binary.LittleEndian.AppendUint32(h.tmp, line)
	h.tmp = append(h.tmp, 0, 0, 0, 0, 0, 0, 0, 0)
	h.size += uvarintLen(shape<<1) + uvarintLen(line)
	if 4*h.names >= 3*len(h.slots) {
		h.grow()
	}
	upper := nameHash(name, h.seed) &^ (1<<32 - 1)
	slot := h.slot(name, upper)
	if h.slots[slot] == 0 {
		h.slots[slot] = upper | uint64(off+1)
		h.names++
		h.size += recordHead + len(name)
		return
	}
	first := h.tail(uint32(h.slots[slot]) - 1)
	last := first
	if end := binary.LittleEndian.Uint32(first[12:]); end != 0 {
		last = h.tail(end - 1)
	}
	binary.LittleEndian.PutUint32(h.tail(off)[12:], further)
	binary.LittleEndian.PutUint32(last[8:], off+1)
	binary.LittleEndian.PutUint32(first[12:], off+1)
}

// mention notes that a pattern speaks of a name, unless that is known.
func (h *hostBuilder) mention(name string, shape uint32) {
	if h.mentioned == nil {
		h.mentioned = map[uint64]bool{}
	}
	key := nameHash(name, h.seed)<<16 ^ uint64(shape)
	if !h.mentioned[key] {
		h.mentioned[key] = true
		h.add(name, shape, 0)
	}
}

func (h *hostBuilder) tail(off uint32) []byte { return h.tmp[off+1+uint32(h.tmp[off]):][:tmpTail] }

// slot returns where a name is, or where it belongs. The names of others are
// read only if they agree in half of the hash.
func (h *hostBuilder) slot(name string, upper uint64) int {
	i := h.home(upper)
	for ; h.slots[i] != 0; i = h.after(i) {
		off := uint32(h.slots[i])
		if h.slots[i]^uint64(off) == upper && string(h.tmp[off:off+uint32(h.tmp[off-1])]) == name {
			break
		}
	}
	return i
}

func (h *hostBuilder) home(upper uint64) int {
	i, _ := bits.Mul64(upper, uint64(len(h.slots)))
	return int(i)
}

func (h *hostBuilder) after(i int) int {
	if i++; i < len(h.slots) {
		return i
	}
	return 0
}

func (h *hostBuilder) grow() {
	old := h.slots
	h.slots = make([]uint64, max(1024, 2*len(old)))
	for _, s := range old {
		if s == 0 {
			continue
		}
		i := h.home(s &^ (1<<32 - 1))
		for h.slots[i] != 0 {
			i = h.after(i)
		}
		h.slots[i] = s
	}
}

// markEvery is how many records lie between two marks.
const markEvery = 16

// finish writes the records of the Set: length, realms, name, then for each
// rule its shape <<1 (| 1 if more follow) and its line, as varints. The marks
// are the offsets of every sixteenth record.
func (h *hostBuilder) finish() (t table, marks []uint32) {
	arena := make([]byte, 0, h.size)
	offs := make([]uint32, 0, h.names)
	marks = make([]uint32, 0, (h.names+markEvery-1)/markEvery)
	for at := uint32(0); int(at) < len(h.tmp); at += 1 + uint32(h.tmp[at]) + tmpTail {
		if binary.LittleEndian.Uint32(h.tail(at)[12:]) == further {
			continue
		}
		if len(offs)%markEvery == 0 {
			marks = append(marks, uint32(len(arena)))
		}
		offs = append(offs, uint32(len(arena)))
		arena = h.record(arena, at)
	}
	h.tmp, h.slots = nil, nil
	return newTable(unsafe.String(unsafe.SliceData(arena), len(arena)), offs, h.seed), marks
}

func (h *hostBuilder) record(arena []byte, at uint32) []byte {
	start, name := len(arena), h.tmp[at+1:at+1+uint32(h.tmp[at])]
	arena = append(append(arena, byte(len(name)), 0), name...)
	for {
		tail := h.tail(at)
		shape, line, next := binary.LittleEndian.Uint32(tail), binary.LittleEndian.Uint32(tail[4:]), binary.LittleEndian.Uint32(tail[8:])
		arena[start+1] |= h.realms(shape)
		more := uint64(0)
		if next != 0 {
			more = 1
		}
		arena = binary.AppendUvarint(arena, uint64(shape)<<1|more)
		arena = binary.AppendUvarint(arena, uint64(line))
		if next == 0 {
			return arena
		}
		at = next - 1
	}
}

// uvarintLen is how many bytes v has as a varint.
func uvarintLen(v uint32) int { return (bits.Len32(v|1) + 6) / 7 }
