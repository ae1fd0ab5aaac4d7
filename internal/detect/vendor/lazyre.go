package vendor

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// lazyRE is a regexp that is read, and compiled, when it is first asked. Its
// source was checked when the rule was parsed. Most texts need no regexp to be
// told apart: one literal decides, or the few steps of a linear.
type lazyRE struct {
	src   string
	first atomic.Pointer[fixed]
	plain atomic.Pointer[linear] // without ways once src is known not to be plain
	re    atomic.Pointer[regexp.Regexp]
}

// fixed is what a text must have for a regexp to match it.
type fixed struct {
	literal literal
	needs   []string // one of these must be there; nil says nothing
}

// newRE gives nil for "".
func newRE(src string) *lazyRE {
	if src == "" {
		return nil
	}
	return &lazyRE{src: src}
}

// fixed gives l's, made when it is first asked for.
func (l *lazyRE) fixed() *fixed {
	if f := l.first.Load(); f != nil {
		return f
	}
	f := &fixed{literal: literalOf(l.src)}
	if f.literal.text == "" && f.literal.also == "" && f.literal.class == nil {
		f.needs = needsOf(l.src)
	}
	l.first.Store(f) // two first users may both make it; either serves
	return f
}

func (l *lazyRE) get() *regexp.Regexp {
	if re := l.re.Load(); re != nil {
		return re
	}
	re := regexp.MustCompile(l.src) // two first users may both compile; either result serves
	l.re.Store(re)
	return re
}

// match reports whether the regexp matches s.
func (l *lazyRE) match(s string) bool {
	f := l.fixed()
	if !f.in(s) {
		return false
	}
	if f.literal.all {
		return true
	}
	if ok, known := l.linear().match(s); known {
		return ok
	}
	return l.get().MatchString(s)
}

// can reports whether s has the texts without which the regexp cannot match.
func (l *lazyRE) can(s string) bool { return l.fixed().in(s) }

// in reports whether s has them.
func (f *fixed) in(s string) bool {
	if f.needs == nil {
		return f.literal.in(s)
	}
	for _, t := range f.needs {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}

// linear gives l's, made when it is first asked for.
func (l *lazyRE) linear() *linear {
	if p := l.plain.Load(); p != nil {
		return p
	}
	p := linearOf(l.src)
	if p == nil {
		p = &linear{}
	}
	l.plain.Store(p)
	return p
}

// literal is text that stands in whatever a regexp matches.
type literal struct {
	text       string     // "" if the regexp does not begin with one
	class      *[256]bool // nil unless the regexp asks for one byte of these and for nothing else
	start, end bool       // where it must stand
	all        bool       // the regexp asks for nothing else
	also       string     // the longest text behind it that must be there too
}

// literalOf reads the literals of a regexp that no alternative can go without.
func literalOf(re string) literal {
	parsed, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return literal{}
	}
	parts := []*syntax.Regexp{parsed}
	if parsed.Op == syntax.OpConcat {
		parts = parsed.Sub
	}
	var l literal
	start := parts[0].Op == syntax.OpBeginText
	if start {
		parts = parts[1:]
	}
	if len(parts) > 0 {
		l.text = fixedText(parts[0])
	}
	if len(parts) == 1 && l.text == "" {
		if l.class = byteClass(parts[0]); l.class != nil {
			l.start, l.all = start, true
			return l
		}
	}
	if l.text != "" {
		parts = parts[1:]
		l.start, l.end = start, len(parts) == 1 && parts[0].Op == syntax.OpEndText
		l.all = l.end || len(parts) == 0
	}
	for _, p := range parts {
		if t := fixedText(p); len(t) > len(l.also) {
			l.also = t
		}
	}
	return l
}

// Bounds of lazyRE.needs: to look for more texts, or for shorter ones, costs as
// much as the regexp.
const (
	maxNeeds = 8
	minNeed  = 3
)

// needsOf gives texts of which one stands in whatever the regexp matches; nil if
// it knows none that tell enough.
func needsOf(src string) []string {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return nil
	}
	if texts := oneOf(re); len(texts) > 0 && shortest(texts) >= minNeed {
		return texts
	}
	return nil
}

// anyTexts gives texts of which one must stand in what all of parts match
// together; nil if it knows none. The shortest of them is as long as can be.
func anyTexts(parts []*syntax.Regexp) (best []string) {
	for _, p := range parts {
		if texts := oneOf(p); len(texts) > 0 && (best == nil || shortest(texts) > shortest(best)) {
			best = texts
		}
	}
	return best
}

// oneOf is anyTexts for one part.
func oneOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if t := fixedText(re); t != "" {
			return []string{t}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return oneOf(re.Sub[0])
	case syntax.OpConcat:
		return anyTexts(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, s := range re.Sub {
			texts := oneOf(s)
			if all = append(all, texts...); texts == nil || len(all) > maxNeeds {
				return nil
			}
		}
		return all
	}
	return nil
}

func shortest(texts []string) int {
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

// fixedText returns the one text that re matches, "" if there are others.
func fixedText(re *syntax.Regexp) string {
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase != 0 ||
		slices.Contains(re.Rune, utf8.RuneError) { // stands for any broken byte
		return ""
	}
	return string(re.Rune)
}

// byteClass gives the bytes that tell whether re matches: where one of them
// stands it does, and nowhere else. It gives nil if re is no class of ASCII.
func byteClass(re *syntax.Regexp) *[256]bool {
	var class [256]bool
	switch re.Op {
	case syntax.OpAnyCharNotNL: // a byte beyond ASCII is of a character or broken, and both match
		for b := range class {
			class[b] = b != '\n'
		}
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i+1] > unicode.MaxASCII {
				return nil
			}
			for b := re.Rune[i]; b <= re.Rune[i+1]; b++ {
				class[b] = true
			}
		}
	default:
		return nil
	}
	return &class
}

func (l *literal) in(s string) bool {
	if l.also != "" && !strings.Contains(s, l.also) {
		return false
	}
	if l.class != nil {
		return l.classIn(s)
	}
	switch {
	case l.start && l.end:
		return s == l.text
	case l.start:
		return strings.HasPrefix(s, l.text)
	case l.end:
		return strings.HasSuffix(s, l.text)
	}
	return strings.Contains(s, l.text)
}

func (l *literal) classIn(s string) bool {
	if l.start {
		return s != "" && l.class[s[0]]
	}
	for i := range len(s) {
		if l.class[s[i]] {
			return true
		}
	}
	return false
}
