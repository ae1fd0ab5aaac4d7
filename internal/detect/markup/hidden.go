package markup

import "bytes"

// see fills in what can be told about the visibility of the element on top of
// the stack, which carries r.
func (w *walker) see(r *Ref) {
	w.compute()
	e := &w.stack[len(w.stack)-1]
	r.Width, r.Height = int(e.own.w), int(e.own.h)
	why, sure := e.own.why, e.own.sure
	raise := func(y Why, s Sure) {
		why |= y
		sure = max(sure, s)
	}
	switch e.tag {
	case tagImage, tagFrame:
		w.seeSized(e, r, raise)
	default:
		if r.When == Click && e.own.fontZero {
			raise(FontSizeZero, Likely)
		}
		if r.When == Click && e.own.fg >= 0 && e.own.fg == e.own.bg {
			raise(SameColour, Weak)
		}
		if zeroOrTiny(&e.own) != 0 && r.When == Opening {
			raise(zeroOrTiny(&e.own), Likely)
		}
	}
	r.Hidden = Hidden{why, sure}
}

func (w *walker) seeSized(e *elem, r *Ref, raise func(Why, Sure)) {
	if y := zeroOrTiny(&e.own); y != 0 {
		raise(y, Certain)
	}
	if e.own.fontZero {
		raise(FontSizeZero, Visible)
	}
	if e.tag != tagImage {
		return
	}
	if alt, ok := w.state("alt"); ok {
		r.Context.HasAlt, r.Context.Alt = true, cut(alt.b, MaxAlt)
	}
	r.Named = w.named()
	if !e.own.sized {
		raise(NoSize, Weak)
	}
	if !e.alt && w.ctx.link == 0 {
		raise(EmptyAlt, Visible)
	}
	if w.src != nil && w.depth == 0 && w.nothingFollows(w.lv.sc.tok.end) {
		raise(LastInBody, Weak)
	}
}

// named reports whether the current tag has an id, a name or an event handler.
// A tag is looked through once, however many references it holds.
func (w *walker) named() bool {
	lv := w.lv
	if lv.namedAt == lv.sc.tok.end {
		return lv.named
	}
	lv.namedAt, lv.named = lv.sc.tok.end, false
	for _, a := range lv.sc.attrs {
		name := lv.t.b[a.name:a.nameEnd]
		if equalFold(name, "id") || equalFold(name, "name") || len(name) > 2 && hasPrefixFold(name, "on") {
			lv.named = true
			break
		}
	}
	return lv.named
}

// zeroOrTiny says whether l's size is too small to see: one side of nothing,
// or both at most TinyPixels.
func zeroOrTiny(l *look) Why {
	if l.w == 0 || l.h == 0 || l.maxW == 0 || l.maxH == 0 {
		return ZeroSize
	}
	w, h := l.w, l.h
	if w < 0 || l.maxW >= 0 && l.maxW < w {
		w = l.maxW
	}
	if h < 0 || l.maxH >= 0 && l.maxH < h {
		h = l.maxH
	}
	if w > 0 && h > 0 && w <= TinyPixels && h <= TinyPixels {
		return TinySize
	}
	return 0
}

// compute fills in the looks of all open elements that have none yet.
func (w *walker) compute() {
	i := len(w.stack)
	for i > 0 && !w.stack[i-1].seen {
		i--
	}
	for ; i < len(w.stack); i++ {
		parent := plainLook
		if i > 0 {
			parent = w.stack[i-1].own
		}
		w.stack[i].own = w.lookOf(i, &parent)
		w.stack[i].seen = true
	}
}

// lookOf is the look of element i inside parent.
func (w *walker) lookOf(i int, parent *look) look {
	e := &w.stack[i]
	l := plainLook
	l.w, l.h, l.bg, l.fg, l.sized = e.width, e.height, e.bg, e.fg, e.sized
	small := zeroOrTiny(&l)
	w.rules.apply(w, i, &l)
	byRule := l.why
	if small == 0 {
		byRule |= zeroOrTiny(&l)
	}
	style := w.arena[e.ids:e.end]
	if bytes.IndexByte(style, '&') >= 0 {
		style = span{b: style}.unescape().b
	}
	l.declare(style)
	if byRule&(l.why|zeroOrTiny(&l)) != 0 {
		l.why |= ByRule
	}
	if e.hiddenAttr {
		l.why |= DisplayNone
	}
	if !l.fontSet {
		l.fontZero = parent.fontZero
	}
	if l.bg < 0 {
		l.bg = parent.bg
	}
	if l.fg < 0 {
		l.fg = parent.fg
	}
	l.sure = grade(l.why)
	if l.sure == Visible && l.mediaWhy != 0 {
		l.why |= l.mediaWhy | ByMedia | ByRule
		l.sure = Weak
	}
	l.clip(e)
	if p := parent.why & inherited; p != 0 {
		l.why |= p | ByParent | parent.why&ByMedia
		l.sure = max(l.sure, parent.sure)
	}
	return l
}

// inherited are the reasons that hide what is inside an element as well.
const inherited = DisplayNone | VisibilityHidden | Transparent | OffScreen | Clipped | MsoHide

// clip marks boxes of no size that hide what they hold.
func (l *look) clip(e *elem) {
	if e.tag == tagImage || e.tag == tagFrame || !l.clips && l.maxH != 0 {
		return
	}
	if (l.w == 0 || l.h == 0 || l.maxW == 0 || l.maxH == 0) && l.clips {
		l.why |= Clipped
		l.sure = max(l.sure, Certain)
	}
}

func grade(why Why) Sure {
	switch {
	case why&(DisplayNone|VisibilityHidden|Transparent) != 0:
		return Certain
	case why&OffScreen != 0:
		return Likely
	case why&MsoHide != 0:
		return Weak
	}
	return Visible
}

// maxFollow is how far behind an image is looked for something to see.
const maxFollow = 512

// nothingFollows reports whether only space and end tags stand between i and
// the end of the body.
func (w *walker) nothingFollows(i int) bool {
	b := w.src[i:min(len(w.src), i+maxFollow)]
	for len(b) > 0 {
		switch {
		case isSpace(b[0]):
			b = b[1:]
		case hasPrefixFold(b, "&nbsp;"):
			b = b[len("&nbsp;"):]
		case hasPrefixFold(b, "</body"), hasPrefixFold(b, "</html"):
			return true
		case hasPrefixFold(b, "</"), hasPrefixFold(b, "<br"), hasPrefixFold(b, "<!"):
			n := bytes.IndexByte(b, '>')
			if n < 0 {
				return false
			}
			b = b[n+1:]
		default:
			return false
		}
	}
	return i+maxFollow >= len(w.src)
}
