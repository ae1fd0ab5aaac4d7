package explain

import (
	"strings"

	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/internal/scan/judge"
)

// scanned says who checks a link before it leads on, and whose word it is if
// the reader's address stands in that part; "" if nobody does.
func scanned(f *judge.Finding) string {
	if f.Gateway == "" {
		return ""
	}
	s := "The link was rewritten by " + f.Gateway + ", by which your mail provider or employer checks links; it sees the click first"
	if what := wrapped(f); what != "" {
		s += ", and its own part of the address carries " + what + ", which it put there itself: that is no sign that the sender or the site knows it"
	}
	return s + "."
}

// wrapped lists what stands in the part of a gateway or image proxy.
func wrapped(f *judge.Finding) string {
	for i := range f.WrapperProofs {
		if p := &f.WrapperProofs[i]; !p.Weak {
			return Proof(p)
		}
	}
	return ""
}

// proxied says what an image proxy in front changes.
func proxied(f *judge.Finding) string {
	if f.Link {
		return "It goes by way of an address of " + f.Via + "'s, which sees the click first."
	}
	s := "It goes by way of " + f.Via + "'s image proxy, which hides your IP address but not that and when you opened it."
	if what := wrapped(f); what != "" {
		s += " The proxy's own part of the address carries " + what + "; that part goes to " + f.Via + ", not to the sender."
	}
	return s
}

// behind says what stands in the part of the address that no server gets.
func behind(f *judge.Finding) string {
	for i := range f.Proofs {
		p := &f.Proofs[i]
		if p.Weak || p.Where != identity.Fragment {
			continue
		}
		s := "Behind the # of its address stands " + Proof(p) + "; that part is not sent to any server"
		switch f.Request.Type {
		case "document", "subdocument", "object":
			return s + ", but a script of the page that opens can read it."
		}
		return s + ", and nothing that is fetched here can read it."
	}
	return ""
}

// proven says what the addresses in f prove, and about whom.
func proven(f *judge.Finding) string {
	var halves, aside, list, name bool
	for i := range f.Proofs {
		switch p := &f.Proofs[i]; {
		case p.Named() && p.Where == identity.Fragment:
			aside = true
		case p.Named() && p.Form == identity.TwoParts:
			halves = true
		case p.Named():
			return "That is proof, and it is you personally: your own address stands in it."
		case p.Shared && !p.Weak:
			list = true
		case !p.Weak:
			name = true
		}
	}
	switch {
	case halves:
		return "That is proof, and it is you personally: both halves of your address stand in it, each as a value of its own."
	case aside:
		return "That is proof that whoever made the link knows it is yours: your own address stands in it, though the click alone does not send it."
	case list:
		return "That is proof that the address stands in it; but it is one that several people may read, so it need not be you personally."
	case name:
		return "That is likely you, not more: what stands in it is made of the name in front of the @ of your address, and others may have that name elsewhere."
	}
	return "That is proof, and it is you personally: your own address stands in it."
}

// possible says how little a code alone proves.
func possible(f *judge.Finding) string {
	for i := range f.Proofs {
		if p := &f.Proofs[i]; p.Weak && p.Where != identity.Fragment {
			return "That is possible: the name in front of the @ of your address stands in it, which may be chance."
		}
	}
	for i := range f.Disclosed {
		if f.Disclosed[i].Name == "email_other" {
			return "Whose address it is Quench cannot know: somebody to write to, or whoever the mail went to before it came to you."
		}
	}
	if f.Known && f.Tracker != nil {
		whose := f.Tracker.Company
		if whose == "" {
			whose = strings.TrimSuffix(f.Tracker.Name, openPixel)
		}
		return "That this is an address of " + whose + " is certain: a rule knows the host." + personally(f)
	}
	return "That is possible, not more: " + because(f) + ", but it may name the mailing or a file rather than you."
}

// clicked is told for links.
func clicked(f *judge.Finding) string {
	switch goal := hostOf(f.Target); {
	case form(f):
		return "Sending this form tells " + who(f) + " that you did, and what you filled in"
	case f.Onward:
		return "Following this link tells " + host(f) + " that you clicked it, and then " + who(f) + ", to which its address leads on"
	case f.Target != "" && goal != host(f):
		return "Following this link tells " + who(f) + " that you clicked it, before it leads you to " + goal
	}
	return "Following this link tells " + who(f) + " that you clicked it"
}

// only is the sentence of a link of which a gateway alone knows the goal.
func only(f *judge.Finding) string {
	if f.Gateway == "" || f.Original != "" {
		return ""
	}
	return strings.Replace(scanned(f), "The link was rewritten", "A link that was rewritten", 1) + " Where it leads is not in its address."
}
