package dnsfilter

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
)

// reply is an answer before it has the shape that its request wants.
type reply struct {
	rcode      int
	ad         bool
	alias      string // the answer is that of another name (see redirect)
	truncated  bool   // nothing but the wish to hear the question over TCP
	answer, ns []dns.RR
	extra      []dns.RR
	code       uint16 // extended error, only if text or coded says so
	coded      bool   // code 0 is a code too
	text       string
	from       string // for the query log: local, block, cache, stale or an upstream
	action     detect.Action
}

const (
	// maxText bounds the text of an extended error.
	maxText = 200
	// padTo is the block length of padded answers (RFC 8467 §4.1).
	padTo = 468
	// keepaliveTime is told to clients that ask how long a connection may idle
	// (RFC 7828), in units of 100 ms.
	keepaliveTime = uint16(idleTime / (100 * time.Millisecond))
)

// finish makes the packet.
func (d *Door) finish(r *request, rep reply) []byte {
	m := &dns.Msg{Question: []dns.Question{r.q}, Answer: rep.answer, Ns: rep.ns, Extra: rep.extra, Compress: true}
	m.Id, m.Response, m.Rcode = r.id, true, rep.rcode
	m.RecursionDesired, m.RecursionAvailable, m.CheckingDisabled = r.rd, true, r.cd
	m.Truncated = rep.truncated
	m.AuthenticatedData = rep.ad && (r.ad || r.do)
	var opt *dns.OPT
	if r.edns {
		opt = r.newOPT(rep)
		m.Extra = append(m.Extra[:len(m.Extra):len(m.Extra)], opt)
	}
	limit := dns.MaxMsgSize
	if r.via == UDP {
		limit = r.size
	}
	out, err := packWithin(m, limit)
	if err != nil {
		d.log.Error("answer could not be packed")
		return d.unpackable(r)
	}
	if opt != nil && r.padded && r.via.encrypted() {
		out = pad(m, opt, out)
	}
	d.done(r, rep, m.Rcode)
	return out
}

// unpackable is what a client gets whose answer cannot be written down.
func (d *Door) unpackable(r *request) []byte {
	m := &dns.Msg{Question: []dns.Question{r.q}}
	m.Id, m.Response, m.Rcode, m.RecursionDesired, m.RecursionAvailable = r.id, true, dns.RcodeServerFailure, r.rd, true
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

func (r *request) newOPT(rep reply) *dns.OPT {
	o := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	o.SetUDPSize(MaxUDP)
	if r.do {
		o.SetDo()
	}
	if rep.text != "" || rep.coded || rep.code != 0 {
		o.Option = append(o.Option, &dns.EDNS0_EDE{InfoCode: rep.code, ExtraText: clip(rep.text)})
	}
	if r.keepalive && (r.via == TCP || r.via == DoT) {
		o.Option = append(o.Option, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE, Timeout: keepaliveTime})
	}
	return o
}

// clip bounds a text and leaves out what does not belong in one.
func clip(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == 0xfffd {
			return -1
		}
		return c
	}, s)
	for len(s) > maxText {
		s = s[:maxText]
		s = strings.ToValidUTF8(s, "")
	}
	return s
}

// packWithin packs m into at most limit bytes: without additional records if it
// must be, then without the authority of a positive answer, then truncated to
// the bare question, so that nobody gets part of a record set and no packet
// is worth forging questions for.
func packWithin(m *dns.Msg, limit int) ([]byte, error) {
	out, err := m.Pack()
	if err == nil && len(out) <= limit {
		return out, nil
	}
	opts := m.Extra[:0:0]
	for _, rr := range m.Extra {
		if rr.Header().Rrtype == dns.TypeOPT {
			opts = append(opts, rr)
		}
	}
	m.Extra = opts
	if out, err = m.Pack(); err == nil && len(out) <= limit {
		return out, nil
	}
	if len(m.Answer) > 0 {
		m.Ns = nil
		if out, err = m.Pack(); err == nil && len(out) <= limit {
			return out, nil
		}
	}
	m.Answer, m.Ns, m.Truncated, m.AuthenticatedData = nil, nil, true, false
	if out, err = m.Pack(); err == nil && len(out) > limit {
		opts[0].(*dns.OPT).Option = nil // only an extended error's text can be that long
		out, err = m.Pack()
	}
	return out, err
}

