package scan

import (
	"fmt"
	"strings"
)

// Words is what the message does, in one to three sentences. It says so where
// the message could not be read, or not in full, or is no mail at all.
func (r *Report) Words() string {
	if r.Kind == "archive" {
		return r.archiveWords()
	}
	s := r.Summary.String()
	switch {
	case r.Stack != "":
		return "This message could not be scanned."
	case r.Nothing && !r.Summary.Reports:
		s = "This mail could not be read, so nobody can say what it reports."
	case len(r.Unread) > 0 && !r.Summary.Reports:
		s = "Nothing in what could be read of this mail is known to report back; the rest is unknown."
	}
	if r.Scripts > 0 && !r.Nothing {
		s = r.unrun(s)
	}
	switch r.Kind {
	case "page":
		return ofPage.Replace(s)
	case "text":
		return "This is no mail: it has no header. It was read as plain text. " + ofText.Replace(s)
	}
	return s
}

// unrun adds to what is said of the message that it has scripts.
func (r *Report) unrun(s string) string {
	s = strings.Replace(s, "Nothing in this mail reports back.", "Nothing in this mail is known to report back.", 1)
	const unknown = "were not run: what they would send is not known."
	if r.Kind == "page" {
		return s + " But it has scripts, which " + unknown
	}
	return s + " But a page attached to it has scripts, which a browser runs when you open it there. They " + unknown
}

// ofText says of text what is said of mail.
var ofText = strings.NewReplacer("this mail", "this text", "This mail", "This text", "the mail itself", "the text itself", "copy of the mail", "copy of the text")

func (r *Report) archiveWords() string {
	told := map[string]bool{}
	n := 0
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Ladder.Tracker() {
			continue
		}
		n++
		name := f.Request.Host
		if f.Tracker != nil {
			name = f.Tracker.Name
		}
		told[name] = true
	}
	switch {
	case len(r.Findings) == 0 && len(r.Unread) > 0:
		return "No request could be read from this recorded session."
	case len(r.Findings) == 0:
		return "This recorded session holds no request."
	case n == 0:
		return fmt.Sprintf("%s; none of them is known to report on you.", counted(len(r.Findings), "request"))
	}
	return fmt.Sprintf("%s, %d of them to %s that report on you.", counted(len(r.Findings), "request"), n, counted(len(told), "tracker"))
}

// Words is what the copy lost and kept, and what that breaks.
func (p *Plan) Words() string {
	if p.Unwritten {
		return "No copy was written."
	}
	var out []string
	switch {
	case p.Inert == 0 && p.done() && p.blind:
		out = append(out, "Nothing to make inert in what could be read: the copy is the same.")
	case p.Inert == 0 && p.done():
		out = append(out, "Nothing to make inert: the copy is the same.")
	case p.Inert == 0:
		out = append(out, "Nothing was made inert: the copy is the same.")
	default:
		out = append(out, counted(p.Inert, "reference")+" made inert; every other byte is as it was.")
	}
	if p.Pictures > 0 {
		out = append(out, counted(p.Pictures, "picture")+" you see kept.")
	}
	if p.Links > 0 {
		tell := "they tell"
		if p.Links == 1 {
			tell = "it tells"
		}
		out = append(out, counted(p.Links, "link")+" kept: "+tell+" of a click, not of opening.")
	}
	if p.Forms > 0 {
		out = append(out, counted(p.Forms, "form")+" kept: nothing is told before you send it.")
	}
	if p.Refused > 0 {
		out = append(out, counted(p.Refused, "reference")+" left in a signed or encrypted part; --force changes it and breaks the signature.")
	}
	if n := p.Active + p.Left; n > 0 {
		out = append(out, counted(n, "reference")+" could not be made inert in place: the copy still reports what they report.")
	}
	if p.Scripts > 0 {
		out = append(out, counted(p.Scripts, "script")+" kept: a browser that opens the copy runs what is there, and what that sends is not known.")
	}
	if len(p.Names) > 0 {
		out = append(out, "Mail servers look up "+counted(len(p.Names), "name")+" whatever the copy says ("+strings.Join(p.vectors(), ", ")+").")
	}
	if len(p.Breaks) > 0 {
		out = append(out, "The change breaks "+strings.Join(p.Breaks, ", ")+".")
	}
	return strings.Join(out, " ")
}

// vectors are the ids of the names, each once.
func (p *Plan) vectors() []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range p.Names {
		id, _, _ := strings.Cut(f, " ")
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
