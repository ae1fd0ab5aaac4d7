package identity

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
)

// view is the URL, or a part of it with one encoding taken off.
type view struct {
	b     []byte
	up    *view
	step  Step
	at    int     // where the encoded bytes start in up
	n, d  int     // n encoded bytes hold d decoded ones
	pos   []int32 // for steps of no fixed ratio: where each decoded byte starts, and the end
	span  int     // for compressed data: how many encoded bytes all of b stands for
	exact bool    // b starts where a token starts, and ends where it ends
	depth int
}

// origin says which bytes of the URL hold b[i:j].
func (v *view) origin(i, j int) (int, int) {
	for ; v.up != nil; v = v.up {
		switch {
		case v.span > 0:
			i, j = v.at, v.at+v.span
		case v.pos != nil:
			i, j = int(v.pos[i]), int(v.pos[j])
		default:
			i, j = v.at+i*v.n/v.d, min(v.at+(j*v.n+v.d-1)/v.d, len(v.up.b))
		}
	}
	return i, j
}

// steps lists the encodings taken off to reach v, outermost first.
func (v *view) steps() Encoding {
	var e Encoding
	for ; v.up != nil; v = v.up {
		e = append(Encoding{v.step}, e...)
	}
	return e
}

// binary reports whether v came out of an encoding of bytes, so that it may
// hold anything.
func (v *view) binary() bool {
	switch v.step {
	case Base64, Base64URL, Base32, Hex, Zlib, Gzip:
		return true
	}
	return false
}

// Bytes by class.
const (
	classB64 = 1 << iota // base64 without the slash, both alphabets
	classHex
	classB32
)

var classes = func() (t [256]uint8) {
	for c := range 256 {
		b := byte(c)
		if isAlnum(b) || b == '+' || b == '-' || b == '_' {
			t[c] |= classB64
		}
		if b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' {
			t[c] |= classHex
		}
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '2' && b <= '7' {
			t[c] |= classB32
		}
	}
	return t
}()

// The shortest runs that are decoded.
const (
	minB64 = 6
	minHex = 8
	minB32 = 12
)

// runs calls f for each run of bytes of a class that is at least least long.
func runs(b []byte, class uint8, least int, f func(i, j int)) {
	start := -1
	for i := 0; i <= len(b); i++ {
		in := i < len(b) && classes[b[i]]&class != 0
		switch {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			if i-start >= least {
				f(start, i)
			}
			start = -1
		}
	}
}

// unpercent takes one layer of percent encoding off; nil if there is none.
func unpercent(v *view) *view {
	if bytes.IndexByte(v.b, '%') < 0 {
		return nil
	}
	out := &view{up: v, step: Percent, depth: v.depth + 1, exact: v.exact, pos: make([]int32, 0, len(v.b)+1)}
	found := false
	for i := 0; i < len(v.b); {
		out.pos = append(out.pos, int32(i))
		if v.b[i] == '%' && i+2 < len(v.b) && classes[v.b[i+1]]&classes[v.b[i+2]]&classHex != 0 {
			out.b = append(out.b, nibble(v.b[i+1])<<4|nibble(v.b[i+2]))
			i, found = i+3, true
			continue
		}
		out.b = append(out.b, v.b[i])
		i++
	}
	if !found {
		return nil
	}
	out.pos = append(out.pos, int32(len(v.b)))
	return out
}

// unescape takes off \u0040 and &#64; escapes of ASCII; nil if there is none.
func unescape(v *view) *view {
	if !bytes.Contains(v.b, []byte(`\u00`)) && !bytes.Contains(v.b, []byte("&#")) {
		return nil
	}
	out := &view{up: v, step: Escaped, depth: v.depth + 1, exact: v.exact, pos: make([]int32, 0, len(v.b)+1)}
	for i := 0; i < len(v.b); {
		out.pos = append(out.pos, int32(i))
		c, n := escape(v.b[i:])
		out.b = append(out.b, c)
		i += n
	}
	out.pos = append(out.pos, int32(len(v.b)))
	return out
}

// escape reads one byte, or the escape that stands for it, and says how long it is.
func escape(b []byte) (byte, int) {
	switch {
	case len(b) >= 6 && b[0] == '\\' && b[1] == 'u' && b[2] == '0' && b[3] == '0' && classes[b[4]]&classes[b[5]]&classHex != 0:
		return nibble(b[4])<<4 | nibble(b[5]), 6
	case len(b) >= 5 && b[0] == '&' && b[1] == '#':
		n, i, base := 0, 2, 10
		if b[i]|0x20 == 'x' {
			i, base = 3, 16
		}
		for ; i < len(b) && i < 8 && classes[b[i]]&classHex != 0 && n < 256; i++ {
			n = n*base + int(nibble(b[i]))
		}
		if i < len(b) && b[i] == ';' && n > 0 && n < 128 {
			return byte(n), i + 1
		}
	}
	return b[0], 1
}

