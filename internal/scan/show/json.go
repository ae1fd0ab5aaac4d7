package show

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/explain"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// JSON prints one object a line: every finding, behind a message's findings the
// message (it has "message"), for what could not be read one with "error", and
// at the end one with "total". Not for concurrent use.
type JSON struct {
	w   *bufio.Writer
	enc *json.Encoder
}

// NewJSON makes a JSON that writes to w.
func NewJSON(w io.Writer) *JSON {
	j := &JSON{w: bufio.NewWriterSize(w, 64<<10)}
	j.enc = json.NewEncoder(j.w)
	j.enc.SetEscapeHTML(false)
	return j
}

// place is what every line begins with.
type place struct {
	Schema int    `json:"schema"`
	Door   string `json:"door"`
	File   string `json:"file,omitempty"`
	Offset int64  `json:"offset,omitempty"`
}

type message struct {
	Kind    string          `json:"kind"`
	Index   int             `json:"index"`
	Length  int64           `json:"length,omitempty"`
	From    string          `json:"from,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Sender  string          `json:"sender,omitempty"`
	Worst   judge.Ladder    `json:"worst"`
	Summary explain.Message `json:"summary"`
	Says    string          `json:"sentence"`
	Consent string          `json:"consent,omitempty"`
	Seals   []string        `json:"seals,omitempty"`
	Odd     []string        `json:"problems,omitempty"`
	Unread  []string        `json:"unread,omitempty"`
	Scripts int             `json:"scripts,omitempty"`
	Clean   *scan.Plan      `json:"clean,omitempty"`
}

// Report prints a message's findings, then the message.
func (j *JSON) Report(r *scan.Report) error {
	for i := range r.Findings {
		if err := j.enc.Encode(&r.Findings[i]); err != nil {
			return err
		}
	}
	err := j.enc.Encode(struct {
		place
		Message message `json:"message"`
	}{place{judge.Schema, "scan", r.File, r.Offset}, message{
		r.Kind, r.Index, r.Length, r.From, r.Subject, r.Sender, r.Worst(), r.Summary, r.Words(), r.Consent, r.Seals, r.Problems, r.Unread, r.Scripts, r.Clean,
	}})
	if err != nil {
		return err
	}
	return j.w.Flush()
}

// Failed prints an input that could not be read, or was passed over.
func (j *JSON) Failed(e *source.FileError) error {
	var line struct {
		place
		Error   string `json:"error,omitempty"`
		Skipped string `json:"skipped,omitempty"`
	}
	line.place = place{judge.Schema, "scan", e.File, e.Offset}
	if errors.Is(e, source.ErrSkipped) {
		line.Skipped = e.Err.Error()
	} else {
		line.Error = e.Err.Error()
	}
	err := j.enc.Encode(line)
	if err != nil {
		return err
	}
	return j.w.Flush()
}

// maxRows is how many trackers and senders the total lists.
const maxRows = 1000

type total struct {
	*explain.Mailbox
	Bytes    int64         `json:"bytes"`
	Partly   int           `json:"partly_read"`
	Failed   int           `json:"failed"`
	Skipped  int           `json:"skipped,omitempty"`
	Cleaned  int           `json:"cleaned,omitempty"`
	Changed  int           `json:"changed,omitempty"`
	Refused  int           `json:"refused,omitempty"`
	Unclean  int           `json:"unclean,omitempty"`
	Scripted int           `json:"scripted,omitempty"`
	Share    float64       `json:"share"`
	Worst    judge.Ladder  `json:"worst"`
	Trackers []explain.Row `json:"trackers,omitempty"`
	Senders  []explain.Row `json:"senders,omitempty"`
	Says     string        `json:"sentence"`
}

// End prints the total.
func (j *JSON) End(t *scan.Total) error {
	err := j.enc.Encode(struct {
		place
		Total total `json:"total"`
	}{place{Schema: judge.Schema, Door: "scan"}, total{
		&t.Mailbox, t.Bytes, t.Partly, t.Failed, t.Skipped, t.Cleaned, t.Changed, t.Refused, t.Unclean, t.Scripted, t.Share(), t.Worst(), t.Trackers(maxRows), t.Senders(maxRows), t.String(),
	}})
	if err != nil {
		return err
	}
	return j.w.Flush()
}
