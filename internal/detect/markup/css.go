package markup

import "bytes"

// cssBlock is one open block of a style sheet.
type cssBlock struct {
	at       atRule
	selector span // of a rule, or the prelude of an at-rule

	read  bool   // gate has filled in the rest
	text  string // the selector or media query, cut at MaxAlt
	gated bool   // V095
	when  When   // what the block waits for, Opening if for nothing
}

// atRule is the kind of an at-rule; atNone is a plain rule.
type atRule uint8

const (
	atNone atRule = iota
	atImport
	atNamespace
	atMedia
	atFontFace
	atProperty
	atCounter
	atOther
)

// Bounds of the CSS walk; past them blocks and functions are only counted.
const (
	maxBlocks    = 32
	maxFunctions = 32
)

// cssFunc is what an open parenthesis means for the strings inside it.
type cssFunc struct {
	v      Vector // of strings and URLs inside; 0: what the property says
	when   When
	tricks Vectors
	urls   bool // its strings are URLs
	any    bool // anything inside that looks like a URL is one
	start  int
}

// cssWalk walks one style sheet or declaration list.
type cssWalk struct {
	w       *walker
	t       span
	c       carrier
	lx      cssLexer
	blocks  [maxBlocks]cssBlock
	nblocks int
	funcs   [maxFunctions]cssFunc
	nfuncs  int
	inline  bool

	// The statement or declaration being read.
	item    int
	started bool
	at      atRule
	prop    span // name of the declaration or at-rule, empty before it is known
	escaped bool
	words   int // identifiers seen
	imports int // URLs of an @import seen
	pending []find
	prev    cssToken // last token that is neither space nor comment
	glued   bool     // only comments stood between prev and the current token
}

// carrierCSS is c for CSS inside an attribute: what is taken away is then a
// declaration, not the attribute.
func carrierCSS(c carrier) carrier {
	c.name, c.whole, c.void = Range{}, Range{}, false
	return c
}

// css walks t as a style sheet.
func (w *walker) css(t span, c carrier) {
	s := cssWalk{w: w, t: t, c: c, lx: cssLexer{b: t.b}}
	s.inline = c.attr != ""
	s.run()
}

// inlineCSS walks a style attribute.
func (w *walker) inlineCSS(k *known, raw span) {
	if !holdsURL(raw.b) {
		return
	}
	v := raw.unescape()
	if quiet(v.b) {
		return
	}
	old := w.tricks
	if v.m != raw.m {
		w.tricks.add(105)
	}
	if k.second {
		w.tricks.add(119)
	}
	if w.ctx.svg > 0 {
		w.tricks.add(129)
	}
	w.css(v, carrierCSS(w.carry(k.span, k.name)))
	w.tricks = old
}

// holdsURL tells cheaply whether declarations could hold a reference: that
// takes a function, an entity, an at-rule or a bare address.
func holdsURL(b []byte) bool {
	return bytes.IndexByte(b, '(') >= 0 || bytes.IndexByte(b, '&') >= 0 ||
		bytes.IndexByte(b, '@') >= 0 || bytes.Contains(b, []byte("//"))
}

// paint walks a presentation attribute: one value, without a property.
func (w *walker) paint(f *find) {
	if bytes.IndexByte(f.val.b, '(') < 0 {
		if absolute(f.val.b) && (f.v == 136 || f.v == 137) {
			w.found(f)
		}
		return
	}
	s := cssWalk{w: w, t: f.val, c: f.carrier, lx: cssLexer{b: f.val.b}, inline: true}
	old := w.tricks
	w.tricks.join(f.tricks)
	s.funcs[0] = cssFunc{v: f.v, when: f.when}
	s.nfuncs = 1
	s.run()
	w.tricks = old
}

func (s *cssWalk) run() {
	for {
		t, ok := s.lx.next()
		if !ok {
			break
		}
		if t.kind == cssSpace {
			s.glued = false
			continue
		}
		if t.kind == cssComment {
			s.mapComment(t)
			continue
		}
		if !s.started {
			s.item, s.started = t.start, true
		}
		s.token(t)
		s.prev, s.glued = t, true
	}
	s.end(len(s.t.b))
}

