package judge

import (
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
)

// Schema is the version of the JSON shape of Finding.
const Schema = 1

// Finding is what is known about one reference: the shape of an event, with its
// place and rung. Values are whole; a report of a scan belongs to whoever asked.
type Finding struct {
	Schema  int       `json:"schema"`
	Time    time.Time `json:"time,omitzero"` // when it was judged; the caller's clock, zero if not given
	Door    string    `json:"door"`          // "scan"
	Count   int       `json:"count"`         // how often the part fetches this URL
	Request Request   `json:"request"`
	detect.Verdict

	// File and Offset are the message's, Part the path of the MIME part.
	File   string `json:"file,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Part   string `json:"part,omitempty"`
	// Range is the bytes that hold the URL, [start, end), as the caller gave them.
	Range  [2]int `json:"range"`
	Vector string `json:"vector"`
	// Tricks are further vectors that apply: how the URL is written, what it
	// is nested in, who rewrote it.
	Tricks []string `json:"tricks,omitempty"`
	Ladder Ladder   `json:"ladder"`
	// When is what makes a client use it: opening, click, dns, legacy, header,
	// print, hover, inert.
	When string `json:"when"`
	// Attachment names the attachment that must be opened first: opening the
	// mail alone does nothing; "" if it goes with the mail.
	Attachment string `json:"attachment,omitempty"`
	// Link: a reader follows it. Its address is told by a click, not by opening,
	// and a message without it is broken.
	Link bool `json:"link,omitempty"`
	// Content: an image the reader sees. Cleaning keeps it unless asked.
	Content bool `json:"content,omitempty"`
	// Proofs are the reader's own addresses in the URL, Others somebody else's.
	Proofs []identity.Proof `json:"proofs,omitempty"`
	Others []identity.Proof `json:"others,omitempty"`
	// Original is the address behind an image proxy or a scanner of links, Via
	// the image proxy's operator, Gateway the scanner that the reader's provider
	// or employer put in front. WrapperProofs are the reader's addresses in
	// their part of the URL, which say nothing of who is behind them.
	Original      string           `json:"original,omitempty"`
	Via           string           `json:"via,omitempty"`
	Gateway       string           `json:"gateway,omitempty"`
	WrapperProofs []identity.Proof `json:"wrapper_proofs,omitempty"`
	// Target is where a link leads in the end, as far as the URL itself says.
	Target string `json:"target,omitempty"`
	// Onward: tracker, rung and token are those of the Target, to which the
	// address leads on.
	Onward bool `json:"onward,omitempty"`
	// Known: a rule names the tracker by its own hosts, not by a shape that
	// others may use too.
	Known bool `json:"known,omitempty"`
	// Signs are the grounds of the judgement by structure.
	Signs Signs `json:"signs"`
	// Sender is the domain of the message's sender, "" if unknown.
	Sender string `json:"sender,omitempty"`
}

// Request is the request a client would make.
type Request struct {
	Method string `json:"method,omitempty"`
	Host   string `json:"host"`
	URL    string `json:"url,omitempty"`
	Type   string `json:"type,omitempty"`
	// Page is the page that made it, in an archive; PageFrom how that is known.
	Page     string `json:"page,omitempty"`
	PageFrom string `json:"page_from,omitempty"`
}

// Signs are what the structure of a message says about one reference.
type Signs struct {
	// Hidden grades how sure it is that nobody sees it; Why lists the grounds.
	Hidden string `json:"hidden,omitempty"`
	Why    string `json:"why,omitempty"`
	// Token is the value that may name the reader, "" if there is none; In says
	// where it stands ("path", "host", or the parameter's name), Kind its shape.
	Token string `json:"token,omitempty"`
	In    string `json:"in,omitempty"`
	Kind  string `json:"kind,omitempty"`
	// Links is how many links of the message carry the same token.
	Links int `json:"links,omitempty"`
	// Word is what the path says about its purpose ("open", "track").
	Word string `json:"word,omitempty"`
	// Static: looks like a file that is the same for all readers. Signed: a
	// storage service's signature explains its token. Repeated: stands so often
	// that it is a spacer.
	Static   bool `json:"static,omitempty"`
	Signed   bool `json:"signed,omitempty"`
	Repeated bool `json:"repeated,omitempty"`

	sure     markup.Sure
	strength Strength
	words    int
}

// Result is one message judged. Findings[i] is about Refs[i] of the Message.
type Result struct {
	Findings []Finding
}

// Worst is the surest rung of all findings, Ordinary if there are none.
func (r *Result) Worst() Ladder {
	worst := Ordinary
	for i := range r.Findings {
		worst = min(worst, r.Findings[i].Ladder)
	}
	return worst
}
