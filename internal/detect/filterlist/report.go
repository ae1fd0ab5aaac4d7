package filterlist

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// MaxProblems bounds the problems that a Report describes; all are counted.
const MaxProblems = 1000

// maxProblemText bounds what a Problem quotes of its line.
const maxProblemText = 200

// Report says what became of each line of a list: every one is a rule, a
// comment, cosmetic, idle, skipped, or rejected with a reason. It keeps nothing
// of the list's text alive.
type Report struct {
	Name   string
	Format Format
	Meta   Meta
	// Err is set if the text is no list at all; then nothing was emitted.
	Err error

	// Lines counts all lines that are not empty, includes' too.
	Lines int
	// Rules counts what was emitted, by Kind.
	Rules [kinds]int
	// Exceptions, Important and BadFilter count those among Rules.
	Exceptions, Important, BadFilter int
	// Comments counts comments, headers and directives.
	Comments int
	// Cosmetic counts rules about what a page shows or runs, which is not ours.
	Cosmetic int
	// Idle counts rules that can never match here: about pop-ups only, or a
	// hosts file's own localhost names.
	Idle int
	// Skipped counts lines that an !#if switched off.
	Skipped int
	// Rejected counts the lines that did not compile, Reasons how many for
	// which reason; Problems describes the first MaxProblems.
	Rejected int
	Reasons  map[string]int
	Problems []Problem
	// Spans say where the lines come from if the list includes others; rules
	// count lines as if the included text stood in place. See Where.
	Spans []Span
}

// Meta is what a list's head says of it; what it does not say is zero.
type Meta struct {
	Title, Version, Modified, Homepage, License string
	// Expires is how long the list says it stays fresh.
	Expires time.Duration
}

// Problem is one line that did not compile.
type Problem struct {
	// List is the name of the list or include, Line the line in it.
	List string
	Line uint32
	// Reason is one of a fixed set of sentences, Detail what exactly.
	Reason, Detail string
	// Text is the line, cut if it is long.
	Text string
}

// String is "list:line: reason: detail".
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d: %s", p.List, p.Line, p.Reason)
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

// Span says that the lines from From on are those of Name from Line on.
type Span struct {
	From uint32
	Name string
	Line uint32
}

// Total returns how many rules were emitted.
func (r *Report) Total() int {
	n := 0
	for _, k := range r.Rules {
		n += k
	}
	return n
}

// Where returns the list or include that a Rule's line stands in, and the line
// there.
func (r *Report) Where(line uint32) (name string, local uint32) {
	i := sort.Search(len(r.Spans), func(i int) bool { return r.Spans[i].From > line }) - 1
	if i < 0 {
		return r.Name, line
	}
	return r.Spans[i].Name, r.Spans[i].Line + line - r.Spans[i].From
}

func (r *Report) span(from uint32, name string, line uint32) {
	if n := len(r.Spans); n > 0 && r.Spans[n-1].From == from {
		r.Spans = r.Spans[:n-1]
	}
	r.Spans = append(r.Spans, Span{From: from, Name: name, Line: line})
}

func (r *Report) count(rule *Rule) {
	r.Rules[rule.Kind]++
	if rule.Exception {
		r.Exceptions++
	}
	if rule.Important {
		r.Important++
	}
	if rule.BadFilter {
		r.BadFilter++
	}
}

// fault is why a line does not compile; the zero fault is none.
type fault struct{ reason, detail string }

// The reasons that reports give.
const (
	reasonLong        = "the line is too long"
	reasonNUL         = "the line holds control characters"
	reasonUTF8        = "the line is not valid UTF-8"
	reasonSpace       = "a pattern cannot hold a space"
	reasonPattern     = "the pattern is too long"
	reasonWildcards   = "the pattern has too many wildcards"
	reasonWide        = "the rule would match nearly everything"
	reasonRegexp      = "the regular expression does not compile"
	reasonRegexpSize  = "the regular expression is too large"
	reasonRegexps     = "the list has too many regular expressions"
	reasonName        = "not a host name"
	reasonAddress     = "the address is neither null nor loopback: this would redirect, not block"
	reasonTLD         = "a single label would block a whole top-level domain"
	reasonUnknown     = "unknown option"
	reasonUnsupported = "the option does what a proxy or resolver does not"
	reasonType        = "no request has such a type here"
	reasonNegated     = "the option cannot be negated"
	reasonValue       = "the option needs a value"
	reasonNoValue     = "the option takes no value"
	reasonBadValue    = "the option's value is not valid"
	reasonTwo         = "two modifiers in one rule"
	reasonPage        = "the option is for exceptions only"
	reasonIf          = "unbalanced or faulty condition"
	reasonInclude     = "cannot include"
	reasonDirective   = "unknown directive"
	reasonForward     = "the line forwards questions, it does not block"
)

// reject reports the line being read.
func (p *parser) reject(line string, f fault) {
	r := p.report
	r.Rejected++
	if r.Reasons == nil {
		r.Reasons = make(map[string]int)
	}
	r.Reasons[f.reason]++
	if len(r.Problems) >= MaxProblems {
		return
	}
	name, local := r.Where(p.line)
	r.Problems = append(r.Problems, Problem{
		List: name, Line: local, Reason: f.reason,
		Detail: quoteSafe(f.detail), Text: quoteSafe(line),
	})
}

// quoteSafe copies s, bounded and fit for a terminal.
func quoteSafe(s string) string {
	if len(s) > maxProblemText {
		s = s[:maxProblemText] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.Clone(s))
}
