// Package sarif prints reports of the scan door in the Static Analysis Results
// Interchange Format 2.1.0, for programs that collect the findings of many
// tools. A rule is a vector: one way a document can make a client fetch.
//
// Results are written as they come; nothing is held back.
package sarif

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Writer writes one SARIF log with one run. Not for concurrent use.
type Writer struct {
	w        *bufio.Writer
	version  string
	begun    bool
	results  int
	notes    []notification
	complete bool
}

// New makes a Writer that writes to w; version is the tool's.
func New(w io.Writer, version string) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 64<<10), version: version, complete: true}
}

// maxNotes is how many inputs that could not be read are listed.
const maxNotes = 1000

const schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type text struct {
	Text string `json:"text"`
}

type rule struct {
	ID     string `json:"id"`
	Short  text   `json:"shortDescription"`
	Config struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
}

type notification struct {
	Level     string     `json:"level"`
	Message   text       `json:"message"`
	Locations []location `json:"locations,omitempty"`
}

type location struct {
	Physical physical  `json:"physicalLocation"`
	Logical  []logical `json:"logicalLocations,omitempty"`
}

type physical struct {
	Artifact artifact `json:"artifactLocation"`
	Region   *region  `json:"region,omitempty"`
}

type artifact struct {
	URI string `json:"uri"`
}

type region struct {
	StartLine  int `json:"startLine,omitempty"`
	ByteOffset int `json:"byteOffset"`
	ByteLength int `json:"byteLength"`
}

type logical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type result struct {
	RuleID     string     `json:"ruleId"`
	RuleIndex  int        `json:"ruleIndex"`
	Level      string     `json:"level"`
	Kind       string     `json:"kind,omitempty"`
	Message    text       `json:"message"`
	Locations  []location `json:"locations"`
	Properties properties `json:"properties"`
}

type properties struct {
	Ladder  judge.Ladder `json:"ladder"`
	When    string       `json:"when"`
	URL     string       `json:"url,omitempty"`
	Tracker string       `json:"tracker,omitempty"`
	Company string       `json:"company,omitempty"`
}

// rules are all vectors; a rule's index is its number less one.
func rules() []rule {
	var out []rule
	for v := markup.Vector(1); v <= markup.MaxVector; v++ {
		r := rule{ID: v.String(), Short: text{scan.Title(v)}}
		r.Config.Level = "warning"
		out = append(out, r)
	}
	return out
}

// begin writes what comes before the results.
func (w *Writer) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	driver := map[string]any{
		"name": "quench", "version": w.version, "semanticVersion": strings.TrimPrefix(w.version, "v"),
		"informationUri": "https://github.com/quench-proxy/quench", "rules": rules(),
	}
	if !semantic(w.version) {
		delete(driver, "semanticVersion")
	}
	head, err := json.Marshal(map[string]any{"driver": driver})
	if err != nil {
		return err
	}
	_, err = w.w.WriteString(`{"version":"2.1.0","$schema":"` + schema + `","runs":[{"tool":` + string(head) +
		`,"columnKind":"unicodeCodePoints","results":[`)
	return err
}

// semantic reports whether v is a version like 1.2.3.
func semantic(v string) bool {
	v = strings.TrimPrefix(v, "v")
	return len(v) > 4 && v[0] >= '0' && v[0] <= '9' && strings.Count(v, ".") >= 2
}

// Report writes the findings of one message, but for ordinary ones.
func (w *Writer) Report(r *scan.Report) error {
	if err := w.begin(); err != nil {
		return err
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Ladder == judge.Ordinary || f.When == "inert" {
			continue
		}
		if err := w.result(f, r.Lines[i]); err != nil {
			return err
		}
	}
	for _, u := range r.Unread {
		w.note(u, at(r.File, nil))
	}
	return w.w.Flush()
}

func (w *Writer) result(f *judge.Finding, line int) error {
	var reg *region
	if f.Range[1] > f.Range[0] {
		reg = &region{line, f.Range[0], f.Range[1] - f.Range[0]}
	}
	loc := at(f.File, reg)
	if f.Part != "" {
		loc.Logical = []logical{{f.Part, "MIME part"}}
	}
	out := result{
		RuleID: f.Vector, RuleIndex: index(f.Vector), Level: level(f.Ladder), Message: text{f.Sentence}, Locations: []location{loc},
		Properties: properties{Ladder: f.Ladder, When: f.When, URL: f.Request.URL},
	}
	if t := f.Tracker; t != nil {
		out.Properties.Tracker, out.Properties.Company = t.Name, t.Company
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	if w.results > 0 {
		b = append([]byte{','}, b...)
	}
	w.results++
	_, err = w.w.Write(b)
	return err
}

func index(vector string) int {
	n := 0
	for _, c := range strings.TrimPrefix(vector, "V") {
		n = n*10 + int(c-'0')
	}
	return n - 1
}

// level is what the rung weighs.
func level(l judge.Ladder) string {
	switch {
	case l <= judge.Likely:
		return "error"
	case l == judge.Hidden:
		return "warning"
	}
	return "note"
}

func at(file string, reg *region) location {
	return location{Physical: physical{Artifact: artifact{uri(file)}, Region: reg}}
}

// uri is file as a reference: relative paths stay relative.
func uri(file string) string {
	if file == "-" {
		return "stdin"
	}
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

func (w *Writer) note(what string, loc location) {
	w.complete = false
	if len(w.notes) < maxNotes {
		w.notes = append(w.notes, notification{"error", text{what}, []location{loc}})
	}
}

// Failed keeps an input that could not be read for the end of the log.
func (w *Writer) Failed(e *source.FileError) error {
	if !errors.Is(e, source.ErrSkipped) {
		w.note(e.Err.Error(), at(e.File, nil))
	}
	return nil
}

// End writes the rest of the log.
func (w *Writer) End(*scan.Total) error {
	if err := w.begin(); err != nil {
		return err
	}
	inv := map[string]any{"executionSuccessful": w.complete}
	if len(w.notes) > 0 {
		inv["toolExecutionNotifications"] = w.notes
	}
	b, err := json.Marshal([]any{inv})
	if err != nil {
		return err
	}
	if _, err := w.w.WriteString(`],"invocations":` + string(b) + "}]}\n"); err != nil {
		return err
	}
	return w.w.Flush()
}
