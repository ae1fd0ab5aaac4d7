package lists

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxLine is the longest line that a list may have. The longest rules of
	// public lists have some ten thousand bytes.
	maxLine = 1 << 20
	// sniffLen is how much of the beginning is looked at for what it is.
	sniffLen = 1024
	// controls is how many bytes of ordinary text there must be for each
	// control character, and strays for each byte that is no UTF-8.
	controls, strays = 100, 10
)

// BadListError says why a text cannot be a filter list. What was there before
// stays.
type BadListError struct {
	Line int // 1-based, 0 if it is about the whole
	Why  string
}

// Error says it in a sentence's end: "line 3 …".
func (e *BadListError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d %s", e.Line, e.Why)
	}
	return e.Why
}

func bad(format string, args ...any) error {
	return &BadListError{Why: fmt.Sprintf(format, args...)}
}

// inspector looks at a text as it comes by, so that what is no list is not read
// to its end. Its zero value is ready.
type inspector struct {
	head    []byte
	line    int // lines ended
	width   int // bytes of the line begun
	size    int64
	control int64
	sniffed bool
	// own: it is the user's own rules file. Some editors write UTF-16, which the
	// parser reads; whoever gives out lists has no reason to.
	own, utf16 bool
}

// Write takes the next bytes; its error is a *BadListError.
func (i *inspector) Write(p []byte) (int, error) {
	if !i.sniffed {
		i.head = append(i.head, p[:min(len(p), sniffLen-len(i.head))]...)
		i.utf16 = i.own && (bytes.HasPrefix(i.head, []byte{0xff, 0xfe}) || bytes.HasPrefix(i.head, []byte{0xfe, 0xff}))
		if len(i.head) == sniffLen {
			if err := i.sniff(); err != nil {
				return 0, err
			}
		}
	}
	i.size += int64(len(p))
	if i.utf16 {
		return len(p), nil
	}
	if n := bytes.IndexByte(p, 0); n >= 0 {
		if err := i.sniff(); err != nil { // which says more
			return 0, err
		}
		return 0, &BadListError{i.line + bytes.Count(p[:n], []byte{'\n'}) + 1, "has a NUL byte: that is not text"}
	}
	for _, c := range p {
		switch {
		case c == '\n':
			i.line++
			i.width = 0
			continue
		case c < ' ' && c != '\t' && c != '\r' && c != '\f' || c == 0x7f:
			i.control++
		}
		if i.width++; i.width > maxLine {
			return 0, &BadListError{i.line + 1, fmt.Sprintf("is longer than %d bytes", maxLine)}
		}
	}
	return len(p), nil
}

// end says whether the whole can be a list. Before it, everything must have
// been written.
func (i *inspector) end() error {
	switch {
	case i.size == 0 && !i.own:
		return bad("it is empty")
	case i.control > 16 && i.control*controls > i.size:
		return bad("it is full of control characters: that is not text")
	case !i.sniffed:
		return i.sniff()
	}
	return nil
}

// sniff looks at the beginning.
func (i *inspector) sniff() error {
	i.sniffed = true
	head := i.head
	switch {
	case i.utf16:
		return nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return bad("it is UTF-16; lists are UTF-8")
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return bad("it is a compressed file, not text")
	}
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.ToLower(bytes.TrimLeftFunc(head, unicode.IsSpace))
	for _, tag := range []string{"<!doctype", "<html", "<head", "<body", "<?xml", "<script", "<title", "<!--"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return bad("it is a web page, not a list")
		}
	}
	if bytes.HasPrefix(head, []byte(`{"`)) || bytes.HasPrefix(head, []byte("[{")) {
		return bad("it is JSON, not a list")
	}
	return nil
}

// checkText is the last look at a whole text: is it UTF-8, but for a few bytes
// in old comments?
func checkText(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	wrong := 0
	for s := text; len(s) > 0; {
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 {
			wrong++
		}
		s = s[n:]
	}
	if wrong*strays > len(text) {
		return bad("it is not UTF-8 text")
	}
	return nil
}

// clean makes what a stranger wrote fit for one line on a terminal, at most n
// characters long.
func clean(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
