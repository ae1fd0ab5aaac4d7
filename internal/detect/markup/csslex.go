package markup

import (
	"bytes"
	"unicode/utf8"
)

// cssKind is the kind of a CSS token (CSS Syntax 3, numbers left out: nothing
// here depends on them).
type cssKind uint8

const (
	cssSpace cssKind = iota
	cssComment
	cssIdent
	cssFunction // name and "("
	cssAt
	cssHash
	cssString
	cssURL // url( and an unquoted address, with its ")"
	cssPunct
)

// cssToken is b[start:end]. a and e enclose what matters inside: a name, a
// string's content, an unquoted address. bad marks a string cut by a newline,
// or an address that browsers refuse.
type cssToken struct {
	kind       cssKind
	punct      byte
	bad        bool
	escaped    bool // the name was written with escapes
	start, end int
	a, e       int
}

// cssLexer cuts a style sheet into tokens, allocating nothing.
type cssLexer struct {
	b []byte
	i int
}

func (l *cssLexer) next() (cssToken, bool) {
	if l.i >= len(l.b) {
		return cssToken{}, false
	}
	t := cssToken{start: l.i}
	c := l.b[l.i]
	switch {
	case isSpace(c):
		t.kind = cssSpace
		for l.i < len(l.b) && isSpace(l.b[l.i]) {
			l.i++
		}
	case c == '/' && l.peek(1) == '*':
		l.comment(&t)
	case c == '<' && bytes.HasPrefix(l.b[l.i:], []byte("<!--")):
		l.i += len("<!--") // marks for readers from before there was CSS: nothing to it
	case c == '-' && bytes.HasPrefix(l.b[l.i:], []byte("-->")):
		l.i += len("-->")
	case c == '"' || c == '\'':
		l.str(&t, c)
	case c == '@' && l.nameStart(l.i+1):
		l.i++
		t.kind, t.a = cssAt, l.i
		t.e, t.escaped = l.name()
	case c == '#' && (l.nameStart(l.i+1) || isDigit(l.peek(1))):
		l.i++
		t.kind, t.a = cssHash, l.i
		t.e, t.escaped = l.name()
	case l.nameStart(l.i):
		l.ident(&t)
	default:
		t.kind, t.punct = cssPunct, c
		l.i++
	}
	t.end = l.i
	return t, true
}

func (l *cssLexer) peek(n int) byte {
	if l.i+n < len(l.b) {
		return l.b[l.i+n]
	}
	return 0
}

func (l *cssLexer) comment(t *cssToken) {
	t.kind, t.a = cssComment, l.i+2
	n := bytes.Index(l.b[l.i+2:], []byte("*/"))
	if n < 0 {
		t.e, t.bad = len(l.b), true
		l.i = len(l.b)
		return
	}
	t.e = l.i + 2 + n
	l.i = t.e + 2
}

// str reads a string; a bare newline ends it badly.
func (l *cssLexer) str(t *cssToken, quote byte) {
	t.kind = cssString
	l.i++
	t.a = l.i
	for l.i < len(l.b) {
		switch c := l.b[l.i]; c {
		case quote:
			t.e = l.i
			l.i++
			return
		case '\\':
			l.i++
			if l.i+1 < len(l.b) && l.b[l.i] == '\r' && l.b[l.i+1] == '\n' {
				l.i++
			}
			if l.i < len(l.b) {
				l.i++
			}
		case '\n', '\f', '\r':
			t.e, t.bad = l.i, true
			return
		default:
			l.i++
		}
	}
	t.e = len(l.b)
}

// nameStart reports whether a name begins at i.
func (l *cssLexer) nameStart(i int) bool {
	for ; i < len(l.b) && l.b[i] == '-'; i++ {
		if i+1 < len(l.b) && l.b[i+1] == '-' {
			return true
		}
	}
	if i >= len(l.b) {
		return false
	}
	c := l.b[i]
	return isAlpha(c) || c == '_' || c >= 0x80 || c == '\\' && i+1 < len(l.b) && l.b[i+1] != '\n'
}

// name reads to the end of a name.
func (l *cssLexer) name() (end int, escaped bool) {
	for l.i < len(l.b) {
		c := l.b[l.i]
		switch {
		case isAlpha(c), isDigit(c), c == '-', c == '_', c >= 0x80:
			l.i++
		case c == '\\' && l.i+1 < len(l.b) && l.b[l.i+1] != '\n':
			escaped = true
			l.i += escapeLen(l.b[l.i:])
		default:
			return l.i, escaped
		}
	}
	return l.i, escaped
}

