package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

func TestAppendHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\x01A\x07eXample\x00": "a.example", "\x00": "", "\x03a.b\x03com\x00": `a\046b.com`, "\x02a\\\x00": `a\092`, "\x02\xc3\xbc\x00": `\195\188`,
		"\x01 \x00": `\032`, "\x05ab": "", "\x01a\x40xx": "a", "": "",
	} {
		if got := string(AppendHost(nil, []byte(in))); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestTTLs(t *testing.T) {
	t.Parallel()
	m := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
	for _, s := range []string{"a.example. 1 IN CNAME b.example.", "b.example. 2 IN A 192.0.2.1", "b.example. 3 IN TXT x"} {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	m.SetEdns0(1232, true)
	m.Compress = true
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	at, err := TTLs(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, p := range at {
		got = append(got, b[p+3])
	}
	if d := cmp.Diff([]byte{1, 2, 3}, got); d != "" {
		t.Error(d)
	}
	for n := range len(b) {
		if _, err := TTLs(b[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", n, len(b))
		}
	}
}

// FuzzTTLs holds that what miekg can read has its TTLs found, and that
// nothing else does harm.
func FuzzTTLs(f *testing.F) {
	m := new(dns.Msg).SetQuestion(strings.Repeat("a.", 60)+"example.", dns.TypeA)
	m.SetEdns0(1232, true)
	b, _ := m.Pack()
	f.Add(b)
	f.Add(bytes.Repeat([]byte{0xc0}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		at, err := TTLs(b)
		for _, p := range at {
			if int(p)+4 > len(b) {
				t.Fatalf("TTL at %d of %d bytes", p, len(b))
			}
		}
		var m dns.Msg
		if m.Unpack(b) != nil || err != nil {
			return
		}
		n := 0
		for _, rrs := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
			for _, rr := range rrs {
				if rr.Header().Rrtype == dns.TypeOPT {
					continue
				}
				if n >= len(at) || uint32(b[at[n]])<<24|uint32(b[at[n]+1])<<16|uint32(b[at[n]+2])<<8|uint32(b[at[n]+3]) != rr.Header().Ttl {
					t.Fatalf("record %d: TTL %d not where it was found (%v)", n, rr.Header().Ttl, at)
				}
				n++
			}
		}
	})
}

// FuzzParse holds that what Parse takes for a plain question miekg reads alike,
// and that a plain question of miekg's own making is one.
func FuzzParse(f *testing.F) {
	m := new(dns.Msg).SetQuestion("WWW.a_b.example.", dns.TypeHTTPS)
	m.AuthenticatedData, m.CheckingDisabled = true, true
	b, _ := m.Pack()
	f.Add(b)
	m.SetEdns0(1232, true)
	o := m.IsEdns0()
	o.Option = append(o.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}, &dns.EDNS0_PADDING{Padding: make([]byte, 9)})
	b, _ = m.Pack()
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var q Question
		if !Parse(b, &q) {
			return
		}
		var m dns.Msg
		if err := m.Unpack(b); err != nil {
			t.Fatalf("miekg: %v", err)
		}
		got := m.Question[0]
		name := string(AppendName(nil, q.Name))
		if len(m.Question) != 1 || got.Qclass != dns.ClassINET || got.Qtype != q.Type || strings.ToLower(got.Name) != name+"." {
			t.Errorf("%v, want %s %d", m.Question, name, q.Type)
		}
		o := m.IsEdns0()
		if (o != nil) != q.EDNS || len(m.Answer)+len(m.Ns) > 0 || !m.RecursionDesired || m.Response || m.Opcode != dns.OpcodeQuery ||
			m.AuthenticatedData != q.AD || m.CheckingDisabled != q.CD {
			t.Errorf("%v, want %+v", &m, q)
		}
		if o != nil && (o.Do() != q.DO || int(o.UDPSize()) != q.Size && q.Size >= dns.MinMsgSize || o.Version() != 0) {
			t.Errorf("%v, want %+v", o, q)
		}
	})
}