func (s *cssWalk) token(t cssToken) {
	switch t.kind {
	case cssAt:
		if s.words == 0 && s.nfuncs == 0 {
			s.prop, s.escaped = s.t.sub(t.a, t.e), t.escaped
			s.at = atKind(s.prop.b, t.escaped)
		}
		s.words++
	case cssIdent:
		s.word(t)
	case cssFunction:
		s.function(t)
	case cssURL:
		s.url(t)
	case cssString:
		s.str(t)
	case cssPunct:
		s.punct(t)
	}
}

// word takes the first identifier of an item as its property, until a "{"
// shows that it was a selector.
func (s *cssWalk) word(t cssToken) {
	if s.words == 0 && s.at == atNone {
		s.prop, s.escaped = s.t.sub(t.a, t.e), t.escaped
	}
	s.words++
}

func (s *cssWalk) punct(t cssToken) {
	switch t.punct {
	case '(':
		s.push(cssFunc{start: t.end})
	case ')':
		s.pop(t.start)
	case ';':
		if s.nfuncs == 0 || s.loose() {
			s.end(t.end)
		}
	case '{':
		if s.nfuncs == 0 || s.loose() {
			s.open(t)
		}
	case '}':
		if s.nfuncs == 0 || s.loose() {
			s.end(t.start)
			s.nblocks = max(0, s.nblocks-1)
		}
	case ':':
		if s.words == 1 {
			s.words++ // a declaration; what follows is its value
		}
	}
}

// loose reports whether an open parenthesis may be left open here: never
// inside a presentation attribute or an expression.
func (s *cssWalk) loose() bool {
	if s.nfuncs > maxFunctions {
		return false
	}
	f := s.funcs[s.nfuncs-1]
	return !f.any && f.v != 129 && f.v != 126
}

func (s *cssWalk) push(f cssFunc) {
	if s.nfuncs < maxFunctions {
		if s.nfuncs > 0 && f.v == 0 {
			f.v, f.when = s.funcs[s.nfuncs-1].v, s.funcs[s.nfuncs-1].when
			f.any = s.funcs[s.nfuncs-1].any
		}
		s.funcs[s.nfuncs] = f
	}
	s.nfuncs++
}

func (s *cssWalk) pop(at int) {
	if s.nfuncs == 0 {
		return
	}
	s.nfuncs--
	if s.nfuncs < maxFunctions {
		if f := s.funcs[s.nfuncs]; f.v == 97 {
			s.loader(f, at)
		}
	}
}

// open starts a block: what was read of the item is its prelude.
func (s *cssWalk) open(t cssToken) {
	prelude := s.t.sub(s.item, t.start)
	at := s.at
	s.end(t.end)
	if s.nblocks < maxBlocks {
		s.blocks[s.nblocks] = cssBlock{at: at, selector: prelude, when: Opening}
	}
	s.nblocks++
}

// end finishes the item and lets out what was found in it.
func (s *cssWalk) end(at int) {
	if len(s.pending) > 0 {
		elem, _ := s.t.at(s.item, at)
		for i := range s.pending {
			f := &s.pending[i]
			f.elem = elem
			if f.whole == (Range{}) {
				f.whole = elem
			}
			s.w.found(f)
		}
		s.pending = s.pending[:0]
	}
	s.started, s.at, s.words, s.imports, s.nfuncs = false, atNone, 0, 0, min(s.nfuncs, s.baseFuncs())
	s.prop = span{}
}

// baseFuncs is 1 in a presentation attribute, whose vector lies at the bottom.
func (s *cssWalk) baseFuncs() int {
	if s.inline && (s.funcs[0].v == 129 || s.funcs[0].v == 126 || s.funcs[0].v == 136 || s.funcs[0].v == 137) {
		return 1
	}
	return 0
}

func atKind(name []byte, escaped bool) atRule {
	var buf [32]byte
	switch string(cssLower(name, escaped, &buf)) {
	case "import":
		return atImport
	case "namespace":
		return atNamespace
	case "media":
		return atMedia
	case "font-face":
		return atFontFace
	case "property":
		return atProperty
	case "counter-style":
		return atCounter
	}
	return atOther
}
