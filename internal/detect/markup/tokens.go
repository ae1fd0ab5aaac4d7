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
	more  bool  // the last tag had attributes past MaxAttrs
	tok   token // the last token
}

// next moves to the next token, s.tok; false at the end, or if b holds only the
// start of a token and more may follow.
func (s *scanner) next() bool {
	if s.pos >= len(s.b) {
		return false
	}
	if s.raw != "" {
		end, ok := s.rawEnd()
		if !ok {
			return false
		}
		s.raw = ""
		if end > s.pos {
			return s.take(kindRaw, end)
		}
	}
	return s.data()
}

// take makes a token of what reaches to end. It is always true.
func (s *scanner) take(k kind, end int) bool {
	s.tok.kind, s.tok.start, s.tok.end = k, s.pos, end
	s.pos = end
	return true
}

// named is take for a token with a name.
func (s *scanner) named(k kind, end, name, nameEnd int) bool {
	s.tok.nameStart, s.tok.nameEnd = name, nameEnd
	return s.take(k, end)
}

func (s *scanner) data() bool {
	i := s.pos
	for {
		n := bytes.IndexByte(s.b[i:], '<')
		if n < 0 {
			return s.take(kindText, len(s.b))
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
		return s.take(kindText, i)
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
func (s *scanner) cutText(at int) bool {
	if s.final {
		return s.take(kindText, len(s.b))
	}
	if at > s.pos {
		return s.take(kindText, at)
	}
	return false
}

func (s *scanner) endTag() bool {
	c := s.b[s.pos+2]
	if c == '>' {
		return s.take(kindComment, s.pos+3)
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
	return s.named(kindEnd, end, start, nameEnd)
}

func (s *scanner) startTag() bool {
	start := s.pos + 1
	nameEnd := s.tagName(start)
	end, ok := s.tagEnd(nameEnd, true)
	if !ok {
		return s.cutTag(start, nameEnd)
	}
	s.raw = rawContent(s.b[start:nameEnd])
	return s.named(kindStart, end, start, nameEnd)
}

func (s *scanner) cutTag(start, nameEnd int) bool {
	if !s.final {
		return false
	}
	return s.named(kindUnclosed, len(s.b), start, nameEnd)
}

func (s *scanner) untilAngle() bool {
	n := bytes.IndexByte(s.b[s.pos:], '>')
	switch {
	case n >= 0:
		return s.take(kindComment, s.pos+n+1)
	case s.final:
		return s.take(kindComment, len(s.b))
	}
	return false
}

func (s *scanner) markup() bool {
	rest := s.b[s.pos+2:]
	if s.b[s.pos+1] == '!' {
		if !s.final && len(rest) < len("doctype") && bytes.IndexByte(rest, '>') < 0 {
			return false
		}
		if bytes.HasPrefix(rest, []byte("--")) {
			return s.comment()
		}
		if hasPrefixFold(rest, "doctype") {
			ok := s.untilAngle()
			s.tok.kind = kindDoctype
			return ok
		}
	}
	return s.untilAngle()
}

// comment ends at "-->" or "--!>", or at once at ">" or "->".
func (s *scanner) comment() bool {
	i := s.pos + 4
	if i < len(s.b) && s.b[i] == '>' {
		return s.take(kindComment, i+1)
	}
	if i+1 < len(s.b) && s.b[i] == '-' && s.b[i+1] == '>' {
		return s.take(kindComment, i+2)
	}
	for {
		n := bytes.IndexByte(s.b[i:], '>')
		if n < 0 {
			break
		}
		i += n
		if c := s.b[s.pos+4 : i]; bytes.HasSuffix(c, []byte("--")) || bytes.HasSuffix(c, []byte("--!")) {
			return s.take(kindComment, i+1)
		}
		i++
	}
	if s.final {
		return s.take(kindComment, len(s.b))
	}
	return false
}

func (s *scanner) tagName(i int) int {
	b := s.b
	for i < len(b) && bytesOf[b[i]]&nameEndByte == 0 {
		i++
	}
	return i
}

func (s *scanner) skipSpace(i int) int {
	b := s.b
	for i < len(b) && bytesOf[b[i]]&spaceByte != 0 {
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
		a := s.attr()
		a.name = i
		i = s.attrName(i)
		a.nameEnd = i
		i = s.attrValue(i, a)
		switch {
		case !keep || a.nameEnd == a.name:
			s.attrs = s.attrs[:len(s.attrs)-1]
		case len(s.attrs) > MaxAttrs:
			s.attrs, s.more = s.attrs[:MaxAttrs], true
		}
	}
}

// attr makes room for one more.
func (s *scanner) attr() *attrSpan {
	n := len(s.attrs)
	if n == cap(s.attrs) {
		s.attrs = append(s.attrs, attrSpan{})
	}
	s.attrs = s.attrs[:n+1]
	return &s.attrs[n]
}

// attrName gives the end of the name at i; an "=" may start one.
func (s *scanner) attrName(i int) int {
	b := s.b
	if i < len(b) && b[i] == '=' {
		i++
	}
	for i < len(b) && bytesOf[b[i]]&nameEndByte == 0 && b[i] != '=' {
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
	for i < len(s.b) && bytesOf[s.b[i]]&valueEndByte == 0 {
		i++
	}
	a.valEnd, a.wholeEnd = i, i
	return i
}
