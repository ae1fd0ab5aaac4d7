// Package explain puts what package judge found into words: a sentence for each
// finding, a summary of a message and of a mailbox, and a note on consent.
//
// In flow findings, out flows text. It decides nothing, and it says no more
// than the evidence holds: who would be told, what they learn, whether it is
// the reader personally, how sure that is and why, and when it happens.
package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/internal/scan/judge"
)

// Fill gives every finding of r its sentence.
func Fill(r *judge.Result) {
	for i := range r.Findings {
		r.Findings[i].Sentence = Sentence(&r.Findings[i])
	}
}

// Sentence says what f would tell whom, and why Quench thinks so: one to four
// sentences. It is never empty.
func Sentence(f *judge.Finding) string {
	if f.Attachment == "" {
		return sentence(f)
	}
	name := "the attachment “" + short(f.Attachment) + "”"
	return strings.NewReplacer("Opening this mail", "Opening "+name, "opening this mail", "opening "+name,
		"Printing this mail", "Printing "+name, "a part of this mail", "a part of "+name, "the mail was opened", "it was opened",
		"no known mail program", "no known program", "mail program", "program").Replace(sentence(f))
}

func sentence(f *judge.Finding) string {
	if f.Exception != nil && f.Exception.Kind == "user" {
		return thing(f) + " at " + host(f) + " is let through, as you asked."
	}
	if f.Vector >= "V150" && f.Vector <= "V154" && f.When == "header" {
		return "The sender asks your mail program to report that you have read this mail. Most programs ask you first. It is a request in the header, so it is no guess."
	}
	if s := unfetched(f); s != "" {
		return s
	}
	if s := only(f); s != "" {
		return s
	}
	if f.Ladder == judge.Ordinary {
		return joined(plain(f), behind(f), scanned(f))
	}
	parts := []string{joined(told(f)+carries(f)+".", behind(f), along(f), sure(f))}
	if f.Content {
		parts = append(parts, "It is a picture you see, so it is kept unless you ask.")
	}
	return strings.Join(parts, " ")
}

