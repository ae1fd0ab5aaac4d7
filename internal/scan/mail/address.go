package mail

import "strings"

// Bounds on addresses.
const (
	// MaxAddresses is how many addresses of one message are kept.
	MaxAddresses = 1000
	// MaxAddress is the longest address taken for one, in bytes.
	MaxAddress = 320
)

// Address is one mail address.
type Address struct {
	// Address is "local@domain" as written, without display name.
	Address string
	// Local and Domain are its two sides, lower case.
	Local, Domain string
	// Same is the mailbox that provider rules make of it: lower case, without
	// a "+tag", for Gmail also without dots and at gmail.com. Two addresses of
	// one reader have the same.
	Same string
	// Field is the header field it stood in, lower case.
	Field string
}

// recipientFields name the reader, most telling first.
var recipientFields = [...]string{
	"delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to", "x-forwarded-to",
	"x-original-recipient", "original-recipient", "x-apparently-to", "apparently-to", "to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc",
}

// Recipients are the addresses this message was sent to, by its outermost
// header, most telling field first, each once. Last comes the one for whom the
// reader's own server says that it took the mail: a blind copy names nobody else.
func (m *Message) Recipients() []Address {
	var out []Address
	seen := map[string]bool{}
	add := func(field string, list []Address) {
		for _, a := range list {
			key := a.Local + "@" + a.Domain
			if seen[key] || len(out) == MaxAddresses {
				continue
			}
			seen[key] = true
			a.Field = field
			out = append(out, a)
		}
	}
	for _, name := range recipientFields {
		for i := range m.Header {
			if m.Header[i].Is(name) {
				add(name, ParseAddresses(m.Header[i].Value))
			}
		}
	}
	add("received", m.receivedFor())
	return out
}

// maxHops is how many Received fields are looked at: those behind are not the
// reader's servers'.
const maxHops = 4

// receivedFor is whom the Received field nearest to the reader that names one
// says the mail was for (RFC 5321, 4.4: "for <address>"); nil for none or many.
func (m *Message) receivedFor() []Address {
	hops := 0
	for i := range m.Header {
		if !m.Header[i].Is("received") {
			continue
		}
		if hops++; hops > maxHops {
			break
		}
		text, _, _ := strings.Cut(m.Header[i].Value, ";")
		words := strings.Fields(text)
		for j := range len(words) - 1 {
			if strings.EqualFold(words[j], "for") && strings.Contains(words[j+1], "@") {
				if list := ParseAddresses(words[j+1]); len(list) == 1 {
					return list
				}
				return nil
			}
		}
	}
	return nil
}

// From is the sender by the From field, the zero Address if there is none.
func (m *Message) From() Address {
	for _, name := range [...]string{"From", "Sender", "Return-Path"} {
		if list := ParseAddresses(m.Header.Get(name)); len(list) > 0 {
			list[0].Field = strings.ToLower(name)
			return list[0]
		}
	}
	return Address{}
}

// Seals are the protections of the message and of any part standing in it.
func (m *Message) Seals() (s Seal) {
	for _, p := range m.Parts {
		if p.Inside == "" {
			s |= p.Seal
		}
	}
	return s
}

// ParseAddresses finds the addresses in text, whatever stands around them:
// names, brackets, comments, groups, "rfc822;" and stray quotes.
func ParseAddresses(text string) []Address {
	var out []Address
	for i := 0; i < len(text) && len(out) < MaxAddresses; {
		at := strings.IndexByte(text[i:], '@')
		if at < 0 {
			break
		}
		at += i
		start := at
		for start > i && at-start <= MaxAddress && localByte(text[start-1]) {
			start--
		}
		end := at + 1
		for end < len(text) && end-at <= MaxAddress && domainByte(text[end]) {
			end++
		}
		i = max(end, at+1)
		if a, ok := NewAddress(text[start:at] + "@" + strings.Trim(text[at+1:end], ".-")); ok {
			out = append(out, a)
		}
	}
	return out
}

func localByte(c byte) bool {
	return c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&*+-/=?^_{|}~.`", c) >= 0
}

func domainByte(c byte) bool {
	return c >= 0x80 || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-'
}

// NewAddress takes "local@domain" apart; ok is false if it is none.
func NewAddress(s string) (a Address, ok bool) {
	i := strings.LastIndexByte(s, '@')
	if i <= 0 || i == len(s)-1 || len(s) > MaxAddress {
		return a, false
	}
	a = Address{Address: s, Local: strings.ToLower(strings.Trim(s[:i], ".'\"")), Domain: strings.ToLower(s[i+1:])}
	if a.Local == "" {
		return a, false
	}
	local, domain := a.Local, a.Domain
	if n := strings.IndexByte(local, '+'); n > 0 {
		local = local[:n]
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	a.Same = local + "@" + domain
	return a, true
}
