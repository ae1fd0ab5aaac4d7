package vendor

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// lazyRE is a regexp that compiles when it is first asked. Its source was
// checked when the rule was parsed. Most texts need no regexp to be told
// apart: one literal decides.
type lazyRE struct {
	src     string
	literal literal
	re      atomic.Pointer[regexp.Regexp]
}

// newRE gives nil for "".
func newRE(src string) *lazyRE {
	if src == "" {
		return nil
	}
	return &lazyRE{src: src, literal: literalOf(src)}
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
	return l.literal.in(s) && (l.literal.all || l.get().MatchString(s))
}

// literal is a text that stands in whatever a regexp matches.
type literal struct {
	text       string
	start, end bool // where it must stand
	all        bool // the regexp asks for nothing else
}

// literalOf reads the literal that a regexp begins with; its text is "" if
// there is none.
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
	if parts[0].Op == syntax.OpBeginText {
		l.start, parts = true, parts[1:]
	}
	if len(parts) == 0 || parts[0].Op != syntax.OpLiteral || parts[0].Flags&syntax.FoldCase != 0 {
		return literal{}
	}
	l.text, parts = string(parts[0].Rune), parts[1:]
	if strings.ContainsRune(l.text, utf8.RuneError) { // stands for any broken byte
		return literal{}
	}
	l.end = len(parts) == 1 && parts[0].Op == syntax.OpEndText
	l.all = l.end || len(parts) == 0
	return l
}

func (l *literal) in(s string) bool {
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
