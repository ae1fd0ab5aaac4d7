package markup

import "bytes"

// javascript walks the URLs in the strings of a javascript: address, also
// inside atob(); false if there is none. Only frames run one when the document
// is shown, and links when they are followed; elsewhere only old clients do.
func (w *walker) javascript(f *find) bool {
	g := *f
	g.raw = nil
	switch {
	case g.when != Opening, f.v == 24, f.v == 26, f.v == 28:
	default:
		g.when = Legacy
	}
	v := f.val.trim()
	code := v.sub(bytes.IndexByte(v.b, ':')+1, len(v.b))
	hit := false
	w.within(StepScript, v.whole(), vectorSet(27), func() {
		code := code.unpercent()
		sure := literals(code.b, func(r Range) {
			hit = w.stringURLs(code.sub(r.Start, r.End), bytes.HasSuffix(bytes.TrimRight(code.b[:r.Start-1], " \t\r\n"), []byte("atob(")), g) || hit
		})
		if !sure {
			hit = w.codeURLs(code, g) || hit
		}
	})
	return hit
}

// stringURLs reports the URLs in a string of a program; encoded says that it is
// base64.
func (w *walker) stringURLs(s span, encoded bool, g find) (hit bool) {
	if encoded {
		s = s.opaque(unbase64(s.b))
		w.inside(StepScript, s, g.when, Vectors{})
		hit = holdsTag(s.b)
	}
	return w.codeURLs(s.unslash(), g) || hit
}

// codeURLs reports the URLs in program text.
func (w *walker) codeURLs(code span, f find) bool {
	urls := urlsIn(code.b)
	for _, u := range urls {
		f.val = code.sub(u.Start, u.End)
		w.found(&f)
	}
	return len(urls) > 0
}

// literals calls f with the inside of every string of a program; comments and
// regular expressions have none. It stops and says false where it cannot know
// whether a slash begins a regular expression: then nothing can be left out.
func literals(b []byte, f func(Range)) (sure bool) {
	var before byte // the last that is neither space nor comment
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c <= ' ':
			i++
			continue
		case c == '/' && i+1 < len(b) && (b[i+1] == '/' || b[i+1] == '*'):
			i = commentEnd(b, i)
			continue
		case c == '/' && regexpAfter(b[:i], before):
			i = min(quoted(b, i+1, '/')+1, len(b))
		case c == '/' && (before == ')' || before == '}'):
			return false
		case c == '"' || c == '\'' || c == '`':
			end := quoted(b, i+1, c)
			f(Range{i + 1, end})
			i = min(end+1, len(b))
		default:
			i++
		}
		before = b[i-1]
	}
	return true
}

// commentEnd is past the comment that begins at i.
func commentEnd(b []byte, i int) int {
	if b[i+1] == '*' {
		if n := bytes.Index(b[i+2:], []byte("*/")); n >= 0 {
			return i + 2 + n + 2
		}
		return len(b)
	}
	if n := bytes.IndexAny(b[i:], "\r\n"); n >= 0 {
		return i + n
	}
	return len(b)
}

// quoted is the place of the quote that ends what began before i, or the end
// if there is none; a backslash takes the next byte with it.
func quoted(b []byte, i int, quote byte) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return len(b)
}

// regexpAfter reports whether a slash after this code begins a regular
// expression and divides nothing.
func regexpAfter(code []byte, before byte) bool {
	switch {
	case before == 0, bytes.IndexByte([]byte("(,=:[!&|?{;+-*%~^<>"), before) >= 0:
		return true
	}
	code = bytes.TrimRight(code, " \t\r\n")
	for _, word := range []string{"return", "typeof", "case", "do", "else", "in", "of", "void", "delete", "throw", "new"} {
		if n := len(code) - len(word); bytes.HasSuffix(code, []byte(word)) && (n == 0 || !isAlnum(code[n-1]) && code[n-1] != '_' && code[n-1] != '$') {
			return true
		}
	}
	return false
}

// sourceMap reports the source map a script names; only tools for developers
// fetch it.
func (w *walker) sourceMap(t span) {
	const mark = "sourceMappingURL="
	i := bytes.LastIndex(t.b, []byte(mark))
	if i < 0 {
		return
	}
	start := i + len(mark)
	end := start
	for end < len(t.b) && !isSpace(t.b[end]) && t.b[end] != '*' && t.b[end] != '"' && t.b[end] != '\'' {
		end++
	}
	f := find{carrier: carrier{tag: "script", elem: t.whole()}, v: 99, when: Inert, val: t.sub(start, end)}
	w.found(&f)
}

// jsonText reports every string of a JSON text that is a URL. v is 174 for
// linked data, where relative strings mean nothing; for import maps and
// speculation rules any string that starts like a path counts.
func (w *walker) jsonText(t span, v Vector, when When) {
	c := carrier{tag: "script", elem: t.whole()}
	var key string
	for i := 0; i < len(t.b); i++ {
		if t.b[i] != '"' {
			continue
		}
		end := i + 1
		for end < len(t.b) && t.b[end] != '"' {
			if t.b[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(t.b))
		s := t.sub(i+1, end).unslash()
		i = end
		if isKey(t.b, end+1) {
			key = cut(s.b, 32)
			continue
		}
		if key == "@context" || key == "@type" || key == "@id" && v == 174 {
			continue
		}
		if absolute(s.b) || v != 174 && len(s.b) > 1 && (s.b[0] == '/' || s.b[0] == '.') {
			w.found(&find{carrier: c, v: v, when: when, val: s.trim(), prop: key})
		}
	}
}

// isKey reports whether a colon follows the string that ended before i.
func isKey(b []byte, i int) bool {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i < len(b) && b[i] == ':'
}
