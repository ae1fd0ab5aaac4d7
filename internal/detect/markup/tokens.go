package markup

import "bytes"

// kind is the kind of one token.
type kind uint8

const (
	kindText kind = iota
	kindRaw       // content of script, style, title and their like, never decoded here
	kindStart
	kindEnd
	kindComment  // also every <! and <? that is no doctype
	kindDoctype  //
	kindUnclosed // a tag cut off by the end
)

// token is b[start:end] of the text being tokenized; names of tags lie in
// [nameStart, nameEnd).
type token struct {
	kind               kind
	start, end         int
	nameStart, nameEnd int
}

// attrSpan is one attribute of a start tag, as offsets like token's. Quotes
// are outside the value; whole ends past the closing one.
type attrSpan struct {
	name, nameEnd, val, valEnd, wholeEnd int
}

// scanner cuts markup into tokens at the places golang.org/x/net/html does.
type scanner struct {
	b     []byte
	pos   int
	final bool   // nothing follows b
	raw   string // name of the element whose raw content comes next
	attrs []attrSpan
	more  bool // the last tag had attributes past MaxAttrs
}

// next gives the next token; false at the end, or if b holds only the start
// of a token and more may follow.
func (s *scanner) next() (token, bool) {
	if s.pos >= len(s.b) {
		return token{}, false
	}
	if s.raw != "" {
		end, ok := s.rawEnd()
		if !ok {
			return token{}, false
		}
		s.raw = ""
		if end > s.pos {
			return s.take(kindRaw, end), true
		}
	}
	return s.data()
}

func (s *scanner) take(k kind, end int) token {
	t := token{kind: k, start: s.pos, end: end}
	s.pos = end
	return t
}

func (s *scanner) data() (token, bool) {
	i := s.pos
	for {
		n := bytes.IndexByte(s.b[i:], '<')
		if n < 0 {
			return s.take(kindText, len(s.b)), true
		}
		i += n
		if i+1 >= len(s.b) || s.b[i+1] == '/' && i+2 >= len(s.b) {
			return s.cutText(i)
		}
		c := s.b[i+1]
		if isAlpha(c) || c == '/' || c == '!' || c == '?' {
			break
		}
		i++
	}
	if i > s.pos {
		return s.take(kindText, i), true
	}
	switch c := s.b[i+1]; {
	case c == '!' || c == '?':
		return s.markup()
	case c == '/':
		return s.endTag()
	default:
		return s.startTag()
	}
}

// cutText deals with a "<" or "</" at the end of what is there.
func (s *scanner) cutText(at int) (token, bool) {
	if s.final {
		return s.take(kindText, len(s.b)), true
	}
	if at > s.pos {
		return s.take(kindText, at), true
	}
	return token{}, false
}

func (s *scanner) endTag() (token, bool) {
	c := s.b[s.pos+2]
	if c == '>' {
		return s.take(kindComment, s.pos+3), true
	}
	if !isAlpha(c) {
		return s.untilAngle()
	}
	start := s.pos + 2
	nameEnd := s.tagName(start)
	end, ok := s.tagEnd(nameEnd, false)
	if !ok {
		return s.cutTag(start, nameEnd)
	}
	t := s.take(kindEnd, end)
	t.nameStart, t.nameEnd = start, nameEnd
	return t, true
}

func (s *scanner) startTag() (token, bool) {
	start := s.pos + 1
	nameEnd := s.tagName(start)
	end, ok := s.tagEnd(nameEnd, true)
	if !ok {
		return s.cutTag(start, nameEnd)
	}
	t := s.take(kindStart, end)
	t.nameStart, t.nameEnd = start, nameEnd
	s.raw = rawContent(s.b[start:nameEnd])
	return t, true
}

func (s *scanner) cutTag(start, nameEnd int) (token, bool) {
	if !s.final {
		return token{}, false
	}
	t := s.take(kindUnclosed, len(s.b))
	t.nameStart, t.nameEnd = start, nameEnd
	return t, true
}

func (s *scanner) untilAngle() (token, bool) {
	n := bytes.IndexByte(s.b[s.pos:], '>')
	switch {
	case n >= 0:
		return s.take(kindComment, s.pos+n+1), true
	case s.final:
		return s.take(kindComment, len(s.b)), true
	}
	return token{}, false
}

