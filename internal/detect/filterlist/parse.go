package filterlist

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// Bounds of what Parse reads. What goes past one is refused or rejected, and
// the Report says so.
const (
	// MaxList bounds the bytes of one list with all that it includes.
	MaxList = 256 << 20
	// MaxLine bounds one line; the longest in use are lists of sites, 10 kB.
	MaxLine = 128 << 10
	// MaxPattern bounds a pattern; no engine looks at more of a URL.
	MaxPattern = 4 << 10
	// MaxWildcards bounds the "*" of one pattern.
	MaxWildcards = 64
	// MaxRegexp bounds the source of a regular expression, MaxRegexpSize the
	// instructions it may need once counted repetitions are written out.
	MaxRegexp     = 2 << 10
	MaxRegexpSize = 20_000
	// MaxRegexps bounds the bytes of all regular expressions of a list: the
	// largest lists have 10 kB, and a vicious one takes 50 µs a byte.
	MaxRegexps = 512 << 10
	// MaxInclude bounds how deep includes may nest, MaxIncludes how many there
	// are in all.
	MaxInclude  = 4
	MaxIncludes = 256
	// maxNesting bounds !#if within !#if and parentheses within one.
	maxNesting = 32
)

// Source is one list to parse. Name and Text are required.
type Source struct {
	// Name is what reports call the list.
	Name string
	// Text is the list as it was received: UTF-8, or UTF-16 with a byte order
	// mark. It must not change while any string of its rules is in use.
	Text []byte
	// Format is how lines are to be read; the zero value finds out.
	Format Format
	// Env says which words are true in !#if lines. Without it, and for words it
	// lacks, all are false but "true": this is no browser extension (ext_*,
	// adguard*), no browser (env_*), and edits no page (cap_*).
	Env map[string]bool
	// Include returns the text that an !#include line of this list names, by
	// the name as written; nil reports every such line.
	Include func(name string) ([]byte, error)
}

// Format is how the lines of a list are to be read.
type Format uint8

// The formats. A line that can only be a rule of another format is read as
// such in each of them.
const (
	// FormatAuto looks at the first lines.
	FormatAuto Format = iota
	// FormatAdblock is EasyList's language and all that grew from it.
	FormatAdblock
	// FormatHosts is "address name…" a line, FormatDomains a name a line, also
	// "*.name", ".name", "address=/name/" and "local=/name/".
	FormatHosts
	FormatDomains
)

var formatNames = [...]string{"auto", "adblock", "hosts", "domains"}

// String returns the format's name: auto, adblock, hosts or domains.
func (f Format) String() string {
	if int(f) >= len(formatNames) {
		return "unknown"
	}
	return formatNames[f]
}

// ParseFormat reads a format's name; "" is auto.
func ParseFormat(s string) (Format, error) {
	if s == "" {
		return FormatAuto, nil
	}
	for i, name := range formatNames {
		if s == name {
			return Format(i), nil
		}
	}
	return FormatAuto, fmt.Errorf("unknown list format %q (auto, adblock, hosts or domains)", s)
}

// parser is the state of one Parse.
type parser struct {
	src    *Source
	format Format
	report *Report
	emit   func(*Rule)
	rule   Rule
	opts   optionState
	// optioned says that the rule has or had options.
	optioned bool
	// line counts the lines read, those of includes in their place.
	line uint32
	ifs  []branch
	// open are the texts being read, from the list itself to the innermost
	// include; names are what they are called.
	open     []string
	names    []string
	floors   []int // len(ifs) where each of open began
	includes int
	size     int
	regexps  int // bytes of regular expressions so far
	tried    int // what trying them on samples has cost, in instructions
}

// Parse reads a list and calls emit for each rule, in order, with list as its
// number. The Rule is good only during the call, its strings stay good. A list
// that cannot be one at all (too long, a web page, binary) emits nothing and
// has Report.Err set.
func Parse(src Source, list uint16, emit func(*Rule)) Report {
	report := Report{Name: src.Name, Format: src.Format}
	text, err := decode(src.Text)
	if err != nil {
		report.Err = fmt.Errorf("read list %s: %w", src.Name, err)
		return report
	}
	p := &parser{src: &src, report: &report, emit: emit, size: len(text)}
	p.rule.List = list
	if report.Format == FormatAuto {
		report.Format = detectFormat(text)
	}
	p.format = report.Format
	p.text(src.Name, text)
	return report
}

// What makes a whole list unreadable.
var (
	errTooLong = fmt.Errorf("longer than %d MB", MaxList>>20)
	errPage    = errors.New("it is a web page or another document, not a list")
	errBinary  = errors.New("it is compressed or binary, not text")
	errUTF16   = errors.New("it looks like UTF-16 without a byte order mark")
)

