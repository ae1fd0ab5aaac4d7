package mail

import (
	"bytes"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// MaxProperties is how many lines of a calendar or vCard are looked at.
const MaxProperties = 100_000

// card says which properties of a format hold addresses.
type card struct {
	vector markup.Vector
	// fetched when shown, used on a click.
	opening, click []string
	html           string // property whose value is HTML
}

var (
	calendar = card{159, []string{"ATTACH", "IMAGE", "SOURCE", "STYLED-DESCRIPTION"}, []string{"URL", "CONFERENCE", "ORGANIZER", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL", "TZURL", "STRUCTURED-DATA"}, "X-ALT-DESC"}
	vcard    = card{160, []string{"PHOTO", "SOUND", "LOGO", "KEY"}, []string{"URL", "SOURCE", "FBURL", "CALURI", "CALADRURI", "IMPP", "CONTACT-URI"}, ""}
)

// properties walks a calendar (RFC 5545) or vCard (RFC 6350) by its lines.
func (w *walker) properties(c card) {
	body := w.p.Body
	for i, n := 0, 0; i < len(body); n++ {
		if n == MaxProperties {
			w.p.m.report(AttachmentCut, w.p.Path, w.p.Content.Start, "")
			return
		}
		line, r, next := logicalLine(body, i)
		if colon := valueStart(line); colon > 0 {
			w.property(c, line, colon, r)
		}
		i = next
	}
}

// logicalLine joins folded lines: the text, and where in body each byte is.
func logicalLine(body []byte, i int) (line []byte, r runs, next int) {
	for {
		n := bytes.IndexByte(body[i:], '\n')
		next = i + n + 1
		if n < 0 {
			next = len(body)
		}
		text := bytes.TrimRight(body[i:next], "\r\n")
		r.add(len(line), i, len(text), len(text), true)
		if line == nil {
			line = text[:len(text):len(text)]
		} else {
			line = append(line, text...)
		}
		if next >= len(body) || body[next] != ' ' && body[next] != '\t' {
			return line, r, next
		}
		i = next + 1
		if i >= len(body) {
			return line, r, i
		}
	}
}

// valueStart is the offset after the colon, outside quotes, 0 if none.
func valueStart(line []byte) int {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return i + 1
		}
	}
	return 0
}

// property reports what one property holds.
func (w *walker) property(c card, line []byte, colon int, r runs) {
	name, params, _ := strings.Cut(strings.ToUpper(string(line[:min(colon-1, 1000)])), ";")
	if i := strings.IndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	w.field = name
	defer func() { w.field = "" }()
	when := markup.DNS
	switch {
	case name == c.html || c.html != "" && strings.Contains(params, "TEXT/HTML"):
		w.propertyHTML(c, line[colon:], colon, r)
		return
	case contains(c.opening, name):
		when = markup.Opening
	case contains(c.click, name):
		when = markup.Click
	}
	value := line[colon:]
	if name == "ORGANIZER" && len(value) > 7 && strings.EqualFold(string(value[:7]), "mailto:") {
		w.propertyRef(c, when, "receipt:"+string(value[7:]), colon, len(line), r, true)
		return
	}
	text, esc := unescape(value)
	markup.WalkText(text, c.vector, w.o, func(m *markup.Ref) {
		from, to := esc.span(m.Value.Start, m.Value.End)
		w.propertyRef(c, when, m.URL, colon+from, colon+to, r, false)
	})
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// propertyRef sends a reference that is line[from:to].
func (w *walker) propertyRef(c card, when markup.When, url string, from, to int, r runs, fixed bool) {
	var m markup.Ref
	m.Vector, m.When, m.URL, m.Raw, m.Reach, m.Exact = c.vector, when, url, url, reachOf(url), true
	m.Value.Start, m.Value.End = r.span(from, to)
	m.Element = m.Value
	m.Tag, m.Width, m.Height = strings.ToLower(w.field), -1, -1
	ref := Ref{Ref: m, Part: w.p, Field: w.field, Fixed: fixed}
	if w.limit != 0 && when == markup.Opening {
		ref.When = w.limit
	}
	w.send(&ref)
}

// unescape undoes the backslashes of a text value.
func unescape(value []byte) (text []byte, r runs) {
	for i := 0; i < len(value); {
		n := bytes.IndexByte(value[i:], '\\')
		if n < 0 {
			n = len(value) - i
		}
		if n > 0 {
			r.add(len(text), i, n, n, true)
			text = append(text, value[i:i+n]...)
			i += n
			continue
		}
		size := min(2, len(value)-i)
		b := value[i+size-1]
		if b == 'n' || b == 'N' {
			b = '\n'
		}
		r.add(len(text), i, 1, size, false)
		text = append(text, b)
		i += size
	}
	return text, r
}

// propertyHTML walks HTML in a value, whose commas and line ends are escaped.
func (w *walker) propertyHTML(c card, value []byte, at int, lines runs) {
	text, r := unescape(value)
	tricks := w.tricks
	defer func() { w.tricks = tricks }()
	w.trick(c.vector)
	back := func(x markup.Range) markup.Range {
		from, to := r.span(x.Start, x.End)
		from, to = lines.span(at+from, at+to)
		return markup.Range{Start: from, End: to}
	}
	w.summary(markup.Walk(text, w.o, func(m *markup.Ref) {
		m.Value, m.Element = back(m.Value), back(m.Element)
		m.Exact = m.Exact && m.Value.Len() > 1 // else it is the attribute's name that is written, which lies elsewhere here
		w.inBody(m)
	}))
}
