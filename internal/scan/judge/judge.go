// Package judge says of every reference of a message how sure it is that it
// reports back, and why: the ladder proven, vendor, likely, hidden, token,
// ordinary.
//
// In flow a message's references as package markup gives them, the reader's
// addresses, and the rules and lists of the engine. Out flows one Finding for
// each reference. The package is pure and offline: redirects are followed only
// where the goal stands in the link. It knows no vendor; without an engine it
// judges by structure alone.
package judge

import (
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
)

// Ref is one reference and its place.
type Ref struct {
	markup.Ref
	// Part is the path of the MIME part, "" for a page.
	Part string
	// At is the bytes that hold the URL, in whatever the caller counts; it is
	// handed through to Finding.Range.
	At markup.Range
}

// Message is what is judged together: repeated spacers and shared tokens show
// only beside one another. The judge only reads it.
type Message struct {
	File   string
	Offset int64
	// Time goes into the findings.
	Time time.Time
	// Sender is the domain of the From address, or the host of a page; "" if unknown.
	Sender string
	// Me is whose mail it is; nil if nobody's address is known.
	Me   *identity.Set
	Refs []Ref
}

// Judge holds what findings are judged by. The zero value judges by structure
// alone. It is safe for concurrent use.
type Judge struct {
	// Rules are the vendor rules and lists; nil for none.
	Rules *engine.Set
	// Policy is in force; nil is the zero Policy. The user's allows and blocks
	// are matched with the message's Sender as the page.
	Policy *detect.Policy
}

// Message judges all references of m.
func (j *Judge) Message(m *Message) *Result {
	n := len(m.Refs)
	b := bench{judge: j, m: m, urls: make(map[string]*facts, n), of: make([]*facts, n), tokens: make(map[string]int, n),
		origins: origins{all: map[string]*origin{}}}
	b.values, b.evidence = make([]Value, 0, n), make([]detect.Evidence, 0, n)
	for i := range m.Refs {
		b.gather(i)
	}
	r := &Result{Findings: make([]Finding, n)}
	for i := range m.Refs {
		b.judge1(&m.Refs[i], b.of[i], &r.Findings[i])
	}
	return r
}

// facts are what one URL says, whatever reference it stands in.
type facts struct {
	outline
	link          link   // of the original behind a proxy
	asked         string // the host a client would ask, the proxy's if there is one
	host          string // of the original behind a proxy
	original, via string
	target        string // see goal
	followed      bool   // target is known
	rewritten     bool   // a scanner of mail put its own address in front
	signed        bool
	strongest     Strength // of values
	values        []Value
	mine, others  []identity.Proof
	fetched       fetches
}

// fetches says how often each part fetches a URL.
type fetches struct {
	part  string
	times int
	next  *fetches // of another part
}

// count adds one to what part fetches.
func (f *facts) count(part string) {
	for e := &f.fetched; ; e = e.next {
		if e.times == 0 || e.part == part {
			e.part, e.times = part, e.times+1
			return
		}
		if e.next == nil {
			e.next = &fetches{}
		}
	}
}

// times is how often part fetches the URL.
func (f *facts) times(part string) int {
	for e := &f.fetched; e != nil; e = e.next {
		if e.part == part {
			return e.times
		}
	}
	return 0
}

// place is the URL that counts: behind a proxy, the original.
func (f *facts) place() string { return f.link.url }

// goal is where a link to u leads in the end, found once for each URL.
func (f *facts) goal(u string) string {
	if !f.followed {
		f.followed = true
		if f.original == "" {
			f.target = targetOf(&f.link)
		} else {
			f.target = Target(u)
		}
	}
	return f.target
}

// uses says which references of a message carry a token.
type uses struct {
	links    int      // links
	picture  string   // the first host of a visible picture that looks static
	pictures []string // the others
	last     *facts   // the last link counted, so that one repeated counts once
}

// show notes that host shows a picture with the token.
func (u *uses) show(host string) {
	switch {
	case u.picture == "":
		u.picture = host
	case !u.shown(host):
		u.pictures = append(u.pictures, host)
	}
}

func (u *uses) shown(host string) bool {
	return u.picture == host && host != "" || slices.Contains(u.pictures, host)
}

// bench holds one message while it is judged.
type bench struct {
	judge   *Judge
	m       *Message
	urls    map[string]*facts
	of      []*facts       // of each reference
	tokens  map[string]int // of each token, its place in uses, counted from 1
	uses    []uses
	origins origins
	// Room that many findings share; what has been given out stays as it is.
	room     []facts
	values   []Value
	evidence []detect.Evidence
	reasons  []reason
}

