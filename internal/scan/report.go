package scan

import (
	"bytes"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/scan/explain"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/mail"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Report is what one message, page or archive does.
type Report struct {
	// File, Offset, Length and Index are the message's place, as source has it.
	File           string
	Offset, Length int64
	Index          int
	Mbox           bool
	// Kind is one of: mail page outlook archive, and text for what was given as
	// mail and has no header.
	Kind string
	// From and Subject are as the header has them, decoded; Sender is the
	// domain of From. Empty for what has no header.
	From, Subject, Sender string
	// Seals names the protections that a change would break.
	Seals []string
	// Findings are all references in the order they stand. Lines[i] is the line
	// of the file on which Findings[i] starts, 0 if that is not known.
	Findings []judge.Finding
	Lines    []int
	Summary  explain.Message
	// Consent is a note on the law, "" if nothing reports back.
	Consent string
	// Problems are the oddities that were read all the same; Unread is what was
	// not looked at.
	Problems, Unread []string
	// Scripts counts the programs of a page, and of pages attached to a mail,
	// that a browser would run. They are not run here: what they would send is
	// not known.
	Scripts int
	// Clean is the plan of a clean copy, nil if none was asked for.
	Clean *Plan
	// Nothing: not one body could be read.
	Nothing bool
	// Stack is where a fault of our own happened, "" if none did.
	Stack string
}

// maxTroubles is how many problems of one message are put into words.
const maxTroubles = 20

func kindWord(m *source.Message) string {
	switch m.Kind {
	case source.HTML:
		return "page"
	case source.Outlook:
		return "outlook"
	case source.HAR:
		return "archive"
	}
	return "mail"
}

// header takes what a reader knows a message by.
func (r *Report) header(m *mail.Message) {
	if r.Kind == "mail" && len(m.Header) == 0 {
		r.Kind = "text"
	}
	r.From, r.Subject, r.Sender = m.Header.Get("From"), m.Header.Get("Subject"), m.From().Domain
	seal := m.Seals()
	for _, s := range [...]struct {
		seal mail.Seal
		word string
	}{
		{mail.DKIM, "DKIM"}, {mail.ARC, "ARC"}, {mail.SignedSMIME, "S/MIME signature"}, {mail.SignedPGP, "OpenPGP signature"},
		{mail.Encrypted, "encryption"},
	} {
		if seal&s.seal != 0 {
			r.Seals = append(r.Seals, s.word)
		}
	}
}

// finish adds up the findings.
func (r *Report) finish() {
	res := &judge.Result{Findings: r.Findings}
	r.Summary = explain.Summarise(res)
	if r.Kind != "archive" { // the note is about mail
		r.Consent = explain.Consent(res)
	}
}

// unreadable says which problems mean that something was not looked at, rather
// than read as most clients read it.
func unreadable(w mail.What) bool {
	switch w {
	case mail.TooManyFields, mail.TooDeep, mail.TooManyParts, mail.BadCharset, mail.TooLong, mail.TooMuch, mail.Encoded,
		mail.BadAttachment, mail.EncryptedBody, mail.PartialMessage, mail.Skipped, mail.MarkupCut, mail.AttachmentCut, mail.TwoReadings:
		return true
	}
	return false
}

// troubles says what could not be read, and what was odd.
// Who wants everything inert is told of packed files too.
func (r *Report) troubles(m *mail.Message, src *source.Message, all bool) {
	if len(src.Holes) > 0 {
		r.unread(mail.Skipped.String())
	}
	for _, p := range m.Problems {
		if unreadable(p.What) || all && p.What == mail.Unopened {
			r.unread(p.String())
		} else if len(r.Problems) < maxTroubles {
			r.Problems = append(r.Problems, p.String())
		}
	}
}

// nothing reports whether no body of m could be read.
func nothing(m *mail.Message) bool {
	shut := map[string]bool{}
	for _, p := range m.Problems {
		shut[p.Part] = shut[p.Part] || p.What == mail.BadAttachment || p.What == mail.EncryptedBody
	}
	for _, p := range m.Parts {
		if !p.Container && !shut[p.Path] && p.Seal&mail.Encrypted == 0 && len(p.Body) > 0 {
			return false
		}
	}
	return true
}

func (r *Report) unread(what string) {
	if len(r.Unread) < maxTroubles {
		r.Unread = append(r.Unread, what)
	}
}

// Worst is the surest rung of what a client uses of the message.
func (r *Report) Worst() judge.Ladder {
	for l := judge.Proven; l < judge.Ordinary; l++ {
		if r.Summary.Rungs[l] > 0 {
			return l
		}
	}
	return judge.Ordinary
}

// Ranked are the indexes of the findings, surest first; of one rung what
// opening sets off comes before links, then the order in which they stand.
func (r *Report) Ranked() []int {
	out := make([]int, len(r.Findings))
	for i := range out {
		out[i] = i
	}
	weight := func(i int) int {
		f := &r.Findings[i]
		if f.Link {
			return 2*int(f.Ladder) + 1
		}
		return 2 * int(f.Ladder)
	}
	slices.SortStableFunc(out, func(a, b int) int { return weight(a) - weight(b) })
	return out
}

// Name is the message's place for people: the file, and where in it.
func (r *Report) Name() string {
	if r.File == "-" {
		return "standard input"
	}
	return r.File
}

// lines counts on which line each finding starts: known where the message
// begins its file and nothing was left out of it.
func lines(m *source.Message, findings []judge.Finding) []int {
	out := make([]int, len(findings))
	if m.Offset != 0 || len(m.Holes) > 0 || m.Compressed {
		return out
	}
	at, line := 0, 1
	for i := range findings {
		to := findings[i].Range[0]
		if to >= len(m.Raw) || findings[i].Range[1] == 0 {
			continue
		}
		if to < at {
			at, line = 0, 1
		}
		line += bytes.Count(m.Raw[at:to], []byte{'\n'})
		at = to
		out[i] = line
	}
	return out
}

// Total adds reports up. The zero value is empty. Not for concurrent use.
type Total struct {
	explain.Mailbox
	// Partly counts messages of which something was not looked at, Failed the
	// inputs that could not be read, or not to their end, Skipped what lies in
	// folders and is nothing to scan.
	Partly, Failed, Skipped int
	// Bytes is how many bytes the messages had.
	Bytes int64
	// Cleaned counts references made inert, Changed the messages that changed,
	// Refused those left as they are because they are signed or encrypted,
	// Unclean all in which something is active that was to be inert.
	Cleaned, Changed, Refused, Unclean int
	// Scripted counts messages with scripts that were not run.
	Scripted int
}

// Add counts r.
func (t *Total) Add(r *Report) {
	t.Mailbox.Add(r.Sender, &r.Summary)
	t.Bytes += r.Length
	if len(r.Unread) > 0 {
		t.Partly++
	}
	if r.Scripts > 0 {
		t.Scripted++
	}
	if c := r.Clean; c != nil && !c.Unwritten {
		t.Cleaned += c.Inert
		if len(c.Edits) > 0 {
			t.Changed++
		}
		if c.Refused > 0 {
			t.Refused++
		}
		if !c.Whole() {
			t.Unclean++
		}
	}
}

// Worst is the surest rung of all that was counted.
func (t *Total) Worst() judge.Ladder {
	for l := judge.Proven; l < judge.Ordinary; l++ {
		if t.Rungs[l] > 0 {
			return l
		}
	}
	return judge.Ordinary
}

// String is the total in words, what was not looked at included.
func (t *Total) String() string {
	var out []string
	out = append(out, t.Mailbox.String())
	if t.Partly > 0 {
		out = append(out, counted(t.Partly, "message")+" could not be looked at in full.")
	}
	if t.Scripted > 0 {
		out = append(out, "Scripts in "+counted(t.Scripted, "input")+" were not run: what they would send is not known.")
	}
	if t.Failed > 0 {
		out = append(out, counted(t.Failed, "input")+" could not be read, or not to the end.")
	}
	if t.Unclean > 0 {
		out = append(out, counted(t.Unclean, "message")+" could not be made clean in full.")
	}
	switch {
	case t.Skipped == 1:
		out = append(out, "1 file in these folders is no mail and was passed over.")
	case t.Skipped > 1:
		out = append(out, counted(t.Skipped, "file")+" in these folders are no mail and were passed over.")
	}
	return strings.Join(out, " ")
}
