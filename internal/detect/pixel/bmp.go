package pixel

import (
	"encoding/binary"
	"math"
)

const (
	bmpFileHeader = 14
	bmpCore       = 12  // OS/2 1.x header: sizes of 16 bits
	bmpInfo       = 40  // the usual header
	bmpAlphaMask  = 56  // headers from here on have an alpha mask
	bmpAlphaAt    = 52  // where it is
	icoDir        = 6   // an icon's directory header
	icoEntry      = 16  // and each of its entries
	icoFull       = 256 // what a side of 0 means
)

func lookBMP(b []byte) Image {
	if len(b) < bmpFileHeader+bmpInfo && !bmpWhole(b) {
		return Image{NeedMore: bmpPlausible(b)}
	}
	if !bmpPlausible(b) {
		return Image{}
	}
	img := Image{Format: BMP}
	dib := b[bmpFileHeader:]
	size := binary.LittleEndian.Uint32(dib)
	if size == bmpCore {
		img.Width = uint32(binary.LittleEndian.Uint16(dib[4:]))
		img.Height = uint32(binary.LittleEndian.Uint16(dib[6:]))
		if img.Width > 0 && img.Height > 0 {
			img.Visible = Visible
		}
		return img
	}
	w, h := int64(int32(binary.LittleEndian.Uint32(dib[4:]))), int64(int32(binary.LittleEndian.Uint32(dib[8:])))
	if h < 0 { // rows from the top
		h = -h
	}
	if w <= 0 || h == 0 || h > math.MaxInt32 {
		return img
	}
	img.Width, img.Height = uint32(w), uint32(h)
	img.Visible, img.NeedMore = bmpVisible(b, img)
	return img
}

// bmpWhole reports whether b has all of the oldest, shortest header.
func bmpWhole(b []byte) bool {
	return len(b) >= bmpFileHeader+bmpCore && binary.LittleEndian.Uint32(b[bmpFileHeader:]) == bmpCore
}

// bmpPlausible tells a bitmap from a text that starts with the letters BM, as
// far as b goes.
func bmpPlausible(b []byte) bool {
	if len(b) < bmpFileHeader+4 {
		return true
	}
	planesAt := bmpFileHeader + 12
	switch binary.LittleEndian.Uint32(b[bmpFileHeader:]) {
	case bmpCore:
		planesAt = bmpFileHeader + 8
	case 16, bmpInfo, 52, bmpAlphaMask, 64, 108, 124:
	default:
		return false
	}
	return len(b) < planesAt+2 || binary.LittleEndian.Uint16(b[planesAt:]) == 1
}

// bmpVisible judges a bitmap with a long header. Only 32-bit pixels with an
// alpha mask can be transparent; run-length ones may leave pixels out.
func bmpVisible(b []byte, img Image) (v Visibility, short bool) {
	dib := b[bmpFileHeader:]
	size := binary.LittleEndian.Uint32(dib)
	if size == 16 {
		return Visible, false
	}
	compression := binary.LittleEndian.Uint32(dib[16:])
	if compression == 1 || compression == 2 {
		return Unknown, false
	}
	if binary.LittleEndian.Uint16(dib[14:]) != 32 || size < bmpAlphaMask || size == 64 {
		return Visible, false
	}
	if len(dib) < bmpAlphaMask {
		return Unknown, true
	}
	mask := binary.LittleEndian.Uint32(dib[bmpAlphaAt:])
	pixels := uint64(img.Width) * uint64(img.Height)
	if mask == 0 {
		return Visible, false
	}
	if pixels > maxDecoded {
		return Unknown, false
	}
	at := uint64(binary.LittleEndian.Uint32(b[10:]))
	for ; pixels > 0; pixels-- {
		if at+4 > uint64(len(b)) {
			return Unknown, true
		}
		if binary.LittleEndian.Uint32(b[at:])&mask != 0 {
			return Visible, false
		}
		at += 4
	}
	return Invisible, false
}

// lookICO takes the largest entry of an icon's or cursor's directory; browsers
// refuse a picture that disagrees with its entry.
func lookICO(b []byte, complete bool) Image {
	if len(b) < icoDir+icoEntry {
		return Image{NeedMore: true}
	}
	count := int(binary.LittleEndian.Uint16(b[4:]))
	if !icoPlausible(b, count) {
		return Image{}
	}
	img := Image{Format: ICO}
	var best []byte
	for i := range count {
		at := icoDir + i*icoEntry
		if at+icoEntry > len(b) {
			img.NeedMore = true
			break
		}
		e := b[at : at+icoEntry]
		w, h := icoSide(e[0]), icoSide(e[1])
		if w*h > img.Width*img.Height {
			img.Width, img.Height, best = w, h, e
		}
	}
	if img.Width <= tinySide && img.Height <= tinySide && !img.NeedMore {
		img.Visible, img.NeedMore = icoVisible(b, best, complete)
	}
	return img
}

func icoSide(v byte) uint32 {
	if v == 0 {
		return icoFull
	}
	return uint32(v)
}

// icoPlausible tells an icon from other binary data that starts like one, by
// its first entry.
func icoPlausible(b []byte, count int) bool {
	e := b[icoDir:]
	size, off := binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])
	return count > 0 && (e[3] == 0 || e[3] == 255) && size > 0 && uint64(off) >= uint64(icoDir+count*icoEntry)
}

// icoVisible judges the picture of a tiny entry: a PNG, or a bitmap without
// file header that is followed by a mask of one bit a pixel.
func icoVisible(b, entry []byte, complete bool) (v Visibility, short bool) {
	size := uint64(binary.LittleEndian.Uint32(entry[8:]))
	off := uint64(binary.LittleEndian.Uint32(entry[12:]))
	if off+8 > uint64(len(b)) {
		return Unknown, true
	}
	pic := b[off:min(off+size, uint64(len(b)))]
	if f, _ := sniff(pic); f == PNG {
		img := lookPNG(pic, complete || off+size <= uint64(len(b)))
		return img.Visible, img.NeedMore
	}
	if len(pic) < bmpInfo {
		return Unknown, true
	}
	if binary.LittleEndian.Uint32(pic) != bmpInfo {
		return Unknown, false
	}
	return dibVisible(pic, icoSide(entry[0]), icoSide(entry[1]))
}

// dibVisible judges a tiny bitmap of w x h pixels with its mask. Alpha counts
// if any pixel has it, else the mask alone hides.
func dibVisible(pic []byte, w, h uint32) (v Visibility, short bool) {
	depth := uint32(binary.LittleEndian.Uint16(pic[14:]))
	colours := binary.LittleEndian.Uint32(pic[32:])
	if depth == 0 || depth > 32 || colours > 256 {
		return Unknown, false
	}
	if colours == 0 && depth <= 8 {
		colours = 1 << depth
	}
	start := bmpInfo + 4*colours
	mask := start + (w*depth+31)/32*4*h
	if uint64(mask)+4*uint64(h) > uint64(len(pic)) {
		return Unknown, true
	}
	if depth == 32 {
		for i := start + 3; i < mask; i += 4 {
			if pic[i] != 0 {
				return Visible, false
			}
		}
	}
	wanted := byte(0xff) << (8 - w) // tiny: the row's bits are in its first byte
	for y := range h {
		if pic[mask+4*y]&wanted != wanted {
			return Visible, false
		}
	}
	return Invisible, false
}
