package report

import (
	"bufio"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

// unknownWord stands where the rules know nothing: the owner has to find it out.
const unknownWord = "not known here; ask the vendor"

// notes are what a reader of the draft must know, of what is in it.
func (d *Disclosure) notes() []string {
	out := []string{NotAdvice}
	hashed, own, refused := false, false, int64(0)
	for i := range d.Vendors {
		v := &d.Vendors[i]
		refused += v.Refused
		own = own || v.Own
		for k := range v.Data {
			hashed = hashed || strings.HasSuffix(v.Data[k].Field, "_hash")
		}
	}
	if d.Choice.IsZero() && len(d.Vendors) > 0 {
		out = append(out, "No hit of this site says what the visitor chose, so it cannot be told whether they came before a choice or after. "+
			"Visit it three times, with a fresh browser each time: choose nothing, refuse, accept.")
	}
	if refused > 0 {
		out = append(out, upper(count(refused, "request"))+" said that consent was refused and went nevertheless. Some vendors call such hits anonymous; they still carry the IP address.")
	}
	if hashed {
		out = append(out, "A fingerprint (hash) of an e-mail address, a telephone number or a name is personal data still: whoever has the address can make the same one.")
	}
	if own {
		out = append(out, "Something goes by way of the site's own name. What the site's server sends on from there cannot be seen from a browser.")
	}
	return append(out, "Every request also tells the IP address, the browser and the time. In the EU reading or storing on a device needs consent first, "+
		"unless it is strictly necessary (ePrivacy directive, article 5(3)); in California passing data on for advertising across sites is selling or sharing it, and the signal Sec-GPC refuses it.")
}

// Markdown writes the draft: the table to copy, then what it rests on.
func (d *Disclosure) Markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Trackers on %s: a draft for its privacy notice\n\n", md(d.Site))
	for _, n := range d.Notes {
		fmt.Fprintf(b, "%s\n\n", n)
	}
	if len(d.Vendors) == 0 {
		fmt.Fprintln(b, "No company that the rules know was met on this site.")
		return b.Flush()
	}
	fmt.Fprintf(b, "Observed from %s to %s (UTC).\n\n", d.First.Format(time.DateTime), d.Last.Format(time.DateTime))
	fmt.Fprint(b, "| Vendor | Legal entity, country | Purposes | Data observed | Cookies and how long they last | Before a choice? | How to refuse |\n|---|---|---|---|---|---|---|\n")
	for i := range d.Vendors {
		v := &d.Vendors[i]
		row := []string{v.title(), v.entity(), or(strings.Join(v.Purposes, ", "), v.Category, unknownWord), or(strings.Join(v.data(), "; "), "that a page was opened"),
			or(strings.Join(v.cookies(), "; "), "none known"), d.timing(v), or(v.OptOut, v.Privacy, unknownWord)}
		for k := range row {
			row[k] = md(row[k])
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
	for i := range d.Vendors {
		d.section(b, &d.Vendors[i])
	}
	if len(d.Unknown) > 0 {
		fmt.Fprint(b, "\n## To be found out: whose are these?\n\n")
		for _, u := range d.Unknown {
			fmt.Fprintf(b, "- %s: %s\n", md(u.Host), u.says())
		}
	}
	fmt.Fprintf(b, "\nMade by %s on %s.\n", md(strings.TrimSpace("quench report "+d.Version)), d.Made.Format(time.DateOnly))
	return b.Flush()
}

func (d *Disclosure) section(b io.Writer, v *Vendor) {
	fmt.Fprintf(b, "\n## %s\n\n", md(v.title()))
	fmt.Fprintf(b, "- %s on %s, %s to %s\n", count(v.Requests, "request"), count(v.Pages, "page"), v.First.Format(time.DateTime), v.Last.Format(time.DateTime))
	for _, l := range v.lines() {
		fmt.Fprintf(b, "- %s: %s\n", l[0], md(l[1]))
	}
	for _, f := range v.Data {
		if f.Example != "" {
			fmt.Fprintf(b, "- %s, for example %s\n", md(f.Label), md(f.Example))
		}
	}
}

// lines are what the details of a vendor say.
func (v *Vendor) lines() [][2]string {
	out := [][2]string{{"Sent to", strings.Join(v.Hosts, ", ")}}
	for _, l := range [][2]string{{"When", strings.Join(v.Activities, "; ")}, {"Passes numbers on to", strings.Join(v.Partners, ", ")},
		{"Consent, by the hits' own word", v.consent()}, {"Privacy notice", v.Privacy}} {
		if l[1] != "" {
			out = append(out, l)
		}
	}
	if v.Own {
		out = append(out, [2]string{"Transport", "by way of the site's own name"})
	}
	return out
}

func (v *Vendor) consent() string {
	var out []string
	for _, p := range []struct {
		n    int64
		says string
	}{{v.Granted, "with consent"}, {v.Refused, "although it was refused"}, {v.Silent, "without a word of it"}} {
		if p.n > 0 {
			out = append(out, big(p.n)+" "+p.says)
		}
	}
	return strings.Join(out, ", ")
}

func (v *Vendor) title() string {
	s := v.Name
	if v.Company != "" && v.Company != v.Name {
		s += " (" + v.Company + ")"
	}
	if v.Likely {
		s = "Looks like " + s
	}
	return s
}

func (v *Vendor) entity() string {
	s := or(v.Legal, unknownWord)
	if v.Country != "" {
		s += ", " + v.Country
	}
	return s
}

// data names what was observed, what people mind first.
func (v *Vendor) data() []string {
	var sensitive, other []string
	for _, f := range v.Data {
		if f.Sensitive {
			sensitive = append(sensitive, f.Label)
		} else {
			other = append(other, f.Label)
		}
	}
	return append(sensitive, other...)
}

func (v *Vendor) cookies() []string {
	var out []string
	for _, c := range v.Cookies {
		s := c.Name
		if c.Life != "" {
			s += " (" + c.Life + ")"
		}
		switch c.Seen {
		case "yes":
			s += ", seen"
		case "perhaps":
			s += ", perhaps seen"
		}
		out = append(out, s)
	}
	return out
}

// timing says whether v fired before a choice.
func (d *Disclosure) timing(v *Vendor) string {
	switch {
	case d.Choice.IsZero():
		return "no hit says"
	case v.Before > 0:
		return "yes, " + count(v.Before, "request") + " before any hit spoke of a choice" + tail(v)
	}
	return "not seen before one" + tail(v)
}

func tail(v *Vendor) string {
	if v.Refused == 0 {
		return ""
	}
	return "; " + big(v.Refused) + " although refused"
}

func (u *Stranger) says() string {
	if u.Listed {
		return count(u.Requests, "request") + "; a public list names it"
	}
	return count(u.Requests, "request") + "; looks like a tracker"
}

// md keeps a text from being markup in a cell of a table.
func md(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`).Replace(plain(s))
}

func or(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// HTML writes the draft as one page that needs nothing else.
func (d *Disclosure) HTML(w io.Writer) error {
	type row struct {
		*Vendor
		Title, Entity, Purpose, Data, Cookies, Timing, Refuse string
		Lines                                                 [][2]string
	}
	var rows []row
	for i := range d.Vendors {
		v := &d.Vendors[i]
		rows = append(rows, row{v, v.title(), v.entity(), or(strings.Join(v.Purposes, ", "), v.Category, unknownWord),
			or(strings.Join(v.data(), "; "), "that a page was opened"), or(strings.Join(v.cookies(), "; "), "none known"), d.timing(v),
			or(v.OptOut, v.Privacy, unknownWord), v.lines()})
	}
	var strangers []string
	for i := range d.Unknown {
		strangers = append(strangers, d.Unknown[i].Host+": "+d.Unknown[i].says())
	}
	return page(w, disclosurePage, struct {
		*Disclosure
		Style     template.CSS
		Rows      []row
		Strangers []string
	}{d, template.CSS(style), rows, strangers})
}
