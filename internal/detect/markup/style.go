package markup

import (
	"bytes"
	"strconv"
)

// look is what declarations and attributes say about an element's visibility.
type look struct {
	why        Why // of this element and those around it
	sure       Sure
	w, h       int32 // CSS pixels, -1 unknown
	maxW, maxH int32
	fontZero   bool
	clips      bool // overflow is hidden
	bg, fg     int32
	fontSet    bool
	sized      bool // some size is declared, known in pixels or not
	mediaWhy   Why  // what rules under a media query add
}

var plainLook = look{w: -1, h: -1, maxW: -1, maxH: -1, bg: -1, fg: -1}

// farAway is the distance in pixels past which something is off screen.
const farAway = 500

// declare reads declarations into l. Only what can hide an element is kept.
func (l *look) declare(b []byte) {
	for len(b) > 0 {
		end, colon := declEnd(b)
		d := b[:end]
		b = b[min(end+1, len(b)):]
		if colon < 0 {
			continue
		}
		name := hiders.find(trimmed(d[:colon]))
		if name == "" {
			continue
		}
		v := trimmed(d[colon+1:])
		if n := bytes.IndexByte(v, '!'); n > 0 {
			v = trimmed(v[:n])
		}
		if len(v) > 0 {
			l.set(name, v)
		}
	}
}

// hiders are the properties that set knows, by name. It is never changed.
var hiders = nameIndex([]string{
	"display", "visibility", "opacity", "-moz-opacity", "-khtml-opacity", "filter", "-ms-filter", "width", "height", "max-width",
	"max-height", "font-size", "font", "overflow", "overflow-x", "overflow-y", "mso-hide", "color", "background", "background-color",
	"left", "top", "right", "bottom", "margin-left", "margin-top", "margin", "text-indent", "transform", "-webkit-transform",
	"-ms-transform", "clip", "clip-path",
})

// nameTable finds a name whatever its case.
type nameTable struct {
	slots [128]string
}

func nameIndex(names []string) *nameTable {
	t := &nameTable{}
	for _, n := range names {
		h := nameHash([]byte(n))
		for t.slots[h] != "" {
			h = (h + 1) % len(t.slots)
		}
		t.slots[h] = n
	}
	return t
}

func nameHash(b []byte) int {
	n := len(b)
	return (n*3 + int(lower[b[0]])*7 + int(lower[b[n-1]])*31 + int(lower[b[n/2]])*13) % 128
}

// find gives the name as it stands in the table, "" if it is not there.
func (t *nameTable) find(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	for h := nameHash(b); t.slots[h] != ""; h = (h + 1) % len(t.slots) {
		if equalFold(b, t.slots[h]) {
			return t.slots[h]
		}
	}
	return ""
}

func trimmed(b []byte) []byte { return span{b: b}.trim().b }

// declEnd is where the first declaration of b ends, and where its first colon
// stands, -1 if nowhere.
func declEnd(b []byte) (end, colon int) {
	depth := 0
	colon = -1
	for i, c := range b {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ':':
			if colon < 0 {
				colon = i
			}
		case ';':
			if depth <= 0 {
				return i, colon
			}
		}
	}
	return len(b), colon
}

func (l *look) set(name string, v []byte) {
	switch name {
	case "display":
		l.flag(DisplayNone, equalFold(v, "none"))
	case "visibility":
		l.flag(VisibilityHidden, equalFold(v, "hidden") || equalFold(v, "collapse"))
	case "opacity", "-moz-opacity", "-khtml-opacity":
		f, err := strconv.ParseFloat(string(bytes.TrimSuffix(v, []byte("%"))), 64)
		l.flag(Transparent, err == nil && f <= 0.01)
	case "filter", "-ms-filter":
		l.flag(Transparent, indexFold(v, "opacity(0)") >= 0 || indexFold(v, "opacity=0)") >= 0)
	case "width":
		l.side(&l.w, v)
	case "height":
		l.side(&l.h, v)
	case "max-width":
		l.side(&l.maxW, v)
	case "max-height":
		l.side(&l.maxH, v)
	case "font-size":
		l.fontSet, l.fontZero = true, pixels(v) == 0
	case "font":
		l.fontSet, l.fontZero = true, v[0] == '0' && pixels(bytes.SplitN(v, []byte("/"), 2)[0]) == 0
	case "overflow", "overflow-x", "overflow-y":
		l.clips = equalFold(v, "hidden") || equalFold(v, "clip")
	case "mso-hide":
		l.flag(MsoHide, equalFold(v, "all"))
	case "color":
		l.fg = colour(v)
	case "background", "background-color":
		l.bg = colour(v)
	default:
		l.place(name, v)
	}
}

