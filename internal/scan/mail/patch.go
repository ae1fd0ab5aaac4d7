package mail

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// ErrUnpatchable is wrapped by Patch where an edit cannot be carried out in
// the raw bytes without changing others.
var ErrUnpatchable = errors.New("edit has no place in the raw bytes")

// mapping leads from Body back to Content: body -> charset -> transfer.
type mapping struct {
	charset  runs // nil: the charset changes nothing
	quoted   runs
	base64   sextets
	transfer []byte // Content with the transfer encoding undone
	proofs   int
}

func (p *Part) mapping() *mapping {
	if p.maps != nil {
		return p.maps
	}
	content := p.content()
	mp := &mapping{transfer: content}
	switch p.Encoding {
	case QuotedPrintable:
		mp.transfer = p.transferredBody(decodeQuoted)
		mp.quoted = quotedRuns(content)
	case Base64:
		mp.transfer = p.transferredBody(decodeBase64)
		mp.base64 = base64Runs(content)
	}
	if p.Decoded != "" {
		mp.charset = charsetRuns(p.charset, mp.transfer)
	}
	p.maps = mp
	return mp
}

// transferredBody is the content with its transfer encoding undone by decode:
// Body, unless more was done to that, or it was opened as a message.
func (p *Part) transferredBody(decode func([]byte) ([]byte, bool)) []byte {
	if p.Decoded == "" && !p.cut && !p.Container {
		return p.Body
	}
	out, _ := decode(p.content())
	return out
}

func (p *Part) content() []byte { return p.in.raw[p.body.Start:p.body.End] }

// Raw gives the bytes of Message.Raw that made Body[r.Start:r.End]; ok is false
// for parts found inside attachments, which have none.
func (p *Part) Raw(r markup.Range) (raw markup.Range, ok bool) {
	if r.Start < 0 || r.End > len(p.Body) || r.Start > r.End {
		return markup.Range{}, false
	}
	if p.Decoded != "" {
		r.Start, r.End = p.mapping().charset.span(r.Start, r.End)
	}
	return p.in.place(p.transferred(r))
}

// transferred gives the bytes of p.in that made r of what the transfer encoding
// of p holds.
func (p *Part) transferred(r markup.Range) markup.Range {
	switch p.Encoding {
	case QuotedPrintable:
		r.Start, r.End = p.mapping().quoted.span(r.Start, r.End)
	case Base64:
		r.Start, r.End = p.mapping().base64.span(r.Start, r.End)
	}
	return markup.Range{Start: p.body.Start + r.Start, End: p.body.Start + r.End}
}

// Patch turns edits of Body into edits of Message.Raw of the same length, which
// change no other byte of the decoded body. Edits are sorted, do not overlap,
// and are as long as what they replace, as markup.Neutralise makes them. Where
// the charset or encoding leaves less or more room than that (a two-byte
// character in the text replaced), the end of the replacement is cut off, or
// its last character repeated.
//
// Edits that have no place are left out; the error then wraps ErrUnpatchable
// and says how many. The edits returned are valid all the same.
func (p *Part) Patch(edits []markup.Edit) ([]markup.Edit, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	out, err := p.patches(edits)
	out, lost := p.in.down(p.m, out)
	if lost > 0 {
		err = errors.Join(err, fmt.Errorf("patch part %s: %d edits: %w", p.Path, lost, ErrUnpatchable))
	}
	return out, err
}

// patches turns edits of Body into edits of p.in.
func (p *Part) patches(edits []markup.Edit) ([]markup.Edit, error) {
	if p.in.closed || p.Container {
		return nil, fmt.Errorf("patch part %s, found inside an attachment: %w", p.Path, ErrUnpatchable)
	}
	out := make([]markup.Edit, 0, len(edits))
	failed := 0
	mp := p.mapping()
	for _, e := range edits {
		raw, ok := p.patch(mp, e)
		if !ok && p.Encoding == QuotedPrintable {
			raw, ok = p.patch(mp, otherwise(e))
		}
		if !ok {
			failed++
			continue
		}
		out = append(out, raw)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Range.Start < out[j].Range.Start })
	if failed > 0 {
		return out, fmt.Errorf("patch part %s: %d of %d edits: %w", p.Path, failed, len(edits), ErrUnpatchable)
	}
	return out, nil
}

// otherwise is e with an address that is as inert but does not begin with two
// hexadecimal digits: behind a "=" that is no escape they would make it one.
func otherwise(e markup.Edit) markup.Edit {
	for _, head := range [...]string{"about:blank#", "data:,"} {
		if bytes.HasPrefix(e.Replacement, []byte(head)) {
			e.Replacement = bytes.Clone(e.Replacement)
			copy(e.Replacement, "cid:xxxxxxxxx"[:len(head)])
		}
	}
	return e
}