// joined puts sentences behind one another, without those that are "".
func joined(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

// kind is what sets f off, as far as the reader is concerned: a URL in text is
// a link, though some programs look its name up beforehand.
func kind(f *judge.Finding) string {
	if f.Link {
		return "click"
	}
	return f.When
}

// form reports whether f is told by sending a form.
func form(f *judge.Finding) bool { return f.Link && (f.Vector == "V042" || f.Vector == "V043") }

// thing is what a finding is, at the beginning of a sentence.
func thing(f *judge.Finding) string {
	if form(f) {
		return "A form"
	}
	switch f.Request.Type {
	case "image":
		return "A picture"
	case "document":
		return "A link"
	case "stylesheet":
		return "A style sheet"
	case "font":
		return "A font"
	case "script":
		return "A script"
	case "subdocument":
		return "A frame"
	case "media":
		return "A sound or film"
	case "ping":
		return "A report on clicks"
	}
	return "A reference"
}

func host(f *judge.Finding) string {
	if f.Original != "" {
		return hostOf(f.Original)
	}
	if name, ok := strings.CutPrefix(f.Request.URL, "dns:"); ok && f.Request.Host == "" {
		return name
	}
	return f.Request.Host
}

func hostOf(u string) string {
	_, rest, _ := strings.Cut(u, "//")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(rest)
}

// who is the tracker if one is known, else the host.
func who(f *judge.Finding) string {
	t := f.Tracker
	if t == nil {
		if f.Onward {
			return hostOf(f.Target)
		}
		return host(f)
	}
	s, maker := product(f), t.Name
	if s != t.Name {
		maker = strings.TrimSuffix(t.Name, openPixel)
		s = maker + "'s click counting"
	}
	if t.Company != "" && t.Company != maker {
		s += " (" + t.Company + ")"
	}
	if f.Ladder > judge.Vendor && !f.Known {
		s = "what looks like " + s
	}
	return s
}

// openPixel is how the names of products end that are pictures.
const openPixel = " open pixel"

// product is the tracker's name. Rules name what counts openings; of links, its
// makers' click counting is meant.
func product(f *judge.Finding) string {
	if name, ok := strings.CutSuffix(f.Tracker.Name, openPixel); ok && kind(f) == "click" {
		return name
	}
	return f.Tracker.Name
}

// told is the clause that says what makes it report, to whom and what.
func told(f *judge.Finding) string {
	switch kind(f) {
	case "click":
		return clicked(f)
	case "dns":
		return "Opening this mail may make your system look up " + host(f) + ", which tells whoever runs that name that the mail was opened"
	case "legacy":
		if ahead(f) {
			return "In Firefox and programs made of it, which read ahead into what is never shown, opening this mail tells " + who(f) + " that you opened it, and when"
		}
		return "In an old mail program, or in Outlook, opening this mail tells " + who(f) + " that you opened it, and when"
	case "print":
		return "Printing this mail tells " + who(f) + " that you printed it, and when"
	case "hover":
		return "Pointing at a part of this mail, or moving to it by keyboard, tells " + who(f) + " that you did, and when"
	case "inert", "header":
		return thing(f) + " at " + host(f) + " is fetched by no known mail program; one that did would tell " + who(f)
	}
	if f.Request.Type == "image" && !f.Content {
		return "Opening this mail tells " + who(f) + ", by a picture nobody is meant to see, that you opened it, and when"
	}
	return "Opening this mail tells " + who(f) + " that you opened it, and when"
}

// ahead reports whether f stands in a template, which no program shows but
// Firefox reads ahead: measured with Firefox 153 and Chromium 156.
func ahead(f *judge.Finding) bool {
	if f.When != "legacy" || !slices.Contains(f.Tricks, "V048") {
		return false
	}
	switch f.Vector {
	case "V001", "V002", "V008", "V013", "V033", "V034", "V056", "V058", "V061", "V121":
		return true
	}
	return false
}

// maxNamed is how many things a sentence lists.
const maxNamed = 4

// carries lists what the address holds about the reader.
func carries(f *judge.Finding) string {
	var items []string
	for i := range f.Proofs {
		if p := &f.Proofs[i]; !p.Weak && p.Where != identity.Fragment {
			items = append(items, Proof(p))
		}
	}
	for i := range f.Disclosed {
		d := &f.Disclosed[i]
		if !d.Sensitive || (d.Name == "email_plain" || d.Name == "email_hash") && len(f.Proofs) > 0 {
			continue
		}
		label := d.Label
		if d.Name == "recipient" && d.Value == f.Signs.Token && f.Signs.In != "" && f.Tracker == nil {
			label += " (" + place(f.Signs.In) + ")"
		}
		items = append(items, label)
	}
	if len(items) == 0 {
		return ""
	}
	items = items[:min(len(items), maxNamed)]
	if n := len(items); n > 1 {
		items = []string{strings.Join(items[:n-1], ", ") + " and " + items[n-1]}
	}
	return "; its address carries " + items[0]
}

func place(in string) string {
	switch in {
	case "path", "host", "fragment", "query":
		return "in the " + in
	}
	return "in “" + in + "”"
}

// Proof names what was found of the reader's address and how it is written:
// "your e-mail address (base64, in “u”)".
func Proof(p *identity.Proof) string {
	what := named[p.Form]
	var how []string
	digest := false
	for _, s := range p.Encoding {
		digest = digest || s == identity.MD5 || s == identity.SHA1 || s == identity.SHA256 || s == identity.SHA512
		how = append(how, spelled[s])
	}
	if digest {
		what = "a fingerprint of " + what
		how = how[len(how)-1:]
	}
	if len(how) == 0 {
		how = []string{"in clear"}
	}
	at := "in the " + string(p.Where)
	if p.Param != "" {
		at = "in “" + p.Param + "”"
	}
	return what + " (" + strings.Join(how, " around ") + ", " + at + ")"
}

var named = map[identity.Form]string{
	identity.Address: "your e-mail address", identity.Untagged: "your e-mail address without its tag",
	identity.Variant: "another spelling of your e-mail address", identity.LocalPart: "the name in front of the @ of your e-mail address",
	identity.TwoParts: "your e-mail address in two parts", identity.Other: "somebody's e-mail address",
}

var spelled = map[identity.Step]string{
	identity.Percent: "percent-encoded", identity.Escaped: "escaped", identity.Base64: "base64", identity.Base64URL: "base64",
	identity.Base32: "base32", identity.Hex: "hexadecimal", identity.Rot13: "rot13", identity.Reversed: "written backwards",
	identity.Verp: "with another sign for the @", identity.JSON: "JSON", identity.JWT: "a JWT", identity.Zlib: "compressed data",
	identity.Gzip: "compressed data", identity.MD5: "MD5", identity.SHA1: "SHA-1", identity.SHA256: "SHA-256", identity.SHA512: "SHA-512",
}

// along says what goes with the fetch whatever its address holds.
func along(f *judge.Finding) string {
	switch {
	case f.When == "inert" || f.When == "header":
		return ""
	case f.Via != "":
		return proxied(f)
	case f.Gateway != "":
		return scanned(f)
	case kind(f) == "dns":
		return "The name server sees your resolver's address, not yours."
	case form(f):
		return "Your IP address and browser go with what you fill in."
	case kind(f) == "click":
		return "Your IP address and browser go with every click."
	}
	return "Your IP address and mail program go with every fetch."
}

// sure says how certain it is, whether it is the reader personally, and why.
func sure(f *judge.Finding) string {
	switch f.Ladder {
	case judge.Proven:
		return proven(f)
	case judge.Vendor:
		return "That is certain: " + rule(f) + "." + personally(f)
	case judge.Likely:
		return "That is likely: " + because(f) + "." + personally(f)
	case judge.Hidden:
		return "That is probable: " + because(f) + "." + personally(f)
	}
	return possible(f)
}

func rule(f *judge.Finding) string {
	for _, e := range f.Evidence {
		switch e.Kind {
		case "list":
			return "the list " + e.Source + " names it"
		case "user":
			return "you asked for it to be blocked"
		}
	}
	return "a rule knows this address"
}

// personally says whether the reader can be told from others.
func personally(f *judge.Finding) string {
	switch {
	case f.Signs.Links > 1:
		return fmt.Sprintf(" The same code stands in %d links, so opening and clicks can be put together.", f.Signs.Links)
	case f.Signs.Token != "" && !f.Signs.Static && !f.Signs.Signed:
		return " Each reader's copy most likely has a code of its own; a second copy of the mail would prove it (--compare)."
	}
	if f.Tracker == nil && slices.ContainsFunc(f.Disclosed, func(d detect.Field) bool { return d.Name == "recipient" }) {
		return " A second copy of the mail would prove that it is there for you (--compare)."
	}
	return " Nothing in it tells your copy from others', as far as one copy shows."
}

// because lists the grounds in the structure.
func because(f *judge.Finding) string {
	var out []string
	s := &f.Signs
	if f.Tracker != nil {
		out = append(out, "the path is like "+product(f)+"'s")
	} else if s.Word != "" && f.Ladder == judge.Likely {
		out = append(out, "its address says “"+s.Word+"”")
	}
	if s.Hidden != "" && kind(f) != "click" {
		out = append(out, unseen(s.Why))
	}
	if s.Token != "" && !s.Static && !s.Signed {
		out = append(out, "it carries a code that no other picture here has")
		if kind(f) == "click" || f.Request.Type != "image" {
			out[len(out)-1] = "its address carries a code"
		}
	}
	if len(out) == 0 {
		return "it is made like an opening counter"
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " and " + out[n-1]
	}
	return out[0]
}

// unseen says in words why nobody sees it.
func unseen(why string) string {
	for _, w := range [...][2]string{
		{"zero-size", "it has no size"}, {"tiny", "it is at most a few dots in size"}, {"display-none", "it is taken out of display"},
		{"visibility-hidden", "it is made invisible"}, {"transparent", "it is fully transparent"}, {"off-screen", "it is placed off the screen"},
		{"clipped", "it lies in a box of no size"}, {"last-in-body", "it is the last thing in the mail and declares no size"}, {"no-size", "it declares no size"},
	} {
		if strings.Contains(why, w[0]) {
			return w[1]
		}
	}
	return "it is hidden"
}
