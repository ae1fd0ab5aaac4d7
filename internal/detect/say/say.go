// Package say composes the sentence of a verdict: one voice, one template, for
// a hit whichever way it came, with only what was observed.
//
// It works from the Verdict alone, so that a verdict from which redaction took
// something gets a sentence without it.
package say

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// maxNamed is how many details a sentence names before it counts the rest.
const maxNamed = 8

// Sentence composes the sentence of v. It is "" if v has no Say.
func Sentence(v *detect.Verdict) string {
	if v.Say == nil {
		return ""
	}
	switch v.Say.Form {
	case detect.FormLoader:
		return loader(v)
	case detect.FormUnknown:
		return unknown(v)
	case detect.FormName:
		return name(v)
	case detect.FormPlain:
		return plain(v)
	case detect.FormLooks:
		return looks(v)
	}
	return hit(v)
}

func hit(v *detect.Verdict) string {
	var b strings.Builder
	b.WriteString(teller(v))
	b.WriteString(who(v))
	if v.Activity != nil && v.Activity.Says != "" {
		b.WriteString(" that " + v.Activity.Says)
		b.WriteString(amount(v) + quoted(v, "search"))
		if v.Activity.Automatic {
			b.WriteString(" (reported automatically)")
		}
	} else {
		b.WriteString(" of your visit")
	}
	b.WriteString(where(v.Say))
	if c := carried(v); c != "" {
		b.WriteString("; it carried " + c)
	}
	b.WriteString(". Your IP address and browser go with every request.")
	if v.Consent != nil && v.Consent.State == "denied" {
		b.WriteString(verb(v, " It tried although you had refused.", " It did so although you had refused."))
	}
	b.WriteString(sync(v))
	b.WriteString(closing(v))
	return b.String()
}

func loader(v *detect.Verdict) string {
	s := site(v) + " asked for the script of " + who(v) + "."
	if v.Action == detect.Block && v.Reply == detect.ReplyStub {
		return s + " Answered with a stand-in that tells only you what the page wants to send."
	}
	if v.Action == detect.Observe {
		return s + " Let through."
	}
	return s + closing(v)
}

func plain(v *detect.Verdict) string {
	s := site(v) + " asked for " + v.Say.Host
	if v.Tracker != nil {
		s += ", which belongs to " + who(v)
	}
	return s + listed(v) + "." + closing(v)
}

func unknown(v *detect.Verdict) string {
	s := site(v) + verb(v, " tried to tell ", " has told ") + v.Say.Host +
		", by an invisible image, that you opened a page" + where(v.Say)
	if c := carried(v); c != "" {
		s += "; it carried " + c
	}
	return s + ". Your IP address and browser go with every request." + closing(v)
}

// looks is about a host that no rule knows.
func looks(v *detect.Verdict) string {
	s := site(v) + verb(v, " tried to send ", " has sent ") + v.Say.Host + ", which looks like a tracker, a report about your visit" + where(v.Say)
	if c := carried(v); c != "" {
		s += "; it carried " + c
	}
	s += ". Your IP address and browser go with every request." + sync(v) + closing(v)
	if v.Say.Because != "" {
		s += " Because: " + v.Say.Because + "."
	}
	return s
}

// sync says whose number went to somebody else.
func sync(v *detect.Verdict) string {
	if v.Say.Sync == "" {
		return ""
	}
	return " " + v.Say.Sync + verb(v, " tried to tell ", " told ") + v.Say.Host + " which number it uses for you."
}

func name(v *detect.Verdict) string {
	s := "A program asked for " + v.Say.Host
	if v.Tracker != nil {
		s += ", which belongs to " + who(v)
	}
	return s + listed(v) + "; it would have learned that the device is awake and its IP address." + closing(v)
}

// listed says which public list names the host, where nothing better is known.
func listed(v *detect.Verdict) string {
	switch {
	case v.Say.Listed == "":
		return ""
	case v.Tracker != nil:
		return " and is on the list " + v.Say.Listed
	}
	return ", which is on the list " + v.Say.Listed
}

func site(v *detect.Verdict) string {
	s := strings.TrimPrefix(v.Say.Site, "www.")
	switch {
	case v.Say.Direct:
		return "You"
	case s == "":
		return "A page"
	case v.Say.Guess:
		return "A page, probably of " + s + ","
	}
	return s
}

// teller is the beginning of a sentence up to who is told.
func teller(v *detect.Verdict) string {
	switch {
	case !v.Say.Direct:
		return site(v) + verb(v, " tried to tell ", " has told ")
	case v.Told:
		return "Opening " + v.Say.Host + " has told "
	case v.Action == detect.Block:
		return "Opening " + v.Say.Host + " would have told "
	}
	return "Opening " + v.Say.Host + " tells "
}

func who(v *detect.Verdict) string {
	if v.Tracker == nil {
		return v.Say.Host
	}
	s := v.Tracker.Name
	if v.Tracker.Company != "" && v.Tracker.Company != v.Tracker.Name {
		s += " (" + v.Tracker.Company + ")"
	}
	if v.Say.Likely {
		s = "what looks like " + s
	}
	return s
}

func verb(v *detect.Verdict, blocked, told string) string {
	if v.Told {
		return told
	}
	return blocked
}

func amount(v *detect.Verdict) string {
	value := field(v, "value")
	if value == "" || value == "0" || value == "…" {
		return ""
	}
	if cur := field(v, "currency"); cur != "" && cur != "…" {
		return " for " + value + " " + cur
	}
	return " for " + value
}

func quoted(v *detect.Verdict, name string) string {
	s := field(v, name)
	if s == "" || s == "…" {
		return ""
	}
	return " (“" + s + "”)"
}

func field(v *detect.Verdict, name string) string {
	for i := range v.Disclosed {
		if v.Disclosed[i].Name == name {
			return v.Disclosed[i].Value
		}
	}
	return ""
}

func where(s *detect.Saying) string {
	switch s.Path {
	case "":
		return ""
	case "/":
		return " on its front page"
	}
	return " on " + s.Path
}

func carried(v *detect.Verdict) string {
	var items []string
	for _, c := range vendor.Canonicals() {
		if !c.Said {
			continue
		}
		for i := range v.Disclosed {
			f := &v.Disclosed[i]
			if f.Name != c.Name {
				continue
			}
			if item := f.Label + since(f.Made); !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
	}
	if n := len(items) - maxNamed; n > 0 {
		more := "1 more detail"
		if n > 1 {
			more = strconv.Itoa(n) + " more details"
		}
		items = append(items[:maxNamed:maxNamed], more)
	}
	switch n := len(items); n {
	case 0:
		return ""
	case 1:
		return items[0]
	default:
		return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
	}
}

func since(made string) string {
	if made == "" {
		return ""
	}
	t, err := time.Parse(time.DateOnly, made)
	if err != nil {
		return ""
	}
	return t.Format(" (since 2 January 2006)")
}

func closing(v *detect.Verdict) string {
	if v.Say.Did != "" {
		return " " + v.Say.Did
	}
	switch v.Action {
	case detect.Block:
		if v.Say.ByUser {
			return " Blocked, as you asked."
		}
		return " Blocked."
	case detect.Strip:
		if v.Told {
			return " The request had left before we knew; the answer came back blank and without its cookie, and next time it will not leave."
		}
		return " Passed on without its cookies and identifiers."
	case detect.Observe:
		return " Only recorded."
	}
	switch {
	case v.Say.ByUser:
		return " Let through, as you asked."
	case v.Say.Why != "":
		return " Let through: " + v.Say.Why + "."
	}
	return " Let through."
}
