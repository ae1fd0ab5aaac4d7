package explain

import "github.com/quench-proxy/quench/internal/scan/judge"

// ConsentHead begins every Consent.
const ConsentHead = "On consent (facts, no legal advice): "

// Consent is a note on what r's trackers need by law in the European Union: ""
// if nothing reports back. It states facts, is no legal advice, and cannot know
// what the reader agreed to.
func Consent(r *judge.Result) string {
	opening, denied, digest := false, false, false
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Ladder.Tracker() {
			continue
		}
		opening = opening || f.When == "opening" || f.When == "legacy"
		denied = denied || f.Consent != nil && f.Consent.State == "denied"
		for k := range f.Proofs {
			digest = digest || f.Proofs[k].Encoding.Digest()
		}
	}
	if !opening {
		return ""
	}
	s := ConsentHead + "In the EU, reading anything from your device needs your consent beforehand unless it is strictly necessary " +
		"(ePrivacy Directive, Article 5(3)), and tracking pixels in mail count as such (EDPB Guidelines 2/2023). " +
		"The French authority asks for a consent to opening counters that is apart from the one to the mail itself, with counters for security and for " +
		"delivery rates without names exempt (CNIL, deliberation 2026-042 of 12 March 2026). The sender answers for it, even if a mail service put the counter in. " +
		"Quench cannot see what you agreed to."
	if denied {
		s += " One address here says itself that you refused."
	}
	if digest {
		s += " A fingerprint of an address is still personal data."
	}
	return s
}
