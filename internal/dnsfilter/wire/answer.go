package wire

import (
	"encoding/binary"
	"net/netip"
)

// The functions of this file append to a message that begins at index 0 of what
// they are given, and count in its header what they append.

const (
	typeA    = 1
	typeSOA  = 6
	typeAAAA = 28
	// toQuestion is a pointer to the name right behind the header.
	toQuestion = 0xc000 | HeaderLen
)

// Where the header counts the records of a section.
const (
	countAnswer    = 6
	countAuthority = 8
	countExtra     = 10
)

// AppendHead begins an answer to the packet that q was read from: header and
// question, with the letters of the client.
func AppendHead(dst, pkt []byte, q *Question, rcode int, ad bool) []byte {
	flags := byte(flagRA | rcode&15)
	if ad {
		flags |= flagAD
	}
	if q.CD {
		flags |= flagCD
	}
	dst = append(dst, pkt[0], pkt[1], flagQR|flagRD, flags, 0, 1, 0, 0, 0, 0, 0, 0)
	return append(dst, pkt[HeaderLen:HeaderLen+len(q.Name)+4]...)
}

// Fits reports whether a kept answer, as cache.Entry.Wire has it, is for q's name.
func Fits(msg []byte, q *Question) bool {
	return len(msg) >= HeaderLen+len(q.Name)+4 && equalFold(msg[HeaderLen:HeaderLen+len(q.Name)], q.Name)
}

// Patch makes a kept answer that Fits the answer to the packet that q was read
// from, in place.
func Patch(msg, pkt []byte, q *Question) {
	flags := flagRA | msg[3]&15
	if msg[3]&flagAD != 0 && (q.AD || q.DO) {
		flags |= flagAD
	}
	if q.CD {
		flags |= flagCD
	}
	msg[0], msg[1], msg[2], msg[3] = pkt[0], pkt[1], flagQR|flagRD, flags
	copy(msg[HeaderLen:], q.Name)
}

func equalFold(a, b []byte) bool {
	for i, x := range a {
		y := b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

func count(msg []byte, section int) {
	binary.BigEndian.PutUint16(msg[section:], binary.BigEndian.Uint16(msg[section:])+1)
}

func appendRecord(msg []byte, rtype uint16, ttl uint32, rdata int) []byte {
	msg = binary.BigEndian.AppendUint16(msg, toQuestion)
	msg = binary.BigEndian.AppendUint16(msg, rtype)
	msg = binary.BigEndian.AppendUint16(msg, classIN)
	msg = binary.BigEndian.AppendUint32(msg, ttl)
	return binary.BigEndian.AppendUint16(msg, uint16(rdata))
}

// AppendAddress appends the address record for a of the question's name, if the
// question is for its kind; else it reports false.
func AppendAddress(msg []byte, q *Question, a netip.Addr, ttl uint32) ([]byte, bool) {
	a = a.Unmap()
	switch {
	case a.Is4() && q.Type == typeA:
		b := a.As4()
		msg = append(appendRecord(msg, typeA, ttl, len(b)), b[:]...)
	case a.Is6() && q.Type == typeAAAA:
		b := a.As16()
		msg = append(appendRecord(msg, typeAAAA, ttl, len(b)), b[:]...)
	default:
		return msg, false
	}
	count(msg, countAnswer)
	return msg, true
}

// SOA is what an answer without data says of its zone.
type SOA struct {
	// NS and Mbox are names of two labels each, in wire form, that end in the same
	// label, which is not that of the question.
	NS, Mbox                       []byte
	Serial, Refresh, Retry, Expire uint32
}

// Append appends the SOA record of an answer without data; ttl is both its
// TTL and how long the answer holds. The second name's last label points into
// the first's.
func (s *SOA) Append(msg []byte, ttl uint32) []byte {
	first := int(s.NS[0]) + 1 // length of the label
	own := int(s.Mbox[0]) + 1
	const numbers = 5 * 4
	msg = appendRecord(msg, typeSOA, ttl, len(s.NS)+own+2+numbers)
	at := len(msg) + first
	msg = append(msg, s.NS...)
	msg = append(msg, s.Mbox[:own]...)
	msg = binary.BigEndian.AppendUint16(msg, 0xc000|uint16(at))
	for _, n := range [...]uint32{s.Serial, s.Refresh, s.Retry, s.Expire, ttl} {
		msg = binary.BigEndian.AppendUint32(msg, n)
	}
	count(msg, countAuthority)
	return msg
}

const optEDE = 15

// AppendOPT appends an OPT record with the size that we take, and with an
// extended error (RFC 8914) if code is not negative.
func AppendOPT(msg []byte, size uint16, do bool, code int, text string) []byte {
	rdata := 0
	if code >= 0 {
		rdata = 4 + 2 + len(text)
	}
	var flags byte
	if do {
		flags = flagDO
	}
	msg = append(msg, 0, 0, typeOPT, byte(size>>8), byte(size), 0, 0, flags, 0, byte(rdata>>8), byte(rdata))
	if code >= 0 {
		msg = append(msg, 0, optEDE, byte((2+len(text))>>8), byte(2+len(text)), byte(code>>8), byte(code))
		msg = append(msg, text...)
	}
	count(msg, countExtra)
	return msg
}
