package markup

import "bytes"

// rawOwner says what the raw text after a start tag is.
type rawOwner uint8

const (
	rawNone rawOwner = iota
	rawStyle
	rawScript     // a program
	rawRules      // speculation rules
	rawImportMap  // import map
	rawLinkedData // JSON-LD
	rawTemplate   // script holding markup for later
	rawNoscript
	rawMarkup // title in SVG
	rawText   // textarea, title, iframe content and the like
)

func (w *walker) start() {
	lv := w.lv
	w.nameTag(lv.t.b[lv.sc.tok.nameStart:lv.sc.tok.nameEnd])
	w.collect()
	if lv.sc.more {
		w.sum.Cut++
	}
	w.push()
	if lv.kind != kindPlain {
		w.special()
	}
	for i := range lv.known {
		if k := &lv.known[i]; k.how != howState {
			w.attribute(k)
		}
	}
	lv.raw = w.rawKind()
	if lv.void {
		w.popTo(len(w.stack) - 1)
	} else if w.selfClosed() {
		w.closed()
	}
}

// nameTag sets the tag's names. A name too long to be known is left empty.
func (w *walker) nameTag(name []byte) {
	lv := w.lv
	id := tagID(name)
	if info := tags.find(name, id); info != nil {
		lv.tagInfo = *info
		return
	}
	lv.tagInfo = tagInfo{id: id}
	if len(name) <= maxTagName {
		low := make([]byte, len(name))
		for i, c := range name {
			low[i] = lower[c]
		}
		lv.read(low, id)
	}
}

// collect looks up the tag's attributes.
func (w *walker) collect() {
	lv := w.lv
	lv.known = lv.known[:0]
	for _, a := range lv.sc.attrs {
		name := lv.t.b[a.name:a.nameEnd]
		var buf [maxAttrName]byte
		info, xlink := (*attrInfo)(nil), false
		if len(name) <= maxAttrName {
			for i, c := range name {
				buf[i] = lower[c]
			}
			info, xlink = findAttr(buf[:len(name)])
		}
		if info == nil {
			if len(name) > 5 && hasPrefixFold(name, "data-") {
				w.lazy(a)
			}
			continue
		}
		lv.known = append(lv.known, known{attrInfo: info, span: a, xlink: xlink})
	}
	lv.order()
}

// findAttr looks a lower-case name up, with its prefix or, for the two names
// that Office and SVG prefix, without.
func findAttr(name []byte) (info *attrInfo, xlink bool) {
	if info = attrs.find(name); info != nil {
		return info, false
	}
	i := bytes.IndexByte(name, ':')
	if i < 0 || i+1 == len(name) {
		return nil, false
	}
	switch local := name[i+1:]; string(local) {
	case "href", "src":
		return attrs.find(local), true
	}
	return nil, false
}

// order marks attributes whose name stood before in the tag and lists the
// others, of which there are at most as many as names known.
func (lv *layer) order() {
	lv.firsts = lv.firsts[:0]
next:
	for i := range lv.known {
		for _, f := range lv.firsts {
			if lv.known[f].attrInfo == lv.known[i].attrInfo {
				lv.known[i].second = !lv.known[i].xlink && !lv.known[f].xlink
				continue next
			}
		}
		lv.firsts = append(lv.firsts, i)
	}
}

// state gives the decoded value of a known attribute; ok is false if the tag
// has none.
func (w *walker) state(name string) (v span, ok bool) {
	for _, i := range w.lv.firsts {
		if k := &w.lv.known[i]; k.name == name {
			return w.value(k.span).unescape(), true
		}
	}
	return span{}, false
}

func (w *walker) value(a attrSpan) span { return w.lv.t.sub(a.val, a.valEnd) }

// carry describes one attribute of the current tag.
func (w *walker) carry(a attrSpan, name string) carrier {
	lv := w.lv
	c := carrier{tag: lv.full, attr: name, void: lv.void && lv.sc.tok.kind == kindStart, top: true}
	c.elem, _ = lv.t.at(lv.sc.tok.start, lv.sc.tok.end)
	c.name, _ = lv.t.at(a.name, a.nameEnd)
	c.whole, _ = lv.t.at(a.name, a.wholeEnd)
	return c
}

// attribute walks one known attribute.
func (w *walker) attribute(k *known) {
	if k.span.val == k.span.valEnd {
		return
	}
	raw := w.value(k.span)
	if k.how == howCSS {
		w.inlineCSS(k, raw)
		return
	}
	p, ok := k.on(w.lv.key)
	if !ok {
		return
	}
	p = w.adjust(k, p)
	if p.v == 0 {
		return
	}
	f := find{carrier: w.carry(k.span, k.name), v: p.v, when: p.when}
	if k.second {
		f.tricks.add(119)
		if f.when != Inert {
			f.when = Legacy
		}
	}
	if w.ctx.svg > 0 && (p.v == 33 || p.v == 34) {
		f.tricks.add(130)
	}
	if p.v == 49 && k.how == howURL && !absolute(raw.b) {
		return
	}
	v := raw.unescape()
	if v.m != raw.m {
		f.tricks.add(105)
	}
	f.val, f.raw = v, raw.b
	w.values(k.how, &f)
}

