package filterlist

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// punycode turns names into what a URL carries.
var punycode = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// maxNameText bounds a name before it is normalised.
const maxNameText = 1 << 10

// pattern reads the part of a rule before its options.
func (p *parser) pattern(s string) fault {
	pat := &p.rule.Pattern
	if len(s) > 1 && s[0] == '/' && s[len(s)-1] == '/' {
		pat.Regexp = s[1 : len(s)-1]
		switch all, _ := classes(pat.Regexp); {
		case pat.Regexp == "":
			return fault{reason: reasonWide}
		case all&classBad != 0:
			return fault{reason: reasonNUL}
		case !utf8.ValidString(pat.Regexp):
			return fault{reason: reasonUTF8}
		}
		return p.checkRegexp(pat.Regexp)
	}
	if len(s) > MaxPattern {
		return fault{reason: reasonPattern}
	}
	if n := nameEnd(s); n > 0 { // most rules are ||name^
		pat.Anchor, pat.Host, pat.Text = AnchorHost, s[2:n], s[2:]
		return fault{}
	}
	all, stars := classes(s)
	switch {
	case all&classBad != 0:
		return fault{reason: reasonNUL}
	case all&classSpace != 0:
		return fault{reason: reasonSpace}
	case stars > MaxWildcards:
		return fault{reason: reasonWildcards}
	}
	s = anchors(pat, s)
	if s == "" && pat.Anchor != AnchorNone { // "|||": an address of no bytes
		return fault{reason: reasonWide}
	}
	if all&classHigh != 0 {
		var f fault
		if s, f = encode(pat, s); f.reason != "" {
			return f
		}
		all |= classUpper
	}
	if all&classUpper != 0 && !pat.MatchCase {
		s = strings.ToLower(s)
	}
	if stars > 1 {
		s = collapse(s)
	}
	if pat.Anchor == AnchorHost {
		s = hostPart(pat, s, all&classUpper != 0)
	}
	pat.Text = s
	return fault{}
}

// nameEnd returns where the name ends in a pattern that is "||", a name in lower
// case and "^", else 0.
func nameEnd(s string) int {
	n := len(s) - 1
	if n < 3 || s[0] != '|' || s[1] != '|' || s[n] != '^' {
		return 0
	}
	for i := 2; i < n; i++ {
		if classOf[s[i]] != className {
			return 0
		}
	}
	return n
}

// anchors takes the anchors and the wildcards at the ends off s.
func anchors(pat *Pattern, s string) string {
	switch {
	case strings.HasPrefix(s, "||"):
		pat.Anchor, s = AnchorHost, s[2:]
	case strings.HasPrefix(s, "|"):
		pat.Anchor, s = AnchorStart, s[1:]
	}
	if strings.HasSuffix(s, "|") {
		pat.End, s = true, s[:len(s)-1]
	}
	for s != "" && s[0] == '*' { // whatever comes first: no anchor
		pat.Anchor, s = AnchorNone, s[1:]
	}
	for s != "" && s[len(s)-1] == '*' {
		pat.End, s = false, s[:len(s)-1]
	}
	if s == "" && (pat.Anchor == AnchorNone || !pat.End) {
		pat.Anchor, pat.End = AnchorNone, false
	}
	return s
}

// collapse makes one wildcard of several in a row.
func collapse(s string) string {
	if !strings.Contains(s, "**") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] != '*' || i == 0 || s[i-1] != '*' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// hostStop returns where the host at the beginning of s ends.
func hostStop(s string) int {
	for i := range len(s) {
		if classOf[s[i]]&classStop != 0 {
			return i
		}
	}
	return len(s)
}

// hostPart sets the host that s begins with; the host is lower case even where
// case matters.
func hostPart(pat *Pattern, s string, upper bool) string {
	n, all := 0, uint8(0)
	for n < len(s) && classOf[s[n]]&classStop == 0 {
		all |= classOf[s[n]]
		n++
	}
	if n < len(s) && s[n] == '*' {
		return s
	}
	if upper && all&classUpper != 0 {
		s = strings.ToLower(s[:n]) + s[n:]
	}
	if all&^(className|classUpper) == 0 {
		pat.Host = s[:n]
	}
	return s
}

// encode writes what is not ASCII as URLs carry it: names as punycode, the rest
// percent-encoded.
func encode(pat *Pattern, s string) (string, fault) {
	if !utf8.ValidString(s) {
		return "", fault{reason: reasonUTF8}
	}
	from, to := 0, 0
	if pat.Anchor == AnchorHost {
		to = hostStop(s)
	} else if i := strings.Index(s, "://"); i >= 0 {
		from = i + 3
		to = from + hostStop(s[from:])
	}
	name := s[from:to]
	if !ascii(name) {
		if to < len(s) && s[to] == '*' || len(name) > maxNameText {
			return "", fault{reasonName, name}
		}
		var err error
		if name, err = punycode.ToASCII(name); err != nil {
			return "", fault{reasonName, err.Error()}
		}
		if all, _ := classes(name); all&^(className|classUpper) != 0 { // some signs are mapped to a space and an accent
			return "", fault{reasonName, name}
		}
	}
	s = percent(s[:from]) + name + percent(s[to:])
	if len(s) > MaxPattern {
		return "", fault{reason: reasonPattern}
	}
	return s, fault{}
}

func percent(s string) string {
	if ascii(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
