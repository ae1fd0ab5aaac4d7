package markup

import "fmt"

// Vector numbers one way a document can make a client fetch: V1 is "V001". The
// walk gives V1 to V149 and V174 to V176; other numbers belong to the mail
// layer. Zero is none.
type Vector uint8

// MaxVector is the highest number in use.
const MaxVector Vector = 180

// String is the published id, such as "V001".
func (v Vector) String() string { return fmt.Sprintf("V%03d", uint8(v)) }

// Vectors is a set of vectors. The zero value is empty.
type Vectors [3]uint64

// NewVectors is the set of list.
func NewVectors(list ...Vector) (s Vectors) {
	for _, v := range list {
		s.add(v)
	}
	return s
}

// Has reports whether v is in s.
func (s Vectors) Has(v Vector) bool { return v < 192 && s[v>>6]&(1<<(v&63)) != 0 }

// List gives the members in order.
func (s Vectors) List() []Vector {
	var out []Vector
	for v := Vector(1); v < 192; v++ {
		if s.Has(v) {
			out = append(out, v)
		}
	}
	return out
}

func (s *Vectors) add(v Vector) { s[v>>6] |= 1 << (v & 63) }

func (s *Vectors) join(o Vectors) {
	for i := range s {
		s[i] |= o[i]
	}
}

// Title says in a few words what v is; empty for numbers the walk never gives.
func (v Vector) Title() string {
	if int(v) < len(titles) {
		return titles[v]
	}
	switch v {
	case 174:
		return "schema.org data: JSON-LD or microdata"
	case 175:
		return "URL in the subject or a name"
	case 176:
		return "URL in plain text made a link"
	}
	return ""
}

var titles = [...]string{
	1: "img src", 2: "img srcset", 3: "img lowsrc", 4: "img dynsrc", 5: "img longdesc",
	6: "attributionsrc", 7: "image element outside SVG", 8: "picture source srcset", 9: "source src",
	10: "image button", 11: "isindex", 12: "video src", 13: "video poster", 14: "audio src",
	15: "track src", 16: "bgsound", 17: "embed src", 18: "embed code", 19: "object data",
	20: "object codebase, classid or archive", 21: "object movie", 22: "object param", 23: "applet",
	24: "iframe src", 25: "iframe srcdoc", 26: "frame src", 27: "frame with data:, javascript: or view-source:",
	28: "portal or fencedframe", 29: "body background", 30: "background attribute", 31: "html manifest",
	32: "head profile", 33: "script src", 34: "SVG script href", 35: "menuitem icon", 36: "layer src",
	37: "xml data island", 38: "datasrc", 39: "cite", 40: "ping", 41: "link", 42: "form action",
	43: "formaction", 44: "image map", 45: "AMP element", 46: "model src or link imagesrcset",
	47: "noscript content", 48: "template content", 49: "lazy-loading attribute", 50: "base",
	51: "meta refresh", 52: "CSP report address in meta", 53: "meta msapplication", 54: "meta for link previews",
	55: "reading-view meta with markup", 56: "stylesheet link", 57: "icon link", 58: "preload link",
	59: "prefetch or prerender link", 60: "dns-prefetch link", 61: "preconnect link", 62: "import link",
	63: "other link relation", 64: "compression dictionary or speculation rules", 65: "import map",
	66: "xml-stylesheet instruction", 67: "import instruction", 68: "doctype identifier", 69: "Link header",
	70: "Link header in meta", 71: "CSS background", 72: "CSS list-style", 73: "CSS border-image",
	74: "CSS content", 75: "CSS cursor", 76: "CSS mask", 77: "CSS filter", 78: "CSS clip-path",
	79: "CSS shape-outside", 80: "CSS fill, stroke or marker", 81: "@import of a string", 82: "@import of a url()",
	83: "@font-face", 84: "@namespace", 85: "image-set()", 86: "image()", 87: "cross-fade()",
	88: "custom property", 89: "attr()", 90: "@property initial value", 91: "CSS offset-path",
	92: "src() or url() with modifiers", 93: "@counter-style symbols", 94: "gated by a media query",
	95: "gated by a selector", 96: "behavior or binding", 97: "AlphaImageLoader or ICMFilter", 98: "expression()",
	99: "source map", 100: "mso- property", 101: "@import in a conditional comment",
	102: "escapes in a CSS function name", 103: "escapes in a CSS URL", 104: "comments inside CSS tokens",
	105: "entities in an attribute", 106: "unusual quotes", 107: "white space or NUL inside the URL",
	108: "protocol-relative", 109: "backslashes or missing slashes", 110: "data: URI with nested markup",
	111: "blob: or filesystem:", 112: "odd spelling of scheme or host", 113: "UNC path, file: or smb:",
	114: "ftp:, ws:, gopher: or the like", 115: "mhtml:, cid: or mid:", 116: "charset trick",
	117: "reading of broken markup", 118: "conditional comment", 119: "duplicate attribute",
	120: "CDATA, instruction or declaration", 121: "SVG image", 122: "SVG feImage", 123: "SVG use", 124: "SVG link",
	125: "SVG paint server, path or clip", 126: "SVG animation of a reference", 127: "old SVG reference",
	128: "HTML in foreignObject", 129: "SVG style or presentation attribute", 130: "SVG script",
	131: "xml:base", 132: "SVG as an image", 133: "MathML link", 134: "MathML mglyph or annotation",
	135: "MathML action", 136: "VML image or fill", 137: "VML background", 138: "VML frame",
	139: "Office object or link",
}
