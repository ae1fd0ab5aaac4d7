package markup

import "bytes"

// javascript walks the URLs written in a javascript: address, also inside
// atob(); false if there is none.
func (w *walker) javascript(f *find) bool {
	v := f.val.trim()
	tricks := vectorSet(27)
	hit := false
	w.within(StepScript, v.whole(), tricks, func() {
		g := *f
		g.raw = nil
		hit = w.codeURLs(v.unpercent(), g)
		for _, arg := range atobArgs(v.b) {
			inner := v.opaque(unbase64(v.b[arg.Start:arg.End]))
			hit = w.codeURLs(inner, g) || hit
			w.inside(StepScript, inner, g.when, Vectors{})
			hit = hit || holdsTag(inner.b)
		}
	})
	return hit
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

// atobArgs gives the quoted arguments of atob().
func atobArgs(b []byte) []Range {
	var out []Range
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("atob("))
		if i < 0 {
			return out
		}
		at += i + len("atob(")
		for at < len(b) && (isSpace(b[at]) || b[at] == '\'' || b[at] == '"' || b[at] == '`') {
			at++
		}
		start := at
		for at < len(b) && b[at] != '\'' && b[at] != '"' && b[at] != '`' && b[at] != ')' {
			at++
		}
		out = append(out, Range{start, at})
	}
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