// place reads the properties that move an element out of sight.
func (l *look) place(name string, v []byte) {
	switch name {
	case "left", "top", "right", "bottom", "margin-left", "margin-top", "margin", "text-indent":
		l.flag(OffScreen, v[0] == '-' && pixels(v[1:]) >= farAway)
	case "transform", "-webkit-transform", "-ms-transform":
		l.flag(OffScreen, indexFold(v, "scale(0)") >= 0 || indexFold(v, "scale(0,") >= 0 || indexFold(v, "(-999") >= 0)
	case "clip":
		l.flag(OffScreen, emptyRect(v))
	case "clip-path":
		l.flag(OffScreen, hasPrefixFold(v, "inset(50%") || hasPrefixFold(v, "inset(100%") || hasPrefixFold(v, "circle(0"))
	}
}

// side sets one length. One that is not in pixels leaves a visible size as it
// was declared before, but not a tiny one: it may grow.
func (l *look) side(at *int32, v []byte) {
	p := pixels(v)
	if p >= 0 || *at <= TinyPixels {
		*at = p
	}
	l.sized = l.sized || p >= 0 || !equalFold(v, "auto") && !equalFold(v, "none")
}

func (l *look) flag(why Why, on bool) {
	if on {
		l.why |= why
	} else {
		l.why &^= why
	}
}

// pixels reads a length; -1 if it is not one that is known in pixels.
// Fractions below one count as 1, for they are drawn or not at a whim.
func pixels(b []byte) int32 {
	b = trimmed(b)
	n := 0
	for n < len(b) && (isDigit(b[n]) || b[n] == '.' || n == 0 && b[n] == '+') {
		n++
	}
	if n == 0 {
		return -1
	}
	f, ok := wholeNumber(b[:n])
	if !ok {
		var err error
		if f, err = strconv.ParseFloat(string(b[:n]), 64); err != nil || f > 1e6 {
			return -1
		}
	}
	unit := trimmed(b[n:])
	switch {
	case f == 0:
		return 0
	case len(unit) == 0, hasPrefixFold(unit, "px"):
	case hasPrefixFold(unit, "pt"):
		f *= 4.0 / 3
	default:
		return -1
	}
	return int32(max(1, f+0.5))
}

// wholeNumber reads up to five digits, which most lengths are.
func wholeNumber(b []byte) (f float64, ok bool) {
	v := 0
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return float64(v), len(b) <= 5
}

// colour reads the common ways to write one; -1 is any other.
func colour(b []byte) int32 {
	b = trimmed(b)
	if len(b) > 0 && b[0] == '#' {
		b = b[1:]
		n := 0
		for n < len(b) && isHex(b[n]) {
			n++
		}
		b = b[:n]
	} else {
		switch {
		case equalFold(b, "white"):
			return 0xFFFFFF
		case equalFold(b, "black"):
			return 0
		}
	}
	if !allHex(b) {
		return -1
	}
	switch len(b) {
	case 3:
		return int32(hexVal(b[0])*17<<16 | hexVal(b[1])*17<<8 | hexVal(b[2])*17)
	case 6:
		return int32(hex4(b))
	}
	return -1
}

// emptyRect reports a clip rectangle whose sides are all 0 or 1 pixel.
func emptyRect(b []byte) bool {
	if !hasPrefixFold(b, "rect(") {
		return false
	}
	for _, side := range bytes.FieldsFunc(b[len("rect("):], func(r rune) bool { return r == ' ' || r == ',' || r == ')' }) {
		if p := pixels(side); p < 0 || p > 1 {
			return false
		}
	}
	return true
}