func nibble(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// sextets are the values of the letters of base64, both alphabets.
var sextets = func() (t [256]uint8) {
	for c := range 256 {
		switch b := byte(c); {
		case b >= 'a' && b <= 'z':
			t[c] = b - 'a' + 26
		case b >= 'A' && b <= 'Z':
			t[c] = b - 'A'
		case b >= '0' && b <= '9':
			t[c] = b - '0' + 52
		case b == '+' || b == '-':
			t[c] = 62
		default:
			t[c] = 63
		}
	}
	return t
}()

// base64At decodes v.b[i:j], both alphabets; a last lone character is dropped.
func (f *finder) base64At(v *view, i, j int) *view {
	src := v.b[i:j]
	out := f.room(v, len(src)/4*3+max(0, len(src)%4-1))
	out.step, out.at, out.n, out.d = Base64, i, 4, 3
	if bytes.IndexByte(src, '-') >= 0 || bytes.IndexByte(src, '_') >= 0 {
		out.step = Base64URL
	}
	dst := out.b
	for ; len(src) >= 4 && len(dst) >= 3; src, dst = src[4:], dst[3:] {
		q := uint(sextets[src[0]])<<18 | uint(sextets[src[1]])<<12 | uint(sextets[src[2]])<<6 | uint(sextets[src[3]])
		dst[0], dst[1], dst[2] = byte(q>>16), byte(q>>8), byte(q)
	}
	if len(src) >= 2 {
		q := uint(sextets[src[0]])<<10 | uint(sextets[src[1]])<<4
		if dst[0] = byte(q >> 8); len(src) == 3 {
			dst[1] = byte((q | uint(sextets[src[2]])>>2))
		}
	}
	return out
}

func (f *finder) hexAt(v *view, i, j int) *view {
	out := f.room(v, (j-i)/2)
	out.step, out.at, out.n, out.d = Hex, i, 2, 1
	for k := range out.b {
		out.b[k] = nibble(v.b[i+2*k])<<4 | nibble(v.b[i+2*k+1])
	}
	return out
}

func (f *finder) base32At(v *view, i, j int) *view {
	out := f.room(v, (j-i)*5/8)
	out.step, out.at, out.n, out.d, out.exact = Base32, i, 8, 5, true
	out.b = out.b[:0]
	var acc, bits uint
	for _, c := range v.b[i:j] {
		q := uint(c-'2') + 26
		if c >= 'A' {
			q = uint(c|0x20) - 'a'
		}
		acc, bits = acc<<5|q, bits+5
		if bits >= 8 {
			bits -= 8
			out.b = append(out.b, byte(acc>>bits))
		}
	}
	return out
}

// room is a view below v with n bytes. It is valid until the next view below
// v: nothing keeps a view past its exploration, and what is decoded from it
// lies one deeper.
func (f *finder) room(v *view, n int) *view {
	out := &f.views[v.depth]
	b := out.b
	if cap(b) < n {
		b = make([]byte, max(n, 128))
	}
	*out = view{up: v, depth: v.depth + 1, b: b[:n]}
	return out
}

// maxStreams is how many places of one view are tried as compressed data.
const maxStreams = 6

// inflated calls f for each compressed stream in v, cut at MaxInflated. A
// stream that breaks off gives what came before.
func inflated(v *view, f func(*view)) {
	tries := 0
	for i := 0; i+8 < len(v.b) && tries < maxStreams; i++ {
		b := v.b[i:]
		var r io.Reader
		var err error
		step := Zlib
		switch {
		case b[0] == 0x78 && (uint(b[0])<<8|uint(b[1]))%31 == 0 && b[1]&0x20 == 0:
			r, err = zlib.NewReader(bytes.NewReader(b))
		case b[0] == 0x1f && b[1] == 0x8b && b[2] == 8:
			r, err = gzip.NewReader(bytes.NewReader(b))
			step = Gzip
		default:
			continue
		}
		tries++
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(r, MaxInflated))
		if len(text) >= minLocal {
			f(&view{b: text, up: v, step: step, at: i, span: len(b), exact: true, depth: v.depth + 1})
		}
	}
}
