package upstream

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// edit sends what change makes of the right answer's bytes.
func edit(c *call, change func([]byte) []byte) {
	b, err := answerTo(c.q).Pack()
	if err != nil {
		panic(err)
	}
	c.send(change(b))
}

func wrongID(b []byte) []byte { b[0] ^= 0x5a; return b }

func wrongName(b []byte) []byte { b[headerLen+1] ^= 1; return b }

// udpFault is a way to fail; alone is what is answered if there is nobody else,
// ADDR stands for the upstream.
type udpFault struct {
	what, alone string
	do          func(*call)
}

func udpFaults() []udpFault {
	udpOnly := func(f func(c *call)) func(c *call) {
		return func(c *call) {
			if c.via == "udp" {
				f(c)
			} else {
				c.reply()
			}
		}
	}
	return []udpFault{
		{"silent", "22 ADDR did not answer in time", func(*call) {}},
		{"wrong id", "22 ADDR did not answer in time", udpOnly(func(c *call) { edit(c, wrongID) })},
		{"wrong id and then the right one", theAddress, udpOnly(func(c *call) { edit(c, wrongID); c.reply() })},
		{"wrong question", "22 ADDR did not answer in time", udpOnly(func(c *call) { edit(c, wrongName) })},
		{"a question instead of an answer", "22 ADDR did not answer in time", udpOnly(func(c *call) { c.send(c.raw) })},
		{"another type", "22 ADDR did not answer in time", udpOnly(func(c *call) { c.reply(func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }) })},
		{"spoof flood, the right one over TCP", theAddress, udpOnly(func(c *call) {
			for i := range 200 {
				edit(c, func(b []byte) []byte { binary.BigEndian.PutUint16(b, uint16(c.q.Id+1+uint16(i))); return b })
			}
		})},
		{"cut off, whole over TCP", theAddress, udpOnly(func(c *call) { c.reply(func(m *dns.Msg) { m.Truncated, m.Answer = true, nil }) })},
		{"cut off everywhere", "23 ADDR sent half an answer and does not give it over TCP", func(c *call) { c.reply(func(m *dns.Msg) { m.Truncated = true }) }},
		{"does not parse, but over TCP", theAddress, udpOnly(func(c *call) { edit(c, func(b []byte) []byte { return b[:len(b)-20] }) })},
		{"does not parse anywhere", "24 ADDR sent an answer that does not parse", func(c *call) { edit(c, func(b []byte) []byte { return b[:len(b)-20] }) }},
		{"lower-cases names", theAddress, func(c *call) { edit(c, func(b []byte) []byte { setCase(b, false); return b }) }},
		{"REFUSED", "REFUSED", func(c *call) { c.reply(rcode(dns.RcodeRefused)) }},
		{"SERVFAIL", "SERVFAIL", func(c *call) { c.reply(rcode(dns.RcodeServerFailure)) }},
		{"NOTIMP", "NOTIMP", func(c *call) { c.reply(rcode(dns.RcodeNotImplemented)) }},
		{"FORMERR", "FORMERR", func(c *call) { c.reply(rcode(dns.RcodeFormatError)) }},
		{"FORMERR without a question, to EDNS only", theAddress, func(c *call) {
			if c.q.IsEdns0() == nil {
				c.reply()
				return
			}
			edit(c, func(b []byte) []byte { b = b[:headerLen]; b[3] = b[3]&0xf0 | 1; clear(b[4:]); return b })
		}},
		{"refers to others", "22 ADDR does not resolve for us", func(c *call) {
			c.reply(func(m *dns.Msg) {
				m.RecursionAvailable, m.Answer = false, nil
				m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeNS, Class: 1, Ttl: 9}, Ns: "ns.example."}}
			})
		}},
	}
}

// TestUDPFaults has one upstream that fails in each way: alone there is the
// right error in time, with a second one there is an answer.
func TestUDPFaults(t *testing.T) {
	t.Parallel()
	for _, c := range udpFaults() {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, nil, c.do)
			g := newGroup(t, Options{}, f.addr.String())
			want(t, g, "www.example", strings.ReplaceAll(c.alone, "ADDR", f.addr.String()))
			good := newFake(t, nil, nil)
			for name, s := range map[string]Strategy{"parallel": Parallel, "strict": Strict, "fastest": Fastest} {
				g := newGroup(t, Options{Strategy: s}, f.addr.String(), good.addr.String())
				for i := range 4 {
					got, _, took := ask(g, fmt.Sprintf("%s%d.example", name, i))
					if got != theAddress || took > soon {
						t.Errorf("%s with a healthy second: got %q after %v, want %s soon", name, got, took, theAddress)
					}
				}
			}
		})
	}
}
