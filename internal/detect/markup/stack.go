package markup

import "bytes"

// maxClose is how far down an end tag looks for what it closes.
const maxClose = 64

// maxKept is how many bytes of class, id and style of one element are kept.
const maxKept = 4 << 10

// elem is one open element. Its strings lie in the walker's arena, one after
// the other from start: class, id, style.
type elem struct {
	id                     uint64 // of its name
	start, class, ids, end int32
	tag                    tagClass
	width, height          int32 // attributes; -1 unknown
	hiddenAttr, sized      bool
	alt                    bool // has alt text
	bg, fg                 int32
	counts                 surroundings // what it added
	counted                bool         // counts is not zero
	seen                   bool         // the fields below are computed
	own                    look
}

// tagClass is what Hidden and nesting need to know of a name.
type tagClass uint8

const (
	tagOther tagClass = iota
	tagImage          // its size is its own: img, image buttons, VML images
	tagFrame          // iframe, object, video and their like
	tagP
	tagTable
	tagCell
	tagRow
	tagList
	tagItem
	tagTemplate // only </template> closes it
)

func classOf(tag []byte) tagClass {
	switch string(tag) {
	case "img", "image", "input", "amp-*", "amp-img", "v:*":
		return tagImage
	case "iframe", "frame", "embed", "object", "video", "audio", "applet":
		return tagFrame
	case "p":
		return tagP
	case "table":
		return tagTable
	case "td", "th":
		return tagCell
	case "tr":
		return tagRow
	case "ul", "ol", "dl":
		return tagList
	case "li", "dt", "dd":
		return tagItem
	}
	return tagOther
}

// push puts the current tag on the stack, after closing what it implies.
func (w *walker) push() {
	lv := w.lv
	class := lv.class
	w.imply(class)
	if len(w.stack) >= MaxElements {
		// The deepest is forgotten for the newest, whose own look matters.
		w.popTo(len(w.stack) - 1)
		if !lv.void {
			w.lost++
		}
	}
	e := w.open()
	e.id, e.tag, e.start = lv.id, class, int32(len(w.arena))
	var class1, id, style []byte
	for i := range lv.known {
		k := &lv.known[i]
		if k.state == stateNone || k.second {
			continue
		}
		v := lv.t.b[k.span.val:k.span.valEnd]
		switch k.state {
		case stateClass:
			class1 = v
		case stateID:
			id = v
		case stateStyle:
			style = v
		case stateWidth:
			e.width, e.sized = pixels(v), true
		case stateHeight:
			e.height, e.sized = pixels(v), true
		case stateHidden:
			e.hiddenAttr = true
		case stateAlt:
			e.alt = len(bytes.TrimSpace(v)) > 0
		case stateBack:
			e.bg = colour(v)
		case stateFore:
			e.fg = colour(v)
		}
	}
	w.keep(e, class1, id, style)
	w.count(e)
}

// open puts a bare element on the stack.
func (w *walker) open() *elem {
	n := len(w.stack)
	if n == cap(w.stack) {
		w.stack = append(w.stack, elem{})
	}
	w.stack = w.stack[:n+1]
	e := &w.stack[n]
	e.width, e.height, e.bg, e.fg = -1, -1, -1, -1
	e.hiddenAttr, e.sized, e.alt, e.seen, e.counted = false, false, false, false, false
	return e
}

func (w *walker) keep(e *elem, class, id, style []byte) {
	w.arena = append(w.arena, class[:min(len(class), maxKept)]...)
	e.class = int32(len(w.arena))
	w.arena = append(w.arena, id[:min(len(id), maxKept)]...)
	e.ids = int32(len(w.arena))
	w.arena = append(w.arena, style[:min(len(style), maxKept)]...)
	e.end = int32(len(w.arena))
}

// count notes what the element means for those inside it.
func (w *walker) count(e *elem) {
	lv := w.lv
	if lv.kind == kindPlain {
		return
	}
	e.counts, e.counted = surroundings{}, true
	switch lv.kind {
	case kindTemplate:
		if w.ctx.svg == 0 && w.ctx.math == 0 && w.ctx.annotation == 0 {
			w.template(e)
		}
	case kindAnchor:
		if w.knownAttr("href") != nil {
			e.counts.link = 1
		}
	case kindMap:
		e.counts.maps = 1
	case kindSVG:
		e.counts.svg = 1
	case kindMath:
		e.counts.math = 1
	case kindForeign:
		if w.ctx.svg > 0 {
			e.counts.foreign, e.counts.svg = 1, -w.ctx.svg
		}
	case kindAnnotation:
		e.counts.annotation, e.counts.math = 1, -w.ctx.math
	}
	w.ctx.add(e.counts, 1)
}

// template marks a template of HTML: SVG and MathML have none. One that stands
// for a shadow tree is shown.
func (w *walker) template(e *elem) {
	e.tag = tagTemplate
	mode, _ := w.state("shadowrootmode")
	if !equalFold(mode.b, "open") && !equalFold(mode.b, "closed") {
		e.counts.template = 1
	}
}

func (c *surroundings) add(o surroundings, n int16) {
	c.svg += n * o.svg
	c.math += n * o.math
	c.template += n * o.template
	c.foreign += n * o.foreign
	c.annotation += n * o.annotation
	c.link += n * o.link
	c.maps += n * o.maps
}

// imply closes the elements whose end tags may be left out before class.
func (w *walker) imply(class tagClass) {
	var stop, closes [2]tagClass
	switch class {
	case tagP:
		closes, stop = [2]tagClass{tagP, tagP}, [2]tagClass{tagTable, tagCell}
	case tagCell:
		closes, stop = [2]tagClass{tagCell, tagCell}, [2]tagClass{tagTable, tagTable}
	case tagRow:
		closes, stop = [2]tagClass{tagRow, tagRow}, [2]tagClass{tagTable, tagTable}
	case tagItem:
		closes, stop = [2]tagClass{tagItem, tagItem}, [2]tagClass{tagList, tagTable}
	default:
		return
	}
	for i := len(w.stack) - 1; i >= max(w.floor, len(w.stack)-maxClose); i-- {
		switch w.stack[i].tag {
		case closes[0]:
			w.popTo(i)
			return
		case stop[0], stop[1], tagTemplate:
			return
		}
	}
}

// popTo closes all but the n outermost elements.
func (w *walker) popTo(n int) {
	for len(w.stack) > n {
		e := &w.stack[len(w.stack)-1]
		if e.counted {
			w.ctx.add(e.counts, -1)
		}
		w.arena = w.arena[:e.start]
		w.stack = w.stack[:len(w.stack)-1]
	}
}
