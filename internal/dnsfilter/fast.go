package dnsfilter

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/dnsfilter/wire"
)

// hint is what the fast path has found out about a packet that it leaves to
// the general path.
type hint struct {
	met    bool // client and j are known
	client clients.Client
	j      judge
	looked bool // the cache was asked: hit and state
	hit    cache.Hit
	state  cache.State
}

// noData is the SOA record of answers of our own without data, as negative
// makes it.
var noData = wire.SOA{NS: []byte("\x06quench\x07invalid\x00"), Mbox: []byte("\x06nobody\x07invalid\x00"),
	Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400}

// answer is the fast path for packets that came by UDP. It gives the answer to
// the plainest questions, those whose name is blocked or whose answer is kept
// and leads nowhere odd, and appends it to out; also the refusal of packets
// that no header could redeem. done is false if the packet is for the general
// path, which l.found then spares some work. An empty answer is silence.
//
// Whatever it answers the general path would have answered, counted and
// recorded in the same way; tests hold it to that.
func (l *lane) answer(pkt []byte, from netip.Addr, now time.Time, out []byte) (_ []byte, done bool) {
	l.found = hint{}
	if len(pkt) < wire.HeaderLen || pkt[2]&0x80 != 0 {
		l.count.queries.Add(1)
		l.count.dropped.Add(1)
		return out, true
	}
	from = from.Unmap()
	if !l.d.home(from) {
		return out, false
	}
	if !wire.Parse(pkt, &l.q) {
		return l.refuse(pkt, from, now, out)
	}
	l.host = l.hosts.of(l.q.Name)
	if l.d.special(l.host) {
		return out, false
	}
	l.meet(from, now)
	v := l.decide(l.host)
	switch {
	case v.blocks():
		return l.block(pkt, v, now, out)
	case v.seen(): // observed, or lifted: there is something to tell
		return out, false
	}
	return l.fromCache(pkt, now, out)
}

// special reports whether a name is one that local may answer or note.
func (d *Door) special(host string) bool {
	switch host[strings.LastIndexByte(host, '.')+1:] {
	case "localhost", "invalid", "test", "local", "onion", "alt", "arpa":
		return true
	}
	switch host {
	case "use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com":
		return true
	}
	return d.own != "" && under(host, d.own) || d.o.Bypass != nil && leadsPast(host)
}

// refuse answers packets that are no questions this resolver could take, with
// no more than a header.
func (l *lane) refuse(pkt []byte, from netip.Addr, now time.Time, out []byte) ([]byte, bool) {
	rcode := acceptable(pkt)
	if rcode == dns.RcodeSuccess {
		return out, false
	}
	l.count.queries.Add(1)
	if l.d.limits.take(from, UDP, now) {
		out = appendHeader(out, pkt, rcode)
	}
	return out, true
}

// meet finds the client and its policy.
func (l *lane) meet(from netip.Addr, now time.Time) {
	var t *clients.Table
	if l.d.o.Clients != nil {
		t = l.d.o.Clients()
	}
	m := l.clients.of(from, t, now)
	policy := t.Policy(&m.client, now)
	if l.d.o.Policy != nil {
		policy = l.d.o.Policy(&m.client, policy)
	}
	l.found.met, l.found.client = true, m.client
	l.found.j = judge{set: l.d.o.Set(), policy: policy, who: m.who, tags: m.client.Tags}
}

// decide is judge.question, and asks on the lane's own paper.
func (l *lane) decide(host string) verdict {
	j := &l.found.j
	l.ask = detect.HostQuestion{Host: host, QType: l.q.Type, Client: j.who, Tags: j.tags}
	return verdict{j.set.Host(&l.ask, j.policy), host}
}

// limit is the longest answer that the client can take.
func (l *lane) limit() int { return min(max(l.q.Size, minUDP), MaxUDP) }

