// Package show prints reports of the scan door: as text for people, and as
// lines of JSON for programs.
package show

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Text prints reports for people to read. Values from a message are printed so
// that they cannot steer a terminal. Not for concurrent use.
type Text struct {
	// Colour: the rungs are coloured.
	Colour bool
	// Verbose: ordinary references too, addresses whole, oddities listed.
	Verbose bool

	w       *bufio.Writer
	shown   int
	consent bool
}

// NewText makes a Text that writes to w.
func NewText(w io.Writer) *Text { return &Text{w: bufio.NewWriterSize(w, 64<<10)} }

const (
	width      = 78  // of a line of words
	maxAddress = 110 // of a URL, unless Verbose
	maxTable   = 10  // rows of the tables of a mailbox
	maxStuck   = 10  // references that a copy still holds, unless Verbose
)

// Report prints one message. A message of an mbox in which nothing reports
// back is left out unless Verbose.
func (t *Text) Report(r *scan.Report) error {
	t.shown++
	groups := Groups(r, t.Verbose)
	if r.Mbox && r.Index > 0 && len(groups) == 0 && len(r.Unread) == 0 && !t.Verbose {
		return nil
	}
	if t.shown > 1 {
		fmt.Fprintln(t.w)
	}
	t.head(r)
	for i := range groups {
		t.group(r, &groups[i])
	}
	t.tail(r)
	return t.w.Flush()
}

func (t *Text) head(r *scan.Report) {
	name := Printable(r.Name())
	if r.Mbox {
		name += fmt.Sprintf(", message %d at byte %d", r.Index+1, r.Offset)
	}
	fmt.Fprintln(t.w, t.bold(name))
	if r.From != "" {
		fmt.Fprintf(t.w, "  From     %s\n", Printable(short(r.From, 100)))
	}
	if r.Subject != "" {
		fmt.Fprintf(t.w, "  Subject  %s\n", Printable(short(r.Subject, 100)))
	}
	fmt.Fprintln(t.w)
	t.words("  ", r.Words())
}

func (t *Text) group(r *scan.Report, g *Group) {
	f := &r.Findings[g.Findings[0]]
	fmt.Fprintf(t.w, "\n%s\n", t.rung(f.Ladder))
	t.words("  ", g.Says)
	if len(g.Hosts) > 1 {
		fmt.Fprintln(t.w, "  (-v lists them)")
		return
	}
	u := Printable(f.Request.URL)
	if !t.Verbose {
		u = middle(u, maxAddress)
	}
	if u != "" {
		fmt.Fprintf(t.w, "  %s\n", u)
	}
	fmt.Fprintf(t.w, "  (%s)\n", where(r, f, r.Lines[g.Findings[0]]))
	switch more := len(g.Findings) - 1; {
	case more == 0:
	case f.Link:
		fmt.Fprintf(t.w, "  and %s like it\n", counted(more, "link"))
	default:
		fmt.Fprintf(t.w, "  and %d more like it\n", more)
	}
}

// where says the vector and the bytes.
func where(r *scan.Report, f *judge.Finding, line int) string {
	s := f.Vector
	if f.Part != "" && f.Part != "1" {
		s += ", part " + Printable(f.Part)
	}
	switch {
	case r.Kind == "archive":
		return s + fmt.Sprintf(", entry at byte %d", f.Range[0])
	case f.Range[1] == 0:
		return s + ", inside an attachment"
	case line > 0:
		s += fmt.Sprintf(", line %d", line)
	}
	return s + fmt.Sprintf(", bytes %d to %d", f.Range[0], f.Range[1])
}

func (t *Text) tail(r *scan.Report) {
	if c := r.Clean; c != nil {
		fmt.Fprintln(t.w)
		t.words("  ", c.Words())
		t.stuck(c)
	}
	for _, u := range r.Unread {
		t.words("  ", "Not looked at: "+u+".")
	}
	if t.Verbose {
		for _, p := range r.Problems {
			t.words("  ", "Odd: "+p+".")
		}
	}
	if r.Consent != "" && !t.consent {
		t.consent = true // once a run: it is the same for all
		fmt.Fprintln(t.w)
		t.words("  ", r.Consent)
	}
}

// stuck lists what a copy still reports.
func (t *Text) stuck(c *scan.Plan) {
	for i, s := range c.Stuck {
		if i == maxStuck && !t.Verbose {
			fmt.Fprintf(t.w, "  and %s more\n", counted(c.Active-i, "reference"))
			return
		}
		fmt.Fprintf(t.w, "  Still active: %s\n", Printable(s))
	}
}

// End prints the mailbox, if there was more than one message.
func (t *Text) End(total *scan.Total) error {
	if total.Messages != 1 || total.Failed > 0 || total.Skipped > 0 {
		if t.shown > 0 {
			fmt.Fprintln(t.w)
		}
		t.words("", total.String())
	}
	if total.Messages > 1 {
		t.tables(total)
	}
	return t.w.Flush()
}

func (t *Text) tables(total *scan.Total) {
	if rows := total.Trackers(maxTable); len(rows) > 0 {
		fmt.Fprintf(t.w, "\n%s\n", t.bold("Who is told"))
		for _, r := range rows {
			fmt.Fprintf(t.w, "  %6d  %-10s %s\n", r.Messages, r.Ladder, Printable(r.Name))
		}
	}
	rows := total.Senders(maxTable)
	if len(rows) == 0 || rows[0].Reporting == 0 {
		return
	}
	fmt.Fprintf(t.w, "\n%s\n", t.bold("Who sends mail that reports back"))
	for _, r := range rows {
		if r.Reporting == 0 {
			break
		}
		name := r.Name
		if name == "" {
			name = "(no sender)"
		}
		fmt.Fprintf(t.w, "  %6d of %-6d %-30s %s\n", r.Reporting, r.Messages, Printable(name), Printable(short(strings.Join(r.Trackers, ", "), 80)))
	}
}

func (t *Text) bold(s string) string {
	if !t.Colour {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

func (t *Text) rung(l judge.Ladder) string {
	s := l.String()
	if !t.Colour {
		return s
	}
	code := map[judge.Ladder]string{judge.Proven: "1;31", judge.Vendor: "31", judge.Likely: "33", judge.Hidden: "33", judge.Token: "36"}[l]
	if code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// words prints text on lines of at most width columns.
func (t *Text) words(indent, text string) {
	col := 0
	for i, w := range strings.Fields(Printable(text)) {
		n := utf8.RuneCountInString(w)
		switch {
		case i == 0:
			fmt.Fprint(t.w, indent)
			col = len(indent)
		case col+1+n > width:
			fmt.Fprint(t.w, "\n", indent)
			col = len(indent)
		default:
			fmt.Fprint(t.w, " ")
			col++
		}
		fmt.Fprint(t.w, w)
		col += n
	}
	fmt.Fprintln(t.w)
}

// Printable keeps a stranger's text from steering a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0, r == utf8.RuneError,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f: // text that runs backwards
			return '�'
		}
		return r
	}, s)
}

// short cuts s to n runes.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// middle cuts the middle out of s.
func middle(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-31]) + "…" + string(r[len(r)-30:])
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Failed prints nothing: whoever reads text reads the messages too.
func (t *Text) Failed(*source.FileError) error { return nil }
