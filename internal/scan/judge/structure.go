package judge

import (
	"strconv"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
)

// swapped is the declared side, in CSS pixels, from which on a picture that is
// not displayed is one layout's version of another, not a pixel.
const swapped = 16

// visibility is the grade of r's hiding as far as it counts against it.
func visibility(r *Ref) (markup.Sure, markup.Why) {
	h := r.Hidden
	tiny := h.Why & (markup.TinySize | markup.ZeroSize)
	side := max(r.Width, r.Height)
	switch {
	case tiny != 0 && h.Why&markup.ByMedia == 0:
		return max(h.Sure, markup.Likely), h.Why
	case r.Width >= 0 && r.Width <= markup.TinyPixels && r.Height < 0, r.Height >= 0 && r.Height <= markup.TinyPixels && r.Width < 0:
		return markup.Likely, h.Why | markup.TinySize // one side said, and tiny
	case side >= swapped && h.Sure > markup.Weak:
		return markup.Weak, h.Why
	case side >= swapped && h.Why&^(markup.LastInBody|markup.EmptyAlt) == 0:
		return markup.Visible, 0 // it stands last, but there is something to see
	}
	return h.Sure, h.Why
}

// seen reports whether the reader sees r.
func seen(r *Ref) bool {
	sure, why := visibility(r)
	return sure == markup.Visible || sure == markup.Weak && (why&markup.NoSize != 0 && why&(markup.LastInBody|markup.EmptyAlt) == 0 || max(r.Width, r.Height) >= swapped)
}

// signs gathers what structure says about r.
func (b *bench) signs(r *Ref, u *facts) Signs {
	sure, why := visibility(r)
	s := Signs{sure: sure, Why: b.reason(sure, why).why, Static: u.static(u.strongest), Signed: u.signed, Repeated: repeated(r, u), words: u.words, Word: u.word}
	if sure > markup.Visible {
		s.Hidden = sure.String()
	}
	best := -1
	for i := range u.values {
		v := &u.values[i]
		if b.shared(v, u) || best >= 0 && !b.better(v, &u.values[best], u) {
			continue
		}
		best = i
	}
	if best < 0 {
		return s
	}
	v := &u.values[best]
	s.Token, s.In, s.Kind, s.strength = v.Text, v.In, v.Kind, b.grade(v, u)
	if v.uses > 0 {
		s.Links = b.uses[v.uses-1].links
		if r.When == markup.Click || linkified(r) {
			s.Links--
		}
	}
	return s
}

// better reports whether v tells more of the reader than w: the same value in
// links first, then strength.
func (b *bench) better(v, w *Value, u *facts) bool {
	x, y := b.linked(v), b.linked(w)
	p, q := b.grade(v, u), b.grade(w, u)
	if x != y && p >= Mixed && q >= Mixed {
		return x
	}
	return p > q || p == q && v.Bits > w.Bits
}

// grade is the strength of v in u. A number of six digits is short, but one that
// every link to its host carries, and several do, is the reader's or the copy's.
func (b *bench) grade(v *Value, u *facts) Strength {
	if v.Strength != Short || len(v.Text) != 6 || v.Kind != "digits" || v.In == "path" || v.In == "host" || v.uses == 0 || dated(v.Text) {
		return v.Strength
	}
	if n := b.uses[v.uses-1].links; n >= 2 && n == u.link.origin.links {
		return Mixed
	}
	return v.Strength
}

// dated reports whether six digits may be a day, in any order of its parts.
func dated(s string) bool {
	month := func(s string) bool { return s >= "01" && s <= "12" }
	day := func(s string) bool { return s >= "01" && s <= "31" }
	a, b, c := s[:2], s[2:4], s[4:]
	return month(b) && (day(a) || day(c)) || month(a) && day(b)
}

func (b *bench) linked(v *Value) bool {
	return v.uses > 0 && b.uses[v.uses-1].links > 0
}

// shared reports whether v also stands in the static pictures of its host: then
// it names the sender's account there, not the reader.
func (b *bench) shared(v *Value, u *facts) bool {
	if v.uses == 0 {
		return false
	}
	t := &b.uses[v.uses-1]
	return t.links == 0 && (v.In == "path" || v.In == "host") && t.shown(u.host)
}

// repeated reports whether r stands so often in its part that it holds the
// layout in shape. Some senders put one counter at the top and at the bottom.
func repeated(r *Ref, u *facts) bool {
	switch n := u.times(r.Part); {
	case n <= 1:
		return false
	case n == 2:
		return !(u.words == 2 && u.dynamic && u.strongest >= Mixed)
	}
	return true
}

// structure judges r without rules and addresses.
func (b *bench) structure(r *Ref, u *facts, f *Finding) Ladder {
	switch {
	case receipt(r):
		return Hidden
	case r.Reach != markup.Remote || r.When == markup.Inert || r.When == markup.Header:
		return Ordinary
	case nameOnly(r):
		if f.Signs.In == "host" && f.Signs.strength >= Mixed {
			return Token
		}
		return Ordinary
	case !auto(r): // links
		return byToken(u, f)
	case f.Signs.Repeated:
		return Ordinary
	}
	if l := unseen(u, f); l < Ordinary {
		return l
	}
	if l := unsized(r, u, f); l < Ordinary {
		return l
	}
	if l := counter(r, u, f); l < Ordinary {
		return l
	}
	return byToken(u, f)
}

