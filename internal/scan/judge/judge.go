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
	// Attachment names the attachment that must be opened by itself before the
	// reference is used; "" if it goes with the message.
	Attachment string
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
	Me *identity.Set
	// Lists are addresses of mailing lists that the message came by: whoever
	// finds one of them in a URL does not know which reader it is.
	Lists []string
	Refs  []Ref
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
	return j.MessageIn(&Room{}, m)
}

// MessageIn is Message in room that was used before.
func (j *Judge) MessageIn(room *Room, m *Message) *Result {
	n := len(m.Refs)
	b := &room.bench
	b.begin(j, m)
	defer b.end()
	for i := range m.Refs {
		b.gather(i)
	}
	r := &Result{Findings: slices.Grow(room.Findings[:0], n)[:n]}
	room.Findings = nil
	for i := range m.Refs {
		b.judge1(&m.Refs[i], b.of[i], &r.Findings[i])
	}
	return r
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
	f.Attachment = r.Attachment
	f.Vector, f.When, f.Ladder = vectors[r.Vector], r.When.String(), Ordinary
	f.Proofs, f.Others, f.Original, f.Via, f.Sender = u.mine, u.others, u.original, u.via, b.m.Sender
	f.Gateway, f.WrapperProofs = u.gateway, u.wrapper
	f.Request = Request{Method: "GET", Host: u.asked, URL: r.URL, Type: typeOf(r).String()}
	f.Action = detect.Observe
	f.Link = r.Reach == markup.Remote && (r.When == markup.Click || linkified(r))
	if f.Link {
		f.Target = u.goal()
	}
	f.Tricks = tricks(r, u)
	f.Signs = b.signs(r, u)
	f.Content = r.When == markup.Opening && seen(r) && picture(r)
	f.Ladder = b.structure(r, u, f)
	f.Content = f.Content && f.Ladder >= Token
	if r.Reach == markup.Remote && r.When != markup.Inert {
		b.rules(r, u, f)
		b.onward(r, f)
	}
	b.strangers(r, u, f)
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
	if r.When == markup.Click && u.gateway != "" {
		out = append(out, vectors[172])
	}
	return out
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
