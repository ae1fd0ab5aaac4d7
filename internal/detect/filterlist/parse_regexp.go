package filterlist

import (
	"regexp/syntax"
	"strings"
)

// checkRegexp says whether RE2 takes a regular expression of a list, and within
// bounds. Lists write for JavaScript: look-around and back-references fail.
func (p *parser) checkRegexp(source string) fault {
	if len(source) > MaxRegexp {
		return fault{reason: reasonRegexpSize}
	}
	if p.regexps += len(source); p.regexps > MaxRegexps {
		return fault{reason: reasonRegexps}
	}
	// Case does not change whether it compiles, but folding wide classes takes
	// a millisecond each.
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return fault{reasonRegexp, err.Error()}
	}
	if instructions(re) > MaxRegexpSize {
		return fault{reason: reasonRegexpSize}
	}
	return fault{}
}

// instructions estimates, from above, the program that re compiles to. It is
// asked before compiling because counted repetitions multiply.
func instructions(re *syntax.Regexp) int {
	const enough = MaxRegexpSize + 1
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		n = 1 + len(re.Rune)/16
	}
	for _, sub := range re.Sub {
		n = min(n+1+instructions(sub), enough)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, enough)
}

// regexpIn returns the source of a value that is "/re/" or "/re/i".
func regexpIn(s string) (source string, ok bool) {
	s = strings.TrimSuffix(s, "i")
	if len(s) < 3 || s[0] != '/' || s[len(s)-1] != '/' {
		return "", false
	}
	return s[1 : len(s)-1], true
}
