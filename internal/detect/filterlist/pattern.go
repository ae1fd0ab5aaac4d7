package filterlist

import "strings"

// The flags of a compiled pattern.
const (
	patStart     = 1 << iota // must begin where the URL begins
	patHost                  // must begin where a label of the host begins
	patEnd                   // must end where the URL ends
	patMatchCase             // is compared with the URL as written
	patStar                  // has a "*" within
	patRegexp                // is the source of a regular expression
	patParam                 // is the name of a query parameter
)

// target is what a pattern is compared with.
type target struct {
	s         string // lower case, or as written for match-case
	cut       bool   // s is only the beginning
	host, end int    // where the host lies, -1 if there is none, unknown before findHost
}

// hostUnknown is target.host before any pattern has asked for it.
const hostUnknown = -2

// findHost finds where the host of a URL lies, port included.
func (t *target) findHost() {
	t.host, t.end = -1, -1
	i := strings.IndexByte(t.s[:min(len(t.s), 64)], ':')
	if i < 0 || !strings.HasPrefix(t.s[i+1:], "//") {
		return
	}
	i += 3
	t.host = i
	for i < len(t.s) && t.s[i] != '/' && t.s[i] != '?' && t.s[i] != '#' && t.s[i] != '\\' {
		if t.s[i] == '@' {
			t.host = i + 1
		}
		i++
	}
	t.end = i
}

// matchAt reports whether pattern p matches with its first byte at start.
func (t *target) matchAt(p string, flags uint8, start int) bool {
	if start < 0 || start > len(t.s) || !t.anchored(flags, start) {
		return false
	}
	first, more, star := strings.Cut(p, "*")
	end, ok := t.segment(first, start)
	switch {
	case !ok:
		return false
	case star:
		return t.rest(more, flags, end)
	}
	return t.ended(flags, end)
}

// anchored reports whether a pattern with these flags may begin at start.
func (t *target) anchored(flags uint8, start int) bool {
	switch {
	case flags&patStart != 0:
		return start == 0
	case flags&patHost != 0:
		if t.host == hostUnknown {
			t.findHost()
		}
		return t.host >= 0 && (start == t.host || start > t.host && start < t.end && t.s[start-1] == '.')
	}
	return true
}

func (t *target) ended(flags uint8, end int) bool {
	return flags&patEnd == 0 || end == len(t.s) && !t.cut
}

// rest matches what follows a star, its segments as far left as they go: what
// is left for the ones after them is then the most there can be.
func (t *target) rest(p string, flags uint8, from int) bool {
	for {
		star := strings.IndexByte(p, '*')
		if star < 0 {
			break
		}
		end, ok := t.findSegment(p[:star], from)
		if !ok {
			return false
		}
		p, from = p[star+1:], end
	}
	if flags&patEnd == 0 {
		_, ok := t.findSegment(p, from)
		return ok
	}
	return !t.cut && t.endsWith(p, from)
}

// endsWith reports whether the segment matches somewhere at or after from and
// ends with the text. Carets at its end may stand for nothing there.
func (t *target) endsWith(seg string, from int) bool {
	for {
		if start := len(t.s) - len(seg); start >= from {
			if end, ok := t.segment(seg, start); ok && end == len(t.s) {
				return true
			}
		}
		// A caret at the end of the text is as if it were not there.
		if seg == "" || seg[len(seg)-1] != '^' {
			return false
		}
		seg = seg[:len(seg)-1]
	}
}

// segment matches a pattern without stars at i and returns where it ends.
func (t *target) segment(seg string, i int) (end int, ok bool) {
	s := t.s
	for k := range len(seg) {
		c := seg[k]
		if i >= len(s) {
			return i, !t.cut && strings.Trim(seg[k:], "^") == ""
		}
		if c != s[i] && (c != '^' || !separators[s[i]]) {
			return i, false
		}
		i++
	}
	return i, true
}

// findSegment returns the end of the leftmost match of seg at or after from.
func (t *target) findSegment(seg string, from int) (end int, ok bool) {
	if seg == "" {
		return from, from <= len(t.s)
	}
	lit, _, caret := strings.Cut(seg, "^")
	for i := from; i <= len(t.s); i++ {
		j := strings.Index(t.s[i:], lit)
		if j < 0 {
			return 0, false
		}
		i += j
		if !caret {
			return i + len(lit), true
		}
		if end, ok = t.segment(seg, i); ok {
			return end, true
		}
	}
	return 0, false
}

// search reports whether p matches anywhere that its anchor allows.
func (t *target) search(p string, flags uint8) bool {
	switch {
	case flags&patStart != 0:
		return t.matchAt(p, flags, 0)
	case flags&patHost != 0:
		return t.searchLabels(p, flags)
	case flags&patStar != 0:
		return t.rest(p, flags, 0)
	case flags&patEnd != 0:
		return !t.cut && t.endsWith(p, 0)
	}
	_, ok := t.findSegment(p, 0)
	return ok
}

func (t *target) searchLabels(p string, flags uint8) bool {
	if t.host == hostUnknown {
		t.findHost()
	}
	if t.host < 0 {
		return false
	}
	for i := t.host; ; {
		if t.matchAt(p, flags, i) {
			return true
		}
		j := strings.IndexByte(t.s[i:t.end], '.')
		if j < 0 {
			return false
		}
		i += j + 1
	}
}

// normal takes from a pattern what means nothing: stars at its ends, and the
// anchors that they make void.
func normal(p Pattern) (string, uint8) {
	var flags uint8
	switch p.Anchor {
	case AnchorStart:
		flags = patStart
	case AnchorHost:
		flags = patHost
	}
	if p.End {
		flags |= patEnd
	}
	if p.MatchCase {
		flags |= patMatchCase
	}
	s := p.Text
	if strings.HasPrefix(s, "*") && flags&patHost == 0 {
		flags &^= patStart
		s = strings.TrimLeft(s, "*")
	}
	if strings.HasSuffix(s, "*") {
		flags &^= patEnd
		s = strings.TrimRight(s, "*")
	}
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	if strings.Contains(s, "*") {
		flags |= patStar
	}
	if s == "" && flags&patHost == 0 {
		flags = 0
	}
	return s, flags
}
