package markup

import "sort"

// Edit replaces the bytes of one range of a document. Replacement may be of
// any length; Neutralise gives one of the same length.
type Edit struct {
	Range       Range
	Replacement []byte
}

// Neutralise plans edits after which none of refs is active: each URL is
// overwritten in place by one of the same length that no client fetches. Refs
// that are not Active, and relative ones that only a base would make so, need
// no edit and get none. The edits are sorted and do not overlap.
func Neutralise(refs []Ref) []Edit {
	edits := make([]Edit, 0, len(refs))
	for i := range refs {
		if refs[i].Active() {
			edits = append(edits, neutral(&refs[i]))
		}
	}
	return settle(edits)
}

// Remove plans edits that take refs out: the tag of an element without
// content, else the attribute, else the CSS declaration or rule. Where nothing
// can be taken out safely it neutralises. Sorted, not overlapping.
func Remove(refs []Ref) []Edit {
	edits := make([]Edit, 0, len(refs))
	for i := range refs {
		switch r := &refs[i]; {
		case !r.Active():
		case r.void && r.Exact && r.Element.Len() > 0 && r.Attr != "":
			edits = append(edits, Edit{Range: r.Element})
		case r.Exact && r.whole.Len() > 0:
			edits = append(edits, Edit{Range: r.whole})
		default:
			edits = append(edits, neutral(r))
		}
	}
	return settle(edits)
}

// neutral overwrites r's URL, or where there is no room for one, its
// attribute's name.
func neutral(r *Ref) Edit {
	n := r.Value.Len()
	if n < len("x:") && r.name.Len() > 0 && r.Exact {
		return Edit{r.name, inert("", r.name.Len())}
	}
	switch {
	case n < len("x:"):
		return Edit{r.Value, inert("", n)}
	case n < len("data:,"):
		return Edit{r.Value, inert("x:", n)}
	case n < len("about:blank#") || r.percent:
		return Edit{r.Value, inert("data:,", n)}
	}
	return Edit{r.Value, inert("about:blank#", n)}
}

// inert is head and as many x as make n bytes: letters that need no escape in
// any of the places a URL stands.
func inert(head string, n int) []byte {
	b := make([]byte, n)
	for i := copy(b, head); i < n; i++ {
		b[i] = 'x'
	}
	return b
}

// settle sorts edits and drops those inside or across others: the wider wins.
func settle(edits []Edit) []Edit {
	sort.SliceStable(edits, func(i, j int) bool {
		a, b := edits[i].Range, edits[j].Range
		if a.Start != b.Start {
			return a.Start < b.Start
		}
		return a.End > b.End
	})
	out := edits[:0]
	for _, e := range edits {
		if n := len(out); n > 0 && e.Range.Start < out[n-1].Range.End {
			continue
		}
		out = append(out, e)
	}
	return out
}

// Apply gives src with edits carried out; src itself is not changed. Edits must
// be sorted, not overlap, and lie inside src, as Neutralise and Remove make
// them; Apply panics if they do not.
func Apply(src []byte, edits []Edit) []byte {
	out := make([]byte, 0, len(src))
	at := 0
	for _, e := range edits {
		out = append(out, src[at:e.Range.Start]...)
		out = append(out, e.Replacement...)
		at = e.Range.End
	}
	return append(out, src[at:]...)
}

// Patch is Apply(src, Neutralise(refs)).
func Patch(src []byte, refs []Ref) []byte { return Apply(src, Neutralise(refs)) }

// maxPasses is how often Clean walks. One pass is enough unless markup is
// broken so that two readings of it overlap.
const maxPasses = 4

// Clean walks src and overwrites in place every active reference that pick
// wants gone, until a walk finds none or maxPasses are done. pick nil is all.
// It gives the bytes, of the same length, and how many such references are left.
func Clean(src []byte, o Options, pick func(*Ref) bool) (out []byte, left int) {
	out = src
	for pass := 0; ; pass++ {
		var refs []Ref
		Walk(out, o, func(r *Ref) {
			if r.Active() && (pick == nil || pick(r)) {
				refs = append(refs, *r)
			}
		})
		if len(refs) == 0 || pass == maxPasses {
			return out, len(refs)
		}
		out = Patch(out, refs)
	}
}
