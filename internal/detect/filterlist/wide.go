package filterlist

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// samples are addresses that have nothing in common but what every address has.
// Who blocks all of them for a scheme blocks nearly everything.
var samples = [...]string{
	"://kfq.com/", "://www.mood-9.de/login", "://8x.jp/v2/%20?u=1", "://cdn.zulu.org/a/b.css", "://bvg.info/x.js", "://t.me/",
}

const (
	// shortSample is the least that a sample has with its scheme: no pattern
	// that needs more can match them all.
	shortSample = len("https://t.me/")
	// fewBytes is how much of a sample any two may share.
	fewBytes = 12
	// maxTried bounds what compiling a list's expressions here may cost, in
	// instructions as MaxRegexpSize counts them. Public lists need some thousand;
	// what comes after is taken without a look.
	maxTried = 1 << 16
)

// tooWide reports a rule that blocks or lifts nearly everything: at most one
// byte to look for, or a block of what stands in every address, and no condition
// at all. Naming a parameter is one.
func (p *parser) tooWide() bool {
	r, pat := &p.rule, &p.rule.Pattern
	if len(pat.Host) > 1 || r.Kind == KindRemoveParam && r.Value != "" && r.Value[0] != '~' {
		return false
	}
	literal := 0
	for i := range len(pat.Text) {
		if c := pat.Text[i]; c != '*' && c != '^' {
			literal++
		}
	}
	few := pat.Regexp == "" && literal < 2
	if !few && (r.Exception || literal > fewBytes) || !unconditional(r, &p.opts) {
		return false
	}
	if few {
		return true
	}
	if pat.Regexp != "" {
		return p.wideRegexp(pat.Regexp)
	}
	text, flags := normal(*pat)
	return everywhere(func(url string) bool {
		t := target{s: url, host: hostUnknown}
		return t.search(text, flags)
	})
}

// unconditional reports whether a rule holds for all requests alike.
func unconditional(r *Rule, st *optionState) bool {
	w := &r.Where
	conditions := len(w.Domains.Include) + len(w.Domains.Exclude) + len(w.To.Include) + len(w.To.Exclude) +
		len(w.DenyAllow) + len(w.DNSTypes) + len(w.NotDNSTypes) + len(w.Header) +
		len(w.Clients.Include) + len(w.Clients.Exclude) + len(w.Tags.Include) + len(w.Tags.Exclude)
	return conditions == 0 && st.only|st.not == 0 && w.Methods|w.NotMethods == 0 && w.Party == AnyParty
}

// everywhere reports whether what matches tells matches every sample of http, or
// every one of https.
func everywhere(matches func(url string) bool) bool {
	for _, scheme := range [...]string{"https", "http"} {
		all := true
		for i := 0; all && i < len(samples); i++ {
			all = matches(scheme + samples[i])
		}
		if all {
			return true
		}
	}
	return false
}

// wideRegexp reports an expression that one byte anywhere satisfies, or that
// matches every sample. It was found to compile.
func (p *parser) wideRegexp(source string) bool {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return false
	}
	least := leastOf(tree)
	switch {
	case least > shortSample:
		return false
	case least < 2 && !fixed(tree):
		return true
	}
	if p.tried += instructions(tree); p.tried > maxTried {
		return false
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return false
	}
	return everywhere(func(url string) bool {
		// Case counts for no rule but those of match-case; to fold it here would
		// cost more than to look twice.
		return re.MatchString(url) || re.MatchString(strings.ToUpper(url))
	})
}

// leastOf returns the length of the shortest text that re matches, in
// characters, or a little less.
func leastOf(re *syntax.Regexp) int {
	const enough = shortSample + 1
	switch re.Op {
	case syntax.OpNoMatch:
		return enough
	case syntax.OpLiteral:
		return min(len(re.Rune), enough)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return leastOf(re.Sub[0])
	case syntax.OpRepeat:
		return min(re.Min*leastOf(re.Sub[0]), enough)
	case syntax.OpConcat:
		n := 0
		for _, sub := range re.Sub {
			n = min(n+leastOf(sub), enough)
		}
		return n
	case syntax.OpAlternate:
		n := enough
		for _, sub := range re.Sub {
			n = min(n, leastOf(sub))
		}
		return n
	}
	return 0 // stars, what may be missing, and places
}

// fixed reports whether re asks for a place in the text.
func fixed(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if fixed(sub) {
			return true
		}
	}
	return false
}