func (s *scanner) markup() (token, bool) {
	rest := s.b[s.pos+2:]
	if s.b[s.pos+1] == '!' {
		if !s.final && len(rest) < len("doctype") && bytes.IndexByte(rest, '>') < 0 {
			return token{}, false
		}
		if bytes.HasPrefix(rest, []byte("--")) {
			return s.comment()
		}
		if hasPrefixFold(rest, "doctype") {
			t, ok := s.untilAngle()
			t.kind = kindDoctype
			return t, ok
		}
	}
	return s.untilAngle()
}

// comment ends at "-->" or "--!>", or at once at ">" or "->".
func (s *scanner) comment() (token, bool) {
	i := s.pos + 4
	if i < len(s.b) && s.b[i] == '>' {
		return s.take(kindComment, i+1), true
	}
	if i+1 < len(s.b) && s.b[i] == '-' && s.b[i+1] == '>' {
		return s.take(kindComment, i+2), true
	}
	for {
		n := bytes.IndexByte(s.b[i:], '>')
		if n < 0 {
			break
		}
		i += n
		if c := s.b[s.pos+4 : i]; bytes.HasSuffix(c, []byte("--")) || bytes.HasSuffix(c, []byte("--!")) {
			return s.take(kindComment, i+1), true
		}
		i++
	}
	if s.final {
		return s.take(kindComment, len(s.b)), true
	}
	return token{}, false
}

func (s *scanner) tagName(i int) int {
	for i < len(s.b) && !isSpace(s.b[i]) && s.b[i] != '/' && s.b[i] != '>' {
		i++
	}
	return i
}

func (s *scanner) skipSpace(i int) int {
	for i < len(s.b) && isSpace(s.b[i]) {
		i++
	}
	return i
}

// tagEnd reads attributes from i to past the ">", keeping them in s.attrs if
// keep is set. False: the input ends first.
func (s *scanner) tagEnd(i int, keep bool) (end int, ok bool) {
	s.attrs, s.more = s.attrs[:0], false
	for {
		if i = s.skipSpace(i); i >= len(s.b) {
			return 0, false
		}
		if s.b[i] == '>' {
			return i + 1, true
		}
		a := attrSpan{name: i}
		i = s.attrName(i)
		a.nameEnd = i
		i = s.attrValue(i, &a)
		if keep && a.nameEnd > a.name {
			if len(s.attrs) < MaxAttrs {
				s.attrs = append(s.attrs, a)
			} else {
				s.more = true
			}
		}
	}
}

// attrName gives the end of the name at i; an "=" may start one.
func (s *scanner) attrName(i int) int {
	start := i
	for i < len(s.b) {
		switch s.b[i] {
		case ' ', '\n', '\r', '\t', '\f', '/', '>':
			return i
		case '=':
			if i > start {
				return i
			}
		}
		i++
	}
	return i
}

// attrValue fills in the value that follows a name ending at i, if any.
func (s *scanner) attrValue(i int, a *attrSpan) int {
	a.val, a.valEnd, a.wholeEnd = i, i, i
	if i = s.skipSpace(i); i >= len(s.b) {
		return i
	}
	if s.b[i] == '/' {
		return i + 1
	}
	if s.b[i] != '=' {
		return i
	}
	i = s.skipSpace(i + 1)
	a.val, a.valEnd, a.wholeEnd = i, i, i
	if i >= len(s.b) || s.b[i] == '>' {
		return i
	}
	if q := s.b[i]; q == '"' || q == '\'' {
		a.val = i + 1
		n := bytes.IndexByte(s.b[i+1:], q)
		if n < 0 {
			a.valEnd, a.wholeEnd = len(s.b), len(s.b)
			return len(s.b)
		}
		a.valEnd, a.wholeEnd = i+1+n, i+2+n
		return a.wholeEnd
	}
	for i < len(s.b) && !isSpace(s.b[i]) && s.b[i] != '>' {
		i++
	}
	a.valEnd, a.wholeEnd = i, i
	return i
}