// nameOnly reports whether a client only looks up r's name, so that the rest of
// the address tells nobody anything. A URL in text is looked up too, but it is a
// link as well.
func nameOnly(r *Ref) bool { return r.When == markup.DNS && !linkified(r) }

// linkified reports whether r is a URL in text, be it a calendar's or a card's,
// which programs make a link.
func linkified(r *Ref) bool {
	switch r.Vector {
	case 175, 176:
		return true
	case 159, 160:
		return r.When == markup.DNS
	}
	return false
}

// receipt reports whether a header asks the mail program to report.
func receipt(r *Ref) bool {
	return r.Vector >= 150 && r.Vector <= 154 && r.When == markup.Header
}

// unseen judges what nobody sees.
func unseen(u *facts, f *Finding) Ladder {
	s := &f.Signs
	if s.sure < markup.Likely || s.Signed {
		return Ordinary
	}
	token := s.strength > None && !s.Static && (s.strength >= Mixed || u.dynamic)
	switch {
	case s.words == 2 && (token || u.dynamic || u.named && !u.folder):
		return Likely
	case token:
		return Hidden
	case s.words > 0 && !s.Static && (u.query || s.strength > None && !u.spacer):
		return Hidden
	}
	return Ordinary
}

// unsized judges pictures that declare no size, which is weak: they need a
// clear word or a token that links share, and to stand apart from the content.
func unsized(r *Ref, u *facts, f *Finding) Ladder {
	s := &f.Signs
	if s.sure != markup.Weak || s.Signed || s.Static || s.strength < Mixed || r.Context.InLink {
		return Ordinary
	}
	if max(r.Width, r.Height) >= swapped || r.Context.Alt != "" {
		return Ordinary
	}
	apart := r.Hidden.Why&markup.LastInBody != 0
	switch {
	case s.words == 2 && u.dynamic, s.words == 2 && apart:
		return Likely
	case s.Links > 0 && (u.dynamic || apart), s.words == 1 && apart, apart && (u.dynamic && s.strength == Strong || u.ext == "gif"):
		return Hidden
	}
	return Ordinary
}

// counter judges what has no size to look at: CSS, sounds, prefetches, frames.
func counter(r *Ref, u *facts, f *Finding) Ladder {
	s := &f.Signs
	if s.sure != markup.Visible || s.Static || s.Signed || s.strength < Mixed || r.Width >= swapped || r.Height >= swapped || r.Vector == 83 || r.Tag == "img" && r.Attr != "style" {
		return Ordinary
	}
	if s.words == 2 && u.dynamic || r.Tricks.Has(94) && u.dynamic && !u.folder {
		return Likely
	}
	return Ordinary
}

// byToken is what a token alone is worth.
func byToken(u *facts, f *Finding) Ladder {
	s := &f.Signs
	if s.strength >= Mixed && !s.Static && !s.Signed && (u.dynamic || s.Links > 0 || u.ext == "gif") {
		return Token
	}
	return Ordinary
}

// structural puts the signs into the evidence.
func (b *bench) structural(r *Ref, f *Finding) {
	from := len(b.evidence)
	add := func(kind, detail string) {
		b.evidence = append(b.evidence, detect.Evidence{Kind: kind, Detail: detail})
	}
	s := &f.Signs
	if s.sure > markup.Visible && auto(r) {
		add("markup", b.reason(visibility(r)).detail)
	}
	if s.Repeated {
		add("markup", "stands "+strconv.Itoa(f.Count)+" times in one part, as spacers do")
	}
	if receipt(r) {
		add("header", "asks for a receipt: "+r.Attr)
	}
	if f.Via != "" {
		add("heuristic", "by way of "+f.Via+"'s image proxy")
	}
	if f.Gateway != "" {
		add("heuristic", "rewritten by "+f.Gateway+", for the reader's own provider")
	}
	if f.Ladder < Ordinary && r.When != markup.Header {
		if s.words > 0 && !s.Static {
			add("heuristic", "the address says “"+s.Word+"”")
		}
		if s.Token != "" && !s.Static && !s.Signed {
			detail := "a token (" + s.Kind + ") in its " + where(s.In)
			if s.Links > 0 {
				detail += ", which " + strconv.Itoa(s.Links) + " links carry too"
			}
			add("heuristic", detail)
		}
	}
	own := b.evidence[from:len(b.evidence):len(b.evidence)]
	switch {
	case f.Evidence == nil && len(own) > 0:
		f.Evidence = own
	default:
		f.Evidence = append(f.Evidence, own...)
	}
}

// reason is a grade of hiding and its grounds, in words.
type reason struct {
	sure        markup.Sure
	grounds     markup.Why
	why, detail string
}

// reason finds the words once for each of the few reasons of a message.
func (b *bench) reason(sure markup.Sure, grounds markup.Why) *reason {
	for i := range b.reasons {
		if r := &b.reasons[i]; r.sure == sure && r.grounds == grounds {
			return r
		}
	}
	why := grounds.String()
	b.reasons = append(b.reasons, reason{sure, grounds, why, "hidden (" + sure.String() + "): " + why})
	return &b.reasons[len(b.reasons)-1]
}

func where(in string) string {
	switch in {
	case "path", "host", "fragment", "query":
		return in
	}
	return "parameter " + in
}
