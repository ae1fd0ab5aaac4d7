package mail

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Neutralise plans edits of m.Raw, all of the same length as what they
// replace, after which no client fetches what refs name. References that are
// not Writable (with force) or not active are passed over. The edits are
// sorted, do not overlap and suit markup.Apply. The error wraps ErrUnpatchable
// if some could not be planned; the edits are valid all the same.
func (m *Message) Neutralise(refs []Ref, force bool) ([]markup.Edit, error) {
	var errs []error
	edits := map[*layer][]markup.Edit{}
	bodies := map[*Part][]markup.Ref{}
	for i := range refs {
		r := &refs[i]
		switch {
		case !r.Active() || !r.Writable(force):
		case r.Space == InHeader:
			edits[r.Part.in] = append(edits[r.Part.in], headerEdit(r))
		default:
			bodies[r.Part] = append(bodies[r.Part], r.Ref)
		}
	}
	for _, p := range m.Parts {
		if list := bodies[p]; list != nil {
			e, err := p.patches(markup.Neutralise(list))
			edits[p.in] = append(edits[p.in], e...)
			errs = append(errs, err)
		}
	}
	for _, l := range slices.Backward(m.layers) { // those inside before what holds them
		if l.under == nil || len(edits[l]) == 0 {
			continue
		}
		e, lost := l.step(edits[l])
		if lost > 0 {
			errs = append(errs, fmt.Errorf("patch inside part %s: %d edits: %w", l.under.Path, lost, ErrUnpatchable))
		}
		edits[l.under.in] = append(edits[l.under.in], e...)
	}
	return settle(m.Raw, edits[m.layers[0]]), errors.Join(errs...)
}

// headerEdit renames a receipt field, and overwrites a URL.
func headerEdit(r *Ref) markup.Edit {
	text := bytes.Clone(r.Part.in.raw[r.Value.Start:r.Value.End])
	if r.When == markup.Header {
		copy(text, "X-Was-")
		return markup.Edit{Range: r.Value, Replacement: text}
	}
	head := "about:blank#"
	if len(text) < len(head) {
		head = "data:,"
	}
	for i := range text {
		text[i] = 'x'
	}
	copy(text, head)
	return markup.Edit{Range: r.Value, Replacement: text}
}

// settle sorts edits and merges those that meet in the same raw bytes: two
// short edits may share a base64 group.
func settle(raw []byte, edits []markup.Edit) []markup.Edit {
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].Range.Start < edits[j].Range.Start })
	out := edits[:0]
	for _, e := range edits {
		n := len(out)
		if n == 0 || e.Range.Start >= out[n-1].Range.End {
			out = append(out, e)
			continue
		}
		out[n-1] = join(raw, out[n-1], e)
	}
	return out
}

// join makes one edit of two that overlap by what they change. Both come from
// the same raw bytes, so a byte that one leaves as it is is the other's to set;
// of a base64 character that both change the bits of both count.
func join(raw []byte, a, b markup.Edit) markup.Edit {
	r := markup.Range{Start: a.Range.Start, End: max(a.Range.End, b.Range.End)}
	text := bytes.Clone(raw[r.Start:r.End])
	copy(text, a.Replacement)
	for i, c := range b.Replacement {
		at := b.Range.Start - r.Start + i
		was := raw[b.Range.Start+i]
		switch {
		case c == was:
		case text[at] == was:
			text[at] = c
		default:
			o, x, y := sextet(was), sextet(text[at]), sextet(c)
			if o|x|y < 64 {
				text[at] = base64Alphabet[((x^o)|(y^o))^o]
			}
		}
	}
	return markup.Edit{Range: r, Replacement: text}
}
