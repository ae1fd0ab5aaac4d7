package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/ledger"
)

const (
	textCompanies = 30 // rows of the table
	textDetails   = 8  // companies with details
	textItems     = 6  // of a kind in a line
	textWidth     = 100
)

// Text writes the report for a terminal. Terminals are not steered by it.
func (r *Report) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, s := range r.Says {
		wrap(b, "", s)
	}
	if len(r.Companies) > 0 {
		fmt.Fprintln(b)
		r.table(b)
		for i := range r.Companies {
			if i == textDetails {
				fmt.Fprintln(b)
				wrap(b, "", fmt.Sprintf("%s not detailed here: --company NAME, --html or --json tells of them.", upper(count(len(r.Companies)-i, "more company"))))
				break
			}
			details(b, &r.Companies[i])
		}
	}
	section(b, "What could have followed you", r.Chains, chainSays)
	section(b, "Numbers handed on", r.Syncs, syncSays)
	section(b, "Places that no rule knows", r.Unknown, unknownSays)
	return b.Flush()
}

func (r *Report) table(w io.Writer) {
	pad := len("company")
	shown := r.Companies[:min(len(r.Companies), textCompanies)]
	for i := range shown {
		pad = max(pad, utf8.RuneCountInString(mark(&shown[i])))
	}
	// Names stand left, figures right: the first column is padded and its own.
	var lines strings.Builder
	t := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "sites\tby one number\tpages\tstopped\tpassed bare\ttold\tsince\t\n")
	for i := range shown {
		c := &shown[i]
		fmt.Fprintf(t, "%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", len(c.Sites), c.Linked, c.Pages, big(c.Stopped), big(c.Stripped), big(c.Told), c.First.Format(time.DateOnly))
	}
	t.Flush()
	names := []string{"company"}
	for i := range shown {
		names = append(names, mark(&shown[i]))
	}
	for i, line := range slices.Collect(strings.Lines(lines.String())) {
		fmt.Fprintf(w, "%-*s%s", pad, names[i], line)
	}
}

// mark is a company in a table.
func mark(c *ledger.Company) string {
	if onlyLooks(c) {
		return plain(c.Company) + " (looks like it)"
	}
	return plain(c.Company)
}

func details(w io.Writer, c *ledger.Company) {
	fmt.Fprintf(w, "\n%s\n", mark(c))
	var trackers, ids, did, sensitive, sites []string
	for i := range c.Trackers {
		trackers = append(trackers, c.Trackers[i].Name)
	}
	about := some(trackers)
	if len(c.Purposes) > 0 {
		about += "; for " + strings.Join(c.Purposes, ", ")
	}
	wrap(w, "  ", about)
	ids = idsSay(c.Identifiers)
	for i := range c.Activities {
		did = append(did, activitySays(&c.Activities[i]))
	}
	for i := range c.Sensitive {
		sensitive = append(sensitive, fmt.Sprintf("%s (%s)", c.Sensitive[i].Label, big(c.Sensitive[i].Requests)))
	}
	for i := range c.Sites {
		sites = append(sites, fmt.Sprintf("%s (%s)", c.Sites[i].Site, big(c.Sites[i].Requests)))
	}
	for _, l := range []struct {
		head  string
		items []string
	}{{"on", sites}, {"that", did}, {"knows you by", ids}, {"carried", sensitive}} {
		if len(l.items) > 0 {
			wrap(w, "  ", l.head+" "+some(l.items))
		}
	}
	if c.Refused > 0 {
		wrap(w, "  ", count(c.Refused, "request")+" although you had refused")
	}
	if c.ByName > 0 {
		wrap(w, "  ", count(c.ByName, "request")+" known by the name of the host alone")
	}
}

// idsSay words identifiers. Several of one meaning that each stay on one site
// are one phrase.
func idsSay(ids []ledger.Identifier) []string {
	alone := map[string]int{}
	for i := range ids {
		if ids[i].Sites == 1 {
			alone[ids[i].Label]++
		}
	}
	var out []string
	for i := range ids {
		id := &ids[i]
		switch n := alone[id.Label]; {
		case id.Sites != 1 || n == 1:
			out = append(out, idSays(id))
		case n > 1:
			out = append(out, id.Label+", another on each site")
			alone[id.Label] = -1 // said
		}
	}
	return out
}

func idSays(id *ledger.Identifier) string {
	s := id.Label
	if id.Value != "…" {
		s += " " + id.Value
	}
	if t, err := time.Parse(time.DateOnly, id.Made); err == nil {
		s += t.Format(" since 2 January 2006")
	}
	return s + ": " + count(id.Sites, "site")
}

func activitySays(a *ledger.ActivityCount) string {
	s := a.Says
	if a.Automatic {
		s += " (reported automatically)"
	}
	return s + " (" + big(a.Requests) + ")"
}

func unknownSays(u *ledger.Unknown) string {
	why := "looks like a tracker"
	if u.Listed {
		why = "is on a public list"
	}
	return fmt.Sprintf("%s %s: %s from %s, %s told.", u.Host, why, count(u.Requests, "request"), count(u.Sites, "site"), big(u.Told))
}

func section[T any](w io.Writer, head string, items []T, says func(*T) string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", head)
	for i := range items {
		if i == textDetails {
			fmt.Fprintf(w, "  and %d more\n", len(items)-i)
			return
		}
		wrap(w, "  ", says(&items[i]))
	}
}

// some joins the first items and counts the rest.
func some(items []string) string {
	if n := len(items) - textItems; n > 0 {
		return strings.Join(items[:textItems], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(items, ", ")
}

// wrap writes a paragraph in lines, those after the first indented.
func wrap(w io.Writer, indent, text string) {
	line := indent
	for i, word := range strings.Fields(plain(strings.ReplaceAll(text, "\n", " "))) {
		if i > 0 && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > textWidth {
			fmt.Fprintln(w, line)
			line = indent + "  " + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(w, line)
}
