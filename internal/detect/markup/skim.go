package markup

import "bytes"

// nextBrace moves past the next "{", "}" or ";" that stands outside comments,
// strings and addresses, and gives it and its place: what next gives, without
// making tokens of what lies between.
func (l *cssLexer) nextBrace() (punct byte, at int, ok bool) {
	from := l.i
	for l.i < len(l.b) {
		for l.i < len(l.b) && !cssMarks[l.b[l.i]] {
			l.i++
		}
		if l.i == len(l.b) {
			break
		}
		switch c := l.b[l.i]; {
		case c == '{' || c == '}' || c == ';':
			l.i++
			return c, l.i - 1, true
		case c == '"' || c == '\'':
			l.str(&cssToken{}, c)
		case c == '/' && l.peek(1) == '*':
			l.comment(&cssToken{})
		case c == '\\' || c == '(' && !l.skipParen(from):
			l.i = from
			return l.tokenBrace()
		case c == '/':
			l.i++
		}
	}
	return 0, 0, false
}

// cssMarks are the bytes at which nextBrace looks.
var cssMarks = func() (t [256]bool) {
	for _, c := range `{};"'/\(` {
		t[c] = true
	}
	return t
}()

// skipParen moves past a "(", and if "url" stands before it past the address;
// false if the tokens from there on must say what it is.
func (l *cssLexer) skipParen(from int) bool {
	i := l.i
	l.i++
	if i < from+3 || !equalFold(l.b[i-3:i], "url") {
		return true
	}
	if i > from+3 {
		if c := l.b[i-4]; isAlnum(c) || c == '_' || c == '-' || c == '#' || c == '@' || c >= 0x80 {
			return false
		}
	}
	for l.i < len(l.b) && isSpace(l.b[l.i]) {
		l.i++
	}
	if l.i == len(l.b) || l.b[l.i] != '"' && l.b[l.i] != '\'' {
		l.address(&cssToken{})
	}
	return true
}

// tokenBrace is nextBrace by tokens.
func (l *cssLexer) tokenBrace() (punct byte, at int, ok bool) {
	for {
		t, ok := l.next()
		if !ok {
			return 0, 0, false
		}
		if t.kind == cssPunct && (t.punct == '{' || t.punct == '}' || t.punct == ';') {
			return t.punct, t.start, true
		}
	}
}

// loaders are the functions and at-rules whose strings can be addresses, and
// what is left of "url" where a comment splits it.
var loaders = []string{"url", "src", "image-set", "image", "cross-fade", "element", "paint", "attr", "expression", "loader", "icmfilter", "rl", "l"}

// quiet tells cheaply that CSS holds no reference, as most does.
func quiet(b []byte) bool {
	if bytes.IndexByte(b, '\\') >= 0 || bytes.Contains(b, []byte("sourceMappingURL=")) {
		return false
	}
	if bytes.Contains(b, []byte("mso-")) && (bytes.IndexByte(b, '"') >= 0 || bytes.IndexByte(b, '\'') >= 0) {
		return false
	}
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '(')
		if i < 0 {
			break
		}
		at += i
		for _, name := range loaders {
			if n := at - len(name); n >= 0 && equalFold(b[n:at], name) {
				return false
			}
		}
		at++
	}
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '@')
		if i < 0 {
			return true
		}
		at += i + 1
		if rest := b[at:]; hasPrefixFold(rest, "import") || hasPrefixFold(rest, "namespace") {
			return false
		}
	}
}
