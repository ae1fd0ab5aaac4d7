package markup

import "bytes"

// special walks the elements whose attributes only mean something together.
func (w *walker) special() {
	lv := w.lv
	switch lv.kind {
	case kindLink:
		w.link()
	case kindMeta:
		w.meta()
	case kindParam:
		w.param()
	case kindBase:
		if k := w.knownAttr("href"); k != nil {
			v := w.value(k.span)
			w.setBase(v.unescape().b)
			f := find{carrier: w.carry(k.span, "href"), v: 50, when: Inert, val: v.unescape(), raw: v.b}
			w.found(&f)
		}
	}
}

func (w *walker) knownAttr(name string) *known {
	for _, i := range w.lv.firsts {
		if k := &w.lv.known[i]; k.name == name && k.span.val < k.span.valEnd {
			return k
		}
	}
	return nil
}

// link gives a link element's href the meaning of its strongest relation.
func (w *walker) link() {
	k := w.knownAttr("href")
	if k == nil {
		return
	}
	raw := w.value(k.span)
	f := find{carrier: w.carry(k.span, "href"), v: 63, when: Inert, val: raw.unescape(), raw: raw.b}
	if f.val.m != raw.m {
		f.tricks.add(105)
	}
	if media, ok := w.state("media"); ok {
		f.media = cut(media.b, MaxAlt)
	}
	rel, _ := w.state("rel")
	strongest := -1
	fields(rel, false, func(word span) {
		v, when := relation(bytes.ToLower(word.b))
		if s := relStrength(when); s > strongest {
			f.v, f.when, strongest = v, when, s
		}
	})
	if _, ok := w.state("itemprop"); ok && f.when == Inert {
		f.v, f.when = 174, Opening
	}
	w.found(&f)
}

func relStrength(w When) int {
	return [...]int{Inert: 0, Click: 1, Legacy: 2, DNS: 3, Opening: 4, Header: 0, Print: 1, Hover: 1}[w]
}

func relation(word []byte) (Vector, When) {
	switch string(word) {
	case "stylesheet":
		return 56, Opening
	case "icon", "apple-touch-icon", "apple-touch-icon-precomposed", "apple-touch-startup-image", "mask-icon", "fluid-icon", "image_src":
		return 57, Opening
	case "preload", "modulepreload":
		return 58, Opening
	case "prefetch", "prerender", "subresource":
		return 59, Opening
	case "dns-prefetch":
		return 60, DNS
	case "preconnect":
		return 61, DNS
	case "import":
		return 62, Legacy
	case "compression-dictionary", "expect":
		return 64, Opening
	case "manifest", "next":
		return 63, Opening
	case "file-list", "edit-time-data", "ole-object-data", "themedata", "colorschememapping":
		return 139, Legacy
	}
	return 63, Inert
}

// param reports the value of an object's parameter if its name or its shape
// says that it is an address.
func (w *walker) param() {
	k := w.knownAttr("value")
	if k == nil {
		return
	}
	name, _ := w.state("name")
	switch raw := w.value(k.span); string(bytes.ToLower(name.b)) {
	case "src", "movie", "url", "dataurl", "href", "filename", "data", "base", "codebase":
	default:
		if !absolute(raw.b) {
			return
		}
	}
	raw := w.value(k.span)
	w.found(&find{carrier: w.carry(k.span, "value"), v: 22, when: Legacy, val: raw.unescape(), raw: raw.b})
}

// meta walks the content of a meta element.
func (w *walker) meta() {
	if c, ok := w.state("charset"); ok && w.sum.Charset == "" {
		w.sum.Charset = string(bytes.ToLower(c.trim().b))
	}
	k := w.knownAttr("content")
	if k == nil {
		return
	}
	raw := w.value(k.span)
	f := find{carrier: w.carry(k.span, "content"), val: raw.unescape()}
	if equiv, ok := w.state("http-equiv"); ok {
		w.httpEquiv(bytes.ToLower(equiv.trim().b), &f)
	}
	name, ok := w.state("name")
	if !ok || len(name.b) == 0 {
		if name, ok = w.state("property"); !ok {
			if name, ok = w.state("itemprop"); ok {
				f.v, f.when = 174, Opening
				w.eachURL(&f)
			}
			return
		}
	}
	w.namedMeta(bytes.ToLower(name.trim().b), &f)
}

