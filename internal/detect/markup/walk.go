package markup

import (
	"bytes"
	"sync"
)

// Bounds of a walk. What lies past them is counted in Summary, not hidden.
const (
	// MaxRefs is how many references one walk emits.
	MaxRefs = 100_000
	// MaxNesting is how many layers (srcdoc, data:, comments) are entered.
	MaxNesting = 8
	// MaxURL is how many bytes of a URL are kept in Ref.URL and Ref.Raw.
	MaxURL = 64 << 10
	// MaxAlt is how many bytes of alt text, selector and media query are kept.
	MaxAlt = 256
	// MaxElements is how many open elements are remembered for Hidden.
	MaxElements = 512
	// MaxAttrs is how many attributes of one tag are looked at.
	MaxAttrs = 4096
	// MaxToken is how many bytes of one token a Rewriter holds.
	MaxToken = 1 << 20
	// maxTagName is the longest name of an element that is told from others.
	maxTagName = 32
	// TinyPixels is the longest side of an image too small to see.
	TinyPixels = 3
)

// Options of a walk. The zero value suits mail.
type Options struct {
	// Base resolves relative references; a base element overrides it (itself
	// resolved against Base). Empty: relative references stay Relative.
	Base string
	// Scripting: the reader runs scripts, so noscript content is Inert.
	Scripting bool
	// Comments: ordinary comments are walked too, their references Inert.
	Comments bool
	// LocalRefs: also emit references that stay local (data: without markup,
	// mailto:, tel:, about:, fragments). cid:, mid:, blob: and filesystem: are
	// emitted always.
	LocalRefs bool
	// Only limits the references to those of these vectors, which is faster:
	// nothing is looked for inside others. Empty: all.
	Only Vectors
}

// Summary says what a walk did.
type Summary struct {
	Refs    int // emitted
	Active  int // of those, Active
	Dropped int // found past MaxRefs
	Cut     int // layers past MaxNesting, tags past MaxAttrs, tokens past MaxToken: not looked into
	// Charset is what a meta element declares, lower case; Base what a base element does.
	Charset, Base string
}

// Walk finds every reference in an HTML document held in memory. src is UTF-8
// or another ASCII-compatible encoding; whoever holds UTF-16 or UTF-7 decodes
// it first and maps the offsets back. Emit is called in document order, in the
// caller's goroutine. src is not changed or kept. Linear in len(src).
func Walk(src []byte, o Options, emit func(*Ref)) Summary {
	w := newWalker(o, emit)
	w.src = src
	w.scout(src)
	w.run(span{b: src})
	return w.release()
}

// WalkCSS does the same for a style sheet.
func WalkCSS(src []byte, o Options, emit func(*Ref)) Summary {
	w := newWalker(o, emit)
	w.css(span{b: src}, carrier{elem: Range{0, len(src)}})
	return w.release()
}

// walker is the state of one walk.
type walker struct {
	o     Options
	out   func(*Ref)
	sum   Summary
	src   []byte // the whole document; nil in a stream
	base  string
	based bool // a base element has been seen
	rules hideRules

	stack []elem
	arena []byte // class, id and style of what is on the stack
	floor int    // end tags of the current layer close nothing below it
	ctx   surroundings
	lost  int // start tags past MaxElements that are open

	depth  int
	path   []Step
	limit  When // what the layer does to a reference's When; see capped
	capped bool
	tricks Vectors // of the layer
	cond   string  // of the conditional comment around
	lv     *layer
	ref    Ref

	focus, focusKnown bool // see focused

	idle []*layer
}

// layer is one text being cut into tokens: the document, or what a srcdoc, a
// data: URI or a comment holds.
type layer struct {
	t       span
	sc      scanner
	tagInfo // of the current tag
	known   []known
	firsts  []int    // of known: the first of each name
	raw     rawOwner // of the raw text that comes next
	// named belongs to the tag that ends at namedAt; see walker.named.
	named   bool
	namedAt int
	media   string // media attribute of the style element whose text comes next
	print   bool   // it asks for paper only
}

// known is an attribute of the current tag that attrs lists.
type known struct {
	*attrInfo
	span   attrSpan
	xlink  bool
	second bool // the same name stood before
}

// surroundings counts the open elements that change what others mean.
type surroundings struct {
	svg, math, template, foreign, annotation, link, maps int16
}

// walkers keeps what ended walks used, for the next.
var walkers = sync.Pool{New: func() any { return new(walker) }}

// Bounds of what an ended walk leaves behind for the next.
const (
	maxIdleBytes  = 64 << 10 // of the arena
	maxIdleAttrs  = 256      // of each layer
	maxIdleLayers = 4
)

func newWalker(o Options, emit func(*Ref)) *walker {
	w := walkers.Get().(*walker)
	w.o, w.out, w.base = o, emit, o.Base
	return w
}

