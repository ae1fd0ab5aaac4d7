package judge

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
)

// proofs puts a reference that carries the reader's address on the first rung,
// if some client uses it.
func (b *bench) proofs(r *Ref, f *Finding) {
	for i := range f.Proofs {
		p := &f.Proofs[i]
		detail := "your " + string(p.Form) + ", " + p.Encoding.String() + ", in the " + string(p.Where)
		if p.Where == identity.Fragment {
			detail += ", which is not sent"
		}
		f.Evidence = append(f.Evidence, detect.Evidence{Kind: "recipient", Detail: detail})
		switch {
		case f.Exception != nil && f.Exception.Kind == "user", p.Where == identity.Fragment && !scripted(r):
		case p.Weak && telling(p) && r.Reach == markup.Remote && auto(r) && f.Signs.sure >= markup.Likely && !f.Signs.Repeated:
			f.Ladder = min(f.Ladder, Hidden)
		case p.Weak, r.Reach != markup.Remote || r.When == markup.Inert || r.When == markup.Header,
			nameOnly(r) && p.Where != identity.Subdomain:
			f.Ladder = min(f.Ladder, Token)
		default:
			f.Ladder = Proven
		}
	}
}

// telling reports whether the local part of an address, in clear, is hardly
// there by chance: it is long, or no mere word. In what nobody sees it then tells
// the reader's copy like a code would.
func telling(p *identity.Proof) bool {
	local, _, _ := strings.Cut(p.Address, "@")
	return p.Form == identity.LocalPart && !p.Shared && (len(local) >= 8 || len(local) >= 5 && strings.ContainsAny(local, ".-_0123456789"))
}

// scripted reports whether a script may run where r leads and read its whole
// address, with what stands behind the "#": no server gets that.
func scripted(r *Ref) bool {
	switch typeOf(r) {
	case detect.TypeDocument, detect.TypeSubdocument, detect.TypeObject:
		return true
	}
	return false
}

// strangers raises what carries an address of somebody else, as a mail does
// that was passed on. It may be a contact, so it is no more than a sign.
func (b *bench) strangers(r *Ref, u *facts, f *Finding) {
	if f.Exception != nil && f.Exception.Kind == "user" || r.Reach != markup.Remote || u.host == "" || r.When == markup.Inert || r.When == markup.Header || nameOnly(r) {
		return
	}
	for i := range f.Others {
		o := &f.Others[i]
		if o.Where == identity.Fragment && !scripted(r) || !person(o) || u.signed {
			continue
		}
		rung := Token
		if auto(r) && f.Signs.sure >= markup.Likely && !f.Signs.Repeated {
			rung = Hidden
		}
		f.Ladder = min(f.Ladder, rung)
		f.Disclosed = append(f.Disclosed, detect.Field{Name: "email_other", Sensitive: true, Value: o.Address,
			Label: "the e-mail address of somebody (not one of yours), " + Abridged(o.Address)})
		return
	}
}

// person reports whether o reads like the address of one person: not a
// service's, and not the number of a message.
func person(o *identity.Proof) bool {
	local, domain, _ := strings.Cut(o.Address, "@")
	c := count(local)
	return !o.Shared && c.lower+c.upper > c.digits && !detect.UnderDomain(domain, "gserviceaccount.com")
}

// Abridged is an address of which only the first letter and the domain are left:
// a…@example.org.
func Abridged(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" {
		return "…"
	}
	_, n := utf8.DecodeRuneInString(local)
	return local[:n] + "…@" + domain
}

// disclosed names the fields that structure and proof show; those that a rule
// has decoded come first.
func (b *bench) disclosed(f *Finding) {
	if len(f.Proofs) == 0 && (f.Ladder > Token || f.Signs.Token == "") {
		return
	}
	have := func(name string) bool {
		return slices.ContainsFunc(f.Disclosed, func(d detect.Field) bool { return d.Name == name })
	}
	add := func(name, label, value string) {
		if !have(name) {
			f.Disclosed = append(f.Disclosed, detect.Field{Name: name, Label: label, Value: value, Sensitive: true})
		}
	}
	for i := range f.Proofs {
		p := &f.Proofs[i]
		switch {
		case p.Weak && f.Ladder <= Hidden && telling(p):
			add("recipient", "what stands before the @ of your e-mail address", p.Decoded)
		case p.Weak, p.Where == identity.Fragment && f.Ladder != Proven:
		case p.Encoding.Digest():
			add("email_hash", "a fingerprint of your e-mail address", p.Decoded)
		default:
			add("email_plain", "your e-mail address", p.Address)
		}
	}
	if have("email_other") && slices.ContainsFunc(f.Others, func(o identity.Proof) bool { return o.Param == f.Signs.In || f.Signs.Kind == "address" }) {
		return // it is the token
	}
	if f.Ladder <= Token && f.Signs.Token != "" && !f.Signs.Static && !f.Signs.Signed && !have("email_plain") && !have("email_hash") {
		add("recipient", "a number by which the sender may know your copy", f.Signs.Token)
	}
}
