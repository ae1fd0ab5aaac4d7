package markup

import "bytes"

// maxSelectorDepth is how many functions inside one another (:is(:is(…))) are
// read; what a deeper one asks for does not count.
const maxSelectorDepth = 8

// gate fills in what the block asks for, once for all its references.
func (b *cssBlock) gate(w *walker) {
	if b.read {
		return
	}
	b.read = true
	prelude := b.selector.b
	switch b.at {
	case atMedia:
		prelude = prelude[min(len("@media"), len(prelude)):]
		b.text = cut(bytes.TrimSpace(prelude), MaxAlt)
		if printOnly(prelude) {
			b.when = Print
		}
	case atNone:
		b.text = cut(bytes.TrimSpace(prelude), MaxAlt)
		b.gated = gated(prelude)
		if b.gated {
			s := selectors{lx: cssLexer{b: prelude}, focused: w.focused()}
			b.when = s.list(0)
		}
	}
}

// gates notes the conditions of the enclosing blocks, and what they make the
// reference wait for: style sheets are fetched whatever they ask for, all else
// is not.
func (s *cssWalk) gates(f *find) {
	wait, loose := Opening, false
	if s.c.print {
		wait = Print
	}
	for i := min(s.nblocks, maxBlocks) - 1; i >= 0; i-- {
		b := &s.blocks[i]
		if b.at != atMedia && b.at != atNone {
			continue
		}
		b.gate(s.w)
		switch {
		case b.at == atMedia:
			f.tricks.add(94)
			f.media = b.text
		case b.gated:
			f.tricks.add(95)
			fallthrough
		default:
			if f.selector == "" {
				f.selector = b.text
			}
		}
		// A rule inside another may turn its condition round: a:hover { :not(&) {
		if weight(b.when) > weight(wait) && (b.at == atMedia || !loose) {
			wait = b.when
		}
		loose = loose || b.at == atNone && bytes.IndexByte(b.selector.b, '(') >= 0
	}
	if f.when == Opening && f.v != 81 && f.v != 82 {
		f.when = wait
	}
}

// focused reports whether something may have the focus as soon as the document
// is shown; so it may if not all of the document can be looked through.
func (w *walker) focused() bool {
	if w.src == nil || w.depth > 0 {
		return true
	}
	if !w.focusKnown {
		w.focusKnown, w.focus = true, indexFold(w.src, "autofocus") >= 0
	}
	return w.focus
}

// printOnly reports whether every query of a media list asks for paper.
func printOnly(list []byte) bool {
	const (
		start = iota
		only
		yes
	)
	lx, state, depth := cssLexer{b: list}, start, 0
	for {
		t, ok := lx.next()
		switch {
		case !ok:
			return state == yes
		case t.kind == cssSpace || t.kind == cssComment:
		case t.kind == cssPunct && t.punct == ',' && depth == 0 && state == yes:
			state = start
		case state == yes:
			switch {
			case t.kind == cssFunction, t.kind == cssPunct && t.punct == '(':
				depth++
			case t.kind == cssPunct && t.punct == ')':
				depth--
			}
		case t.kind != cssIdent:
			return false
		case state == start && cssNameIs(list[t.a:t.e], t.escaped, "only"):
			state = only
		case cssNameIs(list[t.a:t.e], t.escaped, "print"):
			state = yes
		default:
			return false
		}
	}
}

// gated reports selectors that hold only for some readers or values.
func gated(sel []byte) bool {
	if bytes.IndexByte(sel, '[') >= 0 {
		return true
	}
	if bytes.IndexByte(sel, ':') < 0 {
		return false
	}
	for _, p := range []string{":visited", ":link", ":hover", ":active", ":focus", ":target", ":checked", ":valid", ":invalid", ":autofill", ":placeholder-shown"} {
		if indexFold(sel, p) >= 0 {
			return true
		}
	}
	return false
}

// selectors reads a selector list for the states it asks for.
type selectors struct {
	lx      cssLexer
	focused bool // :focus may hold from the start
}

// list reads selectors up to the ")" that ends them, or to the end. It says
// when the first of them holds: Opening if one asks for nothing known.
func (s *selectors) list(depth int) When {
	first, one, colon := Inert, Opening, false
	for {
		t, ok := s.lx.next()
		if !ok || t.kind == cssPunct && t.punct == ')' {
			return sooner(first, one)
		}
		was := colon
		colon = t.kind == cssPunct && t.punct == ':'
		switch {
		case t.kind == cssPunct && t.punct == ',':
			first, one = sooner(first, one), Opening
		case t.kind == cssPunct && (t.punct == '(' || t.punct == '['):
			s.skip(t.punct)
		case t.kind == cssFunction && was && depth < maxSelectorDepth && s.isAny(t):
			one = later(one, s.list(depth+1))
		case t.kind == cssFunction:
			s.skip('(')
		case t.kind == cssIdent && was:
			one = later(one, s.state(t))
		}
	}
}

func later(a, b When) When {
	if weight(b) > weight(a) {
		return b
	}
	return a
}

func sooner(a, b When) When {
	if weight(b) < weight(a) {
		return b
	}
	return a
}

// isAny: the function holds if one of its arguments does.
func (s *selectors) isAny(t cssToken) bool {
	var buf [32]byte
	switch string(cssLower(s.lx.b[t.a:t.e], t.escaped, &buf)) {
	case "is", "where", "matches", "any", "-webkit-any", "-moz-any", "has":
		return true
	}
	return false
}

// state says when a pseudo-class holds. What is visited has no pictures of its
// own in browsers of today, which would tell.
func (s *selectors) state(t cssToken) When {
	var buf [32]byte
	switch string(cssLower(s.lx.b[t.a:t.e], t.escaped, &buf)) {
	case "hover", "active":
		return Hover
	case "focus", "focus-within", "focus-visible":
		if !s.focused {
			return Hover
		}
	case "visited":
		return Legacy
	}
	return Opening
}

// skip reads past what ends the bracket that is open.
func (s *selectors) skip(open byte) {
	end := byte(')')
	if open == '[' {
		end = ']'
	}
	for depth := 1; depth > 0; {
		t, ok := s.lx.next()
		switch {
		case !ok:
			return
		case t.kind == cssPunct && t.punct == end:
			depth--
		case t.kind == cssPunct && t.punct == open, t.kind == cssFunction && open == '(':
			depth++
		}
	}
}
