package dnsfilter

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/dnsfilter/wire"
)

// Via is how a question came.
type Via uint8

// The ways. Inside is this program itself: the proxy's questions.
const (
	UDP Via = iota
	TCP
	DoT
	DoH
	DoQ
	Inside
	vias
)

// String returns the word used in logs and metrics.
func (v Via) String() string {
	if v >= vias {
		return ""
	}
	return [vias]string{"udp", "tcp", "dot", "doh", "doq", "proxy"}[v]
}

func (v Via) encrypted() bool { return v == DoT || v == DoH || v == DoQ }

const (
	// MaxQuery is the longest question read from a stream: a name, and options
	// with padding, take a tenth of it.
	MaxQuery = 4096
	// MaxUDP is the largest UDP answer, whatever the client says it can take
	// (DNS flag day 2020).
	MaxUDP = 1232
	minUDP = 512
)

// request is one question on its way.
type request struct {
	id    uint16
	q     dns.Question // as sent
	rd    bool
	cd    bool
	ad    bool
	via   Via
	start time.Time

	edns      bool
	do        bool
	size      int // of the UDP answer
	padded    bool
	keepalive bool

	host   string // the name as rules know it
	key    []byte // in the cache
	client clients.Client
	j      judge
	seen   verdict // about the question's name

	found *hint      // what the fast path knows already; nil if it knows nothing
	stale *cache.Hit // to fall back on
	alias *reply     // a rule's, that slow has to complete
}

// intake reads a packet. It returns a request to go on with, or an answer to
// send at once, or neither: then silence is the answer.
func (d *Door) intake(pkt []byte, from netip.Addr, via Via, f *hint) (*request, []byte) {
	if len(pkt) < wire.HeaderLen || pkt[2]&0x80 != 0 {
		d.count.dropped.Add(1)
		return nil, nil
	}
	enough := d.limits.take(from, via, d.now())
	if !d.mayAsk(from, via) {
		return nil, d.stranger(pkt, enough)
	}
	var m dns.Msg
	if rcode := readable(pkt, &m); rcode != dns.RcodeSuccess {
		if !enough {
			return nil, nil
		}
		return nil, headerOnly(pkt, rcode)
	}
	r := &request{id: m.Id, q: m.Question[0], rd: m.RecursionDesired, cd: m.CheckingDisabled, ad: m.AuthenticatedData,
		via: via, start: d.now(), size: minUDP, client: clients.Client{Addr: from}, found: f}
	opt, ok := onlyOPT(&m)
	if !ok {
		return nil, headerOnly(pkt, dns.RcodeFormatError)
	}
	if opt != nil {
		r.readOPT(opt)
		if opt.Version() != 0 {
			return nil, d.finish(r, reply{rcode: dns.RcodeBadVers})
		}
	}
	if !enough {
		d.count.limited.Add(1)
		return nil, d.finish(r, reply{truncated: true, from: "local"})
	}
	if rcode, bad := r.unfit(); bad {
		return nil, d.finish(r, reply{rcode: rcode})
	}
	return r, d.place(r)
}

// readable unpacks a packet, or says how it is to be refused.
func readable(pkt []byte, m *dns.Msg) (rcode int) {
	if rcode := acceptable(pkt); rcode != dns.RcodeSuccess {
		return rcode
	}
	if m.Unpack(pkt) != nil || len(m.Question) != 1 {
		return dns.RcodeFormatError
	}
	return dns.RcodeSuccess
}

// acceptable says by the header of a packet alone how it is to be refused.
func acceptable(pkt []byte) (rcode int) {
	if op := int(pkt[2]>>3) & 15; op != dns.OpcodeQuery {
		return dns.RcodeNotImplemented
	}
	count := func(i int) uint16 { return binary.BigEndian.Uint16(pkt[i:]) }
	if count(4) != 1 || count(6) > 1 || count(8) > 1 || count(10) > 2 {
		return dns.RcodeFormatError
	}
	return dns.RcodeSuccess
}

// stranger refuses who is not of this network: never more than a header, and
// not often.
func (d *Door) stranger(pkt []byte, enough bool) []byte {
	d.count.strangers.Add(1)
	if !enough {
		return nil
	}
	return headerOnly(pkt, dns.RcodeRefused)
}

