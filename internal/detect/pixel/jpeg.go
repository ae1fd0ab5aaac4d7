package pixel

import "encoding/binary"

// lookJPEG walks the segments up to the first frame header. JPEG has no
// transparency, so every JPEG that has a size can be seen.
func lookJPEG(b []byte) Image {
	img := Image{Format: JPEG}
	pos := 2
	for {
		marker, at := jpegMarker(b, pos)
		switch {
		case at < 0:
			img.NeedMore = true
			return img
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8: // TEM, RSTn, SOI: alone
			pos = at
			continue
		case marker == 0xd9 || marker == 0xda: // picture data or end before any size
			return img
		case at+2 > len(b):
			img.NeedMore = true
			return img
		}
		n := int(binary.BigEndian.Uint16(b[at:]))
		if n < 2 {
			return img
		}
		if !jpegFrame(marker) {
			pos = at + n
			continue
		}
		if n < 8 {
			return img
		}
		if at+7 > len(b) {
			img.NeedMore = true
			return img
		}
		// A height of 0 is told only after the first scan (DNL): not known.
		img.Height = uint32(binary.BigEndian.Uint16(b[at+3:]))
		img.Width = uint32(binary.BigEndian.Uint16(b[at+5:]))
		if img.Width > 0 && img.Height > 0 {
			img.Visible = Visible
		}
		return img
	}
}

// jpegFrame reports whether marker starts a frame header: SOF0 to SOF15
// without the three of that range that mean something else.
func jpegFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// jpegMarker finds the next marker from pos on, over stray and fill bytes as
// decoders do, and returns the position after it, -1 if b ends first.
func jpegMarker(b []byte, pos int) (marker byte, at int) {
	for ; pos+1 < len(b); pos++ {
		if b[pos] == 0xff && b[pos+1] != 0xff && b[pos+1] != 0 {
			return b[pos+1], pos + 2
		}
	}
	return 0, -1
}
