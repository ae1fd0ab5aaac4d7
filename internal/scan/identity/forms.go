package identity

import (
	"crypto/md5"  // #nosec: what trackers compute, not ours to choose
	"crypto/sha1" // #nosec
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"slices"
	"strings"
)

// address is one of the person's, taken apart. All but given is lower case.
type address struct {
	given    string
	local    string // whole local part
	untagged string // without the tag
	core     string // untagged, and without dots where they do not count
	domain   string
	dots     bool // dots do not count
}

// domain is a domain of the person's as it may be written where "@" and "."
// are not allowed, in lower case.
type domain struct {
	name    string // the true domain
	written string
	at      []string // what may stand for the "@" in front of it
}

// local is a whole token that is a local part.
type local struct {
	address int // index in addresses
	step    Step
}

type digest struct {
	sum     []byte
	step    Step
	form    Form
	address int
}

// minLocal is the shortest local part that is looked for on its own.
const minLocal = 4

// roles are local parts that many mailboxes share and words that stand in many
// URLs: alone they say nothing about a person.
var roles = []string{
	"abuse", "account", "accounts", "admin", "alerts", "billing", "click", "contact", "customer", "data",
	"default", "email", "everyone", "feedback", "hello", "help", "home", "image", "images", "info",
	"information", "invoice", "jobs", "list", "lists", "login", "mail", "mailbox", "marketing", "media",
	"member", "members", "news", "newsletter", "newsletters", "no-reply", "noreply", "notify", "office", "open",
	"order", "orders", "postmaster", "press", "privacy", "reply", "root", "sales", "security", "service",
	"services", "shop", "spam", "staff", "static", "store", "subscribe", "subscriber", "support", "team",
	"test", "track", "user", "username", "users", "webmaster", "welcome",
}

func isRole(local string) bool { return slices.Contains(roles, local) }

func (s *Set) add(given string) {
	if slices.ContainsFunc(s.addresses, func(a address) bool { return strings.EqualFold(a.given, given) }) {
		return
	}
	a := takeApart(given)
	n := len(s.addresses)
	s.given, s.addresses = append(s.given, given), append(s.addresses, a)
	for i := range len(a.local) {
		if strings.IndexByte("/?#&=@:;<>\"", a.local[i]) < 0 {
			s.localByte[a.local[i]] = true
		}
	}
	s.addDomain(a.domain)
	s.addDigests(&a, n)
	if len(a.untagged) < minLocal || isRole(a.untagged) {
		return
	}
	for _, l := range []string{a.local, a.untagged, a.core} {
		s.addLocal(l, local{n, ""})
		s.addLocal(rot13(l), local{n, Rot13})
		s.addLocal(reversed(l), local{n, Reversed})
	}
}

func (s *Set) addLocal(token string, l local) {
	if _, ok := s.locals[token]; !ok && len(token) >= minLocal {
		s.locals[token] = l
	}
}

func takeApart(given string) address {
	at := strings.LastIndexByte(given, '@')
	a := address{given: given, local: strings.ToLower(given[:at]), domain: strings.ToLower(strings.TrimSuffix(given[at+1:], "."))}
	a.dots = ignoresDots(a.domain)
	a.untagged = untag(a.local)
	a.core = coreOf(a.local, a.dots)
	return a
}

func ignoresDots(domain string) bool { return domain == "gmail.com" || domain == "googlemail.com" }

func untag(local string) string {
	if i := strings.IndexByte(local, '+'); i > 0 {
		return local[:i]
	}
	return local
}

func coreOf(local string, dots bool) string {
	local = untag(local)
	if dots {
		return strings.ReplaceAll(local, ".", "")
	}
	return local
}

func (s *Set) addDomain(name string) {
	if slices.ContainsFunc(s.domains, func(d domain) bool { return d.name == name }) {
		return
	}
	s.domains = append(s.domains,
		domain{name, name, []string{"=", "_at_", "-at-", ".at.", "(at)", "[at]", " at ", "+at+", "|", "*"}})
	for _, sep := range []string{"-", "_"} {
		if w := strings.ReplaceAll(name, ".", sep); w != name {
			s.domains = append(s.domains, domain{name, w, []string{"=", "@", sep + "at" + sep}})
		}
	}
}

// addDigests adds the digests of every spelling that trackers are known to
// digest. The domain alone is nobody's proof and is left out.
func (s *Set) addDigests(a *address, n int) {
	full := func(local string) string { return local + "@" + a.domain }
	type spelling struct {
		text string
		form Form
	}
	texts := []spelling{{a.given, Address}, {full(a.local), Address}, {strings.ToUpper(a.given), Address},
		{full(a.untagged), Untagged}, {full(a.core), Variant}}
	if a.dots {
		texts = append(texts, spelling{a.core + "@gmail.com", Variant}, spelling{a.core + "@googlemail.com", Variant})
	}
	if len(a.untagged) >= minLocal && !isRole(a.untagged) {
		at := strings.LastIndexByte(a.given, '@')
		for _, l := range []string{a.given[:at], a.local, a.untagged, a.core} {
			texts = append(texts, spelling{l, LocalPart})
		}
	}
	seen := map[string]bool{}
	for _, t := range texts {
		if seen[t.text] {
			continue
		}
		seen[t.text] = true
		m, s1, s2, s5 := md5.Sum([]byte(t.text)), sha1.Sum([]byte(t.text)), sha256.Sum256([]byte(t.text)), sha512.Sum512([]byte(t.text))
		for _, d := range []digest{{m[:], MD5, t.form, n}, {s1[:], SHA1, t.form, n}, {s2[:], SHA256, t.form, n}, {s5[:], SHA512, t.form, n}} {
			key := binary.BigEndian.Uint64(d.sum)
			s.digests[key] = append(s.digests[key], d)
			w := uint(d.sum[0])<<8 | uint(d.sum[1])
			s.filter[w>>6] |= 1 << (w & 63)
		}
	}
}

// own reports which of the person's addresses local@domain is, and how it is
// spelled; "" if it is none. domain is lower case.
func (s *Set) own(local, domain string) (n int, f Form) {
	local = strings.ToLower(local)
	for i := range s.addresses {
		a := &s.addresses[i]
		same := a.domain == domain
		switch {
		case same && local == a.local:
			return i, Address
		case f != "":
		case same && local == a.untagged:
			n, f = i, Untagged
		case (same || a.dots && ignoresDots(domain)) && coreOf(local, a.dots) == a.core && a.core != "":
			n, f = i, Variant
		}
	}
	return n, f
}

func rot13(s string) string {
	return string(mapped([]byte(s), func(c byte) byte {
		switch {
		case c >= 'a' && c <= 'z':
			return 'a' + (c-'a'+13)%26
		case c >= 'A' && c <= 'Z':
			return 'A' + (c-'A'+13)%26
		}
		return c
	}))
}

func mapped(b []byte, f func(byte) byte) []byte {
	for i, c := range b {
		b[i] = f(c)
	}
	return b
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
