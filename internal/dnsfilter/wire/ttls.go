package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderLen is the length of a message's header.
const HeaderLen = 12

var errShort = errors.New("message is cut off")

// TTLs returns the positions of the TTLs of all records of a message but OPT.
// Positions beyond 65535 do not exist: a message is no longer than that.
func TTLs(msg []byte) ([]uint16, error) {
	if len(msg) < HeaderLen || len(msg) > 0xffff {
		return nil, errShort
	}
	at := HeaderLen
	for range binary.BigEndian.Uint16(msg[4:]) {
		n, err := SkipName(msg, at)
		if err != nil {
			return nil, err
		}
		at = n + 4
	}
	records := int(binary.BigEndian.Uint16(msg[6:])) + int(binary.BigEndian.Uint16(msg[8:])) + int(binary.BigEndian.Uint16(msg[10:]))
	var out []uint16
	for i := range records {
		n, err := SkipName(msg, at)
		if err != nil || n+10 > len(msg) {
			return nil, fmt.Errorf("record %d: %w", i, errShort)
		}
		if binary.BigEndian.Uint16(msg[n:]) != typeOPT {
			out = append(out, uint16(n+4))
		}
		at = n + 10 + int(binary.BigEndian.Uint16(msg[n+8:]))
		if at > len(msg) {
			return nil, fmt.Errorf("record %d: %w", i, errShort)
		}
	}
	return out, nil
}

const typeOPT = 41

// SkipName returns where the name that begins at msg[at] ends. A pointer ends a
// name and is not followed.
func SkipName(msg []byte, at int) (int, error) {
	for at < len(msg) {
		switch n := int(msg[at]); {
		case n == 0:
			return at + 1, nil
		case n&0xc0 == 0xc0:
			if at+2 > len(msg) {
				return 0, errShort
			}
			return at + 2, nil
		case n > MaxLabel:
			return 0, fmt.Errorf("label of kind %#x", n&0xc0)
		default:
			at += 1 + n
		}
	}
	return 0, errShort
}
