// Package page prints reports of the scan door as one HTML page that needs
// nothing else: no script, no font, no picture, light and dark. What a message
// says is text on it, never markup, and no address on it can be followed.
package page

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/explain"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/show"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Bounds on a page; what lies past one is counted on it.
const (
	MaxMessages = 1000
	MaxFindings = 300 // of one message
	MaxBytes    = 32 << 20
	maxFailures = 100
	maxAlike    = 50 // addresses that share a sentence
	maxRows     = 25
)

//go:embed page.html
var layout string

// Writer collects reports and writes the page at the end: the sum comes first.
// It keeps no more than MaxBytes. Not for concurrent use.
type Writer struct {
	out     io.Writer
	t       *template.Template
	body    bytes.Buffer
	kept    int
	left    int
	failed  []string
	consent string
	kind    string // of the first report
}

// New makes a Writer that writes to out.
func New(out io.Writer) *Writer {
	funcs := template.FuncMap{"plain": show.Printable, "gloss": gloss}
	return &Writer{out: out, t: template.Must(template.New("page").Funcs(funcs).Parse(layout))}
}

type message struct {
	*scan.Report
	Says   string
	Groups []group
	More   int
	Copy   string
	Number int // of the message in its mailbox, from 1
}

type group struct {
	Ladder   string
	Findings []finding
}

type finding struct {
	*judge.Finding
	Says  string
	Where string
	Title string
	// Alike are the addresses of others of which the same is said, at most
	// maxAlike; Left counts the rest. Several: they lead to several hosts.
	Alike   []string
	Left    int
	Several bool
}

// Report takes one message. Messages in which nothing reports back are only
// counted if there are many.
func (w *Writer) Report(r *scan.Report) error {
	if w.consent == "" {
		w.consent = r.Consent
	}
	if w.kind == "" {
		w.kind = r.Kind
	}
	m := message{Report: r, Says: r.Words(), Number: r.Index + 1}
	m.Groups, m.More = groups(r)
	if r.Clean != nil {
		m.Copy = r.Clean.Words()
	}
	if w.kept >= MaxMessages || w.body.Len() > MaxBytes || r.Mbox && r.Index > 0 && len(m.Groups) == 0 && len(r.Unread) == 0 {
		w.left++
		return nil
	}
	w.kept++
	return w.t.ExecuteTemplate(&w.body, "message", m)
}

// groups are the findings by rung, surest first; ordinary ones and those that
// nothing uses are counted.
func groups(r *scan.Report) (out []group, more int) {
	more = len(r.Findings)
	for n, g := range show.Groups(r, false) {
		if n == MaxFindings {
			break
		}
		i := g.Findings[0]
		f := finding{Finding: &r.Findings[i], Says: g.Says, Where: where(r, i), Title: title(r.Findings[i].Vector), Several: len(g.Hosts) > 1}
		for _, k := range g.Findings[1:min(len(g.Findings), maxAlike)] {
			f.Alike = append(f.Alike, r.Findings[k].Request.URL)
		}
		f.Left = len(g.Findings) - 1 - len(f.Alike)
		more -= len(g.Findings)
		if k := len(out); k == 0 || out[k-1].Ladder != f.Ladder.String() {
			out = append(out, group{Ladder: f.Ladder.String()})
		}
		k := len(out) - 1
		out[k].Findings = append(out[k].Findings, f)
	}
	return out, more
}

// gloss says what a rung means.
func gloss(rung string) string {
	switch rung {
	case "proven":
		return "your own address stands in it"
	case "vendor":
		return "a rule or a list knows it"
	case "likely":
		return "it is made like a tracker in more than one way"
	case "hidden":
		return "nobody is meant to see it, and it is not the same for all"
	case "token":
		return "possible: it carries something that may name you"
	}
	return ""
}

func title(vector string) string {
	n := 0
	for _, c := range strings.TrimPrefix(vector, "V") {
		n = n*10 + int(c-'0')
	}
	return scan.Title(markup.Vector(n))
}

func where(r *scan.Report, i int) string {
	f := &r.Findings[i]
	switch {
	case r.Kind == "archive":
		return f.Time.Format("15:04:05") + ", " + f.Request.Method + ", " + f.Request.Type
	case f.Range[1] == 0:
		return "inside an attachment"
	case r.Lines[i] > 0:
		return fmt.Sprintf("line %d, bytes %d to %d", r.Lines[i], f.Range[0], f.Range[1])
	}
	return fmt.Sprintf("bytes %d to %d", f.Range[0], f.Range[1])
}

// Failed takes an input that could not be read.
func (w *Writer) Failed(e *source.FileError) error {
	if !errors.Is(e, source.ErrSkipped) && len(w.failed) < maxFailures {
		w.failed = append(w.failed, e.Error())
	}
	return nil
}

// End writes the page.
func (w *Writer) End(t *scan.Total) error {
	page := struct {
		Title             string
		Total             *scan.Total
		Says              string
		Trackers, Senders []explain.Row
		Body              template.HTML
		Left              int
		Failed            []string
		Consent           string
	}{w.title(t), t, t.String(), t.Trackers(maxRows), senders(t), template.HTML(w.body.String()), w.left, w.failed, strings.TrimPrefix(w.consent, explain.ConsentHead)} // the template's own output
	return w.t.ExecuteTemplate(w.out, "page", page)
}

// title says what the page is about.
func (w *Writer) title(t *scan.Total) string {
	switch {
	case t.Messages > 1:
		return "What these messages report"
	case w.kind == "archive":
		return "What this session reports"
	case w.kind == "page":
		return "What this page reports"
	}
	return "What this mail reports"
}

// senders are those whose mail reports back.
func senders(t *scan.Total) []explain.Row {
	rows := t.Senders(maxRows)
	for i := range rows {
		if rows[i].Reporting == 0 {
			return rows[:i]
		}
		if rows[i].Name == "" {
			rows[i].Name = "(no sender)"
		}
	}
	return rows
}
