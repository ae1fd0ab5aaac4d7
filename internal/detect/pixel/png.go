package pixel

import (
	"bytes"
	"encoding/binary"
	"image/png"
	"math"
)

// maxDecoded is the most pixels that are ever decoded to see whether any of
// them is painted.
const maxDecoded = 16

const (
	pngSignature = 8
	pngChunk     = 12 // length, type and checksum
	pngIHDR      = 13
)

// pngHead is what the chunks before the pixels say.
type pngHead struct {
	apple bool // CgBI: pixels as only iOS reads them
	alpha bool // the colour type has alpha, or tRNS was seen
	data  bool // IDAT was reached
	end   bool // IEND was reached
	bad   bool // a colour type that does not exist
}

func lookPNG(b []byte, complete bool) Image {
	img := Image{Format: PNG}
	var h pngHead
	pos := pngSignature
	if kind, body, next := pngNext(b, pos); kind != nil && string(kind) == "CgBI" && body != nil {
		h.apple, pos = true, next
	}
	kind, body, next := pngNext(b, pos)
	if body == nil {
		// Only a first chunk that may still turn out to be the header is
		// worth waiting for.
		img.NeedMore = kind == nil || string(kind) == "IHDR" || string(kind) == "CgBI"
		return img
	}
	if string(kind) != "IHDR" || len(body) != pngIHDR {
		return img
	}
	w, hgt := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
	if w > math.MaxInt32 || hgt > math.MaxInt32 {
		return img
	}
	img.Width, img.Height = w, hgt
	switch body[9] {
	case 0, 2, 3:
	case 4, 6:
		h.alpha = true
	default:
		h.bad = true
	}
	short := h.walk(b, next, &img)
	img.Visible = h.visible(b, complete, img)
	// The pixels of these are not judged, however many bytes come.
	img.NeedMore = short && !h.bad && !(h.alpha && (h.apple || img.Animated))
	return img
}

// walk goes through the chunks from pos on and reports whether b ended first.
func (h *pngHead) walk(b []byte, pos int, img *Image) (short bool) {
	for {
		kind, body, next := pngNext(b, pos)
		switch string(kind) {
		case "tRNS":
			h.alpha = h.alpha || !h.data
		case "acTL":
			if !h.data && len(body) >= 4 {
				img.Animated = binary.BigEndian.Uint32(body) > 1
			}
		case "IDAT":
			h.data = true
			if !h.alpha {
				return false
			}
		case "IEND":
			h.end = body != nil && next <= len(b) // decoders want its checksum too
			return !h.end
		}
		if body == nil {
			return true
		}
		pos = next
	}
}

func (h *pngHead) visible(b []byte, complete bool, img Image) Visibility {
	switch {
	case h.bad || !h.data:
		return Unknown
	case !h.alpha:
		return Visible
	case h.apple || img.Animated || !h.end && !complete:
		return Unknown
	case img.Width == 0 || img.Height == 0 || uint64(img.Width)*uint64(img.Height) > maxDecoded:
		return Unknown
	}
	// The header was read above, so this decodes at most maxDecoded pixels
	// of at most MaxHead bytes. It allocates, but only here.
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return Unknown
	}
	r := m.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if _, _, _, a := m.At(x, y).RGBA(); a != 0 {
				return Visible
			}
		}
	}
	return Invisible
}

// pngNext returns the chunk at pos. kind is nil if its name, body if any of
// its body is missing; an empty body is not nil.
func pngNext(b []byte, pos int) (kind, body []byte, next int) {
	if pos+8 > len(b) {
		return nil, nil, 0
	}
	n := int64(binary.BigEndian.Uint32(b[pos:]))
	kind = b[pos+4 : pos+8]
	if int64(pos)+8+n > int64(len(b)) {
		return kind, nil, 0
	}
	end := pos + 8 + int(n)
	return kind, b[pos+8 : end : end], pos + pngChunk + int(n)
}