func (w *walker) httpEquiv(equiv []byte, f *find) {
	switch string(equiv) {
	case "refresh":
		f.v, f.when = 51, Opening
		f.val = refreshURL(f.val)
		w.found(f)
	case "content-security-policy", "content-security-policy-report-only", "x-content-security-policy", "x-webkit-csp":
		f.v, f.when = 52, Opening
		w.policy(f)
	case "link":
		f.v, f.when = 70, Opening
		w.linkHeader(f)
	case "content-type":
		if i := indexFold(f.val.b, "charset="); i >= 0 && w.sum.Charset == "" {
			w.sum.Charset = string(bytes.ToLower(bytes.Trim(f.val.b[i+8:], " ;'\"")))
		}
	case "default-style", "set-cookie", "pics-label", "content-location", "content-base", "report-to", "reporting-endpoints", "nel":
		f.v, f.when = 70, Legacy
		w.eachURL(f)
	}
}

func (w *walker) namedMeta(name []byte, f *find) {
	has := func(p string) bool { return bytes.HasPrefix(name, []byte(p)) }
	switch {
	case has("msapplication-"):
		f.v, f.when = 53, Legacy
		if bytes.ContainsAny(f.val.b, ";=") || !w.wholeURL(f) {
			w.eachURL(f)
		}
	case bytes.IndexByte(f.val.b, '<') >= 0:
		w.within(StepMeta, f.val.whole(), vectorSet(55), func() {
			w.cap(Legacy)
			w.run(f.val)
		})
	case has("og:"), has("twitter:"), has("al:"), has("article:"), has("fb:"), has("thumbnail"), has("parsely-"), has("sailthru."):
		f.v, f.when = 54, Click
		w.eachURL(f)
	}
}

// wholeURL reports the whole content if it is one address.
func (w *walker) wholeURL(f *find) bool {
	if absolute(f.val.b) {
		return false
	}
	if bytes.ContainsAny(f.val.b, "/\\") {
		w.found(f)
		return true
	}
	return false
}

func (w *walker) eachURL(f *find) {
	v := f.val
	for _, u := range urlsIn(v.b) {
		f.val = v.sub(u.Start, u.End)
		w.found(f)
	}
}

// refreshURL is the address in the content of a refresh (HTML 4.2.5.3), empty
// if there is none.
func refreshURL(v span) span {
	i := 0
	for i < len(v.b) && (isSpace(v.b[i]) || isDigit(v.b[i]) || v.b[i] == '.') {
		i++
	}
	for i < len(v.b) && (isSpace(v.b[i]) || v.b[i] == ';' || v.b[i] == ',') {
		i++
	}
	rest := v.sub(i, len(v.b)).trim()
	if hasPrefixFold(rest.b, "url") {
		if eq := rest.sub(3, len(rest.b)).trim(); len(eq.b) > 0 && eq.b[0] == '=' {
			rest = eq.sub(1, len(eq.b)).trim()
		}
	}
	if len(rest.b) > 0 && (rest.b[0] == '"' || rest.b[0] == '\'') {
		q := rest.b[0]
		rest = rest.sub(1, len(rest.b))
		if n := bytes.IndexByte(rest.b, q); n >= 0 {
			rest = rest.sub(0, n)
		}
	}
	return rest
}

// policy reports the addresses a content security policy reports to.
func (w *walker) policy(f *find) {
	v := f.val
	for at := 0; at < len(v.b); {
		end := bytes.IndexByte(v.b[at:], ';')
		if end < 0 {
			end = len(v.b)
		} else {
			end += at
		}
		d := v.sub(at, end).trim()
		at = end + 1
		if !hasPrefixFold(d.b, "report-uri") && !hasPrefixFold(d.b, "report-to") {
			continue
		}
		first := true
		fields(d, false, func(word span) {
			if !first {
				f.val = word
				w.found(f)
			}
			first = false
		})
	}
}

// linkHeader reports the <address> parts of a Link header.
func (w *walker) linkHeader(f *find) {
	v := f.val
	for at := 0; ; {
		a := bytes.IndexByte(v.b[at:], '<')
		if a < 0 {
			return
		}
		a += at + 1
		e := bytes.IndexByte(v.b[a:], '>')
		if e < 0 {
			return
		}
		f.val = v.sub(a, a+e)
		w.found(f)
		at = a + e
	}
}
