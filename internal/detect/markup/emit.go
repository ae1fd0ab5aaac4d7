package markup

// carrier is the element, attribute or rule that holds a reference.
type carrier struct {
	tag, attr string
	elem      Range
	name      Range // the attribute's name
	whole     Range // what Remove may take
	void      bool
	top       bool // the element on top of the stack carries it
	media     string
	print     bool // media asks for paper only
}

// find is a reference on its way out: its bytes, decoded, and where it stands.
type find struct {
	carrier
	v        Vector
	when     When
	tricks   Vectors
	val      span
	raw      []byte // the source text, if val is decoded beyond the attribute
	prop     string
	selector string
}

// found emits f, or walks what its data: URI holds.
func (w *walker) found(f *find) {
	if w.o.Only != (Vectors{}) && !w.o.Only.Has(f.v) {
		return
	}
	t := parseURL(f.val.b, w.base)
	if t.url == "" {
		return
	}
	f.tricks.join(t.tricks)
	f.when = w.whenOf(f.when)
	switch t.scheme {
	case "data":
		if w.dataURI(f) {
			return
		}
	case "javascript", "vbscript":
		if w.javascript(f) {
			return
		}
	}
	if t.reach == Local && !w.o.LocalRefs && !keptLocal(t.scheme) {
		return
	}
	if t.reach == Local && t.scheme == "data" {
		t.url = t.url[:min(len(t.url), MaxAlt)]
	}
	w.put(f, t)
}

// keptLocal are the local schemes that are always reported: they lead to
// another part of the message, or hold a remote address.
func keptLocal(scheme string) bool {
	switch scheme {
	case "cid", "mid", "blob", "filesystem":
		return true
	}
	return false
}

func (w *walker) put(f *find, t target) {
	if w.sum.Refs >= MaxRefs {
		w.sum.Dropped++
		return
	}
	r := &w.ref
	*r = Ref{Vector: f.v, Tricks: f.tricks, When: f.when, Reach: t.reach, URL: t.url, Raw: t.url,
		Element: f.elem, Tag: f.tag, Attr: f.attr, Width: -1, Height: -1,
		name: f.name, whole: f.whole, void: f.void}
	r.Tricks.join(w.tricks)
	var exact bool
	r.Value, exact = f.val.at(0, len(f.val.b))
	r.Exact, r.percent = exact, f.val.percent()
	raw := f.raw
	if raw == nil {
		raw = f.val.b
	}
	if string(raw) != t.url {
		r.Raw = cut(raw, MaxURL)
	}
	if len(w.path) > 0 {
		r.Path = append([]Step(nil), w.path...)
	}
	w.surround(r, f)
	if f.top && len(w.stack) > 0 {
		w.see(r)
	}
	w.sum.Refs++
	if r.Active() {
		w.sum.Active++
	}
	w.out(r)
}

// surround fills in the context and the tricks that open elements bring.
func (w *walker) surround(r *Ref, f *find) {
	r.Context = Context{InLink: w.ctx.link > 0, Property: f.prop, Selector: f.selector, Media: f.media, Condition: w.cond}
	if w.ctx.template > 0 {
		r.Tricks.add(48)
		if r.When != Legacy && r.Vector != 26 { // where frames mean something there are no templates
			r.When = Inert
		}
	}
	if w.ctx.foreign > 0 {
		r.Tricks.add(128)
	}
	if w.ctx.annotation > 0 {
		r.Tricks.add(134)
	}
	if w.cond != "" {
		r.Tricks.add(118)
	}
	if f.media != "" {
		r.Tricks.add(94)
	}
}
