package mail

import (
	"bytes"
	"encoding/base64"
)

// decodeQuoted undoes quoted-printable. What is no escape stays as it is, and
// so does white space at the end of lines. ok is false if there was such.
func decodeQuoted(src []byte) (out []byte, ok bool) {
	ok = true
	if bytes.IndexByte(src, '=') < 0 {
		return src, true
	}
	out = make([]byte, 0, len(src))
	for i := 0; i < len(src); {
		n := bytes.IndexByte(src[i:], '=')
		if n < 0 {
			return append(out, src[i:]...), ok
		}
		out = append(out, src[i:i+n]...)
		i += n
		c, size, good := quotedAt(src[i:])
		if c >= 0 {
			out = append(out, byte(c))
		}
		ok = ok && good
		i += size
	}
	return out, ok
}

// quotedAt reads the escape that b starts with: the byte it stands for, -1 for
// a soft line break, and its length.
func quotedAt(b []byte) (c, size int, ok bool) {
	if len(b) >= 3 {
		hi, lo := unhex(b[1]), unhex(b[2])
		if hi|lo < 16 {
			return int(hi<<4 | lo), 3, true
		}
	}
	i := 1
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	switch {
	case i == len(b):
		return -1, i, true
	case b[i] == '\n':
		return -1, i + 1, true
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		return -1, i + 2, true
	case b[i] == '\r':
		return -1, i + 1, true
	}
	return '=', 1, false
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// decodeBase64 undoes base64, passing over what is not in its alphabet and
// going on after padding, as clients do. ok is false if anything but line ends
// was passed over, or the end is missing.
func decodeBase64(src []byte) (out []byte, ok bool) {
	out = make([]byte, base64.StdEncoding.DecodedLen(len(src)))
	n, err := base64.StdEncoding.Decode(out, src)
	if err == nil {
		return out[:n], true
	}
	out = out[:0]
	ok = true
	var acc uint32
	have := 0
	for _, c := range src {
		v := sextet(c)
		switch {
		case v < 64:
			acc = acc<<6 | uint32(v)
			if have++; have == 4 {
				out = append(out, byte(acc>>16), byte(acc>>8), byte(acc))
				acc, have = 0, 0
			}
		case c == '=':
			out = tail(out, acc, have)
			acc, have = 0, 0
		case !isWhite(c):
			ok = false
		}
	}
	return tail(out, acc, have), ok && have == 0
}

// tail adds the bytes of an unfinished group of have sextets.
func tail(out []byte, acc uint32, have int) []byte {
	switch have {
	case 2:
		return append(out, byte(acc>>4))
	case 3:
		return append(out, byte(acc>>10), byte(acc>>2))
	}
	return out
}

// sextet is the value of a base64 character, 0xff if it is none.
func sextet(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A'
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26
	case c >= '0' && c <= '9':
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 0xff
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
