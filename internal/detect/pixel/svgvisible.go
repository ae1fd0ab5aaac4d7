package pixel

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// svgVisible judges a whole document from its root element on. It understands
// the plain cases, nothing drawn and something drawn; style sheets, scripts,
// animation, text and references make it Unknown.
func svgVisible(d *xml.Decoder) Visibility {
	var s svgScene
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return s.result()
		}
		if err != nil {
			return Unknown
		}
		switch t := t.(type) {
		case xml.StartElement:
			s.start(t)
		case xml.EndElement:
			if s.depth--; s.depth < s.hidden {
				s.hidden = 0
			}
		}
		if s.depth <= 0 && s.started {
			// The rest of a well-formed document draws nothing.
			return s.result()
		}
	}
}

// svgScene is what was seen of a document so far.
type svgScene struct {
	started  bool
	depth    int    // elements open
	hidden   int    // depth from which on nothing is drawn, 0 for none
	prefix   string // of the root, and so of SVG's own elements
	inherits bool   // a container says how its content is painted
	drawn    bool
	doubt    bool
}

func (s *svgScene) result() Visibility {
	switch {
	case s.doubt || !s.started || s.depth != 0:
		return Unknown
	case s.drawn:
		return Visible
	default:
		return Invisible
	}
}

func (s *svgScene) start(e xml.StartElement) {
	if !s.started {
		s.started, s.prefix = true, e.Name.Space
	}
	s.depth++
	switch e.Name.Local {
	case "style", "script", "set", "animate", "animateMotion", "animateTransform":
		s.doubt = true // they may show what is hidden
		return
	}
	if s.hidden > 0 {
		return
	}
	if e.Name.Space != s.prefix {
		s.doubt = true
		return
	}
	switch e.Name.Local {
	case "svg", "g", "a", "switch":
		s.container(e.Attr)
	case "title", "desc", "metadata", "defs", "symbol", "clipPath", "mask", "marker", "pattern", "filter",
		"linearGradient", "radialGradient":
		s.hidden = s.depth
	case "rect", "circle", "ellipse", "path", "line", "polyline", "polygon":
		s.shape(e)
	default:
		s.doubt = true
	}
}

func (s *svgScene) container(attrs []xml.Attr) {
	if svgHides(attrs) {
		s.hidden = s.depth
		return
	}
	if s.depth > 1 && (isZero(attribute(attrs, "width")) || isZero(attribute(attrs, "height"))) {
		s.doubt = true
	}
	for _, name := range [...]string{"fill", "stroke", "fill-opacity", "stroke-opacity", "stroke-width", "visibility", "clip-path", "mask", "filter"} {
		s.inherits = s.inherits || property(attrs, name) != ""
	}
	style := attribute(attrs, "style")
	for _, paints := range [...]string{"background", "border", "outline", "shadow", "url("} {
		s.doubt = s.doubt || strings.Contains(style, paints)
	}
}

// shape judges an element that draws, by its own attributes.
func (s *svgScene) shape(e xml.StartElement) {
	v := property(e.Attr, "visibility")
	if svgHides(e.Attr) || v == "hidden" || v == "collapse" || noGeometry(e) {
		s.hidden = s.depth
		return
	}
	fill, stroke := property(e.Attr, "fill"), property(e.Attr, "stroke")
	noFill := isNoPaint(fill) || isZero(property(e.Attr, "fill-opacity")) || e.Name.Local == "line"
	noStroke := isNoPaint(stroke) || stroke == "" && !s.inherits ||
		isZero(property(e.Attr, "stroke-opacity")) || isZero(property(e.Attr, "stroke-width"))
	switch {
	case noFill && noStroke:
	case s.inherits || property(e.Attr, "clip-path")+property(e.Attr, "mask")+property(e.Attr, "filter") != "":
		s.doubt = true
	default:
		s.drawn = true
	}
}

// noGeometry reports whether a shape has no extent at all.
func noGeometry(e xml.StartElement) bool {
	void := func(name string) bool {
		v := property(e.Attr, name)
		return v == "" || isZero(v)
	}
	switch e.Name.Local {
	case "rect":
		return void("width") || void("height")
	case "circle":
		return void("r")
	case "path":
		return strings.TrimSpace(property(e.Attr, "d")) == ""
	case "polyline", "polygon":
		return strings.TrimSpace(attribute(e.Attr, "points")) == ""
	}
	return false
}

// svgHides reports whether an element hides itself with all its content.
func svgHides(attrs []xml.Attr) bool {
	return property(attrs, "display") == "none" || isZero(property(attrs, "opacity"))
}

func isNoPaint(s string) bool { return s == "none" || s == "transparent" }

// isZero reports whether s is a number, length or percentage of zero.
func isZero(s string) bool {
	v, ok := cssLength(strings.TrimSuffix(s, "%"))
	return ok && v == 0
}

// attribute returns the value of an attribute without prefix, "" if absent.
func attribute(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// property returns a presentation property: the style attribute's, where the
// last one counts, or else the attribute of that name.
func property(attrs []xml.Attr, name string) string {
	value := ""
	for decl := range strings.SplitSeq(attribute(attrs, "style"), ";") {
		k, v, ok := strings.Cut(decl, ":")
		if ok && strings.EqualFold(strings.TrimSpace(k), name) {
			v, _, _ = strings.Cut(v, "!")
			value = strings.ToLower(strings.TrimSpace(v))
		}
	}
	if value == "" {
		return attribute(attrs, name)
	}
	return value
}