// place finds out who asks and what for. Its answer is for what cannot be named.
func (d *Door) place(r *request) []byte {
	if !d.name(r) {
		return d.finish(r, reply{rcode: dns.RcodeFormatError})
	}
	if r.via != Inside {
		d.meet(r)
	}
	return nil
}

// name fills in the forms of the question's name; false if it has none.
func (d *Door) name(r *request) bool {
	var buf [wire.MaxName + 1]byte
	n, err := dns.PackDomainName(r.q.Name, buf[:], 0, nil, false)
	if err != nil {
		return false
	}
	r.host = hostOf(r.q.Name, buf[:n])
	r.key = cache.AppendKey(make([]byte, 0, n+5), buf[:n], r.q.Qtype, r.q.Qclass, r.do, r.cd)
	return true
}

// meet finds the client and its policy.
func (d *Door) meet(r *request) {
	if r.found != nil && r.found.met {
		r.client, r.j = r.found.client, r.found.j
		return
	}
	var t *clients.Table
	if d.o.Clients != nil {
		t = d.o.Clients()
	}
	r.client = t.Find(r.client.Addr)
	policy := t.Policy(&r.client, r.start)
	if d.o.Policy != nil {
		policy = d.o.Policy(&r.client, policy)
	}
	r.j = newJudge(d.o.Set(), policy, &r.client)
}

// hostOf returns a name as rules know it; name is its wire form.
func hostOf(text string, name []byte) string {
	if strings.IndexByte(text, '\\') < 0 {
		return strings.ToLower(strings.TrimSuffix(text, "."))
	}
	return string(wire.AppendHost(make([]byte, 0, len(text)), name))
}

// hostText is hostOf for names out of answers.
func hostText(text string) string {
	if strings.IndexByte(text, '\\') < 0 {
		return strings.ToLower(strings.TrimSuffix(text, "."))
	}
	var buf [wire.MaxName + 1]byte
	n, err := dns.PackDomainName(dns.Fqdn(text), buf[:], 0, nil, false)
	if err != nil {
		return ""
	}
	return hostOf(text, buf[:n])
}

// onlyOPT returns the message's OPT record, nil if it has none; false if it has
// two, or one that is none (RFC 6891 §6.1.1).
func onlyOPT(m *dns.Msg) (opt *dns.OPT, ok bool) {
	for _, rr := range m.Extra {
		o, is := rr.(*dns.OPT)
		if !is {
			continue
		}
		if opt != nil || o.Hdr.Name != "." {
			return nil, false
		}
		opt = o
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeOPT {
			return nil, false
		}
	}
	for _, rr := range m.Ns {
		if rr.Header().Rrtype == dns.TypeOPT {
			return nil, false
		}
	}
	return opt, true
}

func (r *request) readOPT(o *dns.OPT) {
	r.edns, r.do = true, o.Do()
	r.size = min(max(int(o.UDPSize()), minUDP), MaxUDP)
	for _, x := range o.Option {
		switch x.Option() {
		case dns.EDNS0PADDING:
			r.padded = true
		case dns.EDNS0TCPKEEPALIVE:
			r.keepalive = true
		}
	}
}

// unfit names what this resolver does not do at all: other classes (and with
// them version.bind), zone transfers, meta types, and iteration.
func (r *request) unfit() (rcode int, bad bool) {
	switch t := r.q.Qtype; {
	case r.q.Qclass != dns.ClassINET:
		return dns.RcodeRefused, true
	case t == dns.TypeOPT || t == 0:
		return dns.RcodeFormatError, true
	case t >= 128 && t < dns.TypeANY: // RFC 6895 §3.1: meta types
		return dns.RcodeRefused, true
	case !r.rd:
		return dns.RcodeRefused, true
	}
	return 0, false
}

// headerOnly answers what could not be read, or is not to be, with no more
// than a header: nothing of it is trusted but the id.
func headerOnly(pkt []byte, rcode int) []byte {
	return appendHeader(make([]byte, 0, wire.HeaderLen), pkt, rcode)
}

func appendHeader(dst, pkt []byte, rcode int) []byte {
	return append(dst, pkt[0], pkt[1], 0x80|pkt[2]&0x79, // QR; opcode and RD as they came
		0x80|pkt[3]&0x10|byte(rcode&15), 0, 0, 0, 0, 0, 0, 0, 0)
}
