package markup

import "bytes"

// function opens a function and notes what its strings mean.
func (s *cssWalk) function(t cssToken) {
	f := cssFunc{start: t.end}
	if t.escaped {
		f.tricks.add(102)
	}
	var buf [32]byte
	switch name := cssLower(s.t.b[t.a:t.e], t.escaped, &buf); string(name) {
	case "url":
		f.urls = true
	case "src":
		f.v, f.when, f.urls = 92, Opening, true
	case "image-set", "-webkit-image-set":
		f.v, f.when, f.urls = 85, Opening, true
	case "image":
		f.v, f.when, f.urls = 86, Opening, true
	case "cross-fade", "-webkit-cross-fade", "-moz-element", "element", "paint":
		f.v, f.when = 87, Opening
	case "attr":
		f.v, f.when, f.any = 89, Legacy, true
	case "expression":
		f.v, f.when, f.any = 98, Legacy, true
	case "type", "format", "tech", "local", "supports", "layer":
		s.plainFunc(f)
		return
	default:
		if isLoader(name) {
			f.v, f.when = 97, Legacy
		} else if s.splitURL(t) {
			f.urls = true
			f.tricks.add(104)
			f.v, f.when = 71, Legacy
			s.splitAddress(t)
		}
	}
	s.push(f)
}

// plainFunc opens a function whose strings are never addresses.
func (s *cssWalk) plainFunc(f cssFunc) {
	s.push(f)
	if s.nfuncs <= maxFunctions {
		s.funcs[s.nfuncs-1].any = false
	}
}

// isLoader knows Explorer's filters that load an image; the name is all that
// is left of progid:DXImageTransform.Microsoft.AlphaImageLoader.
func isLoader(name []byte) bool {
	return string(name) == "alphaimageloader" || string(name) == "icmfilter"
}

// splitURL reports "u/**/rl(": one word to readers that drop comments first.
func (s *cssWalk) splitURL(t cssToken) bool {
	if !s.glued || s.prev.kind != cssIdent || s.prev.end == t.start {
		return false
	}
	joined := append(append([]byte(nil), s.t.b[s.prev.a:min(s.prev.e, s.prev.a+4)]...), s.t.b[t.a:min(t.e, t.a+4)]...)
	return equalFold(joined, "url")
}

// splitAddress reads the unquoted address after a split "url(".
func (s *cssWalk) splitAddress(t cssToken) {
	i := t.end
	for i < len(s.t.b) && isSpace(s.t.b[i]) {
		i++
	}
	if i >= len(s.t.b) || s.t.b[i] == '"' || s.t.b[i] == '\'' {
		return
	}
	n := bytes.IndexByte(s.t.b[i:], ')')
	if n < 0 {
		n = len(s.t.b) - i
	}
	v := s.t.sub(i, i+n).trim()
	f := s.find(v, 0, Legacy)
	f.when = Legacy
	f.tricks.add(104)
	s.pending = append(s.pending, f)
	s.lx.i = i + n
}

// str takes a string that is an address because of where it stands.
func (s *cssWalk) str(t cssToken) {
	v := s.t.sub(t.a, t.e)
	if s.nfuncs > 0 && s.nfuncs <= maxFunctions {
		fn := s.funcs[s.nfuncs-1]
		switch {
		case fn.urls:
			f := s.find(v, fn.v, fn.when)
			f.tricks.join(fn.tricks)
			if s.at == atImport && fn.v == 0 {
				s.imports++
			}
			s.add(f, t.bad)
		case fn.any:
			s.each(v, fn)
		}
		return
	}
	switch {
	case s.at == atImport && s.imports == 0:
		s.imports++
		f := s.find(v, 81, Opening)
		s.imported(&f)
		s.add(f, t.bad)
	case s.at == atNamespace:
		s.add(s.find(v, 84, Inert), t.bad)
	case bytes.HasPrefix(s.prop.b, []byte("mso-")) && absolute(v.b):
		s.add(s.find(v, 100, Legacy), false)
	case bytes.HasPrefix(s.prop.b, []byte("--")) && absolute(v.b):
		s.add(s.find(v, 88, Opening), t.bad) // image-set(var(--x)) makes it an address
	}
}

// url takes an unquoted address.
func (s *cssWalk) url(t cssToken) {
	f := s.find(s.t.sub(t.a, t.e), 0, Opening)
	if s.nfuncs > 0 && s.nfuncs <= maxFunctions {
		fn := s.funcs[s.nfuncs-1]
		if fn.v != 0 {
			f.v, f.when = fn.v, fn.when
		}
	}
	if t.escaped {
		f.tricks.add(102)
	}
	if s.at == atImport {
		s.imports++
	}
	s.add(f, t.bad)
}

