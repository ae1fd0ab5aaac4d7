package markup

import "bytes"

// fields calls f for each part of v between white space, and commas if commas
// is set.
func fields(v span, commas bool, f func(span)) {
	sep := func(c byte) bool { return isSpace(c) || commas && c == ',' }
	for i := 0; i < len(v.b); {
		for i < len(v.b) && sep(v.b[i]) {
			i++
		}
		start := i
		for i < len(v.b) && !sep(v.b[i]) {
			i++
		}
		if i > start {
			f(v.sub(start, i))
		}
	}
}

// srcset reports every image candidate (HTML 4.8.4.3.10).
func (w *walker) srcset(f *find) {
	v := f.val
	for i := 0; i < len(v.b); {
		for i < len(v.b) && (isSpace(v.b[i]) || v.b[i] == ',') {
			i++
		}
		start := i
		for i < len(v.b) && !isSpace(v.b[i]) {
			i++
		}
		end := i
		for end > start && v.b[end-1] == ',' {
			end--
		}
		if end > start {
			f.val = v.sub(start, end)
			w.found(f)
		}
		if end == i {
			i = descriptorsEnd(v.b, i)
		}
	}
}

// descriptorsEnd is past the comma that ends the descriptors at i; commas in
// parentheses do not count.
func descriptorsEnd(b []byte, i int) int {
	depth := 0
	for ; i < len(b); i++ {
		switch b[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth <= 0 {
				return i + 1
			}
		}
	}
	return i
}

// animate reports the values of an SVG animation. Which attribute it sets is
// read from attributeName; a name that is missing or unknown is taken to be a
// reference if a value looks like one.
func (w *walker) animate(f *find) {
	switch string(w.lv.key) {
	case "set", "animate", "animatecolor", "animatemotion", "animatetransform", "discard":
	default:
		return
	}
	name, _ := w.state("attributename")
	local := bytes.ToLower(name.trim().b)
	local = local[bytes.LastIndexByte(local, ':')+1:]
	f.raw = nil
	v := f.val
	switch string(local) {
	case "href", "src":
		semicolons(v, func(part span) {
			f.val = part
			w.found(f)
		})
	case "style":
		w.css(v, carrierCSS(f.carrier))
	default:
		if bytes.IndexByte(v.b, '(') >= 0 {
			f.v = 126
			w.paint(f)
			return
		}
		semicolons(v, func(part span) {
			if absolute(part.b) {
				f.val = part
				w.found(f)
			}
		})
	}
}

func semicolons(v span, f func(span)) {
	for at := 0; at <= len(v.b); {
		end := bytes.IndexByte(v.b[at:], ';')
		if end < 0 {
			end = len(v.b)
		} else {
			end += at
		}
		if part := v.sub(at, end).trim(); len(part.b) > 0 {
			f(part)
		}
		at = end + 1
	}
}

// urlsIn finds the absolute URLs in text of any kind: a scheme with "//", or
// "//" after a delimiter. Each ends before white space or a delimiter.
func urlsIn(b []byte) []Range {
	var out []Range
	for i := 0; i+2 < len(b); {
		n := bytes.IndexByte(b[i:], '/')
		if n < 0 {
			break
		}
		i += n
		if i+2 >= len(b) || b[i+1] != '/' || urlStop(b[i+2]) {
			i++
			continue
		}
		start := i
		if i > 0 && b[i-1] == ':' {
			start = schemeStart(b, i-1)
		}
		end := i + 2
		for end < len(b) && !urlStop(b[end]) {
			end++
		}
		if start < i || start == 0 || urlStop(b[start-1]) || b[start-1] == '=' {
			out = append(out, Range{start, end})
		}
		i = end
	}
	return out
}

// maxScheme is the longest scheme looked for before "://" in text.
const maxScheme = 16

// schemeStart is where the scheme that ends at the colon begins; past the
// colon if there is none.
func schemeStart(b []byte, colon int) int {
	i := colon
	for i > 0 && colon-i < maxScheme && (isAlpha(b[i-1]) || isDigit(b[i-1]) || b[i-1] == '+' || b[i-1] == '.') {
		i--
	}
	for i < colon && !isAlpha(b[i]) {
		i++
	}
	if i == colon {
		return colon + 1
	}
	return i
}

func urlStop(c byte) bool {
	return c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '\\' || c == ';' || c == '(' || c == ')' || c == ',' || c == '{' || c == '}'
}

func vectorSet(v ...Vector) Vectors {
	var s Vectors
	for _, x := range v {
		s.add(x)
	}
	return s
}
