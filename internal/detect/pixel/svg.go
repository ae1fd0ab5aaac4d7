package pixel

import (
	"bytes"
	"encoding/xml"
	"math"
	"strconv"
	"strings"
)

// What CSS gives a replaced element that has no size of its own.
const (
	svgDefaultWidth  = 300
	svgDefaultHeight = 150
)

// markup reports whether b may start an XML document: the first character that
// is no space is '<', or has not come yet. UTF-16 too. cut: b ends inside what
// may be a byte order mark.
func markup(b []byte) (hit, cut bool) {
	switch string(b) {
	case "\x00", "\xef", "\xef\xbb", "\xfe", "\xff":
		return false, true
	}
	if len(b) >= 2 && utf16Order(b) != nil {
		return true, false
	}
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(b) == 0 || b[0] == '<', false
}

// lookSVG reads the size off the root element. An SVG without usable width and
// height is as big as browsers make it by itself: what its viewBox's ratio
// leaves of 300x150.
func lookSVG(b []byte, complete bool) Image {
	b = plainASCII(b)
	root, found, short := svgRoot(b)
	if !found {
		return Image{NeedMore: short}
	}
	img := Image{Format: SVG}
	end := tagEnd(b[root:])
	if end < 0 {
		img.NeedMore = true
		return img
	}
	d := svgDecoder(b[root : root+end])
	t, err := d.RawToken()
	start, ok := t.(xml.StartElement)
	if err != nil || !ok {
		return img
	}
	w, h := svgSize(start.Attr)
	if w <= math.MaxInt32 && h <= math.MaxInt32 {
		img.Width, img.Height = cssPixels(w), cssPixels(h)
	}
	switch {
	case w == 0 || h == 0 || svgHides(start.Attr): // size 0 turns rendering off
		img.Visible = Invisible
	case complete:
		img.Visible = svgVisible(svgDecoder(b[root:]))
	default:
		img.NeedMore = true
	}
	return img
}

// cssPixels rounds as browsers do: to the nearest, but never away.
func cssPixels(v float64) uint32 {
	if v <= 0 {
		return 0
	}
	return max(1, uint32(math.Round(v)))
}

func svgDecoder(b []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false // entities of a DOCTYPE stay as they are
	return d
}

// utf16Order returns how to take the low byte (index 0) and the high byte
// (index 1) from a pair if b starts as UTF-16 XML does, else nil.
func utf16Order(b []byte) *[2]int {
	switch {
	case b[0] == 0xff && b[1] == 0xfe, b[0] == '<' && b[1] == 0:
		return &[2]int{0, 1}
	case b[0] == 0xfe && b[1] == 0xff, b[0] == 0 && b[1] == '<':
		return &[2]int{1, 0}
	}
	return nil
}

// plainASCII returns b without byte order mark as ASCII, in which each byte or
// unit of any other character is an x: all that matters here is ASCII, and so
// no encoding, and no character cut in two, is an error. b is not changed.
func plainASCII(b []byte) []byte {
	if len(b) < 2 {
		return b
	}
	if order := utf16Order(b); order != nil {
		out := make([]byte, 0, len(b)/2)
		for ; len(b) >= 2; b = b[2:] {
			switch c := b[order[0]]; {
			case b[order[1]] == 0 && c < 0x80:
				out = append(out, c)
			case len(out) > 0: // else the mark
				out = append(out, 'x')
			}
		}
		return out
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if bytes.IndexFunc(b, func(r rune) bool { return r >= 0x80 }) < 0 {
		return b
	}
	out := make([]byte, len(b))
	for i, c := range b {
		if out[i] = c; c >= 0x80 {
			out[i] = 'x'
		}
	}
	return out
}

// svgRoot finds the root element behind declarations, comments and a document
// type. found: it is svg, whatever its prefix. short: b ends before its name.
func svgRoot(b []byte) (at int, found, short bool) {
	for pos := 0; ; {
		for pos < len(b) && isSpace(b[pos]) {
			pos++
		}
		rest, n := b[pos:], -1
		switch {
		case len(rest) < 2:
			return 0, false, len(rest) == 0 || rest[0] == '<'
		case rest[0] != '<':
			return 0, false, false
		case rest[1] == '?':
			n = after(rest, "?>")
		case bytes.HasPrefix(rest, []byte("<!--")):
			n = after(rest[4:], "-->")
			if n >= 0 {
				n += 4
			}
		case rest[1] == '!':
			ok, cut := svgDoctype(rest)
			if !ok {
				return 0, false, cut || len(rest) < 4 && strings.HasPrefix("<!--", string(rest))
			}
			n = tagEnd(rest)
		default:
			found, short = svgName(rest[1:])
			return pos, found, short
		}
		if n < 0 {
			return 0, false, true
		}
		pos += n
	}
}

// svgDoctype reports whether b starts a document type that does not name HTML.
func svgDoctype(b []byte) (ok, cut bool) {
	const word = "<!doctype"
	n := min(len(b), len(word))
	if !strings.EqualFold(string(b[:n]), word[:n]) {
		return false, false
	}
	name := bytes.TrimLeft(b[n:], " \t\r\n")
	if n < len(word) || len(name) < 4 {
		return false, true
	}
	return !strings.EqualFold(string(name[:4]), "html"), false
}

// svgName reports whether an element name is svg, short if it is cut off.
func svgName(b []byte) (found, short bool) {
	n := bytes.IndexAny(b, " \t\r\n/>")
	if short = n < 0; short {
		n = len(b)
	}
	name := b[:n]
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	} else if short { // a prefix may be all that has come
		return false, true
	}
	return !short && string(name) == "svg", short
}

