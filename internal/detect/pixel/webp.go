package pixel

import "encoding/binary"

const (
	riffHeader = 12
	vp8xLen    = 10
	// vp8lHeader is the signature byte and the size, alpha and version bits.
	vp8lHeader = 5
)

func lookWebP(b []byte) Image {
	img := Image{Format: WebP}
	kind, body, next, ok := riffNext(b, riffHeader)
	if !ok {
		img.NeedMore = true
		return img
	}
	switch string(kind) {
	case "VP8 ":
		img.vp8(body)
	case "VP8L":
		img.vp8l(body)
	case "VP8X":
		if len(body) < vp8xLen {
			img.NeedMore = next > len(b)
			return img
		}
		img.Width, img.Height = 1+le24(body[4:]), 1+le24(body[7:])
		img.Animated = body[0]&0x02 != 0
		if !img.Animated {
			img.vp8xVisible(b, next)
		}
	}
	return img
}

// vp8 reads a lossy key frame, which is opaque.
func (img *Image) vp8(b []byte) {
	if len(b) < 10 {
		img.NeedMore = true
		return
	}
	if b[0]&1 != 0 || string(b[3:6]) != "\x9d\x01\x2a" {
		return
	}
	img.Width = uint32(binary.LittleEndian.Uint16(b[6:]) & 0x3fff)
	img.Height = uint32(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)
	if img.Width > 0 && img.Height > 0 {
		img.Visible = Visible
	}
}

// vp8l reads a lossless image.
func (img *Image) vp8l(b []byte) {
	if len(b) < vp8lHeader {
		img.NeedMore = true
		return
	}
	bits := binary.LittleEndian.Uint32(b[1:])
	if b[0] != 0x2f || bits>>29 != 0 {
		return
	}
	img.Width, img.Height = 1+bits&0x3fff, 1+bits>>14&0x3fff
	img.Visible, img.NeedMore = vp8lVisible(b)
}

// vp8lVisible judges a lossless image that starts with its header.
func vp8lVisible(b []byte) (v Visibility, short bool) {
	if len(b) < vp8lHeader {
		return Unknown, true
	}
	if b[4]&0x10 == 0 { // no pixel uses alpha
		return Visible, false
	}
	return soleValue(b[vp8lHeader:], vp8lAlpha)
}

// vp8xVisible looks for the picture in an extended file's chunks.
func (img *Image) vp8xVisible(b []byte, pos int) {
	for {
		kind, body, next, ok := riffNext(b, pos)
		if !ok {
			img.NeedMore = true
			return
		}
		switch string(kind) {
		case "VP8 ":
			img.Visible = Visible
			return
		case "VP8L":
			img.Visible, img.NeedMore = vp8lVisible(body)
			return
		case "ALPH":
			img.Visible, img.NeedMore = alphVisible(body, uint64(img.Width)*uint64(img.Height))
			return
		}
		pos = next
	}
}

// alphVisible judges a lossy picture's alpha plane. Every filter predicts
// zero from zeros, so a plane of zeros is one of zero residues too.
func alphVisible(b []byte, pixels uint64) (v Visibility, short bool) {
	if len(b) == 0 {
		return Unknown, true
	}
	switch b[0] & 3 {
	case 0:
		for i, a := range b[1:] {
			if uint64(i) == pixels {
				break
			}
			if a != 0 {
				return Visible, false
			}
		}
		if uint64(len(b)-1) < pixels {
			return Unknown, true
		}
		return Invisible, false
	case 1:
		return soleValue(b[1:], vp8lGreen)
	default:
		return Unknown, false
	}
}

// The prefix codes of a lossless image come in this order: green, red, blue,
// alpha, distance. An alpha plane is kept in the green of one.
const (
	vp8lGreen = 0
	vp8lAlpha = 3
)

// soleValue reads the start of a lossless bit stream and judges it if one
// channel has a single value for all pixels, as in every image of one colour:
// the code of such a channel has one symbol, and the pixels need no bits. All
// else is Unknown; no pixel is decoded.
func soleValue(b []byte, channel int) (v Visibility, short bool) {
	r := vp8lBits{b: b}
	palette := false
transforms:
	for range 4 { // each may be used once
		if r.read(1) == 0 {
			break
		}
		switch r.read(2) {
		case 2: // subtract green: leaves green and alpha alone
		case 3: // colour indexing: the palette comes first, as an image
			r.read(8)
			palette = true
			break transforms
		default:
			return Unknown, r.short
		}
	}
	cache := r.read(1) != 0
	if cache {
		r.read(4)
	}
	if !palette && r.read(1) != 0 { // several sets of codes
		return Unknown, r.short
	}
	var sole bool
	var value uint32
	for range channel + 1 {
		if r.read(1) == 0 { // not a simple code
			return Unknown, r.short
		}
		sole, value = r.simpleCode()
	}
	switch {
	case r.short:
		return Unknown, true
	case sole && value == 0:
		return Invisible, false
	case sole && !palette && !cache:
		return Visible, false
	default:
		return Unknown, false
	}
}

// vp8lBits reads bits, least significant first; past the end they are zero.
type vp8lBits struct {
	b     []byte
	pos   int
	short bool
}

func (r *vp8lBits) read(n int) (v uint32) {
	for i := range n {
		if r.pos>>3 >= len(r.b) {
			r.short = true
			return v
		}
		v |= uint32(r.b[r.pos>>3]>>(r.pos&7)&1) << i
		r.pos++
	}
	return v
}

// simpleCode reads a code of one or two symbols after its first bit.
func (r *vp8lBits) simpleCode() (sole bool, first uint32) {
	sole = r.read(1) == 0
	if r.read(1) == 0 {
		first = r.read(1)
	} else {
		first = r.read(8)
	}
	if !sole {
		r.read(8)
	}
	return sole, first
}

// riffNext returns the chunk at pos; a body that is cut off is returned as far
// as it goes.
func riffNext(b []byte, pos int) (kind, body []byte, next int, ok bool) {
	if pos+8 > len(b) {
		return nil, nil, 0, false
	}
	n := int64(binary.LittleEndian.Uint32(b[pos+4:]))
	start := pos + 8
	end := min(int64(start)+n, int64(len(b)))
	// Past every head there is, so that the next call finds nothing.
	next = int(min(int64(start)+n+n&1, 2*MaxHead))
	return b[pos : pos+4], b[start:end], next, true
}

func le24(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
}
