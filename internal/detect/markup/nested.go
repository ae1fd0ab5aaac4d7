package markup

import (
	"bytes"
	"encoding/base64"
)

// srcdoc walks the document that an iframe's attribute holds.
func (w *walker) srcdoc(v span) {
	w.within(StepSrcdoc, v.whole(), vectorSet(25), func() {
		w.document(v)
	})
}

// rawText walks the content of script, style, textarea and their like.
func (w *walker) rawText() {
	lv := w.lv
	t := lv.t.sub(lv.sc.tok.start, lv.sc.tok.end)
	own := lv.raw
	lv.raw = rawNone
	switch own {
	case rawStyle:
		w.styleText(t)
	case rawScript:
		w.sourceMap(t)
	case rawRules:
		w.jsonText(t, 64, Opening)
	case rawImportMap:
		w.jsonText(t, 65, Opening)
	case rawLinkedData:
		w.jsonText(t, 174, Opening)
	case rawNoscript:
		w.within(StepNoscript, t.whole(), vectorSet(47), func() {
			if w.o.Scripting {
				w.cap(Inert)
			}
			w.run(t)
		})
	case rawTemplate:
		w.inside(StepScript, t, Inert, vectorSet(48))
	case rawMarkup:
		w.inside(StepRawText, t, Opening, Vectors{})
	case rawText:
		w.inside(StepRawText, t, Legacy, vectorSet(117))
	}
}

// inside walks text as markup, if it could hold any.
func (w *walker) inside(k StepKind, t span, limit When, tricks Vectors) {
	if !holdsTag(t.b) {
		return
	}
	w.within(k, t.whole(), tricks, func() {
		if limit != Opening {
			w.cap(limit)
		}
		w.run(t)
	})
}

// holdsTag reports whether something in b could be read as a tag or comment.
func holdsTag(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 || i+1 >= len(b) {
			return false
		}
		if c := b[i+1]; isAlpha(c) || c == '!' || c == '?' {
			return true
		}
		b = b[i+1:]
	}
}

// styleText walks a style element's content as CSS, and as markup too where a
// reader may see tags in it: in SVG, and where sanitizers and browsers part.
func (w *walker) styleText(t span) {
	c := carrier{tag: "style", elem: t.whole(), media: w.lv.media, print: w.lv.print}
	if w.rulesApply() {
		w.rules.add(t.b)
	}
	if w.ctx.svg > 0 || w.ctx.math > 0 {
		w.css(t.unescape(), c)
		w.inside(StepRawText, t, Opening, Vectors{})
		return
	}
	if !quiet(t.b) {
		w.css(t, c)
	}
	if i := bytes.IndexByte(t.b, '<'); i >= 0 && holdsElement(t.b[i:]) {
		w.inside(StepRawText, t, Legacy, vectorSet(117))
	}
}

// rulesApply reports whether a style element here counts for visibility and
// has not been read ahead: not one in a conditional comment.
func (w *walker) rulesApply() bool {
	if w.depth == 0 {
		return w.src == nil
	}
	switch w.path[len(w.path)-1].Kind {
	case StepSrcdoc, StepData, StepNoscript:
		return true
	}
	return false
}

// document walks a document of its own: neither open elements nor rules of
// the one around count in it.
func (w *walker) document(t span) {
	rules := w.rules
	w.rules = hideRules{}
	w.ctx = surroundings{template: w.ctx.template}
	w.run(t)
	w.rules = rules
}

// holdsElement reports whether "<" and a letter stand in b.
func holdsElement(b []byte) bool {
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 || i+1 >= len(b) {
			return false
		}
		if isAlpha(b[i+1]) {
			return true
		}
		b = b[i+1:]
	}
}

