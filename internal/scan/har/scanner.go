package har

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxKey is the longest key that is compared; maxNesting how deep JSON may go.
const (
	maxKey     = 32
	maxNesting = 1000
)

// value is one element of log.pages or log.entries.
type value struct {
	list   string
	offset int64
	json   []byte
}

// scanner cuts the elements of the two lists out of a stream without decoding
// what stands around them. It counts brackets outside strings; whether an
// element is good JSON its decoder will say.
type scanner struct {
	in    *bufio.Reader
	at    int64
	depth int
	keys  [3]string // key in force at depths 1 and 2
	text  []byte    // the last string at depth 1 or 2
	list  string    // the list that is open, "" if none
	seen  bool      // entries was there
	buf   []byte
}

func newScanner(r io.Reader) *scanner { return &scanner{in: bufio.NewReaderSize(r, 256<<10)} }

func (s *scanner) byte() (byte, error) {
	c, err := s.in.ReadByte()
	if err == nil {
		s.at++
	}
	return c, err
}

// end is the error at the end of the input.
func (s *scanner) end(err error) error {
	switch {
	case err != io.EOF:
		return fmt.Errorf("read HAR at byte %d: %w", s.at, err)
	case !s.seen:
		return ErrNotHAR
	case s.depth > 0:
		return fmt.Errorf("read HAR at byte %d: %w", s.at, io.ErrUnexpectedEOF)
	}
	return io.EOF
}

// next gives the next element. Its json is valid until the call after.
func (s *scanner) next() (value, error) {
	for {
		c, err := s.byte()
		if err != nil {
			return value{}, s.end(err)
		}
		switch c {
		case '"':
			if err := s.string(); err != nil {
				return value{}, s.end(err)
			}
		case ':':
			if s.depth < len(s.keys) {
				s.keys[s.depth] = string(s.text)
			}
		case '{':
			if s.list != "" && s.depth == 3 {
				return s.element()
			}
			s.depth++
		case '[':
			s.depth++
			if s.depth == 3 && s.keys[1] == "log" && (s.keys[2] == "entries" || s.keys[2] == "pages") {
				s.list = s.keys[2]
				s.seen = s.seen || s.list == "entries"
			}
		case '}', ']':
			s.depth = max(s.depth-1, 0) // stray brackets before the log are passed over
			if s.depth == 2 {
				s.list = ""
			}
		}
		if s.depth > maxNesting {
			return value{}, fmt.Errorf("read HAR at byte %d: %w", s.at, errors.New("nested too deep"))
		}
	}
}

// string reads up to the closing quote and keeps the beginning.
func (s *scanner) string() error {
	s.text = s.text[:0]
	for {
		c, err := s.byte()
		if err != nil {
			return err
		}
		switch c {
		case '"':
			return nil
		case '\\':
			if c, err = s.byte(); err != nil {
				return err
			}
		}
		if len(s.text) < maxKey {
			s.text = append(s.text, c)
		}
	}
}

// element reads one object whose brace was just read.
func (s *scanner) element() (value, error) {
	v := value{list: s.list, offset: s.at - 1}
	s.buf = append(s.buf[:0], '{')
	long := false
	t := tracker{depth: 1}
	for t.depth > 0 {
		if _, err := s.in.Peek(1); err != nil {
			return v, s.end(err)
		}
		chunk, _ := s.in.Peek(s.in.Buffered())
		n := t.scan(chunk)
		if keep := min(n, MaxEntry-len(s.buf)); keep == n {
			s.buf = append(s.buf, chunk[:n]...)
		} else {
			long = true
		}
		_, _ = s.in.Discard(n)
		s.at += int64(n)
	}
	if long {
		return v, ErrTooLong
	}
	v.json = s.buf
	return v, nil
}

// tracker finds the end of an object.
type tracker struct {
	depth           int
	quoted, escaped bool
}

// scan gives how many bytes of b belong to the object.
func (t *tracker) scan(b []byte) int {
	for i, c := range b {
		switch {
		case t.escaped:
			t.escaped = false
		case t.quoted && c == '\\':
			t.escaped = true
		case c == '"':
			t.quoted = !t.quoted
		case t.quoted:
		case c == '{' || c == '[':
			t.depth++
		case c == '}' || c == ']':
			if t.depth--; t.depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}
