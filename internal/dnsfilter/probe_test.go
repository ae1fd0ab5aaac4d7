package dnsfilter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The tests of this file replay, packet by packet, the probes that tell
// resolvers apart.

func bigZone(name string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s 300 IN TXT %q", name, strings.Repeat("x", 100)+fmt.Sprint(i)))
	}
	return out
}

func TestEDNSVersion(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "a.example. 300 IN A 93.184.216.34")
	m := g.ask(query("a.example", dns.TypeA, func(m *dns.Msg) { m.SetEdns0(1232, true); m.IsEdns0().SetVersion(1) }))
	if o := m.IsEdns0(); m.Rcode != dns.RcodeBadVers || o == nil || o.Version() != 0 || len(m.Answer) != 0 {
		t.Errorf("EDNS version 1: got %v, want BADVERS with an OPT of version 0", m)
	}
	if n := g.up.count("a.example."); n != 0 {
		t.Errorf("asked upstream %d times, want 0", n)
	}
}

func TestOPTOnlyIfAsked(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), "a.example. 300 IN A 93.184.216.34")
	for _, name := range []string{"a.example", "a.example", "bad.example", "none.example", "localhost", HealthName} {
		if o := g.ask(query(name, dns.TypeA, nil)).IsEdns0(); o != nil {
			t.Errorf("%s without EDNS: got %v, want no OPT", name, o)
		}
		for _, do := range []bool{false, true} {
			o := g.ask(query(name, dns.TypeA, edns(4096, do))).IsEdns0()
			if o == nil || o.Do() != do || o.UDPSize() != MaxUDP || o.Version() != 0 {
				t.Errorf("%s with EDNS, DO %v: got %v, want OPT with the same DO and size %d", name, do, o, MaxUDP)
			}
		}
	}
	// Options that we do not know are neither an error nor echoed.
	m := g.ask(query("a.example", dns.TypeA, func(m *dns.Msg) {
		m.SetEdns0(1232, false)
		o := m.IsEdns0()
		o.Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("x")}, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"},
			&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: net.IP{192, 0, 2, 0}}}
	}))
	if m.Rcode != 0 || len(m.Answer) != 1 || len(m.IsEdns0().Option) != 0 {
		t.Errorf("unknown options: got %v, want an answer without any", m)
	}
	g.up.mu.Lock()
	defer g.up.mu.Unlock()
	for _, q := range g.up.asked {
		if o := q.IsEdns0(); o != nil && len(o.Option) > 0 {
			t.Errorf("upstream was sent %v, want no option of the client", o)
		}
	}
}

func TestTwoOPTs(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil)
	b := pack(t, query("a.example", dns.TypeA, func(m *dns.Msg) {
		m.SetEdns0(1232, false)
		m.Extra = append(m.Extra, dns.Copy(m.Extra[0]))
	}))
	if m := g.unpack(g.raw(b)); m.Rcode != dns.RcodeFormatError {
		t.Errorf("two OPT records: got %v, want FORMERR", m)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, append(bigZone("big.example.", 25), bigZone("mid.example.", 7)...)...)
	for _, c := range []struct {
		name  string
		size  uint16 // of EDNS, 0 is none
		limit int
		cut   bool
	}{
		{"big.example", 0, 512, true},
		{"big.example", 512, 512, true},
		{"big.example", 100, 512, true},
		{"big.example", 1232, 1232, true},
		{"big.example", 4096, 1232, true},
		{"big.example", 65535, 1232, true},
		{"mid.example", 0, 512, true},
		{"mid.example", 1232, 1232, false},
	} {
		var change func(*dns.Msg)
		if c.size > 0 {
			change = edns(c.size, false)
		}
		b := g.raw(pack(t, query(c.name, dns.TypeTXT, change)))
		m := g.unpack(b)
		if len(b) > c.limit || m.Truncated != c.cut || c.cut && (len(m.Answer) > 0 || len(b) > 60) || !c.cut && len(m.Answer) != 7 {
			t.Errorf("%s with %d: got %d bytes, TC %v, %d records, %s; want at most %d, TC %v", c.name, c.size, len(b), m.Truncated, len(m.Answer), ede(m), c.limit, c.cut)
		}
	}
	c := &dns.Client{Net: "tcp", Timeout: patience}
	m, _, err := c.Exchange(query("big.example", dns.TypeTXT, nil), g.at)
	if err != nil || len(m.Answer) != 25 || m.Truncated {
		t.Errorf("over TCP: got %v, %v; want 25 records", m, err)
	}
}

