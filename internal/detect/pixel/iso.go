package pixel

import "encoding/binary"

// maxAssociations bounds the properties of one item that are followed.
const maxAssociations = 64

// isoMeta holds the boxes of an AVIF or HEIF file that tell its size.
type isoMeta struct {
	primary    uint32 // item shown
	hasPrimary bool
	ipco, ipma []byte
	short      bool // a box was cut off
}

// lookISO reads an ISO media file; last says that no more bytes will come.
func lookISO(b []byte, last bool) Image {
	kind, body, rest, whole := isoNext(b)
	if string(kind) != "ftyp" {
		return Image{}
	}
	img := Image{Format: isoBrand(body)}
	if !whole {
		return Image{NeedMore: true}
	}
	if img.Format == None {
		return img
	}
	var m isoMeta
	found := false
	for !found {
		kind, body, rest, whole = isoNext(rest)
		if kind == nil {
			img.NeedMore = true
			return img
		}
		if found = string(kind) == "meta"; found {
			m.short = !whole
			m.read(body)
		}
	}
	img.NeedMore = m.short
	if m.short && !last {
		return img
	}
	alpha := false
	img.Width, img.Height, alpha = m.size()
	if !alpha && !m.short && img.Width > 0 && img.Height > 0 {
		img.Visible = Visible
	}
	return img
}

// isoBrand tells the family by the brands in an ftyp box, None for films.
func isoBrand(b []byte) Format {
	f := None
	for i := 0; i+4 <= len(b); i += 4 {
		if i == 4 { // minor version
			continue
		}
		switch string(b[i : i+4]) {
		case "avif", "avis":
			return AVIF
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
			f = HEIF
		}
	}
	return f
}

// read collects what is needed from the body of a meta box.
func (m *isoMeta) read(b []byte) {
	if len(b) < 4 {
		return
	}
	for b = b[4:]; len(b) > 0; {
		kind, body, rest, whole := isoNext(b)
		m.short = m.short || !whole
		switch string(kind) {
		case "pitm":
			m.hasPrimary = len(body) >= 6
			if m.hasPrimary && body[0] == 0 {
				m.primary = uint32(binary.BigEndian.Uint16(body[4:]))
			} else if m.hasPrimary = len(body) >= 8; m.hasPrimary {
				m.primary = binary.BigEndian.Uint32(body[4:])
			}
		case "iprp":
			m.properties(body)
		}
		b = rest
	}
}

func (m *isoMeta) properties(b []byte) {
	for len(b) > 0 {
		kind, body, rest, whole := isoNext(b)
		m.short = m.short || !whole
		switch string(kind) {
		case "ipco":
			m.ipco = body
		case "ipma":
			m.ipma = body
		}
		b = rest
	}
}

// size returns the size of the primary item, of the largest if that is not
// told, and whether any item is an alpha plane.
func (m *isoMeta) size() (w, h uint32, alpha bool) {
	var pw, ph uint32
	index := uint16(0)
	for b := m.ipco; len(b) > 0; {
		kind, body, rest, _ := isoNext(b)
		index++
		switch string(kind) {
		case "ispe":
			if len(body) < 12 {
				break
			}
			iw, ih := binary.BigEndian.Uint32(body[4:]), binary.BigEndian.Uint32(body[8:])
			if uint64(iw)*uint64(ih) > uint64(w)*uint64(h) {
				w, h = iw, ih
			}
			if m.hasPrimary && m.associated(index) {
				pw, ph = iw, ih
			}
		case "auxC":
			alpha = alpha || isoAlpha(body)
		}
		b = rest
	}
	if pw > 0 && ph > 0 {
		w, h = pw, ph
	}
	return w, h, alpha
}

// isoAlpha reports whether the body of an auxC box names an alpha plane.
func isoAlpha(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	b = b[4:]
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	switch string(b) {
	case "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:avc:2015:auxid:1":
		return true
	}
	return false
}

// associated reports whether the primary item has the property with this
// index, which counts from 1.
func (m *isoMeta) associated(property uint16) bool {
	b := m.ipma
	if len(b) < 8 {
		return false
	}
	idLen, wide := 2, b[3]&1 != 0
	if b[0] > 0 {
		idLen = 4
	}
	for b = b[8:]; len(b) > idLen; {
		id := uint32(binary.BigEndian.Uint16(b))
		if idLen == 4 {
			id = binary.BigEndian.Uint32(b)
		}
		n, size := int(b[idLen]), 1
		if wide {
			size = 2
		}
		b = b[idLen+1:]
		n = min(n, len(b)/size)
		if id == m.primary {
			return hasProperty(b[:n*size], size, property)
		}
		b = b[n*size:]
	}
	return false
}

func hasProperty(b []byte, size int, property uint16) bool {
	for i := 0; i+size <= len(b) && i < maxAssociations*size; i += size {
		p := uint16(b[i] & 0x7f)
		if size == 2 {
			p = binary.BigEndian.Uint16(b[i:]) & 0x7fff
		}
		if p == property {
			return true
		}
	}
	return false
}

// isoNext returns the first box of b. whole is false if any of it is missing;
// its body is then returned as far as it goes. kind is nil if there is none.
func isoNext(b []byte) (kind, body, rest []byte, whole bool) {
	if len(b) < 8 {
		return nil, nil, nil, false
	}
	n, start := uint64(binary.BigEndian.Uint32(b)), uint64(8)
	kind = b[4:8]
	switch n {
	case 0: // to the end of the file, wherever that is
		return kind, b[8:], nil, false
	case 1:
		if len(b) < 16 {
			return kind, nil, nil, false
		}
		n, start = binary.BigEndian.Uint64(b[8:]), 16
	}
	if n < start || n > uint64(len(b)) {
		return kind, b[start:], nil, false
	}
	return kind, b[start:n], b[n:], true
}
