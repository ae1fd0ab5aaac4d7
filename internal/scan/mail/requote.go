package mail

import (
	"bytes"
	"slices"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// requote writes e on the raw bytes that made it, if possible character by
// character, else line by line.
func (mp *mapping) requote(content []byte, e markup.Edit) (markup.Edit, bool) {
	for _, write := range [...]func([]byte, markup.Edit) (markup.Edit, bool){mp.requoteUnits, mp.requoteLines} {
		if out, ok := write(content, e); ok && mp.requoted(content, e, out) {
			return out, true
		}
	}
	return e, false
}

// requoted decodes out with what stands beside it: a "=" that was no escape
// must not become one, nor eat what follows.
func (mp *mapping) requoted(content []byte, e, out markup.Edit) bool {
	from, to := max(e.Range.Start-2, 0), min(e.Range.End+2, len(mp.transfer))
	start, end := mp.quoted.span(from, to)
	got, _ := decodeQuoted(slices.Concat(content[start:out.Range.Start], out.Replacement, content[out.Range.End:end]))
	want := slices.Concat(mp.transfer[from:e.Range.Start], e.Replacement, mp.transfer[e.Range.End:to])
	return bytes.Equal(got, want)
}

// requoteUnits keeps escaped what was escaped, and every byte whose character
// stays.
func (mp *mapping) requoteUnits(content []byte, e markup.Edit) (markup.Edit, bool) {
	start, end := mp.quoted.span(e.Range.Start, e.Range.End)
	raw := bytes.Clone(content[start:end])
	i := mp.quoted.at(e.Range.Start)
	for k, c := range e.Replacement {
		d := e.Range.Start + k
		for int(mp.quoted[i].dec+mp.quoted[i].n) <= d {
			i++
		}
		r := mp.quoted[i]
		at := int(r.src) - start
		switch {
		case c == mp.transfer[d]:
		case r.same && !mustQuote(c):
			raw[at+d-int(r.dec)] = c
		case !r.same && r.rn == 3:
			raw[at], raw[at+1], raw[at+2] = '=', hex[c>>4], hex[c&15]
		default:
			return e, false
		}
	}
	return markup.Edit{Range: markup.Range{Start: start, End: end}, Replacement: raw}, true
}

const hex = "0123456789ABCDEF"

// requoteLines writes e line by line: soft breaks stay, and as many characters
// are escaped as make each line as long as it was.
func (mp *mapping) requoteLines(content []byte, e markup.Edit) (markup.Edit, bool) {
	start, end := mp.quoted.span(e.Range.Start, e.Range.End)
	raw := bytes.Clone(content[start:end])
	text := e.Replacement
	from, to, n := start, start, 0 // raw bytes without a break, and what they decode to
	for i := mp.quoted.at(e.Range.Start); n < len(text) && i < len(mp.quoted); i++ {
		r := mp.quoted[i]
		a := max(e.Range.Start, int(r.dec))
		b := min(e.Range.End, int(r.dec+r.n))
		if a >= b {
			break
		}
		rs, re := mp.quoted.span(a, b)
		if rs != to {
			if !quoteInto(raw[from-start:to-start], text[:n]) {
				return e, false
			}
			text, n, from = text[n:], 0, rs
		}
		to, n = re, n+b-a
	}
	if n != len(text) || !quoteInto(raw[from-start:to-start], text) {
		return e, false
	}
	return markup.Edit{Range: markup.Range{Start: start, End: end}, Replacement: raw}, true
}

// quoteInto writes text on exactly len(dst) bytes: what must be escaped is, and
// of the rest as many as fill dst, from the end.
func quoteInto(dst, text []byte) bool {
	must := 0
	for _, c := range text {
		if mustQuote(c) {
			must++
		}
	}
	more := (len(dst)-len(text))/2 - must
	may := len(text) - must
	if more < 0 || more > may || (len(dst)-len(text))%2 != 0 {
		return false
	}
	dst = dst[:0]
	for _, c := range text {
		quote := mustQuote(c)
		if !quote {
			quote = may <= more
			may--
		}
		if quote {
			dst = append(dst, '=', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return true
}

func mustQuote(c byte) bool { return c == '=' || c <= ' ' || c >= 0x7f }
