package pixel

import "encoding/binary"

const (
	gifHeader    = 13 // signature and logical screen descriptor
	gifImageDesc = 10
	gifMaxCodes  = 4096 // a GIF's LZW codes have at most 12 bits
)

// gifWalk goes through a GIF's blocks. Sizes: browsers lay out the union of
// the logical screen and the first frame, since either of them may lie.
type gifWalk struct {
	b           []byte
	pos         int
	img         Image
	global      int // entries of the global colour table, 0 if there is none
	transparent int // index that is not painted in the next frame, or -1
	frames      int
	doubt       bool // something could not be judged
	short       bool // the bytes ended before the trailer
}

func lookGIF(b []byte, complete bool) Image {
	w := gifWalk{b: b, transparent: -1, img: Image{Format: GIF}}
	if len(b) < gifHeader {
		w.img.NeedMore = true
		return w.img
	}
	w.img.Width = uint32(binary.LittleEndian.Uint16(b[6:]))
	w.img.Height = uint32(binary.LittleEndian.Uint16(b[8:]))
	w.global = gifTable(b[10])
	w.pos = gifHeader + 3*w.global
	for w.block() {
	}
	w.img.Animated = w.frames > 1
	w.img.NeedMore = w.short
	// What a truncated file does not paint stays transparent. A first frame
	// whose pixels may still come is not judged.
	if w.img.Visible == Unknown && !w.doubt && (!w.short || complete) {
		w.img.Visible = Invisible
	}
	return w.img
}

// gifTable returns the entries of the colour table that flags announce.
func gifTable(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 2 << (flags & 7)
}

// block handles the block at pos and reports whether another may follow.
func (w *gifWalk) block() bool {
	if w.pos >= len(w.b) {
		w.short = true
		return false
	}
	switch w.b[w.pos] {
	case '!':
		return w.extension()
	case ',':
		return w.frame()
	case ';':
		return false
	default:
		w.doubt = true // browsers differ on garbage between blocks
		return false
	}
}

// extension reads a graphic control extension and skips every other.
func (w *gifWalk) extension() bool {
	b := w.b[w.pos:]
	if len(b) > 6 && b[1] == 0xf9 && b[2] >= 4 {
		w.transparent = -1
		if b[3]&1 != 0 {
			w.transparent = int(b[6])
		}
	}
	r := gifBits{b: w.b, pos: w.pos + 2}
	r.skip()
	w.pos, w.short = r.pos, r.short
	return !r.short
}

func (w *gifWalk) frame() bool {
	b := w.b[w.pos:]
	if len(b) < gifImageDesc {
		w.short = true
		return false
	}
	fw, fh := uint32(binary.LittleEndian.Uint16(b[5:])), uint32(binary.LittleEndian.Uint16(b[7:]))
	if w.frames == 0 {
		w.img.Width = max(w.img.Width, uint32(binary.LittleEndian.Uint16(b[1:]))+fw)
		w.img.Height = max(w.img.Height, uint32(binary.LittleEndian.Uint16(b[3:]))+fh)
	}
	w.frames++
	if fw == 0 || fh == 0 { // some browsers paint the whole screen then, some nothing
		w.doubt = true
	}
	local := gifTable(b[9])
	at := w.pos + gifImageDesc + 3*local
	if at >= len(w.b) {
		w.short = true
		return false
	}
	palette := w.global
	if local > 0 {
		palette = local
	}
	r := gifBits{b: w.b, pos: at + 1}
	if w.img.Visible != Visible {
		switch r.judge(w.b[at], w.transparent, palette, uint64(fw)*uint64(fh)) {
		case Visible:
			w.img.Visible = Visible
		case Unknown:
			w.doubt = w.doubt || !r.short
		}
	}
	r.skip()
	w.pos, w.short, w.transparent = r.pos, r.short, -1
	return !r.short
}

// gifBits reads LZW codes from sub-blocks.
type gifBits struct {
	b     []byte
	pos   int
	left  int // bytes of the current sub-block not yet read
	acc   uint32
	n     uint
	ended bool // the block terminator was read
	short bool // b ended first
}

// next returns the next byte of data.
func (r *gifBits) next() (byte, bool) {
	for r.left == 0 {
		if r.ended || r.short {
			return 0, false
		}
		if r.pos >= len(r.b) {
			r.short = true
			return 0, false
		}
		r.left = int(r.b[r.pos])
		r.pos++
		r.ended = r.left == 0
	}
	if r.pos >= len(r.b) {
		r.short = true
		return 0, false
	}
	r.left--
	r.pos++
	return r.b[r.pos-1], true
}

// skip goes to the end of the sub-blocks.
func (r *gifBits) skip() {
	for !r.ended && !r.short {
		r.pos += r.left
		r.left = 0
		if r.pos >= len(r.b) {
			r.pos, r.short = len(r.b), true
			return
		}
		r.left = int(r.b[r.pos])
		r.pos++
		r.ended = r.left == 0
	}
}

func (r *gifBits) code(width uint) (int, bool) {
	for r.n < width {
		c, ok := r.next()
		if !ok {
			return 0, false
		}
		r.acc |= uint32(c) << r.n
		r.n += 8
	}
	c := r.acc & (1<<width - 1)
	r.acc >>= width
	r.n -= width
	return int(c), true
}

// judge reads codes until one paints a pixel. A string that repeats what was
// painted before cannot show anything new, so the dictionary need only know
// how long its strings are. Invisible also stands for data that ended early.
func (r *gifBits) judge(litWidth byte, transparent, palette int, pixels uint64) Visibility {
	if litWidth < 1 || litWidth > 8 {
		return Unknown
	}
	var lens [gifMaxCodes + 1]uint16
	clearCode := 1 << litWidth
	next, width, prev := clearCode+2, uint(litWidth)+1, uint16(0)
	for painted := uint64(0); painted < pixels; {
		c, ok := r.code(width)
		var n uint16
		switch {
		case !ok && r.short:
			return Unknown
		case !ok || c == clearCode+1:
			return Invisible
		case c == clearCode:
			next, width, prev = clearCode+2, uint(litWidth)+1, 0
			continue
		case c < clearCode && c == transparent:
			n = 1
		case c < clearCode && c < palette:
			return Visible
		case c < clearCode: // outside the palette: some browsers paint black
			return Unknown
		case c < next:
			n = lens[c]
		case c == next && prev > 0:
			n = prev + 1
		default:
			return Unknown
		}
		painted += uint64(n)
		if prev > 0 && next < gifMaxCodes {
			lens[next] = prev + 1
			next++
			if next == 1<<width && width < 12 {
				width++
			}
		}
		prev = n
	}
	return Invisible
}
