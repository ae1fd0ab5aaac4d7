package mail

import (
	"github.com/quench-proxy/quench/internal/detect/markup"
)

// layer is one run of bytes that parts stand in: the message itself, what a
// transfer encoding of a forwarded message held, or what an attachment's own
// format held. Parts know their places in their layer; the way down to
// Message.Raw leads from layer to layer.
type layer struct {
	raw []byte
	// under is the part whose transfer encoding held raw, nil for the message
	// itself and for closed layers; own is how many bytes at the start of raw
	// did not stand there.
	under *Part
	own   int
	// closed: raw stands in no bytes that could be changed one by one.
	closed bool
}

// layer keeps l.
func (m *Message) layer(l *layer) *layer {
	m.layers = append(m.layers, l)
	return l
}

// place gives the bytes of Message.Raw that hold r of l.raw.
func (l *layer) place(r markup.Range) (raw markup.Range, ok bool) {
	for ; !l.closed; l = l.under.in {
		if l.under == nil {
			return r, true
		}
		if r.Start < l.own {
			break
		}
		r = l.under.transferred(markup.Range{Start: r.Start - l.own, End: r.End - l.own})
	}
	return markup.Range{}, false
}

// down carries edits of l.raw to Message.Raw and counts those that have no
// place there. Of edits that meet in the same bytes one is made at each step.
func (l *layer) down(m *Message, edits []markup.Edit) (out []markup.Edit, lost int) {
	for ; !l.closed && l.under != nil; l = l.under.in {
		var n int
		edits, n = l.step(edits)
		lost += n
	}
	if l.closed {
		return nil, lost + len(edits)
	}
	return settle(m.Raw, edits), lost
}

// step carries edits of l.raw to the layer below.
func (l *layer) step(edits []markup.Edit) (out []markup.Edit, lost int) {
	mp := l.under.mapping()
	for _, e := range settle(l.raw, edits) {
		e.Range.Start -= l.own
		e.Range.End -= l.own
		ok := e.Range.Start >= 0
		if ok {
			e, ok = l.under.recode(mp, e)
		}
		if !ok {
			lost++
			continue
		}
		out = append(out, e)
	}
	return out, lost
}