// comment walks comments, conditional comments, CDATA sections, instructions
// and declarations.
func (w *walker) comment() {
	lv := w.lv
	t := lv.t.sub(lv.sc.tok.start, lv.sc.tok.end)
	switch {
	case bytes.HasPrefix(t.b, []byte("<!--")):
		w.realComment(t)
	case bytes.HasPrefix(t.b, []byte("<![CDATA[")):
		body := t.sub(len("<![CDATA["), len(t.b))
		limit := Legacy
		if w.ctx.svg > 0 || w.ctx.math > 0 {
			limit = Opening
		}
		w.inside(StepCDATA, body, limit, vectorSet(120))
	case bytes.HasPrefix(t.b, []byte("<![")):
		w.revealed(t.b[3:])
	case bytes.HasPrefix(t.b, []byte("<?")):
		w.instruction(t)
	case bytes.HasPrefix(t.b, []byte("<!")):
		w.quotedURLs(t, 120)
	}
}

// revealed follows downlevel-revealed conditions: <![if !mso]> ... <![endif]>.
func (w *walker) revealed(b []byte) {
	b = bytes.TrimSpace(b)
	switch {
	case hasPrefixFold(b, "endif"):
		w.cond = ""
	case hasPrefixFold(b, "if"):
		w.cond = cut(bytes.Trim(b[2:], " \t\r\n]>-!<"), MaxAlt)
	}
}

func (w *walker) realComment(t span) {
	open := !bytes.HasSuffix(t.b, []byte("-->")) && !bytes.HasSuffix(t.b, []byte("--!>")) && len(t.b) > 5
	body := t.sub(4, len(t.b)-closerLen(t.b))
	if c := bytes.TrimLeft(body.b, " \t\r\n-"); hasPrefixFold(c, "[if") {
		w.conditional(body)
		return
	} else if hasPrefixFold(c, "<![endif]") {
		w.cond = ""
		return
	}
	switch {
	case open:
		w.inside(StepComment, body, Legacy, vectorSet(117))
	case w.o.Comments:
		w.inside(StepComment, body, Inert, Vectors{})
	}
}

func closerLen(b []byte) int {
	switch {
	case bytes.HasSuffix(b, []byte("--!>")) && len(b) >= 8:
		return 4
	case bytes.HasSuffix(b, []byte("-->")) && len(b) >= 7:
		return 3
	}
	return 0
}

// conditional walks what only old Explorers and Outlook read. A comment whose
// content ends at once in "<!" reveals what follows to everybody.
func (w *walker) conditional(body span) {
	i := bytes.IndexByte(body.b, '[')
	end := bytes.IndexByte(body.b, '>')
	if end < 0 {
		end = i + 3
	} else {
		end++
	}
	cond := cut(bytes.Trim(body.b[min(i+3, end):end], " \t\r\n]>"), MaxAlt)
	if cond == "" {
		cond = "?"
	}
	rest := body.sub(end, len(body.b))
	if r := bytes.TrimSpace(rest.b); len(r) == 0 || bytes.HasPrefix(r, []byte("<!")) && len(r) <= 4 || string(r) == "-->" {
		w.cond = cond
		return
	}
	old := w.cond
	w.cond = cond
	w.inside(StepConditional, rest, Legacy, vectorSet(118))
	w.cond = old
}

// instruction walks <?xml-stylesheet href?>, <?import implementation?> and
// their like; any other address in quotes counts too.
func (w *walker) instruction(t span) {
	v := Vector(120)
	switch name := bytes.TrimSpace(t.b[2:]); {
	case hasPrefixFold(name, "xml-stylesheet"):
		v = 66
	case hasPrefixFold(name, "import"):
		v = 67
	}
	if v == 120 {
		w.quotedURLs(t, v)
		return
	}
	s := scanner{b: t.b, final: true}
	s.tagEnd(2, true)
	for _, a := range s.attrs {
		switch name := t.b[a.name:a.nameEnd]; {
		case equalFold(name, "href"), equalFold(name, "implementation"), equalFold(name, "src"):
			f := find{carrier: carrier{tag: "?", attr: string(bytes.ToLower(name)), elem: t.whole()}, v: v, when: Legacy}
			f.val = t.sub(a.val, a.valEnd).unescape()
			w.found(&f)
		}
	}
}

