package source

import (
	"bytes"
	"strconv"
	"strings"
)

// fromLine reports whether line separates messages: "From ", a sender, and a
// date with a time and a year.
func fromLine(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("From ")) || len(line) > 1000 {
		return false
	}
	rest := line[5:]
	hour := false
	for i := 2; i+2 < len(rest); i++ {
		if rest[i] == ':' && digit(rest[i-1]) && digit(rest[i+1]) && digit(rest[i+2]) {
			hour = true
			break
		}
	}
	if !hour {
		return false
	}
	for i := 0; i+4 <= len(rest); i++ {
		if (rest[i] == '1' && rest[i+1] == '9' || rest[i] == '2' && rest[i+1] == '0') && digit(rest[i+2]) && digit(rest[i+3]) &&
			(i == 0 || rest[i-1] == ' ' || rest[i-1] == '-' || rest[i-1] == '/') && (i+4 == len(rest) || !digit(rest[i+4])) {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// shortFrom reports whether line could separate messages though it bears no
// date: "From -" as Netscape wrote, or "From " and one word.
func shortFrom(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("From ")) || len(line) > 300 {
		return false
	}
	rest := bytes.TrimSpace(line[5:])
	return string(rest) == "-" || bytes.IndexByte(rest, '@') > 0 && bytes.IndexByte(rest, ' ') < 0
}

// mmdf is the line before and behind each message of a mailbox of that kind.
const mmdf = "\x01\x01\x01\x01"

// mboxStart reports whether text starts an mbox, or an MMDF mailbox.
func mboxStart(text []byte) bool {
	line := firstLine(text)
	if fromLine(line) || string(line) == mmdf {
		return true
	}
	next := text[min(len(text), len(line)):]
	return shortFrom(line) && fieldName(firstLine(bytes.TrimLeft(next, "\r\n"))) != ""
}

// mboxScan reads one mbox.
type mboxScan struct {
	r     *reader
	in    *input
	proto *Message // what all its messages have in common
	index int
	keep  keeper
	start int64 // of the message being kept, -1 before the first
	// state of the lines
	blank   bool // the line before was empty
	header  bool
	length  int64 // Content-Length of this message, -1 if it has none
	trusted int64 // bytes left that Content-Length says are body
	piece   bool  // the line before was cut: this is its continuation
	mmdf    bool  // lines of mmdf separate, and nothing else does
}

// mbox reads messages up to the end of in, from skip.
func (r *reader) mbox(proto *Message, skip Place) bool {
	s := &mboxScan{r: r, in: &r.input, proto: proto, start: -1, blank: true, length: -1}
	proto.Mbox = true
	head, _ := s.in.buf.Peek(len(mmdf) + 1)
	s.mmdf = string(firstLine(head)) == mmdf
	if skip.Offset > 0 {
		if err := s.in.seek(skip.Offset); err != nil {
			return r.fail(proto.File, s.in.offset, err)
		}
		s.index = skip.Index
	}
	for {
		line, err := s.in.buf.ReadSlice('\n')
		if len(line) > 0 && !s.line(line) {
			return false
		}
		if err != nil && !s.in.more(err) {
			break
		}
		s.piece = err != nil
	}
	return s.flush(s.in.offset) && r.ended(s.in, proto.File)
}

// line takes one line, or a piece of a long one.
func (s *mboxScan) line(line []byte) bool {
	at := s.in.offset
	s.in.offset += int64(len(line))
	if s.trusted > 0 {
		s.trusted -= int64(len(line))
		s.keep.add(line)
		s.blank = s.trusted <= 0
		return true
	}
	if bytes.HasPrefix(line, []byte("From ")) {
		line = bytes.Clone(line) // looking ahead moves the buffer it lies in
	}
	text := bytes.TrimRight(line, "\r\n")
	if at == 0 {
		text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	if s.mmdf && !s.piece && (string(text) == mmdf || s.start < 0 && bytes.HasPrefix(text, []byte("From "))) {
		ok := s.flush(at)
		s.start, s.length = -1, -1
		return ok
	}
	if !s.piece && s.separates(text) {
		if !s.flush(at) {
			return false
		}
		s.start, s.header, s.length = s.in.offset, true, -1
		s.blank = false
		return true
	}
	if s.start < 0 && len(text) > 0 {
		s.start, s.header = at, true
	}
	if s.start >= 0 {
		s.keep.add(line)
	}
	if s.header && !s.piece {
		s.field(text)
	}
	s.blank = len(text) == 0
	return true
}

// separates reports whether text, with what stands around it, starts a message.
func (s *mboxScan) separates(text []byte) bool {
	switch {
	case s.mmdf:
		return false
	case fromLine(text):
		return s.blank || !s.header && mailField(s.nextField())
	case shortFrom(text):
		return (s.blank || !s.header) && s.nextField() != ""
	}
	return false
}

// nextField is the name of the field on the next line.
func (s *mboxScan) nextField() string {
	next, _ := s.in.buf.Peek(200)
	return fieldName(firstLine(next))
}

// field looks for Content-Length, and at the end of the header trusts it if a
// separator or the end stands where it leads.
func (s *mboxScan) field(text []byte) {
	if len(text) > 0 {
		if len(text) > 15 && len(text) < 60 && (text[0] == 'C' || text[0] == 'c') && strings.EqualFold(string(text[:15]), "Content-Length:") {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(text[15:])), 10, 64); err == nil && n > 0 {
				s.length = n
			}
		}
		return
	}
	s.header = false
	if s.length <= 0 || s.mmdf {
		return
	}
	next, ok := s.in.look(s.length, 1000)
	if !ok {
		return
	}
	next = bytes.TrimLeft(next, "\r\n")
	if len(next) == 0 || fromLine(firstLine(next)) {
		s.trusted = s.length
	}
}

// flush gives the message that ends at end.
func (s *mboxScan) flush(end int64) bool {
	if s.start < 0 {
		return true
	}
	m := *s.proto
	m.Offset, m.Index = s.start, s.index
	m.Raw, m.Holes, m.Length = s.keep.done()
	m.Length = end - s.start
	s.index++
	s.trusted = 0
	return s.r.give(&m)
}
