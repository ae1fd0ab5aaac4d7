package identity

import (
	"cmp"
	"crypto/md5"  // #nosec: what trackers compute, not ours to choose
	"crypto/sha1" // #nosec
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"iter"
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
	key     uint64 // the first eight bytes of sum
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
	for i, l := range []string{a.local, a.untagged, a.core} {
		if i > 0 && l == a.local {
			continue
		}
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
	s.domains = append(s.domains, domain{name, name, signs[""]})
	for _, sep := range [...]string{"-", "_"} {
		if w := strings.ReplaceAll(name, ".", sep); w != name {
			s.domains = append(s.domains, domain{name, w, signs[sep]})
		}
	}
}

// signs are what may stand for the "@", by what stands for a domain's dots.
var signs = map[string][]string{
	"":  {"=", "_at_", "-at-", ".at.", "(at)", "[at]", " at ", "+at+", "|", "*"},
	"-": {"=", "@", "-at-"},
	"_": {"=", "@", "_at_"},
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
	for i, t := range texts {
		if slices.ContainsFunc(texts[:i], func(o spelling) bool { return o.text == t.text }) {
			continue
		}
		text := []byte(t.text)
		m, s1, s2, s5 := md5.Sum(text), sha1.Sum(text), sha256.Sum256(text), sha512.Sum512(text)
		all := append(append(append(append(make([]byte, 0, len(m)+len(s1)+len(s2)+len(s5)), m[:]...), s1[:]...), s2[:]...), s5[:]...)
		for _, d := range [...]struct {
			step Step
			n    int
		}{{MD5, len(m)}, {SHA1, len(s1)}, {SHA256, len(s2)}, {SHA512, len(s5)}} {
			sum := all[:d.n:d.n]
			all = all[d.n:]
			s.digests = append(s.digests, digest{binary.BigEndian.Uint64(sum), sum, d.step, t.form, n})
			w := uint(sum[0])<<8 | uint(sum[1])
			s.filter[w>>6%uint(len(s.filter))] |= 1 << (w & 63)
		}
	}
}

// maxScanned is up to how many digests one is found by looking at all of them:
// few keys pass the filter.
const maxScanned = 64

// order sorts the digests if they are many.
func (s *Set) order() {
	if len(s.digests) > maxScanned {
		slices.SortStableFunc(s.digests, func(a, b digest) int { return cmp.Compare(a.key, b.key) })
	}
}

// digested gives the digests whose first eight bytes are key.
func (s *Set) digested(key uint64) iter.Seq[*digest] {
	return func(yield func(*digest) bool) {
		n, sorted := 0, len(s.digests) > maxScanned
		if sorted {
			n, _ = slices.BinarySearchFunc(s.digests, key, func(d digest, key uint64) int { return cmp.Compare(d.key, key) })
		}
		for ; n < len(s.digests); n++ {
			switch d := &s.digests[n]; {
			case d.key == key:
				if !yield(d) {
					return
				}
			case sorted:
				return
			}
		}
	}
}

// knows reports whether a digest begins with the eight bytes of key.
func (s *Set) knows(key uint64) bool {
	for range s.digested(key) {
		return true
	}
	return false
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
