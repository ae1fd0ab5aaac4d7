// Package report makes reports out of the ledger: what each company would have
// known of a person (New), and what the notice of a site must disclose
// (Disclose), as text, JSON and HTML that needs nothing else.
//
// In flow a ledger.Profile or events, and rules; out flow words. Nothing here
// opens a file or asks a network. What had already been told is always said
// apart from what was stopped, and what is known only by its looks is said to
// look like it.
package report

import (
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/ledger"
)

// Schema is the version of the JSON of a Report and of a Disclosure.
const Schema = 1

// Options say what a report is about.
type Options struct {
	// Since is the beginning that was asked for; zero if all was.
	Since time.Time
	// Now is the time of the report.
	Now time.Time
	// Company and Site narrow the report; "" for all.
	Company, Site string
	// Version names the program.
	Version string
}

// Report is a profile in words. Its JSON is a contract: docs/report.md.
type Report struct {
	Schema  int       `json:"schema"`
	Made    time.Time `json:"made"`
	Since   time.Time `json:"since,omitzero"`
	Company string    `json:"company,omitempty"`
	Site    string    `json:"site,omitempty"`
	// Says are the sentences that sum it up, the first of them first.
	Says []string `json:"says"`
	*ledger.Profile
}

// New words a profile, which the Report then shares.
func New(p *ledger.Profile, o Options) *Report {
	r := &Report{Schema: Schema, Made: o.Now.UTC().Truncate(time.Second), Company: o.Company, Site: o.Site, Profile: p}
	if !o.Since.IsZero() {
		r.Since = o.Since.UTC().Truncate(time.Second)
	}
	if p.Companies == nil {
		p.Companies = []ledger.Company{} // a list in JSON
	}
	r.Says = r.says()
	return r
}

// Empty reports whether there is nothing to tell.
func (r *Report) Empty() bool {
	return len(r.Companies) == 0 && len(r.Unknown) == 0 && r.Links == 0 && r.Banners == 0
}

// JSON writes the report as one object.
func (r *Report) JSON(w io.Writer) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// plain keeps a stranger's text from steering a terminal, and from running
// backwards on a page.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c < ' ' || c >= 0x7f && c < 0xa0, c == utf8.RuneError,
			c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c == 0x200e, c == 0x200f:
			return '�'
		}
		return c
	}, s)
}