// block is the answer of Door.block. Rules with answers of their own are not
// for here.
func (l *lane) block(pkt []byte, v verdict, now time.Time, out []byte) ([]byte, bool) {
	if v.d.Reply == detect.ReplyAddress {
		return out, false
	}
	w := l.whys.of(l.d, &l.found.j, v)
	if w.as.alias != "" || len(w.as.rrs) > 0 {
		return out, false
	}
	start := len(out)
	msg, rcode := l.shaped(out[start:], pkt, w.as)
	if l.q.EDNS {
		code := dns.ExtendedErrorCodeBlocked
		if v.byUser() {
			code = dns.ExtendedErrorCodeFiltered
		}
		msg = wire.AppendOPT(msg, MaxUDP, l.q.DO, int(code), w.reason(l.d, &l.found.j, v))
	}
	if len(msg) > l.limit() || !l.d.limits.take(l.found.client.Addr, UDP, now) {
		return out, false
	}
	l.count.blocked.Add(1)
	if l.d.o.Record != nil {
		l.tell(v.d, w.as.reply, now)
	}
	l.done(now, rcode, "block", detect.Block)
	return msg, true
}

// shaped makes the answer as Door.shaped does, all but the OPT record.
func (l *lane) shaped(out, pkt []byte, s shape) (msg []byte, rcode int) {
	ttl := uint32(l.d.o.BlockTTL / time.Second)
	switch s.reply {
	case detect.ReplyRefused:
		return wire.AppendHead(out, pkt, &l.q, dns.RcodeRefused, false), dns.RcodeRefused
	case detect.ReplyNXDomain:
		return noData.Append(wire.AppendHead(out, pkt, &l.q, dns.RcodeNameError, false), ttl), dns.RcodeNameError
	}
	msg = wire.AppendHead(out, pkt, &l.q, dns.RcodeSuccess, false)
	some := false
	if s.reply != detect.ReplyNoData {
		addrs := nullAddrs[:]
		if s.reply == detect.ReplyAddress {
			addrs = s.addrs
		}
		for _, a := range addrs {
			var ok bool
			msg, ok = wire.AppendAddress(msg, &l.q, a, ttl)
			some = some || ok
		}
	}
	if !some {
		msg = noData.Append(msg, ttl)
	}
	return msg, dns.RcodeSuccess
}

var nullAddrs = [2]netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}

// fromCache answers with what is kept, if nothing about it has to be looked at.
func (l *lane) fromCache(pkt []byte, now time.Time, out []byte) ([]byte, bool) {
	if l.d.o.Cache == nil {
		return out, false
	}
	l.key = cache.AppendKey(l.key[:0], l.q.Name, l.q.Type, dns.ClassINET, l.q.DO, l.q.CD)
	f := &l.found
	f.hit, f.state = l.d.o.Cache.Get(out, l.key, now)
	f.looked = true
	h := &f.hit
	if f.state != cache.Fresh || h.Look || l.tells(h.Targets) {
		return out, false
	}
	msg := h.Wire
	if len(msg) > l.limit() || !wire.Fits(msg, &l.q) {
		return out, false
	}
	if l.q.EDNS {
		if msg = wire.AppendOPT(msg, MaxUDP, l.q.DO, h.Code, h.Text); len(msg) > l.limit() {
			return out, false
		}
	}
	if !l.d.limits.take(f.client.Addr, UDP, now) {
		return out, false
	}
	wire.Patch(msg, pkt, &l.q)
	l.count.cached.Add(1)
	l.done(now, int(msg[3]&15), "cache", detect.Allow)
	return msg, true
}

// tells reports whether one of the names that an answer leads to means anything
// to a rule.
func (l *lane) tells(targets []string) bool {
	if len(targets) == 0 || l.found.j.allowed(l.host) {
		return false
	}
	for _, t := range targets {
		if d := l.decide(t).d; d.Action == detect.Block || d.Would == detect.Block {
			return true
		}
	}
	return false
}

// done counts an answer and hands it to the query log.
func (l *lane) done(now time.Time, rcode int, from string, action detect.Action) {
	l.count.queries.Add(1)
	l.count.rcodes[rcode].Add(1)
	if l.d.o.Query == nil {
		return
	}
	l.d.o.Query(Query{At: now, Client: l.found.client.Label, Host: l.host, QType: l.q.Type, RCode: rcode,
		Action: action, From: from, Via: UDP.String(), Took: l.d.now().Sub(now)})
}