func (l *cssLexer) ident(t *cssToken) {
	t.kind, t.a = cssIdent, l.i
	t.e, t.escaped = l.name()
	if l.peek(0) != '(' {
		return
	}
	l.i++
	t.kind = cssFunction
	if !cssNameIs(l.b[t.a:t.e], t.escaped, "url") {
		return
	}
	i := l.i
	for i < len(l.b) && isSpace(l.b[i]) {
		i++
	}
	if i < len(l.b) && (l.b[i] == '"' || l.b[i] == '\'') {
		return
	}
	l.i = i
	l.address(t)
}

// address reads what follows "url(" up to its ")".
func (l *cssLexer) address(t *cssToken) {
	t.kind, t.a = cssURL, l.i
	space := false
	for l.i < len(l.b) {
		switch c := l.b[l.i]; {
		case c == ')':
			t.e = l.i
			l.i++
			l.trimAddress(t)
			return
		case isSpace(c):
			space = true
			l.i++
			continue
		case c == '\\':
			l.i += escapeLen(l.b[l.i:]) - 1
		case c == '"' || c == '\'' || c == '(':
			t.bad = true
		}
		t.bad = t.bad || space
		l.i++
	}
	t.e = len(l.b)
	l.trimAddress(t)
}

func (l *cssLexer) trimAddress(t *cssToken) {
	for t.e > t.a && isSpace(l.b[t.e-1]) {
		t.e--
	}
}

// escapeLen is the length of the escape at the start of b, which is a backslash.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 1
	}
	if !isHex(b[1]) {
		if b[1] == '\r' && len(b) > 2 && b[2] == '\n' {
			return 3
		}
		if b[1] < utf8.RuneSelf {
			return 2
		}
		_, n := utf8.DecodeRune(b[1:])
		return 1 + n
	}
	n := 2
	for n < len(b) && n < 7 && isHex(b[n]) {
		n++
	}
	if n+1 < len(b) && b[n] == '\r' && b[n+1] == '\n' {
		return n + 2
	}
	if n < len(b) && isSpace(b[n]) {
		n++
	}
	return n
}

// unescapeCSS decodes the escapes in a name, string or address.
func (t span) unescapeCSS() span {
	i := bytes.IndexByte(t.b, '\\')
	if i < 0 {
		return t
	}
	out := append(make([]byte, 0, len(t.b)), t.b[:i]...)
	var segs []seg
	for i < len(t.b) {
		if t.b[i] != '\\' {
			out = append(out, t.b[i])
			i++
			continue
		}
		n, at := escapeLen(t.b[i:]), len(out)
		out = appendCSSEscape(out, t.b[i:i+n])
		i += n
		segs = append(segs, seg{at, i - n}, seg{len(out), i})
	}
	return t.decoded(out, segs)
}

// appendCSSEscape appends what one whole escape stands for.
func appendCSSEscape(out, b []byte) []byte {
	if len(b) == 1 || b[1] == '\n' || b[1] == '\f' || b[1] == '\r' {
		return out // a continued line
	}
	if !isHex(b[1]) {
		return append(out, b[1:]...)
	}
	v := 0
	for _, c := range b[1:] {
		if !isHex(c) {
			break
		}
		v = v<<4 | hexVal(c)
	}
	if v == 0 || v > utf8.MaxRune {
		v = utf8.RuneError
	}
	return utf8.AppendRune(out, rune(v))
}

// cssNameIs compares a name, which may hold escapes, with lower-case ASCII.
func cssNameIs(name []byte, escaped bool, want string) bool {
	if escaped {
		name = span{b: name}.unescapeCSS().b
	}
	return equalFold(name, want)
}

// cssLower is a name in lower case without escapes, for switches; the common
// case allocates nothing.
func cssLower(name []byte, escaped bool, buf *[32]byte) []byte {
	if escaped {
		name = span{b: name}.unescapeCSS().b
	}
	if len(name) > len(buf) {
		return nil
	}
	for i, c := range name {
		buf[i] = lowerByte(c)
	}
	return buf[:len(name)]
}