// quotedURLs reports quoted strings that are absolute URLs, as in a doctype.
func (w *walker) quotedURLs(t span, v Vector) {
	for i := 0; i < len(t.b); i++ {
		q := t.b[i]
		if q != '"' && q != '\'' {
			continue
		}
		n := bytes.IndexByte(t.b[i+1:], q)
		if n < 0 {
			n = len(t.b) - i - 1
		}
		if s := t.sub(i+1, i+1+n); absolute(s.b) {
			f := find{carrier: carrier{tag: "!", elem: t.whole()}, v: v, when: Legacy, val: s.trim()}
			if standardDTD(s.b) {
				f.when = Inert
			}
			w.found(&f)
		}
		i += n + 1
	}
}

// standardDTD reports identifiers that name a standard and are never fetched:
// nearly every mail carries one.
func standardDTD(b []byte) bool {
	return bytes.HasPrefix(b, []byte("http://www.w3.org/")) || bytes.HasPrefix(b, []byte("https://www.w3.org/"))
}

// unclosed walks a tag that the end of the document cuts off. Browsers drop
// it; other readers take what attributes it has, or what follows a stray quote.
func (w *walker) unclosed() {
	lv := w.lv
	t := lv.t.sub(lv.sc.tok.start, lv.sc.tok.end)
	w.within(StepUnclosed, t.whole(), vectorSet(117), func() {
		w.cap(Legacy)
		if isAlpha(t.b[1]) {
			w.start()
			w.popTo(w.floor)
		}
		lv.sc.raw = ""
		if rest := t.sub(1, len(t.b)); holdsTag(rest.b) {
			w.run(rest)
		}
	})
}

// maxDataURI is how many bytes of a data: URI are decoded and walked.
const maxDataURI = 8 << 20

// dataURI walks the markup or style sheet in a data: URI; false if it holds
// neither.
func (w *walker) dataURI(f *find) bool {
	v := f.val.trim()
	comma := bytes.IndexByte(v.b, ',')
	colon := bytes.IndexByte(v.b, ':')
	if comma < 0 || colon < 0 || colon > comma {
		return false
	}
	typ := bytes.ToLower(span{b: v.b[colon+1 : comma]}.trim().b)
	if !bytes.Contains(typ, []byte("ml")) && !bytes.Contains(typ, []byte("svg")) && !bytes.Contains(typ, []byte("css")) && !bytes.HasPrefix(typ, []byte("text/plain")) && !bytes.Contains(typ, []byte("mathml")) {
		return false
	}
	body := v.sub(comma+1, len(v.b))
	if len(body.b) > maxDataURI {
		w.sum.Cut++
		body = body.sub(0, maxDataURI)
	}
	if bytes.HasSuffix(typ, []byte("base64")) {
		whole := f.val
		body = whole.opaque(unbase64(body.unpercent().b))
	} else {
		if n := bytes.IndexByte(body.b, '#'); n >= 0 && !holdsTag(body.b[n:]) {
			body = body.sub(0, n)
		}
		body = body.unpercent()
	}
	tricks := vectorSet(110)
	tricks.join(f.tricks)
	w.enterData(f, typ, body, tricks)
	return true
}

func (w *walker) enterData(f *find, typ []byte, body span, tricks Vectors) {
	limit := f.when
	svg := bytes.Contains(typ, []byte("svg"))
	switch f.v {
	case 1, 2, 7, 8, 10, 13, 45, 46, 57, 29, 30, 121, 122:
		limit = Legacy // an image may not load anything in browsers
	case 24, 26, 28:
		tricks.add(27)
	}
	if svg {
		tricks.add(132)
		if f.prop != "" {
			limit = Legacy
		}
	}
	w.within(StepData, f.val.whole(), tricks, func() {
		if limit != Opening {
			w.cap(limit)
		}
		base, based := w.base, w.based
		w.base, w.based = "", true
		if bytes.Contains(typ, []byte("css")) {
			w.css(body, carrier{tag: f.tag, attr: f.attr, elem: f.elem})
		} else {
			w.document(body)
		}
		w.base, w.based = base, based
	})
}

// unbase64 decodes base64 of either alphabet, dropping what is not part of it
// and whatever follows the padding.
func unbase64(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		case isAlpha(c), isDigit(c), c == '+', c == '/':
		default:
			continue
		}
		clean = append(clean, c)
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}
