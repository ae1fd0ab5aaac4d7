package upstream

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// FuzzMatches holds the checker of answers to what any answer must be: whatever
// passes has our id and our question, as another parser reads it.
func FuzzMatches(f *testing.F) {
	q := question{Question: query("www.Example.org", dns.TypeHTTPS).Question[0], rd: true}
	for _, mixed := range []bool{false, true} {
		sent, err := q.pack(form{id: 0x1234, edns: true, mixed: mixed})
		if err != nil {
			f.Fatal(err)
		}
		m := new(dns.Msg)
		_ = m.Unpack(sent)
		got, _ := answerTo(m).Pack()
		f.Add("www.example.org", uint16(65), mixed, got)
		f.Add("www.example.org", uint16(65), mixed, got[:headerLen])
		f.Add("www.example.org", uint16(1), mixed, append(bytes.Clone(got[:headerLen]), 0xc0, 12, 0, 1, 0, 1))
	}
	f.Fuzz(func(t *testing.T, name string, qtype uint16, mixed bool, got []byte) {
		q := question{Question: dns.Question{Name: dns.Fqdn(name), Qtype: qtype, Qclass: 1}}
		sent, err := q.pack(form{id: 0x1234, mixed: mixed, edns: true})
		if err != nil {
			return
		}
		fit := matches(sent, got)
		if fit == stranger {
			return
		}
		if len(got) < headerLen || binary.BigEndian.Uint16(got) != 0x1234 || got[2]&0xf8 != 0x80 {
			t.Fatalf("% x accepted as an answer", got)
		}
		m, err := read(got)
		if err != nil || fit == bare {
			return
		}
		asked := new(dns.Msg)
		if err := asked.Unpack(sent); err != nil {
			t.Fatal(err)
		}
		if len(m.Question) != 1 || m.Question[0].Qtype != qtype || m.Question[0].Qclass != 1 ||
			!strings.EqualFold(m.Question[0].Name, asked.Question[0].Name) || fit == exact && m.Question[0].Name != asked.Question[0].Name {
			t.Fatalf("asked %v, accepted %v as %d", asked.Question, m.Question, fit)
		}
	})
}

func TestPack(t *testing.T) {
	t.Parallel()
	q := question{Question: dns.Question{Name: "WWW.a\\.b.Example.", Qtype: dns.TypeA, Qclass: 1}, rd: true, cd: true, ad: true, do: true}
	for _, padded := range []bool{false, true} {
		pkt, err := q.pack(form{id: 7, edns: true, padded: padded})
		if err != nil {
			t.Fatal(err)
		}
		var m dns.Msg
		if err := m.Unpack(pkt); err != nil {
			t.Fatal(err)
		}
		o := m.IsEdns0()
		if m.Id != 7 || !m.RecursionDesired || !m.CheckingDisabled || !m.AuthenticatedData || m.Question[0].Name != `www.a\.b.example.` ||
			o == nil || !o.Do() || o.UDPSize() != udpSize || (len(o.Option) != 0) != padded || (len(pkt)%padTo == 0) != padded {
			t.Errorf("padded %v: %d bytes, %v", padded, len(pkt), &m)
		}
	}
	cases := map[string]bool{}
	for range 200 {
		pkt, _ := q.pack(form{mixed: true})
		end := questionEnd(pkt)
		cases[string(pkt[headerLen:end])] = true
		if low := bytes.ToLower(pkt[headerLen : end-4]); string(low) != "\x03www\x03a.b\x07example\x00" {
			t.Fatalf("% x is another name", pkt)
		}
	}
	if len(cases) < 150 {
		t.Errorf("200 questions were written in %d ways, want nearly 200", len(cases))
	}
}
