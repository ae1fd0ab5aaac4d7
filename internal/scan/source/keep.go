package source

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
)

// maxBoundaries is how many open multiparts of a very long message are
// remembered; maxHead is how much of a part's header decides what to do with it.
// boundaryName finds the parameter in a header that breaks its grammar.
var boundaryName = regexp.MustCompile(`(?i)boundary=`)

const (
	maxBoundaries = 64
	maxHead       = 64 << 10
)

// keeper collects the lines of one message. While they fit in MaxHeld they are
// all kept; past it, bodies of parts that are no text are left out.
type keeper struct {
	plain  bool // no mail: keep the beginning, whatever it is
	buf    []byte
	holes  []Hole
	length int64
	last   int // length of the message before: the next is likely not far from it

	// From here on: only once the message is too long.
	thin       bool
	boundaries [][]byte
	head       []byte
	inHead     bool
	drop       bool
	piece      bool // the line before had no line end
}

// add takes a line or a piece of one; line is not kept.
func (k *keeper) add(line []byte) {
	k.length += int64(len(line))
	switch {
	case len(line) == 0:
	case k.thin:
		k.feed(line)
	case len(k.buf)+len(line) <= MaxHeld:
		if k.buf == nil {
			k.buf = make([]byte, 0, max(min(k.last, 1<<20), 4096, len(line)))
		}
		k.buf = append(k.buf, line...)
	default:
		k.thinOut()
		k.feed(line)
	}
}

// done gives what was kept and starts anew.
func (k *keeper) done() (raw []byte, holes []Hole, length int64) {
	raw, holes, length = k.buf, k.holes, k.length
	*k = keeper{plain: k.plain, last: len(raw) + len(raw)/4}
	return raw, holes, length
}

// thinOut goes over what was kept so far and leaves out what need not be.
func (k *keeper) thinOut() {
	all := k.buf
	k.thin, k.inHead = true, !k.plain
	k.buf = all[:0] // shrinks in place: never ahead of what is read
	for len(all) > 0 {
		n := bytes.IndexByte(all, '\n') + 1
		if n == 0 {
			n = len(all)
		}
		k.feed(all[:n])
		all = all[n:]
	}
}

// feed takes a line of a message that is too long.
func (k *keeper) feed(line []byte) {
	start := !k.piece
	k.piece = len(line) == 0 || line[len(line)-1] != '\n'
	text := bytes.TrimRight(line, " \t\r\n")
	if start && len(text) > 2 && text[0] == '-' && text[1] == '-' && k.boundary(text) {
		k.take(line)
		return
	}
	if k.inHead {
		k.take(line)
		k.header(text, line)
		return
	}
	if k.drop {
		k.leave(len(line))
		return
	}
	k.take(line)
}

func (k *keeper) take(line []byte) {
	if len(k.buf)+len(line) > MaxHeld {
		k.leave(len(line))
		return
	}
	k.buf = append(k.buf, line...)
}

func (k *keeper) leave(n int) {
	if l := len(k.holes); l > 0 && k.holes[l-1].At == len(k.buf) {
		k.holes[l-1].Length += int64(n)
		return
	}
	k.holes = append(k.holes, Hole{len(k.buf), int64(n)})
}

// boundary reports whether text ends a part, and what comes then.
func (k *keeper) boundary(text []byte) bool {
	for i := len(k.boundaries) - 1; i >= 0; i-- {
		if b := k.boundaries[i]; bytes.HasPrefix(text, b) {
			final := string(text[len(b):]) == "--"
			if len(text) != len(b) && !final {
				continue
			}
			k.boundaries = k.boundaries[:i+1]
			k.head, k.inHead, k.drop = k.head[:0], !final, final
			if final {
				k.boundaries = k.boundaries[:i]
			}
			return true
		}
	}
	return false
}

// header collects a part's header and at its end decides about the body.
func (k *keeper) header(text, line []byte) {
	if len(text) > 0 {
		if len(k.head) < maxHead {
			k.head = append(k.head, line[:min(len(line), maxHead)]...)
		}
		return
	}
	kind, boundary := contentType(k.head)
	k.head, k.inHead, k.drop = k.head[:0], false, false
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		if boundary != "" && len(k.boundaries) < maxBoundaries {
			k.boundaries = append(k.boundaries, []byte("--"+boundary))
		}
	case kind == "message/rfc822" || kind == "message/global":
		k.inHead = true
	default:
		k.drop = kind != "" && !strings.HasPrefix(kind, "text/")
	}
}

// contentType finds the type and boundary in a header.
func contentType(head []byte) (kind, boundary string) {
	var value []byte
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			if value != nil {
				value = append(value, line...)
			}
		case value != nil:
			return parseType(string(value))
		case len(line) > 13 && strings.EqualFold(string(line[:13]), "content-type:"):
			value = append([]byte{}, line[13:]...)
		}
	}
	return parseType(string(value))
}

func parseType(s string) (kind, boundary string) {
	kind, params, err := mime.ParseMediaType(s)
	if err == nil {
		return kind, strings.TrimRight(params["boundary"], " \t")
	}
	kind, rest, _ := strings.Cut(s, ";")
	if i := boundaryName.FindStringIndex(rest); i != nil {
		boundary = strings.Trim(strings.TrimSpace(rest[i[1]:]), `"`)
		boundary, _, _ = strings.Cut(boundary, `"`)
	}
	return strings.ToLower(strings.TrimSpace(kind)), boundary
}
