package hello

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// Shape is the same for every ClientHello of one program, whatever it connects
// to: a hash of the versions, ciphers, groups and signature algorithms, as sets
// and without GREASE. Extensions, ALPN and session tickets are left out,
// because browsers shuffle the first and vary the others by purpose.
func (h *Hello) Shape() string {
	sum := sha256.New()
	for _, set := range [][]uint16{h.Versions, h.Ciphers, h.Groups, h.SigAlgs} {
		set = ungrease(set)
		var b []byte
		b = binary.BigEndian.AppendUint16(b, uint16(len(set)))
		for _, v := range set {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		sum.Write(b)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// ungrease returns the sorted set of list without GREASE values.
func ungrease(list []uint16) []uint16 {
	out := make([]uint16, 0, len(list))
	for _, v := range list {
		if !grease(v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// grease reports whether v is one of the sixteen values of RFC 8701 §2.
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }
