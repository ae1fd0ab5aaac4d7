package markup

import "bytes"

// WalkText finds URLs in plain text that clients make links of. v is V176 for
// a body and V175 for a header's value. A name is looked up when a client
// prepares the link, so they are DNS.
func WalkText(src []byte, v Vector, o Options, emit func(*Ref)) Summary {
	w := newWalker(o, emit)
	t := span{b: src}
	f := find{v: v, when: DNS}
	last := 0
	report := func(start, end int) {
		end = linkEnd(src, start, end)
		f.val, f.elem = t.sub(start, end), Range{start, end}
		w.found(&f)
		last = end
	}
	for i := 0; i < len(src); i++ {
		n := bytes.IndexAny(src[i:], ":wW")
		if n < 0 {
			break
		}
		i += n
		switch {
		case i < last:
		case src[i] == ':' && i+3 < len(src) && src[i+1] == '/' && src[i+2] == '/' && !textStop(src[i+3]):
			if s := schemeStart(src, i); s < i && s >= last {
				report(s, textEnd(src, i+3))
			}
		case src[i] != ':' && hasPrefixFold(src[i:], "www.") && i+4 < len(src) && isAlnum(src[i+4]) && (i == 0 || !isAlnum(src[i-1]) && src[i-1] != '/' && src[i-1] != '.' && src[i-1] != '@'):
			last = linkEnd(src, i, textEnd(src, i))
			w.linkified(&f, t, i, last)
		}
	}
	return w.release()
}

// linkified reports "www." text, to which clients add a scheme.
func (w *walker) linkified(f *find, t span, start, end int) {
	f.val, f.elem = t.sub(start, end), Range{start, end}
	w.put(f, target{url: "http://" + cut(f.val.b, MaxURL), scheme: "http", reach: Remote})
}

func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }

func textStop(c byte) bool { return c <= ' ' || c == '"' || c == '<' || c == '>' || c == '`' }

func textEnd(b []byte, i int) int {
	for i < len(b) && !textStop(b[i]) {
		i++
	}
	return i
}

// maxTrail is how much punctuation after a URL is looked at.
const maxTrail = 16

// linkEnd drops punctuation that belongs to the sentence, and a closing
// bracket that was opened outside.
func linkEnd(b []byte, start, end int) int {
	for stop := max(start, end-maxTrail); end > stop; {
		switch c := b[end-1]; c {
		case '.', ',', ';', ':', '!', '?', '\'', '*', '|', '_', '~':
		case ')', ']', '}':
			open := map[byte]byte{')': '(', ']': '[', '}': '{'}[c]
			if bytes.Count(b[start:end], []byte{open}) >= bytes.Count(b[start:end], []byte{c}) {
				return end
			}
		default:
			return end
		}
		end--
	}
	return end
}