// gather reads the URL of a reference, once for each URL of the message, and
// counts its tokens.
func (b *bench) gather(n int) {
	r := &b.m.Refs[n]
	f := b.urls[r.URL]
	if f == nil {
		f = b.read(r.URL)
		b.urls[r.URL] = f
	}
	b.of[n] = f
	if r.Reach != markup.Remote {
		return
	}
	if auto(r) && !doubled(r) {
		f.count(r.Part)
	}
	for i := range f.values {
		v := &f.values[i]
		if len(v.Text) < 4 {
			continue
		}
		u := b.use(v)
		switch {
		case (r.When == markup.Click || linkified(r)) && u.last != f:
			u.links++
			u.last = f
		case r.When == markup.Opening && seen(r) && f.ext != "" && !f.query:
			u.show(f.host)
		}
	}
}

// use is where the uses of v are counted.
func (b *bench) use(v *Value) *uses {
	if v.uses == 0 {
		v.uses = b.tokens[v.Text]
	}
	if v.uses == 0 {
		b.uses = append(b.uses, uses{})
		v.uses = len(b.uses)
		b.tokens[v.Text] = v.uses
	}
	return &b.uses[v.uses-1]
}

func (b *bench) read(u string) *facts {
	if len(b.room) == cap(b.room) {
		b.room = make([]facts, 0, min(64, max(4, len(b.m.Refs)-len(b.urls))))
	}
	b.room = append(b.room, facts{})
	f := &b.room[len(b.room)-1]
	f.link = b.origins.link(u)
	f.rewritten = rewritten(&f.link) != ""
	f.original, f.via = unproxyAll(&f.link)
	f.asked = hostOf(u, &f.link)
	f.host = f.asked
	if f.original != "" {
		f.link = b.origins.link(f.original)
		f.host = hostOf(f.original, &f.link)
	}
	f.outline = outlineOf(&f.link)
	from := len(b.values)
	b.values, f.signed = values(b.values, &f.link)
	f.values = b.values[from:len(b.values):len(b.values)]
	for i := range f.values {
		f.strongest = max(f.strongest, f.values[i].Strength)
	}
	f.mine, f.others = b.m.Me.Search(u)
	if f.original != "" && len(f.mine) == 0 {
		f.mine, f.others = b.m.Me.Search(f.original)
	}
	return f
}

// hostOf is the host of u as a client asks for it. Where nothing is escaped or
// written as a number, that is the host the link already knows.
func hostOf(u string, l *link) string {
	for i := range len(l.origin.host) {
		c := l.origin.host[i]
		if !(c >= 'a' && c <= 'z' || c == '.' || c == '-' || c >= '0' && c <= '9' && i > 0) {
			r := markup.Ref{URL: u}
			return r.Host()
		}
	}
	return l.origin.host
}

// auto reports whether a client fetches r by itself, be it that the mail is
// printed or pointed at first.
func auto(r *Ref) bool {
	switch r.When {
	case markup.Opening, markup.Legacy, markup.Print, markup.Hover:
		return r.Reach == markup.Remote
	}
	return false
}

// doubled reports whether r repeats for other clients what stands elsewhere.
func doubled(r *Ref) bool {
	for i := range r.Path {
		if k := r.Path[i].Kind; k == markup.StepConditional || k == markup.StepNoscript || k == markup.StepComment {
			return true
		}
	}
	return r.When == markup.Legacy
}

// judge1 fills in the finding about r, whose URL says u.
func (b *bench) judge1(r *Ref, u *facts, f *Finding) {
	f.Schema, f.Time, f.Door, f.Count = Schema, b.m.Time, "scan", max(1, u.times(r.Part))
	f.File, f.Offset, f.Part, f.Range = b.m.File, b.m.Offset, r.Part, [2]int{r.At.Start, r.At.End}
	f.Vector, f.When, f.Ladder = vectors[r.Vector], r.When.String(), Ordinary
	f.Proofs, f.Others, f.Original, f.Via, f.Sender = u.mine, u.others, u.original, u.via, b.m.Sender
	f.Request = Request{Method: "GET", Host: u.asked, URL: r.URL, Type: typeOf(r).String()}
	f.Action = detect.Observe
	f.Link = r.Reach == markup.Remote && (r.When == markup.Click || linkified(r))
	if f.Link {
		f.Target = u.goal(r.URL)
	}
	f.Tricks = tricks(r, u)
	f.Signs = b.signs(r, u)
	f.Content = r.When == markup.Opening && seen(r) && picture(r)
	f.Ladder = b.structure(r, u, f)
	f.Content = f.Content && f.Ladder >= Token
	if r.Reach == markup.Remote && r.When != markup.Inert {
		b.rules(r, u, f)
	}
	b.proofs(r, f)
	b.structural(r, f)
	b.disclosed(f)
}

