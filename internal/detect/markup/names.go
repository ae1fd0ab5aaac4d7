package markup

// tagInfo is all that is known of an element by its name.
type tagInfo struct {
	tag   []byte // the name, lower case
	full  string // the same
	key   []byte // the name places knows it by
	id    uint64 // see tagID
	class tagClass
	kind  tagKind
	void  bool
}

// tagKind says which elements mean more than their attributes do.
type tagKind uint8

const (
	kindPlain tagKind = iota
	kindLink
	kindMeta
	kindParam
	kindBase
	kindAnchor
	kindMap
	kindSVG
	kindMath
	kindForeign
	kindAnnotation
	kindTemplate
)

// tagNames are the elements that mail and pages are made of; others are looked
// at letter by letter.
var tagNames = []string{
	"a", "abbr", "address", "applet", "area", "article", "aside", "audio", "b", "base", "basefont", "bgsound", "big",
	"blockquote", "body", "br", "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del",
	"details", "div", "dl", "dt", "em", "embed", "fieldset", "figcaption", "figure", "font", "footer", "form", "frame",
	"frameset", "g", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i", "iframe", "image", "img", "input",
	"ins", "isindex", "keygen", "label", "legend", "li", "link", "main", "map", "marquee", "math", "menu", "meta", "nav", "nobr", "o:p",
	"noscript", "object", "ol", "option", "p", "param", "path", "picture", "pre", "q", "s", "script", "section", "select",
	"small", "source", "span", "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template",
	"textarea", "tfoot", "th", "thead", "title", "tr", "track", "tt", "u", "ul", "v:fill", "v:imagedata", "v:rect", "v:shape", "video", "w:anchorlock", "wbr",
}

// tagNameTable finds a tagInfo by the id of a name.
type tagNameTable struct {
	slots [512]*tagInfo
}

// tags is never changed.
var tags = tagIndex(tagNames)

func tagIndex(names []string) *tagNameTable {
	t := &tagNameTable{}
	for _, n := range names {
		info := &tagInfo{}
		info.read([]byte(n), tagID([]byte(n)))
		h := tagHash(info.id)
		for t.slots[h] != nil {
			h = (h + 1) % len(t.slots)
		}
		t.slots[h] = info
	}
	return t
}

func tagHash(id uint64) int { return int(id * 0x9E3779B97F4A7C15 >> 55) }

// find gives what is known of a name with that id; nil is nothing.
func (t *tagNameTable) find(name []byte, id uint64) *tagInfo {
	for h := tagHash(id); t.slots[h] != nil; h = (h + 1) % len(t.slots) {
		if i := t.slots[h]; i.id == id && (len(name) <= 8 || equalFold(name, i.full)) {
			return t.slots[h]
		}
	}
	return nil
}

// read fills in what a lower-case name says.
func (i *tagInfo) read(name []byte, id uint64) {
	local := 0
	for k, c := range name {
		if c == ':' {
			local = k + 1
		}
	}
	i.tag, i.full, i.key, i.id = name, string(name), name, id
	if local > 0 || len(name) > 0 && name[0] == 'a' {
		i.key = canonicalTag(name, name[local:])
	}
	i.class, i.void, i.kind = classOf(i.key), isVoid(name), kindOf(name, i.key)
}

func kindOf(tag, key []byte) tagKind {
	if string(tag) == "template" {
		return kindTemplate
	}
	switch string(key) {
	case "link":
		return kindLink
	case "meta":
		return kindMeta
	case "param":
		return kindParam
	case "base":
		return kindBase
	case "a":
		return kindAnchor
	case "map":
		return kindMap
	case "svg":
		return kindSVG
	case "math":
		return kindMath
	case "foreignobject", "desc":
		return kindForeign
	case "annotation-xml":
		return kindAnnotation
	}
	return kindPlain
}

// tagID tells names apart, whatever their case: the bytes themselves of a short
// one, a hash of a long one.
func tagID(name []byte) uint64 {
	var id uint64
	if len(name) <= 8 {
		for _, c := range name {
			id = id<<8 | uint64(lower[c])
		}
		return id
	}
	id = 14695981039346656037
	for _, c := range name {
		id = (id ^ uint64(lower[c])) * 1099511628211
	}
	return id
}

// lower is lowerByte of every byte.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = lowerByte(byte(i))
	}
	return t
}()

// Classes of bytes, for loops over names and values.
const (
	spaceByte    = 1 << iota // white space
	nameEndByte              // ends the name of a tag: white space "/" ">"
	valueEndByte             // ends a bare value: white space ">"
)

// bytesOf says which classes each byte is of.
var bytesOf = func() (t [256]uint8) {
	for _, c := range " \t\n\r\f" {
		t[c] = spaceByte | nameEndByte | valueEndByte
	}
	t['/'] |= nameEndByte
	t['>'] |= nameEndByte | valueEndByte
	return t
}()
