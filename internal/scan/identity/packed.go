package identity

import "encoding/binary"

// packed reports whether b may start compressed data: whether the first block
// behind the two bytes of magic is none that breaks off before it gives a byte.
func packed(b *[8]byte) bool {
	if w := uint(b[0])<<8 | uint(b[1]); w == 0x1f8b {
		return b[2] == 8
	} else if b[0] != 0x78 || w%31 != 0 || w&0x20 != 0 {
		return false
	}
	switch b[2] >> 1 & 3 {
	case 0: // stored: a length and its complement
		return b[3] == ^b[5] && b[4] == ^b[6]
	case 1:
		return true
	case 2:
		return ownCodes(binary.LittleEndian.Uint64(b[:]) >> 19)
	}
	return false
}

// ownCodes reports whether the head of a deflate block with codes of its own
// may be one: head is its 45 first bits behind the type.
func ownCodes(head uint64) bool {
	if head&31 > 29 || head>>5&31 > 29 {
		return false
	}
	taken := uint(0)
	for k := range min(int(head>>10&15)+4, 10) {
		if n := head >> (14 + 3*k) & 7; n > 0 {
			taken += 1 << (7 - n)
		}
	}
	return taken <= 1<<7 // else more codes than there is room for
}