// vectors are the names of all vectors.
var vectors = func() (t [256]string) {
	for v := range t {
		t[v] = markup.Vector(v).String()
	}
	return t
}()

// tricks lists the further vectors of r; a link that a scanner of mail rewrote
// is one that only its address shows.
func tricks(r *Ref, u *facts) (out []string) {
	if r.Tricks != (markup.Vectors{}) {
		for _, v := range r.Tricks.List() {
			out = append(out, vectors[v])
		}
	}
	if r.When == markup.Click && u.rewritten {
		out = append(out, vectors[172])
	}
	return out
}

// proofs puts a reference that carries the reader's address on the first rung,
// if some client uses it.
func (b *bench) proofs(r *Ref, f *Finding) {
	for i := range f.Proofs {
		p := &f.Proofs[i]
		detail := "your " + string(p.Form) + ", " + p.Encoding.String() + ", in the " + string(p.Where)
		f.Evidence = append(f.Evidence, detect.Evidence{Kind: "recipient", Detail: detail})
		switch {
		case f.Exception != nil && f.Exception.Kind == "user":
		case p.Weak, r.Reach != markup.Remote || r.When == markup.Inert || r.When == markup.Header,
			nameOnly(r) && p.Where != identity.Subdomain:
			f.Ladder = min(f.Ladder, Token)
		default:
			f.Ladder = Proven
		}
	}
}

// disclosed names the fields that structure and proof show; those that a rule
// has decoded come first.
func (b *bench) disclosed(f *Finding) {
	if len(f.Proofs) == 0 && (f.Ladder > Token || f.Signs.Token == "") {
		return
	}
	have := map[string]bool{}
	for i := range f.Disclosed {
		have[f.Disclosed[i].Name] = true
	}
	add := func(name, label, value string) {
		if !have[name] {
			have[name] = true
			f.Disclosed = append(f.Disclosed, detect.Field{Name: name, Label: label, Value: value, Sensitive: true})
		}
	}
	for i := range f.Proofs {
		p := &f.Proofs[i]
		switch {
		case p.Weak:
		case p.Encoding.Digest():
			add("email_hash", "a fingerprint of your e-mail address", p.Decoded)
		default:
			add("email_plain", "your e-mail address", p.Address)
		}
	}
	if f.Ladder <= Token && f.Signs.Token != "" && !f.Signs.Static && !f.Signs.Signed && !have["email_plain"] && !have["email_hash"] {
		add("recipient", "a number by which the sender may know your copy", f.Signs.Token)
	}
}

// typeOf is the filter-list word for what r would be fetched as.
func typeOf(r *Ref) detect.Type {
	switch v := r.Vector; {
	case v == 40:
		return detect.TypePing
	case r.When == markup.Click || v == 51 || linkified(r):
		return detect.TypeDocument
	case v == 33 || v == 34 || v == 130:
		return detect.TypeScript
	case v == 24 || v == 25 || v == 26 || v == 28 || v == 36:
		return detect.TypeSubdocument
	case v == 56 || v == 81 || v == 82 || v == 66:
		return detect.TypeStylesheet
	case v == 83:
		return detect.TypeFont
	case v == 12 || v == 14 || v == 15 || v == 16 || v == 9 && r.Tag == "source":
		return detect.TypeMedia
	case v >= 17 && v <= 23:
		return detect.TypeObject
	case picture(r):
		return detect.TypeImage
	}
	return detect.TypeOther
}

// picture reports whether r shows a picture: an element's or CSS's.
func picture(r *Ref) bool {
	switch v := r.Vector; {
	case v >= 1 && v <= 4, v == 7, v == 8, v == 10, v == 13, v == 29, v == 30, v >= 71 && v <= 80, v >= 85 && v <= 93,
		v == 121, v == 122, v == 136, v == 137, v == 57, v == 168, v == 97:
		return true
	}
	return r.Tag == "amp-img" || r.Tag == "amp-anim"
}
