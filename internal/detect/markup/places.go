package markup

// how says what an attribute's value is.
type how uint8

const (
	howURL     how = iota
	howSrcset      // image candidates
	howList        // URLs parted by white space
	howCommas      // URLs parted by commas or white space
	howHTML        // a document
	howCSS         // declarations
	howPaint       // one CSS value
	howAnimate     // values parted by ";", of the attribute that attributeName says
	howMaybe       // anything: only an absolute URL counts
	howState       // no reference: kept for what it says about the element
)

// place is where an attribute holds a reference: on the elements of tag, or
// with "*" on any other.
type place struct {
	tag  string
	v    Vector
	when When
}

// attrInfo is what is known of one attribute name.
type attrInfo struct {
	name   string
	how    how
	places []place
}

// on gives the place for an element; ok is false if the attribute means
// nothing there.
func (a *attrInfo) on(tag []byte) (place, bool) {
	for _, p := range a.places {
		if p.tag == string(tag) || p.tag == "*" {
			return p, true
		}
	}
	return place{}, false
}

var srcPlaces = []place{
	{"img", 1, Opening}, {"image", 7, Opening}, {"source", 9, Opening}, {"input", 10, Opening},
	{"isindex", 11, Legacy}, {"video", 12, Opening}, {"audio", 14, Opening}, {"track", 15, Opening},
	{"bgsound", 16, Legacy}, {"embed", 17, Opening}, {"iframe", 24, Opening}, {"frame", 26, Opening},
	{"portal", 28, Opening}, {"fencedframe", 28, Opening}, {"script", 33, Opening}, {"layer", 36, Legacy},
	{"ilayer", 36, Legacy}, {"xml", 37, Legacy}, {"amp-*", 45, Opening}, {"model", 46, Opening},
	{"mglyph", 134, Opening}, {"v:*", 136, Legacy}, {"v:background", 137, Legacy}, {"v:rect", 137, Legacy},
	{"v:vmlframe", 138, Legacy}, {"vmlframe", 138, Legacy}, {"o:*", 139, Legacy}, {"*", 49, Inert},
}

var hrefPlaces = []place{
	{"a", 41, Click}, {"area", 44, Click}, {"image", 7, Opening}, {"feimage", 122, Opening}, {"use", 123, Opening},
	{"pattern", 125, Opening}, {"lineargradient", 125, Opening}, {"radialgradient", 125, Opening},
	{"filter", 125, Opening}, {"mask", 125, Opening}, {"clippath", 125, Opening}, {"textpath", 125, Opening},
	{"mpath", 125, Opening}, {"font-face-uri", 127, Legacy}, {"color-profile", 127, Legacy}, {"cursor", 127, Legacy},
	{"tref", 127, Legacy}, {"altglyph", 127, Legacy}, {"glyphref", 127, Legacy}, {"script", 34, Opening},
	{"math", 133, Click}, {"maction", 135, Click}, {"amp-*", 45, Opening}, {"animate", 126, Opening},
	{"set", 126, Opening}, {"import", 67, Legacy}, {"v:*", 136, Legacy}, {"v:background", 137, Legacy}, {"v:rect", 137, Legacy},
	{"o:*", 139, Legacy}, {"*", 49, Inert},
}

