package mail

import (
	"bytes"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Walk gives every reference of the message: of each part its header, then its
// body. Emit is called in this goroutine and must not keep the *Ref.
func (m *Message) Walk(o markup.Options, emit func(*Ref)) {
	for _, p := range m.Parts {
		p.Walk(o, emit)
	}
}

// Walk gives the references of one part's header and body, not of the parts it
// holds. The part's own Content-Base and Content-Location come before o.Base.
func (p *Part) Walk(o markup.Options, emit func(*Ref)) {
	w := &walker{p: p, emit: emit, o: o}
	w.header()
	w.o.Base = p.base(o.Base)
	if !p.Container {
		w.body()
	}
	for _, e := range p.entries {
		r := Ref{Part: p, Space: Nowhere, Field: e.Field, Fixed: true}
		r.Vector, r.When, r.URL, r.Reach, r.Width, r.Height = e.Vector, e.When, e.URL, markup.Remote, -1, -1
		w.send(&r)
	}
}

// base is what relative references of p resolve against.
func (p *Part) base(outer string) string {
	for q := p; q != nil && !isMessage(q.Type); q = q.Parent {
		for _, name := range [...]string{"Content-Base", "Content-Location"} {
			if v := strings.Trim(q.Header.Get(name), "<> \""); strings.Contains(v, "://") {
				return v
			}
		}
	}
	return outer
}

type walker struct {
	p    *Part
	o    markup.Options
	emit func(*Ref)
	// tricks are added to every reference; limit, if set, replaces Opening.
	tricks markup.Vectors
	limit  markup.When
	field  string
	// embedded are the addresses of the message's parts, own is this part's.
	embedded map[string]int
	own      string
	ref      Ref // what inBody sends
}

func (w *walker) trick(v markup.Vector) { w.tricks[v>>6] |= 1 << (v & 63) }

func (w *walker) send(r *Ref) {
	for i := range w.tricks {
		r.Tricks[i] |= w.tricks[i]
	}
	w.emit(r)
}

// body walks p.Body as what its type, or else its look, says it is.
func (w *walker) body() {
	p := w.p
	w.surroundings()
	switch t := p.Type; {
	case t == "text/html" || t == "application/xhtml+xml" || t == "text/x-server-parsed-html":
		w.html()
	case t == "text/x-amp-html":
		w.trick(157)
		w.html()
	case t == "text/watch-html":
		w.trick(158)
		w.html()
	case t == "image/svg+xml":
		w.trick(132)
		if !p.OpenedApart() { // shown as a picture, which fetches nothing
			w.limit = markup.Legacy
		}
		w.html()
	case t == "text/css":
		w.summary(markup.WalkCSS(p.Body, w.o, w.inBody))
	case t == "text/calendar" || t == "application/ics":
		w.properties(calendar)
	case t == "text/vcard" || t == "text/x-vcard" || t == "text/directory":
		w.properties(vcard)
	case t == "text/enriched" || t == "text/richtext":
		w.summary(markup.WalkText(p.Body, 161, w.o, w.inBody))
	case strings.HasPrefix(t, "multipart/"):
		w.plain()
	case strings.HasPrefix(t, "text/") || t == "application/xml":
		w.plain()
	default:
		w.byName()
	}
}

// byName looks at the name of a file whose type says nothing.
func (w *walker) byName() {
	kind := w.p.named()
	switch name := strings.ToLower(w.p.Filename); {
	case kind == "html":
		w.trick(162)
		w.html()
	case kind == "svg":
		w.trick(132)
		w.html()
	case strings.HasSuffix(name, ".ics"):
		w.properties(calendar)
	case strings.HasSuffix(name, ".vcf"):
		w.properties(vcard)
	}
}

// surroundings says what applies to the whole part.
func (w *walker) surroundings() {
	p := w.p
	if p.Disposition == "attachment" && p.Depth > 0 && p.Type == "text/html" {
		w.trick(162)
	}
	if strings.HasPrefix(p.Inside, "tnef") {
		w.trick(164)
	}
	for q := p.Parent; q != nil; q = q.Parent {
		if isMessage(q.Type) {
			w.trick(163)
		}
	}
	w.embedded, w.own = p.m.located(), p.location()
}

// location is the address that p's header gives it, "" if none.
func (p *Part) location() string { return strings.Trim(p.Header.Get("Content-Location"), "<> \"") }

// located counts the parts of each address. It is made once.
func (m *Message) located() map[string]int {
	if m.locations == nil {
		m.locations = map[string]int{}
		for _, p := range m.Parts {
			if v := p.location(); v != "" {
				m.locations[v]++
			}
		}
	}
	return m.locations
}

// elsewhere reports whether another part of the message has this address.
func (w *walker) elsewhere(url string) bool {
	n := w.embedded[url]
	return n > 1 || n == 1 && url != w.own
}

func (w *walker) html() { w.summary(markup.Walk(w.p.Body, w.o, w.inBody)) }

func (w *walker) summary(s markup.Summary) {
	if s.Dropped > 0 || s.Cut > 0 {
		w.p.m.report(MarkupCut, w.p.Path, w.p.Content.Start, "")
	}
}

// inBody passes a reference on.
func (w *walker) inBody(m *markup.Ref) {
	r := &w.ref
	*r = Ref{Ref: *m, Part: w.p, Field: w.field}
	if w.limit != 0 && r.When == markup.Opening {
		r.When = w.limit
	}
	if w.elsewhere(r.URL) {
		r.Tricks[156>>6] |= 1 << (156 & 63)
		if r.When == markup.Opening {
			r.When = markup.Legacy
		}
	}
	if w.o.Base != "" && r.Reach == markup.Remote && !strings.Contains(r.Raw, ":") && !strings.HasPrefix(r.Raw, "//") {
		r.Tricks[156>>6] |= 1 << (156 & 63)
	}
	w.send(r)
}

// plain walks text. If it looks like HTML, clients that guess types show it as
// that: what both readings find is given once, as HTML.
func (w *walker) plain() {
	var html []markup.Range
	if looksLikeHTML(w.p.Body) {
		w.limit = markup.Legacy
		w.summary(markup.Walk(w.p.Body, w.o, func(r *markup.Ref) {
			html = append(html, r.Value)
			w.inBody(r)
		}))
		w.limit = 0
	}
	w.summary(markup.WalkText(w.p.Body, 176, w.o, func(r *markup.Ref) {
		for len(html) > 0 && html[0].End <= r.Value.Start {
			html = html[1:]
		}
		if len(html) == 0 || html[0].Start >= r.Value.End {
			w.inBody(r)
		}
	}))
}

// maxSniff is how many bytes decide whether text is HTML.
const maxSniff = 4096

func looksLikeHTML(b []byte) bool {
	b = bytes.ToLower(b[:min(len(b), maxSniff)])
	for _, tag := range [...]string{"<html", "<!doctype html", "<body", "<head>", "<table", "<img ", "<div"} {
		if bytes.Contains(b, []byte(tag)) {
			return true
		}
	}
	return false
}
