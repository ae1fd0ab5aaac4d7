package dnsfilter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

// TestComplianceProbes asks what compliance checkers of name servers ask, byte
// by byte: header bits that mean nothing yet, EDNS options and versions that
// nobody knows, types that do not exist.
func TestComplianceProbes(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), "a.example. 300 IN A 93.184.216.34")
	opt := func(version byte, flags uint16, options ...byte) []byte {
		b := []byte{0, 0, 41, 0x10, 0, 0, version, byte(flags >> 8), byte(flags), 0, 0}
		binary.BigEndian.PutUint16(b[9:], uint16(len(options)))
		return append(b, options...)
	}
	const do, z = 0x8000, 0x0080
	unknown, nsid := []byte{0, 100, 0, 2, 1, 2}, []byte{0, 3, 0, 0}
	cookie := append([]byte{0, 10, 0, 8}, "cookie!!"...)
	expire, subnet := []byte{0, 9, 0, 0}, []byte{0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2}
	all := bytes.Join([][]byte{unknown, nsid, cookie, expire, subnet}, nil)
	for _, c := range []struct {
		what  string
		flags uint16 // of the header
		qtype uint16
		opt   []byte
		rcode int
		do    bool
	}{
		{"plain", 0x0100, dns.TypeA, nil, 0, false},
		{"AA", 0x0500, dns.TypeA, nil, 0, false},
		{"AD", 0x0120, dns.TypeA, nil, 0, false},
		{"CD", 0x0110, dns.TypeA, nil, 0, false},
		{"RA", 0x0180, dns.TypeA, nil, 0, false},
		{"TC", 0x0300, dns.TypeA, nil, 0, false},
		{"Z bit", 0x0140, dns.TypeA, nil, 0, false},
		{"type 666", 0x0100, 666, nil, 0, false},
		{"opcode 15", 15<<11 | 0x0100, dns.TypeA, nil, dns.RcodeNotImplemented, false},
		{"opcode 15 and all flags", 15<<11 | 0x07f0, dns.TypeA, nil, dns.RcodeNotImplemented, false},
		{"EDNS", 0x0100, dns.TypeA, opt(0, 0), 0, false},
		{"EDNS DO", 0x0100, dns.TypeA, opt(0, do), 0, true},
		{"EDNS DO CD", 0x0110, dns.TypeA, opt(0, do), 0, true},
		{"EDNS unknown flag", 0x0100, dns.TypeA, opt(0, z), 0, false},
		{"EDNS unknown option", 0x0100, dns.TypeA, opt(0, 0, unknown...), 0, false},
		{"EDNS NSID", 0x0100, dns.TypeA, opt(0, 0, nsid...), 0, false},
		{"EDNS cookie", 0x0100, dns.TypeA, opt(0, 0, cookie...), 0, false},
		{"EDNS expire", 0x0100, dns.TypeA, opt(0, 0, expire...), 0, false},
		{"EDNS subnet", 0x0100, dns.TypeA, opt(0, 0, subnet...), 0, false},
		{"EDNS list of options", 0x0100, dns.TypeA, opt(0, 0, all...), 0, false},
		{"EDNS type 666", 0x0100, 666, opt(0, 0), 0, false},
		{"EDNS 1", 0x0100, dns.TypeA, opt(1, 0), dns.RcodeBadVers, false},
		{"EDNS 1 DO", 0x0100, dns.TypeA, opt(1, do), dns.RcodeBadVers, true},
		{"EDNS 1 unknown flag", 0x0100, dns.TypeA, opt(1, z), dns.RcodeBadVers, false},
		{"EDNS 1 unknown option", 0x0100, dns.TypeA, opt(1, 0, unknown...), dns.RcodeBadVers, false},
		{"EDNS 1 list of options", 0x0100, dns.TypeA, opt(1, 0, all...), dns.RcodeBadVers, false},
		{"EDNS 255", 0x0100, dns.TypeA, opt(255, 0), dns.RcodeBadVers, false},
	} {
		for _, name := range []string{"a.example.", "bad.example."} {
			for round := range 2 { // from upstream or the rules, then from what is kept
				g.probe(t, fmt.Sprintf("%s, %s round %d", c.what, name, round), name, c.flags, c.qtype, c.opt, c.rcode, c.do)
			}
		}
	}
}