// release ends the walk; w is another's then.
func (w *walker) release() Summary {
	sum := w.sum
	*w = walker{stack: w.stack[:0], arena: w.arena[:0], path: w.path[:0], idle: w.idle}
	if cap(w.arena) > maxIdleBytes {
		w.arena = nil
	}
	walkers.Put(w)
	return sum
}

// layer takes a layer that is idle, or a new one.
func (w *walker) layer(t span) *layer {
	lv := new(layer)
	if n := len(w.idle); n > 0 {
		lv, w.idle = w.idle[n-1], w.idle[:n-1]
	}
	lv.t, lv.sc.b, lv.sc.final = t, t.b, true
	return lv
}

func (w *walker) leave(lv *layer) {
	if len(w.idle) < maxIdleLayers && cap(lv.sc.attrs) <= maxIdleAttrs {
		*lv = layer{sc: scanner{attrs: lv.sc.attrs[:0]}, known: lv.known[:0], firsts: lv.firsts[:0]}
		w.idle = append(w.idle, lv)
	}
}

// run walks all of t as a layer of its own.
func (w *walker) run(t span) {
	outer := w.lv
	w.lv = w.layer(t)
	for w.step() {
	}
	w.leave(w.lv)
	w.lv = outer
}

// step walks one token of the current layer.
func (w *walker) step() bool {
	lv := w.lv
	if !lv.sc.next() {
		return false
	}
	lv.namedAt = 0
	switch tok := &lv.sc.tok; tok.kind {
	case kindStart:
		w.start()
	case kindEnd:
		w.end()
	case kindRaw:
		w.rawText()
	case kindComment:
		w.comment()
	case kindDoctype:
		w.quotedURLs(lv.t.sub(tok.start, tok.end), 68)
	case kindUnclosed:
		w.unclosed()
	}
	return true
}

// scout reads ahead for what changes the meaning of earlier bytes: rules that
// hide, and the base.
func (w *walker) scout(src []byte) {
	for i := 0; i < len(src); i++ {
		n := bytes.IndexByte(src[i:], '<')
		if n < 0 || i+n+6 >= len(src) {
			return
		}
		i += n
		switch c := src[i+1] | 0x20; {
		case src[i+1] == '!' && src[i+2] == '-' && src[i+3] == '-':
			s := scanner{b: src, pos: i, final: true}
			s.comment()
			i = s.tok.end - 1
		case c == 's' && hasPrefixFold(src[i+1:], "style") && tagDelim(src[i+6]):
			i = w.scoutStyle(src, i)
		case c == 'b' && !w.based && hasPrefixFold(src[i+1:], "base") && isSpace(src[i+5]):
			s := scanner{b: src, pos: i, final: true}
			if s.startTag() {
				w.baseTag(src, s.attrs)
				i = s.pos - 1
			}
		}
	}
}

func (w *walker) scoutStyle(src []byte, at int) int {
	s := scanner{b: src, pos: at, final: true}
	if s.startTag(); s.tok.kind != kindStart {
		return len(src)
	}
	start := s.pos
	end, _ := s.rawEnd()
	w.rules.add(src[start:end])
	return max(end-1, at)
}

func (w *walker) baseTag(src []byte, list []attrSpan) {
	for _, a := range list {
		if equalFold(src[a.name:a.nameEnd], "href") {
			w.setBase(span{b: src[a.val:a.valEnd]}.unescape().b)
			return
		}
	}
}

// setBase takes the first base element's address.
func (w *walker) setBase(href []byte) {
	if w.based {
		return
	}
	w.based = true
	t := parseURL(href, w.o.Base)
	if t.reach == Remote {
		w.base = t.url
		w.sum.Base = t.url
	}
}

// within enters a layer: f runs with the layer's step on the path, its tricks
// on every reference, and its end tags kept from closing what is outside.
func (w *walker) within(k StepKind, at Range, tricks Vectors, f func()) {
	if w.depth == MaxNesting {
		w.sum.Cut++
		return
	}
	ctx, floor, old, limit, capped := w.ctx, w.floor, w.tricks, w.limit, w.capped
	w.floor = len(w.stack)
	w.path = append(w.path, Step{k, at})
	w.tricks.join(tricks)
	w.depth++
	f()
	w.depth--
	w.path = w.path[:len(w.path)-1]
	w.popTo(w.floor)
	w.ctx, w.floor, w.tricks, w.limit, w.capped = ctx, floor, old, limit, capped
}

// cap holds what the references of a layer can at most be: Inert over Legacy
// over Click over Print and Hover over anything.
func (w *walker) cap(to When) {
	if !w.capped || weight(to) > weight(w.limit) {
		w.capped, w.limit = true, to
	}
}

func weight(w When) int {
	switch w {
	case Inert:
		return 4
	case Legacy:
		return 3
	case Click:
		return 2
	case Print, Hover:
		return 1
	}
	return 0
}

func (w *walker) whenOf(when When) When {
	if w.capped && weight(w.limit) > weight(when) {
		when = w.limit
	}
	return when
}
