package markup

// MaxHead is how many bytes FirstPlace reads before it gives up.
const MaxHead = 16 << 10

// FirstPlace finds the place in the first bytes of an HTML document where a
// script comes before all others: behind the head's start tag, or before the
// first tag or text that implies a head. found is false if more bytes are
// needed; with MaxHead bytes and more, or at the end (final), it never is, and
// at is -1 where there is no such place.
func FirstPlace(b []byte, final bool) (at int, found bool) {
	if len(b) >= MaxHead {
		b, final = b[:MaxHead], true
	}
	if len(b) < 3 && !final {
		return -1, false // may be part of a byte order mark
	}
	s := scanner{b: b, final: final}
	for {
		if !s.next() {
			return -1, final
		}
		switch tok := &s.tok; tok.kind {
		case kindStart:
			switch name := b[tok.nameStart:tok.nameEnd]; {
			case equalFold(name, "html"):
			case equalFold(name, "head"):
				return tok.end, true
			default:
				return tok.start, true
			}
		case kindComment, kindDoctype:
		case kindText:
			if n := blank(b[tok.start:tok.end]); tok.start+n < tok.end {
				return tok.start + n, true
			}
		default:
			return -1, true
		}
	}
}

// blank counts the bytes of white space that b begins with, a byte order mark
// among them.
func blank(b []byte) int {
	n := 0
	if len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf {
		n = 3
	}
	for n < len(b) && isSpace(b[n]) {
		n++
	}
	return n
}
