package filterlist

import (
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"
)

// metaLines is how many lines of a list may hold what its head says.
const metaLines = 64

// adblock reads one line of EasyList's language.
func (p *parser) adblock(line string) fault {
	switch {
	case line[0] == '!', line[0] == '[' && headerLine(line):
		p.comment(line[1:])
		return fault{}
	case cosmetic(line):
		p.report.Cosmetic++
		return fault{}
	case line[0] == '#':
		p.comment(line[1:])
		return fault{}
	}
	f := p.network(line)
	if f.reason != reasonSpace {
		return f
	}
	if startsWithAddress(line) {
		return p.hostNames(line)
	}
	if i := strings.Index(line, " #"); i > 0 {
		p.reset(trim(line[:i]))
		return p.network(p.rule.Text)
	}
	return f
}

// headerLine reports a line such as "[Adblock Plus 2.0]".
func headerLine(line string) bool {
	return line[len(line)-1] == ']' && !strings.ContainsAny(line, "$*^|")
}

// comment counts a comment and takes from it what a list says of itself.
func (p *parser) comment(text string) {
	p.report.Comments++
	if p.line > metaLines || len(p.open) > 1 {
		return
	}
	key, value, ok := strings.Cut(text, ":")
	if !ok || value == "" {
		return
	}
	p.report.Meta.set(strings.ToLower(trim(key)), quoteSafe(trim(value)))
}

func (m *Meta) set(key, value string) {
	for _, f := range []struct {
		key string
		to  *string
	}{
		{"title", &m.Title}, {"version", &m.Version}, {"last modified", &m.Modified},
		{"homepage", &m.Homepage}, {"license", &m.License}, {"licence", &m.License},
	} {
		if key == f.key && *f.to == "" {
			*f.to = value
			return
		}
	}
	if key == "expires" && m.Expires == 0 {
		m.Expires = expires(value)
	}
}

// maxExpires bounds what a list may say of its own freshness.
const maxExpires = 365

// expires reads "4 days (update frequency)", "12 hours", "5d".
func expires(s string) time.Duration {
	n, i := 0, 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 1e4; i++ {
		n = n*10 + int(s[i]-'0')
	}
	unit := strings.ToLower(trim(strings.TrimLeft(s[i:], "0123456789")))
	switch {
	case i == 0 || n == 0:
		return 0
	case strings.HasPrefix(unit, "h"):
		return time.Duration(min(n, maxExpires*24)) * time.Hour
	case unit == "" || strings.HasPrefix(unit, "d"):
		return time.Duration(min(n, maxExpires)) * 24 * time.Hour
	}
	return 0
}

// cosmetic reports rules about a page's content: a list of sites, or nothing,
// before "##" or one of its relatives, or AdGuard's "$$" for HTML.
func cosmetic(line string) bool {
	for from := 0; ; {
		i := strings.IndexByte(line[from:], '#')
		if i < 0 {
			break
		}
		from += i + 1
		if cosmeticMark(line[from:]) {
			return true
		}
	}
	if line[0] == '[' && len(line) > 1 && line[1] == '$' {
		return true // modifiers of a cosmetic rule
	}
	i := strings.IndexByte(line, '$')
	return i >= 0 && (strings.HasPrefix(line[i:], "$$") || strings.HasPrefix(line[i:], "$@$")) &&
		siteList(line[:i]) && strings.IndexByte(line[i:], '[') >= 0
}

// cosmeticMark reports whether s continues the mark that a "#" has begun: "@",
// one or two of "?$%^", "#".
func cosmeticMark(s string) bool {
	if s != "" && s[0] == '@' {
		s = s[1:]
	}
	for n := 0; n < 2 && s != "" && strings.IndexByte("?$%^", s[0]) >= 0; n++ {
		s = s[1:]
	}
	return s != "" && s[0] == '#'
}

func siteList(s string) bool {
	for i := range len(s) {
		if classOf[s[i]]&(className|classUpper) == 0 && strings.IndexByte(",~*|", s[i]) < 0 {
			return false
		}
	}
	return true
}

