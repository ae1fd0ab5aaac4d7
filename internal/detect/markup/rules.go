package markup

import "bytes"

// maxHideRules is how many rules that can hide something are kept; a mail has
// a handful.
const maxHideRules = 128

// maxCompounds is the length of the longest selector understood.
const maxCompounds = 4

// hideRules holds the rules of style elements that can hide an element.
type hideRules struct {
	list []hideRule
}

type hideRule struct {
	selector []compound // outermost first; descendants all
	body     string
	media    bool
}

// compound is one simple selector: all set parts must match.
type compound struct {
	tag     uint64 // 0: any
	id      string
	classes []string
}

// add reads the rules of a style sheet. Selectors with states, attributes or
// siblings are left out: they do not hold for certain.
func (h *hideRules) add(css []byte) {
	if !canHide(css) {
		return
	}
	lx := cssLexer{b: css}
	item, depth, media := 0, 0, [maxBlocks]bool{}
	for {
		punct, at, ok := lx.nextBrace()
		if !ok || len(h.list) >= maxHideRules {
			return
		}
		switch punct {
		case ';':
			item = at + 1
		case '}':
			depth = max(0, depth-1)
			item = at + 1
		case '{':
			prelude := skipComments(css[item:at])
			if len(prelude) == 0 || prelude[0] != '@' {
				end := blockEnd(&lx)
				h.rule(prelude, css[at+1:end], depth > 0 && media[min(depth, maxBlocks)-1])
				item = lx.i
				continue
			}
			outer := depth > 0 && media[min(depth, maxBlocks)-1]
			if depth < maxBlocks {
				media[depth] = outer || hasPrefixFold(prelude, "@media") && !everyScreen(prelude)
			}
			depth++
			item = at + 1
		}
	}
}

// canHide tells cheaply whether a sheet holds anything that hides.
func canHide(css []byte) bool {
	for _, word := range []string{"none", "hidden", "opacity", "width", "height", "font-size", "mso-hide", "indent", "clip", "left"} {
		if bytes.Contains(css, []byte(word)) {
			return true
		}
	}
	return bytes.IndexByte(css, '\\') >= 0
}

func everyScreen(prelude []byte) bool {
	m := bytes.TrimSpace(prelude[len("@media"):])
	return equalFold(m, "all") || equalFold(m, "screen")
}

// skipComments drops comments, space and the "<!--" of old sheets before a
// selector.
func skipComments(b []byte) []byte {
	for {
		b = bytes.TrimSpace(b)
		switch {
		case bytes.HasPrefix(b, []byte("/*")):
			n := bytes.Index(b, []byte("*/"))
			if n < 0 {
				return nil
			}
			b = b[n+2:]
		case bytes.HasPrefix(b, []byte("<!--")):
			b = b[4:]
		case bytes.HasPrefix(b, []byte("-->")):
			b = b[3:]
		default:
			return b
		}
	}
}

// blockEnd moves lx past the "}" that ends the open block and gives its place.
func blockEnd(lx *cssLexer) int {
	depth := 1
	for {
		punct, at, ok := lx.nextBrace()
		switch {
		case !ok:
			return len(lx.b)
		case punct == '{':
			depth++
		case punct == '}':
			if depth--; depth == 0 {
				return at
			}
		}
	}
}

// rule keeps a rule if its declarations can hide.
func (h *hideRules) rule(prelude, body []byte, media bool) {
	l := plainLook
	l.declare(body)
	size := func(n int32) bool { return n >= 0 && n <= TinyPixels }
	if l.why == 0 && !size(l.w) && !size(l.h) && l.maxW != 0 && l.maxH != 0 && !l.fontZero {
		return
	}
	for _, sel := range bytes.Split(prelude, []byte(",")) {
		if c := selector(sel); c != nil && len(h.list) < maxHideRules {
			h.list = append(h.list, hideRule{c, string(body), media})
		}
	}
}

// selector reads compounds parted by space or ">"; nil if there is more to it.
func selector(b []byte) []compound {
	if bytes.ContainsAny(b, ":[+~\\\"'(") {
		return nil
	}
	var out []compound
	for _, part := range bytes.FieldsFunc(b, func(r rune) bool { return r <= ' ' || r == '>' }) {
		c, ok := readCompound(part)
		if !ok || len(out) == maxCompounds {
			return nil
		}
		out = append(out, c)
	}
	return out
}

func readCompound(b []byte) (c compound, ok bool) {
	n := bytes.IndexAny(b, ".#")
	if n < 0 {
		n = len(b)
	}
	if n > 0 && string(b[:n]) != "*" {
		c.tag = tagID(b[:n])
	}
	for b = b[n:]; len(b) > 0; {
		end := bytes.IndexAny(b[1:], ".#")
		if end < 0 {
			end = len(b) - 1
		}
		word := string(b[1 : 1+end])
		if word == "" {
			return c, false
		}
		if b[0] == '#' {
			c.id = word
		} else {
			c.classes = append(c.classes, word)
		}
		b = b[1+end:]
	}
	// "*" alone would hide all there is; sheets use it to reset margins.
	return c, c.tag != 0 || c.id != "" || len(c.classes) > 0
}

// apply lays the rules that match element i on l.
func (h *hideRules) apply(w *walker, i int, l *look) {
	e := &w.stack[i]
	for k := range h.list {
		r := &h.list[k]
		last := &r.selector[len(r.selector)-1]
		if last.tag != 0 && last.tag != e.id || len(last.classes) > 0 && e.class == e.start || last.id != "" && e.ids == e.class {
			continue // most
		}
		if !w.matches(r.selector, i) {
			continue
		}
		if !r.media {
			l.declare([]byte(r.body))
			continue
		}
		m := *l
		m.declare([]byte(r.body))
		l.mediaWhy |= (m.why | zeroOrTiny(&m)) &^ (l.why | zeroOrTiny(l))
	}
}

func (w *walker) matches(sel []compound, i int) bool {
	n := len(sel) - 1
	if !w.matchOne(&sel[n], i) {
		return false
	}
	for i--; n > 0 && i >= 0; i-- {
		if w.matchOne(&sel[n-1], i) {
			n--
		}
	}
	return n == 0
}

func (w *walker) matchOne(c *compound, i int) bool {
	e := &w.stack[i]
	if c.tag != 0 && c.tag != e.id || c.id != "" && c.id != string(w.arena[e.class:e.ids]) {
		return false
	}
	for _, name := range c.classes {
		if !hasWord(w.arena[e.start:e.class], name) {
			return false
		}
	}
	return true
}

// hasWord reports whether word stands in b between white space.
func hasWord(b []byte, word string) bool {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(word))
		if i < 0 {
			return false
		}
		i += at
		end := i + len(word)
		if (i == 0 || isSpace(b[i-1])) && (end == len(b) || isSpace(b[end])) {
			return true
		}
		at = end
	}
}