// patch carries one edit down through the layers.
func (p *Part) patch(mp *mapping, e markup.Edit) (markup.Edit, bool) {
	if e.Range.Start < 0 || e.Range.End > len(p.Body) || len(e.Replacement) != e.Range.Len() || e.Range.Len() == 0 {
		return markup.Edit{}, false
	}
	if mp.charset != nil {
		var ok bool
		if e, ok = p.encode(mp, e); !ok {
			return e, false
		}
	}
	return p.recode(mp, e)
}

// recode carries an edit of what the transfer encoding holds to p.in.
func (p *Part) recode(mp *mapping, e markup.Edit) (markup.Edit, bool) {
	ok := true
	switch p.Encoding {
	case QuotedPrintable:
		e, ok = mp.requote(p.content(), e)
	case Base64:
		e, ok = mp.rebase(p.content(), e)
	}
	e.Range.Start += p.body.Start
	e.Range.End += p.body.Start
	return e, ok
}

// encode turns an edit of Body into one of the bytes in the part's charset.
func (p *Part) encode(mp *mapping, e markup.Edit) (markup.Edit, bool) {
	from, to := e.Range.Start, e.Range.End
	i, j := mp.charset.at(from), mp.charset.at(to-1)
	if j >= len(mp.charset) {
		return e, false
	}
	before, after := from, to
	if a := mp.charset[i]; !a.same {
		before = int(a.dec)
	}
	if a := mp.charset[j]; !a.same {
		after = int(a.dec + a.n)
	}
	start, end := mp.charset.span(from, to)
	head, ok1 := p.charset.encode(p.Body[before:from])
	tail, ok2 := p.charset.encode(p.Body[to:after])
	room := end - start - len(head) - len(tail)
	middle, ok3 := p.charset.fill(e.Replacement, room)
	if !ok1 || !ok2 || !ok3 {
		return e, false
	}
	text := slices.Concat(head, middle, tail)
	return markup.Edit{Range: markup.Range{Start: start, End: end}, Replacement: text}, p.proved(mp, start, end, text, before, after)
}

// maxProofs is how many bytes of one part in a stateful charset are decoded
// again to see that edits change nothing else.
const maxProofs = 256 << 20

// proved decodes the changed bytes again: what stands before and after the
// edit must read as it did.
func (p *Part) proved(mp *mapping, start, end int, text []byte, before, after int) bool {
	if p.charset.shift == 0 {
		return true
	}
	if mp.proofs += len(mp.transfer); mp.proofs > maxProofs {
		return false
	}
	again := p.charset.decode(slices.Concat(mp.transfer[:start], text, mp.transfer[end:]))
	return bytes.HasPrefix(again, p.Body[:before]) && bytes.HasSuffix(again, p.Body[after:]) && len(again) >= before+len(p.Body)-after
}

// fill writes ASCII text in c on exactly room bytes.
func (c *charset) fill(text []byte, room int) ([]byte, bool) {
	if room <= 0 || room%c.unit != 0 || !isASCII(text) || len(text) == 0 {
		return nil, false
	}
	out := make([]byte, room)
	for i := 0; i < room/c.unit; i++ {
		at := i * c.unit
		if c.big {
			at += c.unit - 1
		}
		out[at] = text[min(i, len(text)-1)]
	}
	return out, true
}

// encode writes UTF-8 text in c.
func (c *charset) encode(text []byte) ([]byte, bool) {
	if len(text) == 0 {
		return nil, true
	}
	if isASCII(text) {
		return c.fill(text, len(text)*c.unit)
	}
	if c.enc == nil || c.unit > 1 {
		return nil, false
	}
	out, err := c.enc.NewEncoder().Bytes(text)
	return out, err == nil
}

// rebase writes e into the base64 characters that hold its bits.
func (mp *mapping) rebase(content []byte, e markup.Edit) (markup.Edit, bool) {
	start, end := mp.base64.span(e.Range.Start, e.Range.End)
	raw := bytes.Clone(content[start:end])
	for k, c := range e.Replacement {
		d := e.Range.Start + k
		_, _, g := mp.base64.of(d, d+1)
		bit := (d - g.dec) * 8
		for n := 7; n >= 0; n-- {
			sx := g.sx + (bit+7-n)/6
			at, stop := mp.base64.runs.span(sx, sx+1)
			if stop-at != 1 || at < start || at >= end {
				return e, false
			}
			shift := 5 - (bit+7-n)%6
			v := sextet(raw[at-start])
			v = v&^(1<<shift) | (c>>n&1)<<shift
			raw[at-start] = base64Alphabet[v]
		}
	}
	return markup.Edit{Range: markup.Range{Start: start, End: end}, Replacement: raw}, true
}