func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func readTCP(t testing.TB, c io.Reader) []byte {
	t.Helper()
	var n [2]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		t.Fatalf("read an answer: %v", err)
	}
	b := make([]byte, binary.BigEndian.Uint16(n[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("read an answer: %v", err)
	}
	return b
}

func TestPipelineOutOfOrder(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "fast.example. 300 IN A 93.184.216.34")
	hold := make(chan struct{})
	g.up.on("slow.example.", func(q *dns.Msg) *dns.Msg {
		<-hold
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: 1, Class: 1, Ttl: 60}, A: net.IP{93, 184, 216, 34}}}
		return m
	})
	c := dial(t, "tcp", g.at)
	slow := pack(t, query("slow.example", dns.TypeA, func(m *dns.Msg) { m.Id = 1 }))
	fast := pack(t, query("fast.example", dns.TypeA, func(m *dns.Msg) { m.Id = 2 }))
	if _, err := c.Write(append(frame(slow), frame(fast)...)); err != nil {
		t.Fatal(err)
	}
	first := g.unpack(readTCP(t, c))
	close(hold)
	second := g.unpack(readTCP(t, c))
	if first.Id != 2 || second.Id != 1 {
		t.Errorf("answers came as %d, %d; want the fast one (2) before the slow one (1)", first.Id, second.Id)
	}
}

func TestManyQuestionsOneConnection(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "a.example. 300 IN A 93.184.216.34")
	c := dial(t, "tcp", g.at)
	for i := range 400 {
		q := pack(t, query("a.example", dns.TypeA, func(m *dns.Msg) { m.Id = uint16(i) }))
		if _, err := c.Write(frame(q)); err != nil {
			t.Fatalf("question %d: %v", i, err)
		}
		if m := g.unpack(readTCP(t, c)); m.Id != uint16(i) || len(m.Answer) != 1 {
			t.Fatalf("question %d: got %v", i, m)
		}
	}
}

func TestHalfClosedConnection(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "a.example. 300 IN A 93.184.216.34")
	c := dial(t, "tcp", g.at)
	_, _ = c.Write(frame(pack(t, query("a.example", dns.TypeA, nil))))
	_ = c.(*net.TCPConn).CloseWrite()
	if m := g.unpack(readTCP(t, c)); len(m.Answer) != 1 {
		t.Errorf("got %v, want an answer to a client that has nothing more to say", m)
	}
}

