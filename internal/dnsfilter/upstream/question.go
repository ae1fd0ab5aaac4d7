package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"

	"github.com/miekg/dns"
)

const (
	// udpSize is the size of UDP answers that no network fragments (flag day 2020).
	udpSize = 1232
	// padTo is the block that encrypted questions fill (RFC 8467 §4.1).
	padTo = 128
	// headerLen is the length of a DNS header.
	headerLen = 12
)

var errQuestion = errors.New("not exactly one question")

// question is what is asked, before a transport gives it an id and a case.
type question struct {
	dns.Question
	rd, cd, ad, do bool
}

func questionOf(m *dns.Msg) (*question, error) {
	if m == nil || len(m.Question) != 1 {
		return nil, errQuestion
	}
	q := &question{Question: m.Question[0], rd: m.RecursionDesired, cd: m.CheckingDisabled, ad: m.AuthenticatedData}
	if o := m.IsEdns0(); o != nil {
		q.do = o.Do()
	}
	return q, nil
}

// form is how a question is written.
type form struct {
	id     uint16
	edns   bool
	mixed  bool // letters of random case, which only who saw the question can repeat
	padded bool
}

// pack writes a question. Nothing is in it but what question holds.
func (q *question) pack(f form) ([]byte, error) {
	m := &dns.Msg{Question: []dns.Question{q.Question}}
	m.Id, m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData = f.id, q.rd, q.cd, q.ad
	if f.edns {
		m.SetEdns0(udpSize, q.do)
	}
	if f.edns && f.padded {
		pad := &dns.EDNS0_PADDING{}
		o := m.IsEdns0()
		o.Option = append(o.Option, pad)
		if over := m.Len() % padTo; over != 0 {
			pad.Padding = make([]byte, padTo-over)
		}
	}
	pkt, err := m.Pack()
	if err != nil {
		return nil, err
	}
	setCase(pkt, f.mixed)
	return pkt, nil
}

// setCase gives the letters of the question's name the lower case, or a random
// one. pkt is one of pack's.
func setCase(pkt []byte, mixed bool) {
	name := pkt[headerLen : questionEnd(pkt)-4]
	var bits uint64
	for i, c := range name {
		if i%64 == 0 && mixed {
			bits = rand.Uint64()
		}
		switch {
		case c >= 'A' && c <= 'Z' && bits&1 == 0:
			name[i] = c + 'a' - 'A'
		case c >= 'a' && c <= 'z' && bits&1 == 1:
			name[i] = c + 'A' - 'a'
		}
		bits >>= 1
	}
}

// questionEnd returns where the one question of a packet ends, -1 if there is
// none or its name is written with a pointer.
func questionEnd(pkt []byte) int {
	for i := headerLen; i < len(pkt); {
		n := int(pkt[i])
		switch {
		case n == 0 && i+5 <= len(pkt):
			return i + 5
		case n == 0 || n > 63:
			return -1
		}
		i += 1 + n
	}
	return -1
}

// match says how a packet fits a question.
type match uint8

const (
	// stranger: it answers something else, or nothing.
	stranger match = iota
	// otherCase: it answers the question, its letters in another case.
	otherCase
	// bare: an error without the question, as some servers send that do not
	// understand EDNS.
	bare
	// exact: it answers the question, letter for letter.
	exact
)

// matches compares a packet with the question that was sent (one of pack's):
// id, kind, name, type and class. It does not look at what follows.
func matches(sent, got []byte) match {
	if len(got) < headerLen || !bytes.Equal(got[:2], sent[:2]) {
		return stranger
	}
	const response, opcode = 0x80, 0x78
	if got[2]&response == 0 || got[2]&opcode != 0 {
		return stranger
	}
	switch binary.BigEndian.Uint16(got[4:]) {
	case 1:
	case 0:
		if rcode := int(got[3] & 0xf); rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented {
			return bare
		}
		return stranger
	default:
		return stranger
	}
	end := questionEnd(sent)
	switch {
	case end < 0 || len(got) < end || !bytes.Equal(got[end-4:end], sent[end-4:end]):
		return stranger
	case bytes.Equal(got[headerLen:end], sent[headerLen:end]):
		return exact
	case foldEqual(got[headerLen:end-4], sent[headerLen:end-4]):
		return otherCase
	}
	return stranger
}

// foldEqual compares names as DNS does: ASCII letters without regard to case.
func foldEqual(a, b []byte) bool {
	for i := range a {
		x, y := a[i], b[i]
		if x >= 'A' && x <= 'Z' {
			x += 'a' - 'A'
		}
		if y >= 'A' && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// cutOff reports whether an answer says that it is not whole.
func cutOff(got []byte) bool { return got[2]&0x02 != 0 }

// read parses an answer that matches has seen.
func read(got []byte) (*dns.Msg, error) {
	if binary.BigEndian.Uint16(got[4:]) == 1 && questionEnd(got) > 0 {
		setCase(got, false) // names in the answer may point to the question's letters, which are chance
	}
	m := new(dns.Msg)
	if err := m.Unpack(got); err != nil {
		return nil, &fault{kind: kindMalformed, err: err}
	}
	return m, nil
}

// usable reports whether an answer is worth giving to a client, or another
// upstream may have a better one.
func usable(m *dns.Msg) bool {
	switch m.Rcode {
	case dns.RcodeNameError, dns.RcodeYXDomain:
		return true
	case dns.RcodeSuccess:
		return !referral(m)
	case dns.RcodeServerFailure, dns.RcodeRefused:
		return decided(m)
	}
	return false
}

// referral reports whether an answer only says who else may know: it is from
// a server that does not resolve.
func referral(m *dns.Msg) bool {
	if m.RecursionAvailable || m.Authoritative || len(m.Answer) > 0 {
		return false
	}
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeNS {
			return true
		}
	}
	return false
}

// decided reports whether an upstream says that its refusal is a verdict about
// the name (RFC 8914): its signatures are wrong, or it is filtered. Asking
// somebody more careless would undo what the user chose it for.
func decided(m *dns.Msg) bool {
	o := m.IsEdns0()
	if o == nil {
		return false
	}
	for _, x := range o.Option {
		e, ok := x.(*dns.EDNS0_EDE)
		if !ok {
			continue
		}
		switch e.InfoCode {
		case dns.ExtendedErrorCodeDNSBogus, dns.ExtendedErrorCodeSignatureExpired, dns.ExtendedErrorCodeSignatureNotYetValid,
			dns.ExtendedErrorCodeDNSKEYMissing, dns.ExtendedErrorCodeRRSIGsMissing, dns.ExtendedErrorCodeNoZoneKeyBitSet,
			dns.ExtendedErrorCodeNSECMissing, dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeCensored, dns.ExtendedErrorCodeFiltered:
			return true
		}
	}
	return false
}

// randomID is an id that nobody can foretell: the generator is the runtime's
// ChaCha8, seeded by the system.
func randomID() uint16 { return uint16(rand.Uint32()) }
