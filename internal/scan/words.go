package scan

import (
	"fmt"
	"strings"
)

// Words is what the message does, in one to three sentences.
func (r *Report) Words() string {
	s := r.Summary.String()
	switch r.Kind {
	case "page":
		return ofPage.Replace(s)
	case "archive":
		return r.archiveWords()
	}
	return s
}

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
	if n == 0 {
		return fmt.Sprintf("%s; none of them is known to report on you.", counted(len(r.Findings), "request"))
	}
	return fmt.Sprintf("%s, %d of them to %s that report on you.", counted(len(r.Findings), "request"), n, counted(len(told), "tracker"))
}

// Words is what the copy lost and kept, and what that breaks.
func (p *Plan) Words() string {
	var out []string
	if p.Inert == 0 {
		out = append(out, "Nothing to make inert: the copy is the same.")
	} else {
		out = append(out, counted(p.Inert, "reference")+" made inert; every other byte is as it was.")
	}
	if p.Pictures > 0 {
		out = append(out, counted(p.Pictures, "picture")+" you see kept.")
	}
	if p.Links > 0 {
		out = append(out, counted(p.Links, "link")+" kept: they tell of a click, not of opening.")
	}
	if p.Refused > 0 {
		out = append(out, counted(p.Refused, "reference")+" left in a signed or encrypted part; --force changes it and breaks the signature.")
	}
	if len(p.Fixed) > 0 {
		out = append(out, counted(len(p.Fixed), "reference")+" cannot be cleaned in place: "+strings.Join(p.vectors(), ", ")+".")
	}
	if p.Left > 0 {
		out = append(out, counted(p.Left, "reference")+" could not be made inert.")
	}
	if len(p.Breaks) > 0 {
		out = append(out, "The change breaks "+strings.Join(p.Breaks, ", ")+".")
	}
	return strings.Join(out, " ")
}

// vectors are the ids of what cannot be cleaned, each once.
func (p *Plan) vectors() []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range p.Fixed {
		id, _, _ := strings.Cut(f, " ")
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