// values parts an attribute's value into its references.
func (w *walker) values(h how, f *find) {
	v := f.val
	switch h {
	case howURL:
		w.found(f)
	case howSrcset:
		f.raw = nil
		w.srcset(f)
	case howList, howCommas:
		f.raw = nil
		fields(v, h == howCommas, func(part span) {
			f.val = part
			w.found(f)
		})
	case howHTML:
		w.srcdoc(v)
	case howPaint:
		w.paint(f)
	case howAnimate:
		w.animate(f)
	case howMaybe:
		f.raw = nil
		for _, u := range urlsIn(v.b) {
			f.val = v.sub(u.Start, u.End)
			w.found(f)
		}
	}
}

// adjust takes the element's surroundings into account.
func (w *walker) adjust(k *known, p place) place {
	tag := w.lv.key
	switch {
	case k.name == "href" && w.ctx.math > 0 && p.v != 135 && (k.xlink || p.v == 49 || p.v == 41):
		p = place{v: 133, when: Click}
	case k.name == "href" && w.ctx.svg > 0 && p.v == 41:
		p.v = 124
	case k.name == "href" && p.v == 7 && (w.ctx.svg > 0 || k.xlink):
		p.v = 121
	case k.name == "href" && p.v == 49 && k.xlink:
		p = place{v: 124, when: Click}
	case p.v == 44 && string(tag) == "area" && w.ctx.maps == 0:
		p.v = 41
	case p.v == 10:
		if t, ok := w.state("type"); !ok || !equalFold(t.trim().b, "image") {
			p.when = Inert
		}
	case p.v == 49 && k.name == "href" && (string(tag) == "link" || string(tag) == "base"):
		p.v = 0 // special has dealt with them
	case p.v == 46 && k.name == "imagesrcset":
		if rel, _ := w.state("rel"); !bytes.Contains(bytes.ToLower(rel.b), []byte("preload")) {
			p.when = Inert
		}
	}
	return p
}

// lazy reports a data-* attribute that scripts turn into a reference.
func (w *walker) lazy(a attrSpan) {
	raw := w.value(a)
	if !absolute(raw.b) {
		return
	}
	f := find{carrier: w.carry(a, ""), v: 49, when: Inert, val: raw.unescape(), raw: raw.b}
	f.attr = string(bytes.ToLower(w.lv.t.b[a.name:a.nameEnd]))
	f.top = false // the tag is not on the stack yet
	w.found(&f)
}

// absolute reports whether b looks like a URL with a host.
func absolute(b []byte) bool {
	b = span{b: b}.trim().b
	n := schemeLen(b)
	return n > 1 && len(b) > n+2 && isSlash(b[n+1]) || len(b) > 2 && isSlash(b[0]) && isSlash(b[1])
}

func (w *walker) selfClosed() bool {
	lv := w.lv
	return lv.t.b[lv.sc.tok.end-2] == '/' && (w.ctx.svg > 0 || w.ctx.math > 0 || len(lv.tag) != len(lv.key))
}

// closed takes a self-closed element off again.
func (w *walker) closed() {
	w.popTo(len(w.stack) - 1)
	w.lv.raw = rawNone
}

// end closes the nearest open element of the name, if it is near enough.
func (w *walker) end() {
	lv := w.lv
	name := lv.t.b[lv.sc.tok.nameStart:lv.sc.tok.nameEnd]
	far := equalFold(name, "template")
	if far {
		w.lost = 0 // what was opened past MaxElements is inside
	} else if w.lost > 0 {
		w.lost--
		return
	}
	id := tagID(name)
	for i := len(w.stack) - 1; i >= w.floor && (far || i >= len(w.stack)-maxClose); i-- {
		switch {
		case w.stack[i].id == id:
			w.popTo(i)
			return
		case w.stack[i].tag == tagTemplate: // nothing inside closes what is outside
			return
		}
	}
}

// rawKind says what the raw text after the current tag is.
func (w *walker) rawKind() rawOwner {
	lv := w.lv
	switch lv.sc.raw {
	case "":
		return rawNone
	case "style":
		lv.media, lv.print = "", false
		if m, ok := w.state("media"); ok {
			lv.media, lv.print = cut(m.b, MaxAlt), printOnly(m.b)
		}
		return rawStyle
	case "noscript":
		return rawNoscript
	case "script":
		return w.scriptKind()
	case "title":
		if w.ctx.svg > 0 {
			return rawMarkup
		}
	}
	return rawText
}

func (w *walker) scriptKind() rawOwner {
	t, _ := w.state("type")
	switch typ := bytes.ToLower(t.trim().b); {
	case len(typ) == 0:
	case string(typ) == "speculationrules":
		return rawRules
	case string(typ) == "importmap":
		return rawImportMap
	case bytes.HasSuffix(typ, []byte("ld+json")):
		return rawLinkedData
	case bytes.Contains(typ, []byte("html")), bytes.Contains(typ, []byte("template")):
		return rawTemplate
	}
	return rawScript
}
