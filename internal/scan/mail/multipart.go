package mail

import (
	"bytes"
	"strings"
)

// multipart reads the parts of p between its boundaries.
func (s *splitter) multipart(p *Part, boundary, path string) {
	boundary = strings.TrimRight(boundary, " \t\r\n")
	b := delimiter{raw: s.raw, start: p.Content.Start, end: p.Content.End, mark: []byte("--" + boundary)}
	if boundary == "" {
		s.report(NoBoundary, p.Path, p.Head.Start, "")
	}
	if boundary == "" || !b.appears() {
		if guess := b.guess(); guess != nil {
			b.mark = guess
		} else {
			if boundary != "" {
				s.report(NeverStarted, p.Path, p.Content.Start, "")
			}
			s.bodyless(p)
			return
		}
	}
	p.Container = true
	at, next, _ := b.next(b.start)
	for n := 1; at >= 0; n++ {
		stop, after, final := b.next(next)
		end := stop
		if stop < 0 {
			s.report(Unterminated, p.Path, p.Content.End, "")
			end = b.end
			if next >= end {
				return // a boundary and nothing after it
			}
		} else {
			end = b.trim(next, stop)
		}
		if s.m.full {
			return
		}
		s.entity(entityAt{start: next, end: end, parent: p, path: path, number: n, digest: p.Type == "multipart/digest"})
		if final {
			return
		}
		at, next = stop, after
	}
}

// bodyless reads a multipart without parts as what a client shows: text.
func (s *splitter) bodyless(p *Part) {
	if p.Encoding != Identity {
		body := s.transfer(p, s.raw[p.Content.Start:p.Content.End])
		b := delimiter{raw: body, end: len(body)}
		if b.guess() != nil && p.Depth+1 < MaxDepth {
			p.Container = true
			head := "Content-Type: " + p.Type + "\r\n\r\n"
			s.embedded(p, &layer{raw: append([]byte(head), body...), under: p, own: len(head), closed: s.in.closed}, "encoded")
			return
		}
	}
	s.decodeLeaf(p, s.raw[p.Content.Start:p.Content.End])
}

// delimiter finds boundary lines in raw[start:end].
type delimiter struct {
	raw        []byte
	start, end int
	mark       []byte // with the leading "--"
}

func (d *delimiter) appears() bool {
	at, _, _ := d.next(d.start)
	return at >= 0
}

// next finds the boundary line at or after i: where it starts, where the next
// line starts, and whether it is the final one. at is -1 if there is none.
func (d *delimiter) next(i int) (at, after int, final bool) {
	for i < d.end {
		n := bytes.Index(d.raw[i:d.end], d.mark)
		if n < 0 {
			break
		}
		at = i + n
		i = at + len(d.mark)
		if at > d.start && d.raw[at-1] != '\n' && d.raw[at-1] != '\r' {
			continue
		}
		if after, final, ok := d.rest(i); ok {
			return at, after, final
		}
	}
	return -1, d.end, true
}

// rest judges what follows a boundary: nothing, or "--".
func (d *delimiter) rest(i int) (after int, final, ok bool) {
	line := d.raw[i:d.end]
	n := bytes.IndexAny(line[:min(len(line), 1000)], "\r\n")
	if n < 0 {
		n, after = len(line), d.end
	} else {
		after = i + n + 1
		if line[n] == '\r' && n+1 < len(line) && line[n+1] == '\n' {
			after++
		}
	}
	line = line[:n]
	if bytes.HasPrefix(line, []byte("--")) {
		return after, true, true
	}
	return after, false, blank(line)
}

// trim takes the line end before a boundary off a part's end.
func (d *delimiter) trim(start, end int) int {
	if end > start && d.raw[end-1] == '\n' {
		end--
	}
	if end > start && d.raw[end-1] == '\r' {
		end--
	}
	return end
}

// maxGuess is how many bytes are searched for an undeclared boundary.
const maxGuess = 64 << 10

// guess finds a boundary that the header does not name: a line that starts with
// "--" and is followed by a Content- field.
func (d *delimiter) guess() []byte {
	b := d.raw[d.start:min(d.end, d.start+maxGuess)]
	for i := 0; i < len(b); {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return nil
		}
		line := bytes.TrimRight(b[i:i+n], " \t\r")
		i += n + 1
		if len(line) > 4 && len(line) <= 200 && bytes.HasPrefix(line, []byte("--")) && len(b)-i > 8 && strings.EqualFold(string(b[i:i+8]), "Content-") {
			return line
		}
	}
	return nil
}