// probe sends one packet by UDP and TCP and checks what every answer must be.
func (g *rig) probe(t *testing.T, what, name string, flags, qtype uint16, opt []byte, rcode int, do bool) {
	t.Helper()
	pkt := []byte{0x12, 0x34, byte(flags >> 8), byte(flags), 0, 1, 0, 0, 0, 0, 0, 0}
	for _, l := range dns.SplitDomainName(name) {
		pkt = append(append(pkt, byte(len(l))), l...)
	}
	pkt = binary.BigEndian.AppendUint16(append(pkt, 0), qtype)
	pkt = append(pkt, 0, 1)
	if opt != nil {
		pkt[11] = 1
		pkt = append(pkt, opt...)
	}
	c := dial(t, "tcp", g.at)
	_, _ = c.Write(frame(pkt))
	for via, b := range map[string][]byte{"udp": g.raw(pkt), "tcp": readTCP(t, c)} {
		m := g.unpack(b)
		o := m.IsEdns0()
		code := m.Rcode
		switch {
		case m.Id != 0x1234 || !m.Response || m.Authoritative || m.Truncated || m.Zero || m.Opcode != int(flags>>11&15):
			t.Errorf("%s by %s: header %v", what, via, m.MsgHdr)
		case code != rcode:
			t.Errorf("%s by %s: %s, want %s", what, via, dns.RcodeToString[code], dns.RcodeToString[rcode])
		case rcode == 0 && !m.RecursionAvailable:
			t.Errorf("%s by %s: RA 0", what, via)
		case (o != nil) != (opt != nil) && rcode != dns.RcodeNotImplemented:
			t.Errorf("%s by %s: OPT %v", what, via, o)
		case o != nil && (o.Version() != 0 || o.Do() != do || o.Hdr.Ttl&0x7fff != 0 || o.UDPSize() < 512):
			t.Errorf("%s by %s: OPT %v, want version 0, DO %v, no other flag", what, via, o, do)
		case rcode == 0 && qtype == dns.TypeA && len(m.Answer) != 1, rcode != 0 && len(m.Answer) != 0:
			t.Errorf("%s by %s: %d records", what, via, len(m.Answer))
		}
		if o == nil {
			continue
		}
		for _, x := range o.Option {
			if _, ok := x.(*dns.EDNS0_EDE); !ok && x.Option() != dns.EDNS0TCPKEEPALIVE {
				t.Errorf("%s by %s: option %v came back", what, via, x)
			}
		}
	}
}

// TestPortsAndIDs sends sixty names upstream: each from a port, with an id and
// in a spelling that nobody can guess from the one before.
func TestPortsAndIDs(t *testing.T) {
	t.Parallel()
	u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	ports, ids, spelt := map[string]bool{}, map[uint16]bool{}, 0
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := u.ReadFromUDP(buf)
			if err != nil {
				return
			}
			q := new(dns.Msg)
			if q.Unpack(buf[:n]) != nil {
				continue
			}
			mu.Lock()
			ports[from.String()], ids[q.Id] = true, true
			if name := q.Question[0].Name; name != strings.ToLower(name) {
				spelt++
			}
			mu.Unlock()
			_, _ = u.WriteToUDP(changed(q, func(*dns.Msg) {}), from)
		}
	}()
	t.Cleanup(func() { _ = u.Close() })
	g := newRig(t, Options{Upstream: group(t, upstream.Options{}, u.LocalAddr().String())}, nil)
	const n = 60
	for i := range n {
		if m := g.ask(query(fmt.Sprintf("n%d.names.example", i), dns.TypeA, func(m *dns.Msg) { m.Id = 7 })); len(m.Answer) != 1 || m.Id != 7 {
			t.Fatalf("question %d: got %v", i, m)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ports) < n-3 || len(ids) < n-3 || spelt < n-3 { // chance may bring one twice
		t.Errorf("%d questions from %d ports, with %d ids, %d of them in mixed case; want nearly %d of each", n, len(ports), len(ids), spelt, n)
	}
}

// TestPlainListedName blocks what lies below a listed name, whatever the form
// of the list.
func TestPlainListedName(t *testing.T) {
	t.Parallel()
	s := withLists(t, "names", "plain.example\n", "ads", "||abp.example^\n", "hosts", "0.0.0.0 hosts.example\n0.0.0.0 two.example\n0.0.0.0 three.example\n")
	g := newRig(t, Options{Set: func() *engine.Set { return s }}, nil, "notplain.example. 300 IN A 93.184.216.34")
	for _, name := range []string{"plain.example.", "sub.plain.example.", "a.b.plain.example.", "sub.abp.example.", "hosts.example.", "sub.hosts.example."} {
		if m := g.ask(query(name, dns.TypeA, nil)); text(m.Answer) != name+" A 0.0.0.0" {
			t.Errorf("%s: got %v, want the null address", name, m)
		}
	}
	if m := g.ask(query("notplain.example", dns.TypeA, nil)); text(m.Answer) != "notplain.example. A 93.184.216.34" {
		t.Errorf("notplain.example: got %v, want its address", m)
	}
}
