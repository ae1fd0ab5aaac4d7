package upstream

import (
	"bytes"
	"encoding/binary"
	"net"
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

// TestRandomCaseStaysBehind: names in an answer that point to the question's,
// as a server compresses them, do not come out in the letters that were sent.
func TestRandomCaseStaysBehind(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, func(c *call) {
		m := answerTo(c.q)
		name := c.q.Question[0].Name // in the case that was sent
		h := func(owner string) dns.RR_Header {
			return dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: 1, Ttl: 300}
		}
		m.Answer = []dns.RR{&dns.CNAME{Hdr: h(name), Target: "other." + name}, &dns.CNAME{Hdr: h("other." + name), Target: name}}
		m.Compress = true
		b, err := m.Pack()
		if err != nil {
			panic(err)
		}
		c.send(b)
	})
	for _, scheme := range []string{"udp://", "tcp://"} {
		g := newGroup(t, Options{}, scheme+f.addr.String())
		for range 5 {
			m, _, err := g.Exchange(t.Context(), query("a-long-enough-name.example", dns.TypeA))
			if err != nil || len(m.Answer) != 2 {
				t.Fatalf("%s got %v, %v", scheme, m, err)
			}
			if got := m.Answer[0].(*dns.CNAME).Target + " " + m.Answer[1].(*dns.CNAME).Target; got != "other.a-long-enough-name.example. a-long-enough-name.example." {
				t.Errorf("%s: targets %s, want small letters", scheme, got)
			}
		}
	}
}

// TestReadKeepsNothing: what is parsed has no part of the bytes, which serve
// another answer next.
func TestReadKeepsNothing(t *testing.T) {
	t.Parallel()
	m := new(dns.Msg).SetQuestion("a.example.", dns.TypeHTTPS)
	m.Response = true
	for _, text := range []string{`a.example. 300 IN HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1 ech="AAEC" key65001=xyz`, "a.example. 300 IN A 192.0.2.1",
		"a.example. 300 IN AAAA 2001:db8::1", "a.example. 300 IN TXT some text", "a.example. 300 IN APL 1:192.0.2.0/24", "a.example. 300 IN DS 1 8 2 abcdef", `a.example. 300 IN TYPE65000 \# 3 abcdef`} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(text, err)
		}
		m.Answer = append(m.Answer, rr)
	}
	m.SetEdns0(1232, true)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("local")}, &dns.EDNS0_EDE{InfoCode: 15, ExtraText: "why"},
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IP{192, 0, 2, 0}}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	before := got.String()
	for i := range b {
		b[i] = 0xff
	}
	if after := got.String(); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
}