// attrs holds every attribute name the walk looks at. It is never changed.
var attrs = attrIndex([]attrInfo{
	{"src", howURL, srcPlaces},
	{"href", howURL, hrefPlaces},
	{"srcset", howSrcset, []place{{"img", 2, Opening}, {"source", 8, Opening}, {"amp-*", 45, Opening}, {"*", 49, Inert}}},
	{"lowsrc", howURL, []place{{"*", 3, Legacy}}},
	{"dynsrc", howURL, []place{{"*", 4, Legacy}}},
	{"longdesc", howURL, []place{{"*", 5, Click}}},
	{"attributionsrc", howList, []place{{"*", 6, Opening}}},
	{"action", howURL, []place{{"isindex", 11, Legacy}, {"amp-*", 45, Opening}, {"*", 42, Click}}},
	{"formaction", howURL, []place{{"isindex", 11, Legacy}, {"*", 43, Click}}},
	{"action-xhr", howURL, []place{{"*", 45, Opening}}},
	{"poster", howURL, []place{{"*", 13, Opening}}},
	{"data", howURL, []place{{"object", 19, Opening}}},
	{"code", howURL, []place{{"embed", 18, Legacy}, {"applet", 23, Legacy}}},
	{"codebase", howURL, []place{{"applet", 23, Legacy}, {"*", 20, Legacy}}},
	{"classid", howURL, []place{{"*", 20, Legacy}}},
	{"archive", howCommas, []place{{"applet", 23, Legacy}, {"*", 20, Legacy}}},
	{"object", howURL, []place{{"applet", 23, Legacy}}},
	{"movie", howURL, []place{{"*", 21, Legacy}}},
	{"pluginspage", howURL, []place{{"*", 17, Click}}},
	{"srcdoc", howHTML, []place{{"*", 25, Opening}}},
	{"background", howURL, []place{{"body", 29, Opening}, {"*", 30, Opening}}},
	{"manifest", howURL, []place{{"html", 31, Legacy}}},
	{"profile", howURL, []place{{"*", 32, Legacy}}},
	{"icon", howURL, []place{{"*", 35, Legacy}}},
	{"datasrc", howURL, []place{{"*", 38, Legacy}}},
	{"cite", howURL, []place{{"*", 39, Click}}},
	{"ping", howList, []place{{"*", 40, Click}}},
	{"usemap", howURL, []place{{"*", 44, Click}}},
	{"imagesrcset", howSrcset, []place{{"*", 46, Opening}}},
	{"implementation", howURL, []place{{"*", 67, Legacy}}},
	{"actiontype", howMaybe, []place{{"*", 135, Click}}},
	{"xml:base", howURL, []place{{"*", 131, Inert}}},
	{"r:id", howMaybe, []place{{"o:*", 139, Legacy}, {"*", 136, Legacy}}},
	{"r:link", howMaybe, []place{{"o:*", 139, Legacy}, {"*", 136, Legacy}}},
	{"w:val", howMaybe, []place{{"*", 139, Legacy}}},
	{"to", howAnimate, animPlaces}, {"from", howAnimate, animPlaces}, {"by", howAnimate, animPlaces}, {"values", howAnimate, animPlaces},
	{"style", howCSS, nil},
	{"fill", howPaint, paintPlaces}, {"stroke", howPaint, paintPlaces}, {"filter", howPaint, paintPlaces},
	{"mask", howPaint, paintPlaces}, {"clip-path", howPaint, paintPlaces}, {"cursor", howPaint, paintPlaces},
	{"marker", howPaint, paintPlaces}, {"marker-start", howPaint, paintPlaces}, {"marker-mid", howPaint, paintPlaces},
	{"marker-end", howPaint, paintPlaces}, {"mask-image", howPaint, paintPlaces}, {"shape-inside", howPaint, paintPlaces},
	{"background-image", howPaint, paintPlaces}, {"list-style-image", howPaint, paintPlaces}, {"content", howState, nil},
	{"class", howState, nil}, {"id", howState, nil}, {"width", howState, nil}, {"height", howState, nil},
	{"alt", howState, nil}, {"hidden", howState, nil}, {"bgcolor", howState, nil}, {"color", howState, nil},
	{"rel", howState, nil}, {"media", howState, nil}, {"type", howState, nil}, {"name", howState, nil},
	{"property", howState, nil}, {"http-equiv", howState, nil}, {"itemprop", howState, nil}, {"charset", howState, nil},
	{"value", howState, nil}, {"attributename", howState, nil}, {"shadowrootmode", howState, nil}, {"encoding", howState, nil},
})

var (
	animPlaces  = []place{{"*", 126, Opening}}
	paintPlaces = []place{{"v:*", 136, Legacy}, {"v:background", 137, Legacy}, {"v:rect", 137, Legacy}, {"*", 129, Opening}}
)

// maxAttrName is the longest name in attrs.
const maxAttrName = 16

// attrTable finds an attribute by name: open addressing over a power of two,
// several times faster here than a map.
type attrTable struct {
	slots [512]*attrInfo
}

func attrIndex(list []attrInfo) *attrTable {
	t := &attrTable{}
	for i := range list {
		h := attrHash([]byte(list[i].name))
		for t.slots[h] != nil {
			h = (h + 1) % len(t.slots)
		}
		t.slots[h] = &list[i]
	}
	return t
}

func attrHash(name []byte) int {
	n := len(name)
	return (n + int(name[0])*7 + int(name[n-1])*31 + int(name[n/2])*131) % 512
}

// find gives what is known of a lower-case, non-empty name; nil is nothing.
func (t *attrTable) find(name []byte) *attrInfo {
	for h := attrHash(name); t.slots[h] != nil; h = (h + 1) % len(t.slots) {
		if t.slots[h].name == string(name) {
			return t.slots[h]
		}
	}
	return nil
}

// canonicalTag is the name places knows a tag by: Office's own elements by
// prefix, AMP's as one, other prefixes dropped. local is what follows the
// prefix.
func canonicalTag(tag, local []byte) []byte {
	if len(tag) == len(local) {
		if len(tag) > 4 && string(tag[:4]) == "amp-" {
			return []byte("amp-*")
		}
		return tag
	}
	switch string(local) {
	case "background", "rect", "vmlframe":
		return append([]byte("v:"), local...)
	case "imagedata", "fill", "stroke", "image", "shape", "shapetype", "oval", "roundrect", "group", "line", "polyline", "textpath":
		if len(tag)-len(local) == 2 && tag[0] != 'v' {
			return local
		}
		return []byte("v:*")
	case "oleobject", "linktextbox", "hlink", "file":
		return []byte("o:*")
	case "link":
		return []byte("o:*")
	}
	return local
}

// isVoid reports whether elements named tag have no content.
func isVoid(tag []byte) bool {
	switch string(tag) {
	case "img", "br", "hr", "meta", "link", "input", "area", "base", "col", "embed", "source", "track", "wbr",
		"param", "bgsound", "frame", "image", "keygen", "basefont", "isindex":
		return true
	}
	return false
}