func TestOddPackets(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "a.example. 300 IN A 93.184.216.34")
	good := pack(t, query("a.example", dns.TypeA, nil))
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	opcode := func(op byte) []byte {
		return change(func(b []byte) []byte { b[2] = b[2]&0x87 | op<<3; return b })
	}
	for _, c := range []struct {
		what  string
		pkt   []byte
		rcode int
	}{
		{"opcode IQUERY", opcode(1), dns.RcodeNotImplemented},
		{"opcode STATUS", opcode(2), dns.RcodeNotImplemented},
		{"opcode NOTIFY", opcode(4), dns.RcodeNotImplemented},
		{"opcode UPDATE", opcode(5), dns.RcodeNotImplemented},
		{"opcode 15", opcode(15), dns.RcodeNotImplemented},
		{"QDCOUNT 0", change(func(b []byte) []byte { b[5] = 0; return b[:12] }), dns.RcodeFormatError},
		{"QDCOUNT 2", change(func(b []byte) []byte { b[5] = 2; return append(b, b[12:]...) }), dns.RcodeFormatError},
		{"QDCOUNT 65535", change(func(b []byte) []byte { b[4], b[5] = 255, 255; return b }), dns.RcodeFormatError},
		{"ANCOUNT 9", change(func(b []byte) []byte { b[7] = 9; return b }), dns.RcodeFormatError},
		{"cut off", good[:len(good)-3], dns.RcodeFormatError},
		{"pointer to itself", append(bytes.Clone(good[:12]), 0xc0, 12, 0, 1, 0, 1), dns.RcodeFormatError},
		{"pointers in a ring", append(bytes.Clone(good[:12]), 0xc0, 14, 0xc0, 12, 0, 1, 0, 1), dns.RcodeFormatError},
		{"pointer forward", append(bytes.Clone(good[:12]), 0xc0, 200, 0, 1, 0, 1), dns.RcodeFormatError},
		{"label of 64", append(append(bytes.Clone(good[:12]), 64), append(bytes.Repeat([]byte{'a'}, 64), 0, 0, 1, 0, 1)...), dns.RcodeFormatError},
		{"name of 300", append(append(bytes.Clone(good[:12]), bytes.Repeat(append([]byte{59}, bytes.Repeat([]byte{'a'}, 59)...), 5)...), 0, 0, 1, 0, 1), dns.RcodeFormatError},
		{"RD 0", change(func(b []byte) []byte { b[2] &^= 1; return b }), dns.RcodeRefused},
	} {
		b := g.raw(c.pkt)
		if id := b[:2]; !bytes.Equal(id, c.pkt[:2]) || int(b[3]&15) != c.rcode || b[2]&0x80 == 0 || b[2]>>3&15 != c.pkt[2]>>3&15 {
			t.Errorf("%s: got % x, want rcode %d with the same id and opcode", c.what, b, c.rcode)
		}
		if len(b) > len(c.pkt) && len(b) > 12 {
			t.Errorf("%s: answer of %d bytes to %d", c.what, len(b), len(c.pkt))
		}
	}
	g.silent("QR 1", change(func(b []byte) []byte { b[2] |= 0x80; return b }))
	g.silent("5 bytes", good[:5])
	g.silent("11 bytes", good[:11])
	g.silent("no bytes", nil)
}

func TestChaosAndTransfers(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil)
	for _, c := range []struct {
		name         string
		qtype, class uint16
	}{
		{"version.bind", dns.TypeTXT, dns.ClassCHAOS}, {"id.server", dns.TypeTXT, dns.ClassCHAOS}, {"a.example", dns.TypeA, dns.ClassHESIOD},
		{"a.example", dns.TypeA, dns.ClassANY}, {"example", dns.TypeAXFR, dns.ClassINET}, {"example", dns.TypeIXFR, dns.ClassINET}, {"a.example", dns.TypeTKEY, dns.ClassINET},
	} {
		m := g.ask(query(c.name, c.qtype, func(m *dns.Msg) { m.Question[0].Qclass = c.class }))
		if m.Rcode != dns.RcodeRefused || len(m.Answer) != 0 {
			t.Errorf("%s %d %d: got %v, want REFUSED", c.name, c.qtype, c.class, m)
		}
	}
	if n := g.up.total(); n != 0 {
		t.Errorf("%d questions went upstream, want none", n)
	}
}

func TestCaseEchoed(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), "mixed.example. 300 IN A 93.184.216.34", "alias.example. 300 IN CNAME mixed.example.")
	for _, name := range []string{"mIxEd.ExAmPlE.", "MIXED.example.", "mixed.EXAMPLE.", "AlIaS.example.", "aLIAS.example.", "bAd.example.", "nONe.example."} {
		m := g.ask(query(name, dns.TypeA, nil))
		if m.Question[0].Name != name {
			t.Errorf("asked for %s, question came back as %s", name, m.Question[0].Name)
		}
		if len(m.Answer) > 0 && m.Answer[0].Header().Name != name {
			t.Errorf("asked for %s, first record is of %s", name, m.Answer[0].Header().Name)
		}
	}
	if n := g.up.count("mixed.example."); n != 1 {
		t.Errorf("asked upstream %d times for three spellings, want 1", n)
	}
}