// network reads a line as a rule about requests.
func (p *parser) network(line string) fault {
	rest := line
	if strings.HasPrefix(rest, "@@") {
		p.rule.Exception, rest = true, rest[2:]
	}
	pattern, options, f := splitOptions(rest)
	if f.reason != "" {
		return f
	}
	if options != "" {
		p.optioned = true
		if all, _ := classes(options); all&classBad != 0 {
			return fault{reason: reasonNUL}
		} else if all&classHigh != 0 && !utf8.ValidString(options) {
			return fault{reason: reasonUTF8}
		}
		if f := p.options(options); f.reason != "" {
			return f
		}
	}
	if f := p.pattern(pattern); f.reason != "" {
		return f
	}
	if options == "" {
		p.nameAlone(pattern)
	}
	if pat := &p.rule.Pattern; pat.Anchor == AnchorStart && !pat.End && (pat.Text == "ws://" || pat.Text == "wss://") {
		return p.anyWebSocket()
	}
	return p.finish()
}

// finish settles types and pages, refuses rules without sense, and sends.
func (p *parser) finish() fault {
	r, st := &p.rule, &p.opts
	if p.optioned {
		if f := st.settle(r); f.reason != "" {
			return f
		}
	}
	switch {
	case r.Where.Types == BitPopup && r.Page == 0:
		p.report.Idle++
		return fault{}
	case !r.BadFilter && p.tooWide():
		return fault{reason: reasonWide}
	case r.Page == 0:
		p.send()
		return fault{}
	}
	if st.only|st.not != 0 {
		p.send()
	}
	r.Kind = KindPage
	p.send()
	return fault{}
}

// nameAlone makes of a rule that is only a name the rule about that host: as a
// pattern, t.co would be part of pinterest.com.
func (p *parser) nameAlone(pattern string) {
	pat := &p.rule.Pattern
	if pat.Anchor != AnchorNone || pat.End || pat.Regexp != "" || pattern == "" || pattern[0] == '*' || pattern[len(pattern)-1] == '*' {
		return
	}
	name := pat.Text
	if strings.IndexByte(name, '%') >= 0 && !ascii(pattern) {
		name, _ = normalName(pattern)
	}
	if plainName(name) {
		*pat = Pattern{Anchor: AnchorHost, Host: name, Text: name + "^"}
	}
}

// anyWebSocket sends a rule whose whole pattern is "|ws://" in two: for what
// is written so, with s or without, and for every WebSocket. A request for one
// is http to a proxy, and authors mean all of them.
func (p *parser) anyWebSocket() fault {
	r := &p.rule
	r.Pattern.Text = "ws*://"
	if f := p.finish(); f.reason != "" {
		return f
	}
	r.Pattern.Text, r.Pattern.Anchor = "", AnchorNone
	p.opts.only, p.opts.not, p.optioned = BitWebSocket, 0, true
	return p.finish()
}

// plainName reports whether s is a whole host name under a known top level.
func plainName(s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot <= 0 || dot == len(s)-1 || !hostName(s) {
		return false
	}
	_, icann := publicsuffix.PublicSuffix(s)
	return icann
}

// hostName reports whether s, lower case, is made of labels as hosts have them.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			if classOf[s[i]]&className == 0 {
				return false
			}
			continue
		}
		if i == start || i-start > 63 || s[start] == '-' || s[i-1] == '-' {
			return false
		}
		start = i + 1
	}
	return true
}

// Classes of bytes, for one look a byte.
const (
	className  = 1 << iota // a-z 0-9 _ - .
	classUpper             // A-Z
	classHigh              // not ASCII
	classSpace             // space and tab
	classBad               // other control characters
	classStar              // *
	classStop              // what ends a host: / ^ * ? : |
	classOther             // all else
)

var classOf = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
			t[c] = className
		case c >= 'A' && c <= 'Z':
			t[c] = classUpper
		case c >= utf8.RuneSelf:
			t[c] = classHigh
		case c == ' ' || c == '\t':
			t[c] = classSpace
		case c < ' ' || c == 0x7f:
			t[c] = classBad
		case c == '*':
			t[c] = classStar | classStop
		case strings.IndexByte("/^?:|", byte(c)) >= 0:
			t[c] = classStop
		default:
			t[c] = classOther
		}
	}
	return t
}()

// classes returns the classes of all bytes of s together, and counts its "*".
func classes(s string) (all uint8, stars int) {
	for i := range len(s) {
		all |= classOf[s[i]]
	}
	if all&classStar != 0 {
		stars = strings.Count(s, "*")
	}
	return all, stars
}