func after(b []byte, end string) int {
	i := bytes.Index(b, []byte(end))
	if i < 0 {
		return -1
	}
	return i + len(end)
}

// tagEnd returns the length of the tag or document type that b starts with,
// over quoted text and a document type's own declarations and comments, or -1.
func tagEnd(b []byte) int {
	quote, depth := byte(0), 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case depth > 0 && bytes.HasPrefix(b[i:], []byte("<!--")):
			n := after(b[i+4:], "-->")
			if n < 0 {
				return -1
			}
			i += 3 + n
		case c == '"' || c == '\'':
			quote = c
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '>' && depth <= 0:
			return i + 1
		}
	}
	return -1
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// svgSize applies the rules of CSS for replaced elements to the root's
// attributes; the style attribute does not count here. Zero is a size of zero,
// and one below zero makes the other unusable too: browsers differ on it.
func svgSize(attrs []xml.Attr) (w, h float64) {
	w, wok := cssLength(attribute(attrs, "width"))
	h, hok := cssLength(attribute(attrs, "height"))
	ratio, rok := viewBoxRatio(attribute(attrs, "viewBox"))
	switch {
	case w < 0 || h < 0:
		return -1, -1
	case wok && hok:
	case wok && rok:
		h = w / ratio
	case hok && rok:
		w = h * ratio
	case wok:
		h = svgDefaultHeight
	case hok:
		w = svgDefaultWidth
	case rok:
		w = min(svgDefaultWidth, svgDefaultHeight*ratio)
		h = w / ratio
	default:
		w, h = svgDefaultWidth, svgDefaultHeight
	}
	return w, h
}

// viewBoxRatio returns width by height of a viewBox that has an area.
func viewBoxRatio(s string) (float64, bool) {
	f := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r < 0x80 && isSpace(byte(r)) })
	if len(f) != 4 {
		return 0, false
	}
	w, err := strconv.ParseFloat(f[2], 64)
	if err != nil {
		return 0, false
	}
	h, err := strconv.ParseFloat(f[3], 64)
	// The bounds also refuse infinity and NaN.
	ok := err == nil && w > 0 && h > 0 && w/h > 1e-9 && w/h < 1e9
	return w / h, ok
}

// cssLength returns a length in pixels; not ok if s is none, or is relative to
// something outside the file. Font-relative ones count on a font of 16 px.
func cssLength(s string) (px float64, ok bool) {
	s = strings.TrimSpace(s)
	n := numberLen(s)
	v, err := strconv.ParseFloat(s[:n], 64)
	if err != nil {
		return 0, false
	}
	switch strings.ToLower(s[n:]) {
	case "", "px":
	case "in":
		v *= 96
	case "cm":
		v *= 96 / 2.54
	case "mm":
		v *= 96 / 25.4
	case "q":
		v *= 96 / 101.6
	case "pt":
		v *= 96.0 / 72
	case "pc", "em", "rem":
		v *= 16
	case "ex", "ch":
		v *= 8
	default:
		return 0, false
	}
	return v, true
}

// numberLen returns how much of s is a number; the e of 1em is not.
func numberLen(s string) int {
	digit := func(i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case digit(i) || c == '.':
		case (c == '+' || c == '-') && (i == 0 || s[i-1]|0x20 == 'e'):
		case c|0x20 == 'e' && (digit(i+1) || i+1 < len(s) && (s[i+1] == '+' || s[i+1] == '-') && digit(i+2)):
		default:
			return i
		}
	}
	return len(s)
}
