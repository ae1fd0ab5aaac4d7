// Package identity finds a person's own e-mail addresses in URLs, however they
// are written there: in clear, percent-encoded, base64, hexadecimal, base32,
// rot13, backwards, inside JSON, a JWT or compressed data, or as a digest. What
// it finds is proof, with the bytes of the URL that hold it.
//
// Compare needs no address: it sets two copies of one mail side by side and
// names the bytes of each URL that differ, which are the recipient's alone.
//
// The package is pure. Its work on one URL is bounded by the URL's length.
package identity

import (
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Bounds. What lies past one is not looked at.
const (
	// MaxAddresses is how many addresses one Set holds.
	MaxAddresses = 256
	// MaxAddress is the longest address, in bytes (RFC 5321 allows 254).
	MaxAddress = 320
	// MaxURL is how many bytes of a URL are searched.
	MaxURL = 16 << 10
	// MaxDepth is how many encodings may lie around one another.
	MaxDepth = 6
	// MaxInflated is how many bytes one compressed token may become.
	MaxInflated = 64 << 10
	// MaxProofs is how many proofs, and how many other addresses, one URL gives.
	MaxProofs = 16
	// MaxDecoded is how many bytes of decoded text a Proof quotes.
	MaxDecoded = 200
)

// Form says what of the person was found.
type Form string

// The forms.
const (
	// Address: the address as it was given, in any case.
	Address Form = "address"
	// Untagged: without what follows a "+" in the local part.
	Untagged Form = "address without its tag"
	// Variant: an address that is delivered to the same mailbox: other dots at
	// Gmail, another tag.
	Variant Form = "another spelling of the address"
	// LocalPart: what stands before the "@".
	LocalPart Form = "local part"
	// TwoParts: local part and domain, each a whole value of its own.
	TwoParts Form = "address in two parts"
	// Other: an address of somebody else.
	Other Form = "another address"
)

// Step is one encoding around a form.
type Step string

// The steps.
const (
	Percent   Step = "percent"
	Escaped   Step = "escaped" // \u0040 or &#64;
	Base64    Step = "base64"
	Base64URL Step = "base64url"
	Base32    Step = "base32"
	Hex       Step = "hex"
	Rot13     Step = "rot13"
	Reversed  Step = "reversed"
	Verp      Step = "verp" // "=" or "at" in place of "@"
	JSON      Step = "json"
	JWT       Step = "jwt"
	Zlib      Step = "zlib"
	Gzip      Step = "gzip"
	MD5       Step = "md5"
	SHA1      Step = "sha1"
	SHA256    Step = "sha256"
	SHA512    Step = "sha512"
)

// Encoding lists the steps from the outermost to the innermost; empty means
// that the form stands in clear.
type Encoding []Step

// String is the steps joined by "+", "plain" if there is none.
func (e Encoding) String() string {
	if len(e) == 0 {
		return "plain"
	}
	words := make([]string, len(e))
	for i, s := range e {
		words[i] = string(s)
	}
	return strings.Join(words, "+")
}

// MarshalText makes an Encoding its String in JSON.
func (e Encoding) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Has reports whether one of the steps is s.
func (e Encoding) Has(s Step) bool { return slices.Contains(e, s) }

// Digest reports whether what was found is a digest, which proves the address
// but cannot be turned back.
func (e Encoding) Digest() bool {
	return e.Has(MD5) || e.Has(SHA1) || e.Has(SHA256) || e.Has(SHA512)
}

// Where is the part of the URL that holds a form.
type Where string

// The parts.
const (
	User      Where = "user"
	Subdomain Where = "subdomain"
	Path      Where = "path"
	Query     Where = "query"
	Fragment  Where = "fragment"
)

// Proof is one place of a URL that holds an address.
type Proof struct {
	// Address is whose: as it was given to New, or for Other as it was found.
	Address  string   `json:"address"`
	Form     Form     `json:"form"`
	Encoding Encoding `json:"encoding"`
	Where    Where    `json:"where"`
	// Param is the name of the parameter in query, fragment or path; "" if none.
	Param string `json:"param,omitempty"`
	// Range is the bytes of the URL, counted from its start, that hold it.
	Range markup.Range `json:"-"`
	// Decoded is the text around it when all encodings are taken off, at most
	// MaxDecoded bytes; the digest in hexadecimal for digests.
	Decoded string `json:"decoded,omitempty"`
	// Weak: a local part in clear, which may be a word that stands there for
	// another reason. It is a hint, not a proof.
	Weak bool `json:"weak,omitempty"`
	// Shared: the address is one that several people may read (info@, a list's),
	// so that it names no one of them.
	Shared bool `json:"shared,omitempty"`
}

// Named reports whether p says of one person that it is they: whole addresses
// and digests of them do, a local part that others have elsewhere does not.
func (p *Proof) Named() bool { return !p.Weak && !p.Shared && p.Form != LocalPart }

// Set is a person's addresses, prepared for searching. It is immutable and safe
// for concurrent use. A nil Set has no address.
type Set struct {
	given     []string
	addresses []address
	domains   []domain
	locals    map[string]local
	digests   []digest       // see order
	filter    [1 << 9]uint64 // bits of the first two bytes of each digest, and of compressed data
	localByte [256]bool      // bytes of a local part
	starts    [1 << 7]uint64 // bits of the first two bytes of each opening
	openings  []opening      // by their first two bytes
	wide      bool           // a local part has capitals that small does not know
}

// nobody stands for a nil Set.
var nobody = New(nil)

// New prepares addresses for searching. Entries may be bare ("a@b.example") or
// as a header writes them ("A <a@b.example>"); what holds no address is left
// out, doubles and entries past MaxAddresses too.
func New(addresses []string) *Set {
	s := &Set{locals: map[string]local{}, localByte: localBytes, filter: magicFilter}
	for _, a := range addresses {
		if a = bare(a); a == "" || len(s.addresses) == MaxAddresses {
			continue
		}
		s.add(a)
	}
	s.order()
	s.notice()
	return s
}

// localBytes are the bytes of any local part.
var localBytes = func() (t [256]bool) {
	for c := range 256 {
		t[c] = isAlnum(byte(c)) || strings.IndexByte("._+-", byte(c)) >= 0
	}
	return t
}()

// Addresses returns the addresses of s as they were given; the caller must not
// change the result.
func (s *Set) Addresses() []string {
	if s == nil {
		return nil
	}
	return s.given
}

// Has reports whether address is one of s, other spellings included.
func (s *Set) Has(a string) bool {
	a = bare(a)
	at := strings.LastIndexByte(a, '@')
	if s == nil || at < 0 {
		return false
	}
	_, form := s.own(a[:at], strings.ToLower(a[at+1:]))
	return form != ""
}

// bare takes the address out of a header's "Name <address>"; "" if there is none.
func bare(a string) string {
	if i := strings.LastIndexByte(a, '<'); i >= 0 {
		a = a[i+1:]
		if j := strings.IndexByte(a, '>'); j >= 0 {
			a = a[:j]
		}
	}
	a = strings.Trim(a, " \t\r\n\"';,")
	if len(a) > 7 && strings.EqualFold(a[:7], "mailto:") {
		a = a[7:]
	}
	at := strings.LastIndexByte(a, '@')
	if at < 1 || at == len(a)-1 || len(a) > MaxAddress || strings.ContainsAny(a, " \t\r\n") {
		return ""
	}
	return a
}
