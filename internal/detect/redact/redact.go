// Package redact says what of a Verdict, a URL or a text may be kept.
//
// In flow whole values, as Explain made them; out flow copies that are fit to
// store. Three rules hold at every level: a secret (password, session cookie,
// card number, key, token) never comes out, wherever it stood; an identifier
// comes out as a short form and a keyed link, never whole; nothing comes out
// longer than its bound. The package is pure: it reads no clock and keeps no state.
package redact

import (
	"fmt"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// Level says how much detail is kept.
type Level uint8

// The levels, in rising order of detail. Redacted is the zero value.
const (
	// Redacted keeps no query and no fragment, elides token-like path parts,
	// and what the person typed.
	Redacted Level = iota
	// Counts keeps who asked whom and nothing of what was said: no URL, no
	// page, no field, no activity.
	Counts
	// Full keeps everything but secrets and whole identifiers.
	Full
)

// Elided stands where something was taken out.
const Elided = "…"

const (
	maxInput = 64 << 10 // bytes of one value that are looked at; the rest is cut
	maxValue = 4 << 10  // bytes of one value that are kept
	maxTrait = 256      // bytes of a trait (language, screen) that are kept
	// MaxURL bounds the bytes of a URL that are kept; the rest is cut.
	MaxURL = 8 << 10
	// MaxFields bounds the fields of one verdict that are kept.
	MaxFields = 256
)

var levelNames = [...]string{Redacted: "redacted", Counts: "counts", Full: "full"}

// String returns the word used in the configuration.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return levelNames[Counts]
}

// ParseLevel reads "counts", "redacted" or "full"; "" is Redacted.
func ParseLevel(s string) (Level, error) {
	for i, n := range levelNames {
		if s == n {
			return Level(i), nil
		}
	}
	if s == "" {
		return Redacted, nil
	}
	return Counts, fmt.Errorf("unknown detail %q: want counts, redacted or full", s)
}

// Verdict returns a copy of v that is fit to store at this level; v is not
// changed and shares no memory that the copy changes. key makes the links; two
// verdicts can be linked only if they were redacted under one key. compose
// makes the sentence from the redacted copy; where v has no Say, v's own
// sentence is kept without secrets (at Counts: dropped if it has fields), and a
// nil compose leaves it empty. A nil v gives nil.
func Verdict(level Level, key []byte, v *detect.Verdict, compose func(*detect.Verdict) string) *detect.Verdict {
	if v == nil {
		return nil
	}
	out := &detect.Verdict{Action: v.Action, Reply: v.Reply, Told: v.Told}
	out.Tracker = tracker(v.Tracker)
	out.Evidence = evidences(v.Evidence)
	if v.Exception != nil {
		e := evidence(*v.Exception)
		out.Exception = &e
	}
	out.Say = saying(level, v.Say)
	if level == Counts || level > Full {
		out.Sentence = sentence(out, v, compose)
		return out
	}
	if v.Rewritten != "" && level == Full { // without its query it would say nothing
		out.Rewritten = URL(level, v.Rewritten)
	}
	if a := v.Activity; a != nil {
		out.Activity = &detect.Activity{Name: text(level, a.Name), Says: text(level, a.Says), Automatic: a.Automatic}
	}
	if c := v.Consent; c != nil {
		out.Consent = &detect.Consent{State: clean(c.State), Detail: text(level, c.Detail)}
	}
	n := min(len(v.Disclosed), MaxFields)
	for _, f := range v.Disclosed[:n] {
		out.Disclosed = append(out.Disclosed, field(level, key, f))
	}
	out.Sentence = sentence(out, v, compose)
	return out
}

func sentence(out, v *detect.Verdict, compose func(*detect.Verdict) string) string {
	switch {
	case v.Say == nil && out.Disclosed == nil && v.Disclosed != nil:
		return ""
	case v.Say == nil:
		return cut(clean(v.Sentence), maxValue)
	case compose == nil:
		return ""
	}
	return clean(compose(out))
}

func tracker(t *detect.Tracker) *detect.Tracker {
	if t == nil {
		return nil
	}
	c := *t
	c.ID, c.Name, c.Company, c.Category = clean(c.ID), clean(c.Name), clean(c.Company), clean(c.Category)
	c.Purposes = append([]string(nil), t.Purposes...)
	return &c
}

func evidences(in []detect.Evidence) []detect.Evidence {
	var out []detect.Evidence
	for _, e := range in[:min(len(in), MaxFields)] {
		out = append(out, evidence(e))
	}
	return out
}

func evidence(e detect.Evidence) detect.Evidence {
	return detect.Evidence{Kind: clean(e.Kind), Detail: cut(clean(e.Detail), maxTrait*2), Source: cut(clean(e.Source), maxTrait*2)}
}

func saying(level Level, s *detect.Saying) *detect.Saying {
	if s == nil {
		return nil
	}
	c := *s
	c.Host, c.Site = Host(level, s.Host), Host(level, s.Site)
	c.Why, c.Listed, c.Did = clean(s.Why), cut(clean(s.Listed), maxTrait), clean(s.Did)
	if s.Path != "" {
		c.Path = cut(path(level, s.Path), MaxURL)
	}
	if level != Redacted && level != Full {
		c.Site, c.Path, c.Guess, c.Direct = "", "", false, false
	}
	return &c
}

func day(s string) string {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return ""
	}
	return s
}

// cut bounds s to n bytes at a rune's edge and marks the cut.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len(Elided)
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + Elided
}
