package mail

import (
	"bytes"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Field is one header field.
type Field struct {
	// Name is as written, without space around it.
	Name string
	// Value is unfolded, without white space around it, encoded words (RFC
	// 2047) decoded, in UTF-8; cut at MaxValue.
	Value string
	// At covers the whole field with its line end, NameAt and ValueAt the name
	// and what follows the colon without white space around it, still folded
	// and encoded. They count in Message.Raw; zero in parts found inside
	// attachments.
	At, NameAt, ValueAt markup.Range
}

// Is reports whether f has this name, in any case.
func (f *Field) Is(name string) bool { return strings.EqualFold(f.Name, name) }

// Header is the fields in the order they stand.
type Header []Field

// Get is the value of the first field of this name, "" if there is none.
func (h Header) Get(name string) string {
	for i := range h {
		if h[i].Is(name) {
			return h[i].Value
		}
	}
	return ""
}

// Has reports whether there is a field of this name.
func (h Header) Has(name string) bool {
	for i := range h {
		if h[i].Is(name) {
			return true
		}
	}
	return false
}

// All are the values of all fields of this name.
func (h Header) All(name string) []string {
	var out []string
	for i := range h {
		if h[i].Is(name) {
			out = append(out, h[i].Value)
		}
	}
	return out
}

// headerScan takes one header apart.
type headerScan struct {
	raw  []byte // all bytes; positions count in it
	end  int    // the entity ends here
	text string // copy of the header's bytes
	base int    // text starts at raw[base]
	bad  func(What, int, string)
}

// line gives the end of the line's text and the start of the next line. A bare
// CR ends a line only where a field or a blank line follows it.
func (h *headerScan) line(i int) (text, next int) {
	b := h.raw[i:h.end]
	n := bytes.IndexByte(b, '\n')
	if n < 0 {
		n = len(b)
	}
	for c := 0; c < n; {
		k := bytes.IndexByte(b[c:n], '\r')
		if k < 0 {
			break
		}
		c += k
		rest := b[c+1:]
		if c == 0 && !bytes.HasPrefix(bytes.TrimLeft(rest, "\r"), []byte("\n")) {
			return i, i + 1 // an empty line
		}
		if len(rest) == 0 || rest[0] == '\r' && n != c+2 || rest[0] == '-' || fieldName(rest) > 0 {
			return i + c, i + c + 1
		}
		c++
	}
	text, next = i+n, min(i+n+1, h.end)
	for text > i && h.raw[text-1] == '\r' {
		text--
	}
	return text, next
}

// fieldName gives the length of the field name that b starts with, 0 if none.
func fieldName(b []byte) int {
	i := 0
	for i < len(b) && i < 128 && b[i] > ' ' && b[i] < 0x7f && b[i] != ':' {
		i++
	}
	n := i
	for i < len(b) && i < 136 && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	if n == 0 || i >= len(b) || b[i] != ':' {
		return 0
	}
	if bytes.HasPrefix(b[i:], []byte("://")) || b[0] == '<' || b[0] == '-' {
		return 0
	}
	return n
}

func blank(b []byte) bool { return len(bytes.TrimLeft(b, " \t\r")) == 0 }

// parseHeader reads the header that starts at raw[start] and gives where the
// body starts. bad hears what is wrong.
func parseHeader(raw []byte, start, end int, bad func(What, int, string)) (Header, int) {
	h := &headerScan{raw: raw, end: end, bad: bad}
	stop, body := h.extent(start)
	h.base, h.text = start, string(raw[start:min(stop, start+MaxHeader)])
	if stop > start+MaxHeader {
		bad(TooManyFields, start+MaxHeader, "")
		stop = start + MaxHeader
	}
	return h.fields(start, stop), body
}

// extent finds the end of the header's fields and the start of the body.
func (h *headerScan) extent(start int) (stop, body int) {
	for i := start; i < h.end; {
		text, next := h.line(i)
		l := h.raw[i:text]
		switch {
		case len(l) == 0:
			return i, next
		case blank(l):
			if !h.headerLike(next) {
				return i, next
			}
		case l[0] == ' ' || l[0] == '\t' || fieldName(l) > 0 || i == start && fromLine(l):
		case l[0] == '<' || bytes.HasPrefix(l, []byte("--")) || !h.headerLike(next):
			if i == start {
				h.bad(NoHeader, i, "")
			} else {
				h.bad(NoBlankLine, i, "")
			}
			return i, i
		}
		i = next
	}
	return h.end, h.end
}

// headerLike reports whether the line at i could stand in a header.
func (h *headerScan) headerLike(i int) bool {
	if i >= h.end {
		return false
	}
	text, _ := h.line(i)
	l := h.raw[i:text]
	return fieldName(l) > 0 || len(l) > 0 && (l[0] == ' ' || l[0] == '\t') && !blank(l)
}

func fromLine(l []byte) bool {
	return bytes.HasPrefix(l, []byte("From ")) || bytes.HasPrefix(l, []byte(">From "))
}

// fields takes raw[start:stop] apart.
func (h *headerScan) fields(start, stop int) Header {
	out := make(Header, 0, 24)
	for i := start; i < stop; {
		text, next := h.line(i)
		n := fieldName(h.raw[i:min(text, stop)])
		if n == 0 {
			if l := h.raw[i:text]; len(l) > 0 && !fromLine(l) && !blank(l) {
				h.bad(BadField, i, "")
			}
			i = next
			continue
		}
		for next < stop && (h.raw[next] == ' ' || h.raw[next] == '\t') {
			text, next = h.line(next)
		}
		if len(out) == MaxFields {
			h.bad(TooManyFields, i, "")
			break
		}
		out = append(out, h.field(i, n, min(text, stop), min(next, stop)))
		i = next
	}
	return out
}

// field makes the field whose name is raw[at:at+n] and whose text ends at text.
func (h *headerScan) field(at, n, text, next int) Field {
	v := at + n + bytes.IndexByte(h.raw[at+n:], ':') + 1
	for v < text && isWhite(h.raw[v]) {
		v++
	}
	for text > v && isWhite(h.raw[text-1]) {
		text--
	}
	f := Field{
		Name: h.text[at-h.base : at-h.base+n],
		At:   markup.Range{Start: at, End: next}, NameAt: markup.Range{Start: at, End: at + n}, ValueAt: markup.Range{Start: v, End: text},
	}
	f.Value = decodeValue(h.text[v-h.base : min(text-h.base, v-h.base+MaxValue)])
	return f
}

func isWhite(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// unfold takes out line ends.
func unfold(s string) string {
	if strings.IndexByte(s, '\n') < 0 && strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s)
}
