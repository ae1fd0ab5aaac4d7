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
	state  state
}

// state says which part of an element's look an attribute tells.
type state uint8

const (
	stateNone state = iota
	stateClass
	stateID
	stateStyle
	stateWidth
	stateHeight
	stateHidden
	stateAlt
	stateBack
	stateFore
)

func stateOf(name string) state {
	switch name {
	case "class":
		return stateClass
	case "id":
		return stateID
	case "style":
		return stateStyle
	case "width":
		return stateWidth
	case "height":
		return stateHeight
	case "hidden":
		return stateHidden
	case "alt":
		return stateAlt
	case "bgcolor":
		return stateBack
	case "color":
		return stateFore
	}
	return stateNone
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
	{name: "src", how: howURL, places: srcPlaces},
	{name: "href", how: howURL, places: hrefPlaces},
	{name: "srcset", how: howSrcset, places: []place{{"img", 2, Opening}, {"source", 8, Opening}, {"amp-*", 45, Opening}, {"*", 49, Inert}}},
	{name: "lowsrc", how: howURL, places: []place{{"*", 3, Legacy}}},
	{name: "dynsrc", how: howURL, places: []place{{"*", 4, Legacy}}},
	{name: "longdesc", how: howURL, places: []place{{"*", 5, Click}}},
	{name: "attributionsrc", how: howList, places: []place{{"*", 6, Opening}}},
	{name: "action", how: howURL, places: []place{{"isindex", 11, Legacy}, {"amp-*", 45, Opening}, {"*", 42, Click}}},
	{name: "formaction", how: howURL, places: []place{{"isindex", 11, Legacy}, {"*", 43, Click}}},
	{name: "action-xhr", how: howURL, places: []place{{"*", 45, Opening}}},
	{name: "poster", how: howURL, places: []place{{"*", 13, Opening}}},
	{name: "data", how: howURL, places: []place{{"object", 19, Opening}}},
	{name: "code", how: howURL, places: []place{{"embed", 18, Legacy}, {"applet", 23, Legacy}}},
	{name: "codebase", how: howURL, places: []place{{"applet", 23, Legacy}, {"*", 20, Legacy}}},
	{name: "classid", how: howURL, places: []place{{"*", 20, Legacy}}},
	{name: "archive", how: howCommas, places: []place{{"applet", 23, Legacy}, {"*", 20, Legacy}}},
	{name: "object", how: howURL, places: []place{{"applet", 23, Legacy}}},
	{name: "movie", how: howURL, places: []place{{"*", 21, Legacy}}},
	{name: "pluginspage", how: howURL, places: []place{{"*", 17, Click}}},
	{name: "srcdoc", how: howHTML, places: []place{{"*", 25, Opening}}},
	{name: "background", how: howURL, places: []place{{"body", 29, Opening}, {"*", 30, Opening}}},
	{name: "manifest", how: howURL, places: []place{{"html", 31, Legacy}}},
	{name: "profile", how: howURL, places: []place{{"*", 32, Legacy}}},
	{name: "icon", how: howURL, places: []place{{"*", 35, Legacy}}},
	{name: "datasrc", how: howURL, places: []place{{"*", 38, Legacy}}},
	{name: "cite", how: howURL, places: []place{{"*", 39, Click}}},
	{name: "ping", how: howList, places: []place{{"*", 40, Click}}},
	{name: "usemap", how: howURL, places: []place{{"*", 44, Click}}},
	{name: "imagesrcset", how: howSrcset, places: []place{{"*", 46, Opening}}},
	{name: "implementation", how: howURL, places: []place{{"*", 67, Legacy}}},
	{name: "actiontype", how: howMaybe, places: []place{{"*", 135, Click}}},
	{name: "xml:base", how: howURL, places: []place{{"*", 131, Inert}}},
	{name: "r:id", how: howMaybe, places: []place{{"o:*", 139, Legacy}, {"*", 136, Legacy}}},
	{name: "r:link", how: howMaybe, places: []place{{"o:*", 139, Legacy}, {"*", 136, Legacy}}},
	{name: "w:val", how: howMaybe, places: []place{{"*", 139, Legacy}}},
	{name: "to", how: howAnimate, places: animPlaces}, {name: "from", how: howAnimate, places: animPlaces}, {name: "by", how: howAnimate, places: animPlaces}, {name: "values", how: howAnimate, places: animPlaces},
	{name: "style", how: howCSS, places: nil},
	{name: "fill", how: howPaint, places: paintPlaces}, {name: "stroke", how: howPaint, places: paintPlaces}, {name: "filter", how: howPaint, places: paintPlaces},
	{name: "mask", how: howPaint, places: paintPlaces}, {name: "clip-path", how: howPaint, places: paintPlaces}, {name: "cursor", how: howPaint, places: paintPlaces},
	{name: "marker", how: howPaint, places: paintPlaces}, {name: "marker-start", how: howPaint, places: paintPlaces}, {name: "marker-mid", how: howPaint, places: paintPlaces},
	{name: "marker-end", how: howPaint, places: paintPlaces}, {name: "mask-image", how: howPaint, places: paintPlaces}, {name: "shape-inside", how: howPaint, places: paintPlaces},
	{name: "background-image", how: howPaint, places: paintPlaces}, {name: "list-style-image", how: howPaint, places: paintPlaces}, {name: "content", how: howState, places: nil},
	{name: "class", how: howState, places: nil}, {name: "id", how: howState, places: nil}, {name: "width", how: howState, places: nil}, {name: "height", how: howState, places: nil},
	{name: "alt", how: howState, places: nil}, {name: "hidden", how: howState, places: nil}, {name: "bgcolor", how: howState, places: nil}, {name: "color", how: howState, places: nil},
	{name: "rel", how: howState, places: nil}, {name: "media", how: howState, places: nil}, {name: "type", how: howState, places: nil}, {name: "name", how: howState, places: nil},
	{name: "property", how: howState, places: nil}, {name: "http-equiv", how: howState, places: nil}, {name: "itemprop", how: howState, places: nil}, {name: "charset", how: howState, places: nil},
	{name: "value", how: howState, places: nil}, {name: "attributename", how: howState, places: nil}, {name: "shadowrootmode", how: howState, places: nil}, {name: "encoding", how: howState, places: nil},
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
		list[i].state = stateOf(list[i].name)
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