func TestBlockedShapes(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), "shop.example. 300 IN CNAME x.bad.example.", "x.bad.example. 300 IN A 93.184.216.34",
		"neighbad.example. 300 IN A 93.184.216.34", "bad.example.org. 300 IN A 93.184.216.34")
	for _, name := range []string{"bad.example.", "sub.bad.example.", "a.b.c.bad.example.", "BAD.example.", "shop.example."} {
		for qtype, want := range map[uint16]string{
			dns.TypeA: name + " A 0.0.0.0", dns.TypeAAAA: name + " AAAA ::", dns.TypeHTTPS: "", dns.TypeTXT: "", dns.TypeMX: "", dns.TypeSVCB: "",
		} {
			m := g.ask(query(name, qtype, edns(1232, false)))
			if got := text(m.Answer); got != want || m.Rcode != 0 || m.Authoritative || !m.RecursionAvailable {
				t.Errorf("%s %s: got %q, %v; want %q, NOERROR, AA 0, RA 1", name, dns.TypeToString[qtype], got, m.MsgHdr, want)
			}
			if want == "" && (len(m.Ns) != 1 || m.Ns[0].Header().Rrtype != dns.TypeSOA || m.Ns[0].Header().Ttl != 10) {
				t.Errorf("%s %s: got authority %v, want a SOA with TTL 10", name, dns.TypeToString[qtype], m.Ns)
			}
			if want != "" && m.Answer[0].Header().Ttl != 10 {
				t.Errorf("%s: TTL %d, want 10", name, m.Answer[0].Header().Ttl)
			}
			if got := ede(m); got != "17 blocked by your own rule" {
				t.Errorf("%s: extended error %q, want 17 with the reason", name, got)
			}
		}
	}
	for _, name := range []string{"neighbad.example", "bad.example.org"} {
		if m := g.ask(query(name, dns.TypeA, nil)); text(m.Answer) != name+". A 93.184.216.34" {
			t.Errorf("%s: got %v, want its address", name, m)
		}
	}
}

func TestANYIsMinimal(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), "a.example. 300 IN A 93.184.216.34")
	if m := g.ask(query("a.example", dns.TypeANY, nil)); text(m.Answer) != `a.example. HINFO "RFC8482" ""` {
		t.Errorf("ANY: got %v, want HINFO RFC8482", m)
	}
	if m := g.ask(query("bad.example", dns.TypeANY, nil)); len(m.Answer) != 0 || len(m.Ns) != 1 {
		t.Errorf("ANY of a blocked name: got %v, want no data", m)
	}
	if n := g.up.total(); n != 0 {
		t.Errorf("%d questions went upstream, want none", n)
	}
}

func TestOneFlightForEqualQuestions(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil)
	hold := make(chan struct{})
	g.up.on("one.example.", func(q *dns.Msg) *dns.Msg {
		<-hold
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: 1, Class: 1, Ttl: 60}, A: net.IP{93, 184, 216, 34}}}
		return m
	})
	const n = 40
	var conns []net.Conn
	for i := range n {
		c := dial(t, "udp", g.at)
		_, _ = c.Write(pack(t, query("one.example", dns.TypeA, func(m *dns.Msg) { m.Id = uint16(i) })))
		conns = append(conns, c)
	}
	eventually(t, "all questions came", func() bool { return g.Stats().Queries["udp"] == n })
	close(hold)
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			buf := make([]byte, 2048)
			k, err := c.Read(buf)
			m := new(dns.Msg)
			if err != nil || m.Unpack(buf[:k]) != nil || m.Id != uint16(i) || len(m.Answer) != 1 {
				t.Errorf("question %d: got %v, %v", i, m, err)
			}
		})
	}
	wg.Wait()
	if got := g.up.count("one.example."); got != 1 {
		t.Errorf("%d questions went upstream, want 1", got)
	}
}

// eventually waits for what other goroutines bring about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