// pad fills an answer up to a multiple of padTo.
func pad(m *dns.Msg, opt *dns.OPT, out []byte) []byte {
	const option = 4 // code and length
	n := padTo - (len(out)+option)%padTo
	if n == padTo {
		n = 0
	}
	if len(out)+option+n > dns.MaxMsgSize {
		return out
	}
	opt.Option = append(opt.Option, &dns.EDNS0_PADDING{Padding: make([]byte, n)})
	padded, err := m.Pack()
	if err != nil {
		return out
	}
	return padded
}

// block is the answer for what may not be answered truly. It looks the same
// whether the question's own name brought it about or one that the answer
// would have led to; chain holds the names up to that one.
func (d *Door) block(r *request, v verdict, chain []string) reply {
	s := r.j.shape(v, r.q.Qtype, d.o.ListBlock)
	if s.reply == detect.ReplyAuto {
		s.reply, s.addrs = d.o.Block, d.o.BlockAddrs
	}
	code := dns.ExtendedErrorCodeBlocked
	switch {
	case v.byUser():
		code = dns.ExtendedErrorCodeFiltered
	case v.d.Reply == detect.ReplyAddress && s.reply == detect.ReplyAddress: // a rule's own answer
		code = dns.ExtendedErrorCodeForgedAnswer
	}
	rep := shaped(r, s, d.o.BlockTTL)
	rep.alias = s.alias
	rep.code, rep.coded, rep.from, rep.action = code, true, "block", detect.Block
	if !d.o.Silent {
		rep.text = r.j.reason(v)
	}
	d.count.blocked.Add(1)
	d.record(r, v, chain, s.reply)
	return rep
}

// shaped makes the answer: addresses for questions for addresses, else no data.
func shaped(r *request, s shape, ttl time.Duration) reply {
	secs := uint32(ttl / time.Second)
	switch s.reply {
	case detect.ReplyNXDomain:
		return negative(r, dns.RcodeNameError, secs)
	case detect.ReplyRefused:
		return reply{rcode: dns.RcodeRefused}
	case detect.ReplyNoData:
		return negative(r, dns.RcodeSuccess, secs)
	case detect.ReplyAddress:
	default:
		s.addrs = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	rep := reply{answer: s.own(r.q, secs)}
	for _, a := range s.addrs {
		if rr := addressRR(r, a, secs); rr != nil {
			rep.answer = append(rep.answer, rr)
		}
	}
	if len(rep.answer) == 0 {
		return negative(r, dns.RcodeSuccess, secs)
	}
	return rep
}

// addressRR is the record for a if the question is for its kind, else nil.
func addressRR(r *request, a netip.Addr, ttl uint32) dns.RR {
	h := dns.RR_Header{Name: r.q.Name, Rrtype: r.q.Qtype, Class: dns.ClassINET, Ttl: ttl}
	switch a = a.Unmap(); {
	case a.Is4() && r.q.Qtype == dns.TypeA:
		return &dns.A{Hdr: h, A: a.AsSlice()}
	case a.Is6() && r.q.Qtype == dns.TypeAAAA:
		return &dns.AAAA{Hdr: h, AAAA: a.AsSlice()}
	}
	return nil
}

// negative says that there is nothing, with the SOA record without which nobody
// remembers that (RFC 2308 §5).
func negative(r *request, rcode int, ttl uint32) reply {
	return reply{rcode: rcode, from: "local", ns: []dns.RR{&dns.SOA{
		Hdr: dns.RR_Header{Name: r.q.Name, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:  "quench.invalid.", Mbox: "nobody.invalid.", Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: ttl,
	}}}
}

// minimalANY answers a question for everything with next to nothing (RFC 8482).
func minimalANY(r *request) reply {
	return reply{from: "local", answer: []dns.RR{&dns.HINFO{
		Hdr: dns.RR_Header{Name: r.q.Name, Rrtype: dns.TypeHINFO, Class: dns.ClassINET, Ttl: 3600}, Cpu: "RFC8482",
	}}}
}