// add keeps a reference until its declaration ends. bad: browsers refuse it as
// it is written, others may not.
func (s *cssWalk) add(f find, bad bool) {
	if bytes.IndexByte(f.val.b, '\\') >= 0 {
		f.raw = f.val.b
		f.val = f.val.unescapeCSS()
		f.tricks.add(103)
	}
	if n := bytes.Index(f.val.b, []byte("/*")); n >= 0 && bytes.Contains(f.val.b[n:], []byte("*/")) {
		f.tricks.add(104)
		if n == 0 {
			s.uncomment(&f)
		}
	}
	if bad {
		f.tricks.add(117)
		if f.when != Inert {
			f.when = Legacy
		}
	}
	if len(s.pending) < MaxRefs {
		s.pending = append(s.pending, f)
	} else {
		s.w.sum.Dropped++
	}
}

// uncomment drops comments before an address: part of it to browsers, not to
// readers that take comments out first.
func (s *cssWalk) uncomment(f *find) {
	for bytes.HasPrefix(f.val.b, []byte("/*")) {
		n := bytes.Index(f.val.b, []byte("*/"))
		if n < 0 {
			return
		}
		f.val = f.val.sub(n+2, len(f.val.b)).trim()
	}
	f.when = Legacy
}

// find describes an address in the current item. v 0 asks what the property
// says.
func (s *cssWalk) find(v span, vec Vector, when When) find {
	f := find{carrier: s.c, v: vec, when: when, val: v}
	var buf [32]byte
	name := cssLower(s.prop.b, s.escaped, &buf)
	f.prop = string(name)
	if vec == 0 {
		f.v, f.when = s.place(name)
	} else if vec == 84 || s.at != atNone {
		f.prop = "@" + f.prop
	}
	if s.at == atImport || f.v == 81 || f.v == 82 {
		s.imported(&f)
	}
	s.gates(&f)
	return f
}

func (s *cssWalk) imported(f *find) {
	if s.w.cond != "" || s.w.tricks.Has(118) {
		f.tricks.add(101)
	}
}

// place gives the vector of a URL in a property or at-rule.
func (s *cssWalk) place(name []byte) (Vector, When) {
	switch s.at {
	case atImport:
		return 82, Opening
	case atNamespace:
		return 84, Inert
	}
	for i := min(s.nblocks, maxBlocks) - 1; i >= 0; i-- {
		switch s.blocks[i].at {
		case atFontFace:
			return 83, Opening
		case atProperty:
			return 90, Opening
		case atCounter:
			return 93, Opening
		}
	}
	return propertyPlace(name)
}

func propertyPlace(name []byte) (Vector, When) {
	if bytes.HasPrefix(name, []byte("--")) || name == nil {
		return 88, Opening
	}
	for _, p := range []string{"-webkit-", "-moz-", "-ms-", "-o-"} {
		if bytes.HasPrefix(name, []byte(p)) {
			name = name[len(p):]
			break
		}
	}
	has := func(p string) bool { return bytes.HasPrefix(name, []byte(p)) }
	switch {
	case has("background"):
		return 71, Opening
	case has("list-style"):
		return 72, Opening
	case has("border-image"), has("border-corner-image"):
		return 73, Opening
	case has("content"):
		return 74, Opening
	case has("cursor"):
		return 75, Opening
	case has("mask"):
		return 76, Opening
	case has("filter"), has("backdrop-filter"):
		return 77, Opening
	case has("clip-path"):
		return 78, Opening
	case has("shape-"):
		return 79, Opening
	case has("fill"), has("stroke"), has("marker"):
		return 80, Opening
	case has("offset"), has("motion"):
		return 91, Opening
	case has("behavior"), has("binding"):
		return 96, Legacy
	case has("mso-"):
		return 100, Legacy
	}
	return 71, Opening
}

// each reports whatever in v looks like an absolute URL.
func (s *cssWalk) each(v span, fn cssFunc) {
	for _, u := range urlsIn(v.b) {
		f := s.find(v.sub(u.Start, u.End), fn.v, fn.when)
		f.tricks.join(fn.tricks)
		s.add(f, false)
	}
}

// loader reads src= out of the arguments of AlphaImageLoader(...).
func (s *cssWalk) loader(fn cssFunc, end int) {
	args := s.t.sub(fn.start, end)
	i := indexFold(args.b, "src")
	if i < 0 {
		s.each(args, fn)
		return
	}
	v := args.sub(i+3, len(args.b)).trim()
	if len(v.b) == 0 || v.b[0] != '=' {
		return
	}
	v = v.sub(1, len(v.b)).trim()
	stop := ","
	if len(v.b) > 0 && (v.b[0] == '"' || v.b[0] == '\'') {
		stop = string(v.b[:1])
		v = v.sub(1, len(v.b))
	}
	if n := bytes.Index(v.b, []byte(stop)); n >= 0 {
		v = v.sub(0, n)
	}
	s.add(s.find(v.trim(), 97, Legacy), false)
}

// mapComment reports a source map.
func (s *cssWalk) mapComment(t cssToken) {
	body := s.t.sub(t.a, t.e)
	const mark = "sourceMappingURL="
	if i := bytes.Index(body.b, []byte(mark)); i >= 0 {
		f := s.find(body.sub(i+len(mark), len(body.b)).trim(), 99, Inert)
		f.elem, _ = s.t.at(t.start, t.end)
		f.whole = f.elem
		s.w.found(&f)
	}
}
