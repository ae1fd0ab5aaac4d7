package scan

import (
	"fmt"
	"slices"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/mail"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Cleaning says what a clean copy loses.
type Cleaning struct {
	// All: everything that a client could go to the network for, links
	// included. Otherwise what the first four rungs of the ladder name, but for
	// pictures that are seen and links, which do nothing until they are followed.
	All bool
	// Force also changes what is signed or encrypted, which breaks that.
	Force bool
}

// Plan is what makes a clean copy of one message.
type Plan struct {
	// Edits are of the message's bytes, sorted, not overlapping, each as long
	// as what it replaces. File gives the same places in the file.
	Edits []markup.Edit `json:"-"`
	// Ranges are the bytes of the file that change.
	Ranges [][2]int64 `json:"ranges"`
	// Inert counts references made inert; Pictures, Links and Forms those kept
	// because the message needs them; Refused those kept because they are signed.
	Inert    int `json:"inert"`
	Pictures int `json:"kept_pictures,omitempty"`
	Links    int `json:"kept_links,omitempty"`
	Forms    int `json:"kept_forms,omitempty"`
	Refused  int `json:"refused,omitempty"`
	// Names are names that mail servers look up whatever the mail says
	// ("V167 dns:…"): no copy changes that.
	Names []string `json:"names,omitempty"`
	// Stuck are those that cannot be made inert in place (the inside of an
	// attachment in a format of its own), at most maxStuck; Active counts them
	// all: they still do in the copy what they did.
	Stuck  []string `json:"stuck,omitempty"`
	Active int      `json:"active,omitempty"`
	// Left counts references that are active in the copy all the same. It is 0
	// unless something is wrong; the copy was scanned again to know.
	Left int `json:"left"`
	// Scripts counts programs that stay in the copy: what they would send is not
	// known, so nobody can make it inert. Mail programs run none.
	Scripts int `json:"kept_scripts,omitempty"`
	// Unwritten: no copy was written, so nothing of this came about.
	Unwritten bool `json:"unwritten,omitempty"`
	// Breaks names the protections that no longer hold.
	Breaks []string `json:"breaks,omitempty"`

	blind bool // part of the message could not be read
	all   bool // everything was to be inert
}

// maxStuck is how many references that cannot be cleaned one Plan lists.
const maxStuck = 100

// Whole reports whether the copy is as clean as was asked for.
func (p *Plan) Whole() bool { return p.done() && (!p.all || p.Scripts == 0) }

// done reports whether no reference is left that was to be inert.
func (p *Plan) done() bool { return p.Refused == 0 && p.Active == 0 && p.Left == 0 }

// maxPasses is how often a message is cleaned. One pass is enough unless markup
// is broken so that two readings of it overlap; the last pass only looks.
const maxPasses = 5

// clean plans a clean copy of m, which was read as x, and proves it by reading
// the copy again.
func (s *Scanner) clean(m *source.Message, x *reading, findings []judge.Finding) *Plan {
	p := &Plan{}
	raw := m.Raw
	var ranges []markup.Range
	for pass := 1; ; pass++ {
		picked := s.pick(x, findings, p, pass == 1)
		edits, _ := x.mail.Neutralise(picked, s.Cleaning.Force)
		edits = placed(m, edits)
		if len(edits) == 0 || pass == maxPasses {
			p.Left = len(picked)
			break
		}
		for _, e := range edits {
			ranges = append(ranges, e.Range)
		}
		raw = markup.Apply(raw, edits)
		x = s.read(m, raw)
		findings = x.judge(s, m)
	}
	p.Inert = max(0, p.Inert-p.Left)
	p.settle(m, raw, ranges)
	if len(p.Edits) > 0 {
		p.breaks(x.mail.Seals(), s.Cleaning.Force)
	}
	return p
}

// pick lists what is to be made inert. The first pass also counts what is not.
func (s *Scanner) pick(x *reading, findings []judge.Finding, p *Plan, count bool) []mail.Ref {
	var out []mail.Ref
	for i := range x.refs {
		r, f := &x.refs[i], &findings[i]
		if !r.Active() || !s.Cleaning.All && !f.Ladder.Tracker() {
			continue
		}
		if !s.Cleaning.All && (f.Content || f.Link) {
			if count {
				p.needed(r, f)
			}
			continue
		}
		if r.Writable(s.Cleaning.Force) {
			out = append(out, *r)
			continue
		}
		if !count {
			continue
		}
		p.keep(r)
	}
	if count {
		p.Inert = len(out)
	}
	return out
}

// needed counts what is kept because the message needs it.
func (p *Plan) needed(r *mail.Ref, f *judge.Finding) {
	switch {
	case f.Content:
		p.Pictures++
	case r.Vector == 42 || r.Vector == 43:
		p.Forms++
	default:
		p.Links++
	}
}

// keep says of a reference that is to be inert and is not why that is so.
func (p *Plan) keep(r *mail.Ref) {
	switch {
	case r.Writable(true):
		p.Refused++
	case r.When == markup.DNS && r.Tag == "header":
		if len(p.Names) < maxStuck {
			p.Names = append(p.Names, fmt.Sprintf("%v %.200s", r.Vector, r.URL))
		}
	default:
		if p.Active++; p.Active <= maxStuck {
			where := "in the header"
			if r.Part.Path != "" {
				where = "part " + r.Part.Path
			}
			p.Stuck = append(p.Stuck, fmt.Sprintf("%v %.200s (%s)", r.Vector, r.URL, where))
		}
	}
}

// placed drops edits across bytes that were left out of m: they have no one
// place in the file.
func placed(m *source.Message, edits []markup.Edit) []markup.Edit {
	if len(m.Holes) == 0 {
		return edits
	}
	return slices.DeleteFunc(edits, func(e markup.Edit) bool {
		return m.FileOffset(e.Range.End-1)-m.FileOffset(e.Range.Start) != int64(e.Range.Len()-1)
	})
}

// settle makes one list of edits of all passes' ranges.
func (p *Plan) settle(m *source.Message, raw []byte, ranges []markup.Range) {
	slices.SortFunc(ranges, func(a, b markup.Range) int { return a.Start - b.Start })
	var merged []markup.Range
	for _, r := range ranges {
		if n := len(merged); n > 0 && r.Start <= merged[n-1].End {
			merged[n-1].End = max(merged[n-1].End, r.End)
			continue
		}
		merged = append(merged, r)
	}
	for _, r := range merged {
		p.Edits = append(p.Edits, markup.Edit{Range: r, Replacement: raw[r.Start:r.End]})
		start := m.FileOffset(r.Start)
		p.Ranges = append(p.Ranges, [2]int64{start, start + int64(r.Len())})
	}
}

func (p *Plan) breaks(s mail.Seal, force bool) {
	if s&mail.DKIM != 0 {
		p.Breaks = append(p.Breaks, "DKIM")
	}
	if s&mail.ARC != 0 {
		p.Breaks = append(p.Breaks, "ARC")
	}
	if force && s.Broken() != 0 {
		p.Breaks = append(p.Breaks, "the signature or encryption of the content")
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
