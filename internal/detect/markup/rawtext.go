package markup

import "bytes"

// rawContent gives the name of an element whose content is raw text, in lower
// case; empty for any other.
func rawContent(name []byte) string {
	switch len(name) {
	case 3:
		if equalFold(name, "xmp") {
			return "xmp"
		}
	case 5:
		switch {
		case equalFold(name, "style"):
			return "style"
		case equalFold(name, "title"):
			return "title"
		}
	case 6:
		switch {
		case equalFold(name, "script"):
			return "script"
		case equalFold(name, "iframe"):
			return "iframe"
		}
	case 7:
		if equalFold(name, "noembed") {
			return "noembed"
		}
	case 8:
		switch {
		case equalFold(name, "textarea"):
			return "textarea"
		case equalFold(name, "noscript"):
			return "noscript"
		case equalFold(name, "noframes"):
			return "noframes"
		}
	case 9:
		if equalFold(name, "plaintext") {
			return "plaintext"
		}
	}
	return ""
}

// rawEnd is where the raw content starting at s.pos ends: before its end tag,
// or at the end of the document.
func (s *scanner) rawEnd() (int, bool) {
	switch s.raw {
	case "plaintext":
		return len(s.b), s.final
	case "script":
		return s.scriptEnd()
	}
	for i := s.pos; ; i++ {
		n := bytes.IndexByte(s.b[i:], '<')
		if n < 0 {
			return len(s.b), s.final
		}
		i += n
		if s.isEndTag(i, s.raw) {
			return i, true
		}
	}
}

// isEndTag reports whether "</name" and a delimiter stand at i.
func (s *scanner) isEndTag(i int, name string) bool {
	b := s.b[i:]
	return len(b) > len(name)+2 && b[1] == '/' && equalFold(b[2:2+len(name)], name) &&
		tagDelim(b[2+len(name)])
}

func tagDelim(c byte) bool { return isSpace(c) || c == '/' || c == '>' }

// scriptEnd follows the script data states of HTML 13.2.5: inside "<!--" a
// nested "<script" hides the next end tag.
func (s *scanner) scriptEnd() (int, bool) {
	escaped, double := false, false
	for i := s.pos; i < len(s.b); i++ {
		switch s.b[i] {
		case '<':
			switch {
			case !escaped && bytes.HasPrefix(s.b[i:], []byte("<!--")):
				escaped = true
				i++ // the dashes are seen again: "<!-->" escapes nothing
			case s.isEndTag(i, "script"):
				if !double {
					return i, true
				}
				double = false
				i += len("</script")
			case escaped && !double && len(s.b) > i+7 && equalFold(s.b[i+1:i+7], "script") && tagDelim(s.b[i+7]):
				double = true
				i += len("<script")
			}
		case '-':
			if escaped && bytes.HasPrefix(s.b[i:], []byte("-->")) {
				escaped, double = false, false
				i += 2
			}
		default:
			if !escaped {
				n := bytes.IndexByte(s.b[i:], '<')
				if n < 0 {
					return len(s.b), s.final
				}
				i += n - 1
			}
		}
	}
	return len(s.b), s.final
}
