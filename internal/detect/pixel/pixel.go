// Package pixel reads the first bytes of an image and says how big it is and
// whether it can be seen. A tracking pixel gives itself away by both: it is at
// most 2x2, and as a rule fully transparent.
//
// Nothing here trusts the media type or the file name; the bytes decide. At
// most [MaxHead] bytes are looked at, and pixels are decoded only where so few
// of them exist that the work is bounded by a constant. No input makes the
// package panic, and the common formats are read without allocating.
package pixel

// MaxHead is how many bytes of a body [Look] uses; what follows is ignored.
// Larger metadata in front of the size (a JPEG with a big EXIF thumbnail)
// therefore leaves the size unknown, which no real beacon does.
const MaxHead = 4096

// tinySide is the longest side of an image that counts as a pixel.
const tinySide = 2

// Format is the image format that the first bytes announce.
type Format uint8

// The formats that are recognised. None is everything else, a compressed SVG
// and HTML included.
const (
	None Format = iota
	GIF
	PNG
	JPEG
	WebP
	AVIF
	HEIF
	BMP
	ICO // also cursors
	SVG
)

// String returns the lower-case name of f, "none" for anything unknown.
func (f Format) String() string {
	switch f {
	case GIF:
		return "gif"
	case PNG:
		return "png"
	case JPEG:
		return "jpeg"
	case WebP:
		return "webp"
	case AVIF:
		return "avif"
	case HEIF:
		return "heif"
	case BMP:
		return "bmp"
	case ICO:
		return "ico"
	case SVG:
		return "svg"
	default:
		return "none"
	}
}

// Visibility says whether any pixel of an image can be seen.
type Visibility uint8

// Unknown: the bytes at hand do not settle it. Invisible: nothing in the whole
// image can be seen. Visible: at least one pixel is not fully transparent,
// though it may well have the colour of the page behind it.
const (
	Unknown Visibility = iota
	Invisible
	Visible
)

// String returns "unknown", "invisible" or "visible".
func (v Visibility) String() string {
	switch v {
	case Invisible:
		return "invisible"
	case Visible:
		return "visible"
	default:
		return "unknown"
	}
}

// Image is what the first bytes of a body say. The zero value is "no image".
type Image struct {
	Format Format
	// Width and Height are in pixels as the header claims them, however
	// absurd; both are zero unless Known, and neither is if Known.
	Width, Height uint32
	Known         bool
	// Tiny: the size is known and neither side is longer than 2.
	Tiny bool
	// Visible is judged over the whole image. For images that are not tiny it
	// is Unknown unless it costs nothing to tell.
	Visible Visibility
	// Animated: more than one frame was seen or is announced.
	Animated bool
	// NeedMore: more bytes could still change Format, Tiny or a tiny image's
	// visibility. Never set once MaxHead bytes or the whole body were given.
	NeedMore bool
}

// Look judges head, the first bytes of a response body after content decoding;
// complete says that head is the whole body. It neither keeps nor changes head
// and may be called concurrently.
func Look(head []byte, complete bool) Image {
	if len(head) > MaxHead {
		head, complete = head[:MaxHead], false
	}
	format, short := sniff(head)
	if short {
		return Image{NeedMore: !complete && len(head) < MaxHead}
	}
	var img Image
	switch format {
	case GIF:
		img = lookGIF(head, complete)
	case PNG:
		img = lookPNG(head, complete)
	case JPEG:
		img = lookJPEG(head)
	case WebP:
		img = lookWebP(head)
	case AVIF: // or HEIF, or a film: its brands say
		img = lookISO(head, complete || len(head) == MaxHead)
	case BMP:
		img = lookBMP(head)
	case ICO:
		img = lookICO(head, complete)
	case SVG:
		img = lookSVG(head, complete)
	}
	return settle(img, complete || len(head) == MaxHead)
}

// settle brings what a format's reader found into the promised form. Readers
// set NeedMore whenever they ran out of bytes; last says none will come.
func settle(img Image, last bool) Image {
	img.Known = img.Width > 0 && img.Height > 0
	if !img.Known {
		img.Width, img.Height = 0, 0
	}
	img.Tiny = img.Known && img.Width <= tinySide && img.Height <= tinySide
	if last || img.Known && !img.Tiny || img.Tiny && img.Visible != Unknown {
		img.NeedMore = false
	}
	return img
}

// sniff names the format by its magic bytes; AVIF stands for its whole family.
// short: b is too short to tell.
func sniff(b []byte) (f Format, short bool) {
	for _, m := range [...]struct {
		magic  string
		format Format
	}{
		{"GIF89a", GIF},
		{"GIF87a", GIF},
		{"\x89PNG\r\n\x1a\n", PNG},
		{"\xff\xd8\xff", JPEG},
		{"BM", BMP},
		{"\x00\x00\x01\x00", ICO},
		{"\x00\x00\x02\x00", ICO},
	} {
		n := min(len(b), len(m.magic))
		if string(b[:n]) != m.magic[:n] {
			continue
		}
		if n == len(m.magic) {
			return m.format, false
		}
		short = true
	}
	if hit, cut := magicAt(b, 0, "RIFF"); hit || cut {
		hit, cut = magicAt(b, 8, "WEBP")
		if hit {
			return WebP, false
		}
		short = short || cut
	}
	if len(b) < 4 || b[0] == 0 && b[1] == 0 {
		hit, cut := magicAt(b, 4, "ftyp")
		if hit {
			return AVIF, false
		}
		short = short || cut && (len(b) == 0 || b[0] == 0)
	}
	hit, cut := markup(b)
	if hit {
		return SVG, false
	}
	return None, short || cut
}

// magicAt reports whether b has magic at off, or is cut off before it could
// differ from it.
func magicAt(b []byte, off int, magic string) (hit, cut bool) {
	if len(b) <= off {
		return false, true
	}
	b = b[off:]
	n := min(len(b), len(magic))
	if string(b[:n]) != magic[:n] {
		return false, false
	}
	return n == len(magic), n < len(magic)
}
