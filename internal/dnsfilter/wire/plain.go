package wire

import "encoding/binary"

// Question is what a plain question says. See Parse.
type Question struct {
	// Name is the name in wire form, root label included; it lies in the packet.
	Name []byte
	Type uint16
	// Size is what the client says that it can take; 0 if it sent no OPT.
	Size                 int
	EDNS, DO, AD, CD, RD bool
}

const (
	classIN = 1
	// firstMeta is the first type of those that are no types of records
	// (RFC 6895 §3.1); none of them is plain.
	firstMeta, lastMeta = 128, 255
)

// The parts of the header's second 16 bits.
const (
	flagQR     = 0x80 // of the first byte
	opcodeMask = 0x78
	flagRD     = 0x01
	flagRA     = 0x80 // of the second
	flagAD     = 0x20
	flagCD     = 0x10
)

// Parse reads a plain question into q: recursion desired, one question of class
// IN for an ordinary type, a host name of letters, digits, hyphens and
// underscores, at most one OPT record of version 0 with at most cookies and
// padding in it, and nothing else. It reports false for all else; q is then
// of no use.
func Parse(pkt []byte, q *Question) bool {
	if len(pkt) < HeaderLen || pkt[2] != flagRD || pkt[3]&^(flagAD|flagCD) != 0 {
		return false
	}
	const one, none = 1, 0
	if binary.BigEndian.Uint32(pkt[4:]) != one<<16|none || pkt[8] != 0 || pkt[9] != 0 || pkt[10] != 0 || pkt[11] > 1 {
		return false
	}
	*q = Question{RD: true, AD: pkt[3]&flagAD != 0, CD: pkt[3]&flagCD != 0}
	at := hostEnd(pkt)
	if at == 0 || len(pkt) < at+4 {
		return false
	}
	q.Name, q.Type = pkt[HeaderLen:at], binary.BigEndian.Uint16(pkt[at:])
	if binary.BigEndian.Uint16(pkt[at+2:]) != classIN || q.Type == 0 || q.Type == typeOPT || q.Type >= firstMeta && q.Type <= lastMeta {
		return false
	}
	at += 4
	if pkt[11] == 0 {
		return at == len(pkt)
	}
	return q.readOPT(pkt[at:])
}

// hostEnd returns where the plain name at the start of a question ends; 0 if
// it is none.
func hostEnd(pkt []byte) int {
	at := HeaderLen
	for at < len(pkt) {
		n := int(pkt[at])
		at++
		if n == 0 {
			if at-HeaderLen > MaxName || at-HeaderLen == 1 {
				return 0
			}
			return at
		}
		if n > MaxLabel || at+n > len(pkt) {
			return 0
		}
		for _, c := range pkt[at : at+n] {
			if !hostByte[c] {
				return 0
			}
		}
		at += n
	}
	return 0
}

// hostByte are the bytes of host names.
var hostByte = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_" {
		t[c] = true
	}
	return t
}()

const (
	optLen     = 11 // of an OPT record without options
	optCookie  = 10
	optPadding = 12
	flagDO     = 0x80
)

// readOPT reads the OPT record that is all of b.
func (q *Question) readOPT(b []byte) bool {
	if len(b) < optLen || b[0] != 0 || binary.BigEndian.Uint16(b[1:]) != typeOPT ||
		b[5] != 0 || b[6] != 0 || b[7]&^flagDO != 0 || b[8] != 0 || int(binary.BigEndian.Uint16(b[9:])) != len(b)-optLen {
		return false
	}
	q.EDNS, q.Size, q.DO = true, int(binary.BigEndian.Uint16(b[3:])), b[7] != 0
	for b = b[optLen:]; len(b) > 0; {
		if len(b) < 4 {
			return false
		}
		code, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if code != optCookie && code != optPadding || 4+n > len(b) {
			return false
		}
		b = b[4+n:]
	}
	return true
}

// AppendName appends a plain name, as Parse gives it, as rules know it: lower
// case, without trailing dot.
func AppendName(dst, name []byte) []byte {
	for i := 0; i < len(name) && name[i] != 0; {
		n := int(name[i])
		if i > 0 {
			dst = append(dst, '.')
		}
		for _, c := range name[i+1 : i+1+n] {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		i += 1 + n
	}
	return dst
}