// decode returns text as a string: the same bytes but for UTF-16 and byte
// order marks.
func decode(text []byte) (string, error) {
	if len(text) > MaxList {
		return "", errTooLong
	}
	s := unsafe.String(unsafe.SliceData(text), len(text))
	switch {
	case strings.HasPrefix(s, "\xff\xfe"), strings.HasPrefix(s, "\xfe\xff"):
		s = decodeUTF16(s[2:], s[0] == 0xfe)
	case strings.HasPrefix(s, "\xef\xbb\xbf"):
		s = s[3:]
	case strings.HasPrefix(s, "\x1f\x8b"), strings.HasPrefix(s, "PK\x03\x04"), strings.HasPrefix(s, "\x28\xb5\x2f\xfd"):
		return "", errBinary
	case len(s) > 3 && (s[0] == 0 && s[2] == 0 || s[1] == 0 && s[3] == 0):
		return "", errUTF16
	}
	trimmed := strings.TrimSpace(firstBytes(s, 512))
	switch {
	case strings.HasPrefix(trimmed, "<"):
		return "", errPage
	case strings.HasPrefix(trimmed, "{") && strings.HasSuffix(strings.TrimSpace(lastBytes(s, 512)), "}"):
		return "", errPage
	}
	return s, nil
}

func firstBytes(s string, n int) string { return s[:min(n, len(s))] }
func lastBytes(s string, n int) string  { return s[max(0, len(s)-n):] }

// text reads the lines of the list or of an include.
func (p *parser) text(name, text string) {
	p.open, p.names, p.floors = append(p.open, text), append(p.names, name), append(p.floors, len(p.ifs))
	local := uint32(1)
	p.report.span(p.line+1, name, local)
	for rest := text; rest != ""; local++ {
		line := rest
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		p.line++
		before := p.includes
		p.oneLine(trim(line))
		if p.includes != before { // other lines came between
			p.report.span(p.line+1, name, local+1)
		}
	}
	if len(p.ifs) > p.floor() {
		p.reject("", fault{reasonIf, "!#if without !#endif"})
		p.ifs = p.ifs[:p.floor()]
	}
	n := len(p.open) - 1
	p.open, p.names, p.floors = p.open[:n], p.names[:n], p.floors[:n]
}

// floor is how many conditions were open when the innermost text began: an
// include cannot close those of its parent.
func (p *parser) floor() int { return p.floors[len(p.floors)-1] }

// oneLine reads one line without its surrounding space.
func (p *parser) oneLine(line string) {
	if line == "" {
		return
	}
	p.report.Lines++
	switch {
	case len(line) > 1 && line[0] == '!' && line[1] == '#':
		p.directive(line)
		return
	case len(p.ifs) > 0 && !p.ifs[len(p.ifs)-1].on:
		p.report.Skipped++
		return
	case len(line) > MaxLine:
		p.reject(line, fault{reason: reasonLong})
		return
	}
	p.reset(line)
	var f fault
	if p.format == FormatAdblock || strings.HasPrefix(line, "||") || strings.HasPrefix(line, "@@") {
		f = p.adblock(line)
	} else {
		f = p.hosts(line)
	}
	if f.reason != "" {
		p.reject(line, f)
	}
}

// reset readies the rule for a new line. Most lines have no options, and then
// there are no conditions to clear.
func (p *parser) reset(line string) {
	r := &p.rule
	r.Line, r.Text = p.line, line
	r.Exception, r.Important, r.BadFilter, r.HostOnly = false, false, false, false
	r.Kind, r.Page, r.Value, r.Pattern = KindBlock, 0, "", Pattern{}
	if p.optioned {
		p.opts, p.optioned = optionState{}, false
		p.clearConditions()
	}
}

// clearConditions keeps the room of the slices.
func (p *parser) clearConditions() {
	w := &p.rule.Where
	domains, to, deny := w.Domains, w.To, w.DenyAllow
	dns, notDNS, clients, tags := w.DNSTypes, w.NotDNSTypes, w.Clients, w.Tags
	*w = Conditions{}
	w.Domains, w.To, w.DenyAllow = domains.none(), to.none(), deny[:0]
	w.DNSTypes, w.NotDNSTypes = dns[:0], notDNS[:0]
	w.Clients, w.Tags = clients.none(), tags.none()
}

func (n Names) none() Names { return Names{Include: n.Include[:0], Exclude: n.Exclude[:0]} }

// send hands the rule out and counts it.
func (p *parser) send() {
	p.report.count(&p.rule)
	p.emit(&p.rule)
}

// trim cuts ASCII space off both ends; strings.TrimSpace would do more.
func trim(s string) string {
	for s != "" && space(s[0]) {
		s = s[1:]
	}
	for s != "" && space(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }
