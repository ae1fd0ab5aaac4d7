package dnsfilter

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/ledger"
)

// The general path is the fast path's oracle: for any packet that the fast path
// answers both give the same answer, record the same and count the same.

var fastZone = []string{
	"a.example. 300 IN A 93.184.216.34", "a.example. 300 IN A 93.184.216.35", "a.example. 300 IN AAAA 2606:2800::1",
	"a.example. 300 IN TXT \"one\" \"two\"", "a.example. 300 IN MX 10 mail.a.example.", "a.example. 300 IN NS ns1.A.example.",
	"www.a.example. 60 IN CNAME edge.cdn.example.", "edge.cdn.example. 30 IN A 93.184.216.36",
	"shop.example. 300 IN CNAME x.ads.example.", "nas.example. 300 IN A 192.168.1.9",
	"svc.example. 300 IN HTTPS 1 . alpn=h2 ipv4hint=93.184.216.34", "web.example. 300 IN HTTPS 0 x.ads.example.",
}

// fastNames are asked for in these tests, beside what mutation makes of them.
var fastNames = []string{
	"a.example", "A.eXample", "www.a.example", "none.example", "nas.example", "shop.example", "svc.example", "web.example", "big.example",
	"ads.example", "x.y.Ads.example", "ok.ads.example", "nx.example", "no.example", "refused.example", "own.example", "mine.example", "rewritten.example",
	"localhost", HealthName, "use-application-dns.net", "_dns.resolver.arpa", "1.0.0.127.in-addr.arpa", "dns.google", "resolver.home.example", ".", "com",
	strings.Repeat("a.", 100) + "ads.example", strings.Repeat("a23456789.", 24) + "ads.example", `odd\032name.ads.example`, `a\.b.example`, "ad*.example",
}

var fastTypes = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS, dns.TypeTXT, dns.TypeMX, dns.TypeNS, dns.TypeSOA, dns.TypeANY, dns.TypeAXFR, dns.TypeOPT, 0, 65280}

// fastPackets are questions of many shapes.
func fastPackets(t testing.TB) [][]byte {
	shapes := []func(*dns.Msg){
		nil, edns(1232, false), edns(512, true), edns(100, false), edns(4096, true),
		func(m *dns.Msg) { m.RecursionDesired = false }, func(m *dns.Msg) { m.CheckingDisabled, m.AuthenticatedData = true, true },
		func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(1) },
		func(m *dns.Msg) {
			m.SetEdns0(1232, true)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}, &dns.EDNS0_PADDING{Padding: make([]byte, 9)}}
		},
		func(m *dns.Msg) {
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("x")}}
		},
		func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
		func(m *dns.Msg) { m.Truncated, m.Zero = true, true }, func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
	}
	var out [][]byte
	for _, n := range fastNames {
		for i, qt := range fastTypes {
			for j, change := range shapes {
				if i > 2 && j > 4 && (i+j)%3 != 0 {
					continue
				}
				out = append(out, pack(t, query(n, qt, change)))
			}
		}
	}
	return out
}

// twin is a door that is asked both ways.
type twin struct {
	*Door
	l    *lane
	now  atomic.Int64
	told []ledger.Sighting
	log  []Query
}

func fastSet(t testing.TB) *engine.Set {
	return withLists(t, "ads", "! Title: Ads\n||ads.example^\n@@||ok.ads.example^\n||rewritten.example^$dnsrewrite=192.0.2.7\n",
		"nx", "||nx.example^\n", "no", "||no.example^\n", "refused", "||refused.example^\n", "own", "||own.example^\n")
}

func newTwin(t testing.TB, change func(*Options)) *twin {
	t.Helper()
	w := &twin{}
	w.now.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixNano())
	s := fastSet(t)
	up := newUpstream(t, append(bigZone("big.example.", 12), fastZone...)...)
	p := listed("mine.example")
	o := Options{
		Set: func() *engine.Set { return s }, Upstream: up, Cache: cache.New(cache.Options{}), RateLimit: -1, Name: "resolver.home.example",
		Now: func() time.Time { return time.Unix(0, w.now.Load()) }, Policy: policyOf(p), Bypass: func(string, string) {},
		Record: func(x ledger.Sighting) { w.told = append(w.told, x) }, Query: func(q Query) { w.log = append(w.log, q) },
		ListBlock: map[string]BlockAs{"nx": {Reply: detect.ReplyNXDomain}, "no": {Reply: detect.ReplyNoData}, "refused": {Reply: detect.ReplyRefused},
			"own": {Reply: detect.ReplyAddress, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}}},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if w.Door, err = New(o); err != nil {
		t.Fatal(err)
	}
	w.l = w.newLane()
	return w
}

// fill asks upstream for all that the packets ask for.
func (w *twin) fill(pkts [][]byte) {
	for _, p := range pkts {
		if _, r := w.quick(p, loopback, UDP); r != nil {
			w.slow(w.ctx, r)
		}
	}
}

// outcome is all that a packet brings about.
type outcome struct {
	Answer string
	Told   []string
	Log    []Query
	Stats  Stats
}

func (w *twin) outcome(before Stats, out []byte) outcome {
	w.tellAll()
	o := outcome{Answer: canonical(out), Log: w.log, Stats: minus(w.Stats(), before)}
	for i := range w.told {
		s := &w.told[i]
		o.Told = append(o.Told, fmt.Sprintf("%s %s %+v %s %s %v %v", s.Door, s.Client, s.Decision, s.Seen.Request.Host, s.Seen.Reply, s.Seen.At, s.Seen.Chain))
	}
	w.told, w.log = nil, nil
	return o
}

func minus(a, b Stats) Stats {
	for k, v := range b.Queries {
		if a.Queries[k] -= v; a.Queries[k] == 0 {
			delete(a.Queries, k)
		}
	}
	for k, v := range b.RCodes {
		if a.RCodes[k] -= v; a.RCodes[k] == 0 {
			delete(a.RCodes, k)
		}
	}
	a.Blocked -= b.Blocked
	a.Cached -= b.Cached
	a.Dropped -= b.Dropped
	a.Limited -= b.Limited
	a.Stale, a.Prefetched, a.Upstream, a.Failed, a.Busy, a.Rebinding, a.Strangers = 0, 0, 0, 0, 0, 0, 0
	return a
}

// canonical is an answer without what may differ: the letters of names beside
// the question's, and how they are compressed.
func canonical(b []byte) string {
	if len(b) <= 12 {
		return fmt.Sprintf("% x", b)
	}
	var m dns.Msg
	if err := m.Unpack(b); err != nil {
		return err.Error()
	}
	asked := m.Question[0].Name
	return asked + "\n" + strings.ToLower(m.String())
}

// compare asks both ways and reports whether the fast path answered.
func (w *twin) compare(t testing.TB, pkt []byte, from netip.Addr) bool {
	t.Helper()
	w.told, w.log = nil, nil
	before := w.Stats()
	out, done := w.l.answer(pkt, from, w.Door.now(), make([]byte, 0, MaxUDP))
	if !done {
		return false
	}
	got := w.outcome(before, out)
	if len(out) > 0 && from.IsLoopback() {
		checkAnswer(t, pkt, out)
	}
	before = w.Stats()
	slow, r := w.quick(pkt, from, UDP)
	if r != nil {
		t.Fatalf("% x: the fast path answers, the general path would ask upstream:\n%s", pkt, got.Answer)
	}
	if want := w.outcome(before, slow); !cmp.Equal(got, want) {
		t.Fatalf("% x: fast path (-), general path (+):\n%s", pkt, cmp.Diff(got, want))
	}
	return true
}

var fastClients = []netip.Addr{loopback, netip.IPv6Loopback(), netip.MustParseAddr("192.168.1.33"), netip.MustParseAddr("::ffff:10.1.2.3"), netip.MustParseAddr("8.8.8.8")}

func TestFastIsGeneral(t *testing.T) {
	t.Parallel()
	table, err := clients.New([]clients.Group{{Name: "kids", Match: []string{"192.168.1.32/28"}, Tags: []string{"user_child"}, Policy: listed("a.example")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"plain":     nil,
		"groups":    func(o *Options) { o.Clients = func() *clients.Table { return table } },
		"silent":    func(o *Options) { o.Silent, o.Block = true, detect.ReplyNXDomain },
		"observe":   func(o *Options) { o.Policy = policyOf(&detect.Policy{Observe: true}) },
		"addresses": func(o *Options) { o.Block, o.BlockAddrs = detect.ReplyAddress, []netip.Addr{netip.IPv6Loopback()} },
		"no cache":  func(o *Options) { o.Cache = nil },
		"no lists":  func(o *Options) { s := emptySet(t); o.Set = func() *engine.Set { return s } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTwin(t, change)
			pkts := fastPackets(t)
			if name != "no cache" {
				w.fill(pkts)
			}
			fast := 0
			for range 2 { // the lane remembers
				w.now.Add(int64(7 * time.Second))
				for i, p := range pkts {
					if w.compare(t, p, fastClients[i%len(fastClients)]) || w.compare(t, p, loopback) {
						fast++
					}
				}
			}
			if fast < len(pkts)/4 {
				t.Errorf("only %d of %d packets were answered fast", fast, 2*len(pkts))
			}
		})
	}
}

// TestFastMutated is TestFastIsGeneral for packets that nobody meant.
func TestFastMutated(t *testing.T) {
	t.Parallel()
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	w := newTwin(t, nil)
	pkts := fastPackets(t)
	w.fill(pkts)
	rnd := rand.New(rand.NewPCG(3, 4))
	fast := 0
	for i := range n {
		if w.compare(t, mutate(rnd, pkts), fastClients[i%len(fastClients)]) {
			fast++
		}
	}
	if fast < n/20 {
		t.Errorf("only %d of %d packets were answered fast", fast, n)
	}
}

func FuzzFast(f *testing.F) {
	w := newTwin(f, nil)
	pkts := fastPackets(f)
	w.fill(pkts)
	for i := 0; i < len(pkts); i += 37 {
		f.Add(pkts[i])
	}
	f.Fuzz(func(t *testing.T, pkt []byte) { w.compare(t, pkt, loopback) })
}

// TestFastHandsOver: what the fast path leaves to the general path is answered
// there as if it had come straight.
func TestFastHandsOver(t *testing.T) {
	t.Parallel()
	w, straight := newTwin(t, nil), newTwin(t, nil)
	answer := func(w *twin, pkt []byte, f *hint) string {
		out, r := w.general(pkt, loopback, UDP, f)
		if r != nil {
			out = w.slow(w.ctx, r)
		}
		return canonical(out)
	}
	for _, pkt := range fastPackets(t) {
		if _, done := w.l.answer(pkt, loopback, w.Door.now(), nil); done {
			straight.quick(pkt, loopback, UDP)
			continue
		}
		if got, want := answer(w, pkt, &w.l.found), answer(straight, pkt, nil); got != want {
			t.Fatalf("% x: handed over %s\nstraight %s", pkt, got, want)
		}
	}
}

func TestFastDoesNotAllocate(t *testing.T) {
	w := newTwin(t, func(o *Options) { o.Record, o.Query = func(ledger.Sighting) {}, nil })
	for name, m := range map[string]*dns.Msg{
		"blocked":            query("x.ads.example", dns.TypeA, nil),
		"blocked, EDNS":      query("x.ads.example", dns.TypeAAAA, edns(1232, true)),
		"blocked, no data":   query("x.ads.example", dns.TypeHTTPS, edns(1232, false)),
		"blocked by user":    query("mine.example", dns.TypeA, edns(1232, false)),
		"kept":               query("a.example", dns.TypeA, nil),
		"kept, EDNS":         query("a.example", dns.TypeA, edns(1232, true)),
		"kept, with targets": query("www.a.example", dns.TypeA, nil),
		"kept, none":         query("none.example", dns.TypeA, nil),
		"refused":            query("a.example", dns.TypeA, func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }),
	} {
		pkt, out, now := pack(t, m), make([]byte, 0, MaxUDP), w.Door.now()
		w.fill([][]byte{pkt})
		for _, from := range []netip.Addr{loopback, netip.MustParseAddr("192.168.1.3")} {
			ok := true
			n := testing.AllocsPerRun(1000, func() {
				_, done := w.l.answer(pkt, from, now, out)
				ok = ok && done
				w.l.told.give(w.l.told.take())
			})
			if n != 0 || !ok {
				t.Errorf("%s from %v: %v allocations a packet, want 0; answered fast: %v", name, from, n, ok)
			}
		}
	}
}

// TestFastLoses: what the ledger cannot be told in time is counted.
func TestFastLoses(t *testing.T) {
	t.Parallel()
	w := newTwin(t, nil)
	pkt := pack(t, query("x.ads.example", dns.TypeA, nil))
	for range maxTold + 10 {
		w.l.answer(pkt, loopback, w.Door.now(), nil)
	}
	w.tellAll()
	if s := w.Stats(); s.Lost != 10 || len(w.told) != maxTold || s.Blocked != maxTold+10 {
		t.Errorf("%d told, %d lost of %d blocked; want %d and 10", len(w.told), s.Lost, s.Blocked, maxTold)
	}
	w.told = nil
	w.l.answer(pkt, loopback, w.Door.now(), nil)
	w.tellAll()
	if s := w.Stats(); s.Lost != 10 || len(w.told) != 1 {
		t.Errorf("afterwards %d told, %d lost in all; want 1 and 10", len(w.told), s.Lost)
	}
}

// TestFastCutsOff: an answer beyond the client's size, and one beyond its rate.
func TestFastCutsOff(t *testing.T) {
	t.Parallel()
	w := newTwin(t, func(o *Options) { o.RateLimit = 50 })
	big := pack(t, query("big.example", dns.TypeTXT, nil))
	w.fill([][]byte{big})
	if w.compare(t, big, loopback) {
		t.Error("an answer of more than 512 bytes was sent to a client without EDNS")
	}
	pkt, from, full := pack(t, query("ads.example", dns.TypeA, nil)), netip.MustParseAddr("192.168.1.3"), 0
	for range 1000 {
		if _, done := w.l.answer(pkt, from, w.Door.now(), nil); done {
			full++
		}
	}
	if full != 50*burst {
		t.Errorf("%d answers at once, want %d", full, 50*burst)
	}
	if out, _ := w.general(pkt, from, UDP, &w.l.found); len(out) == 0 || out[2]&2 == 0 {
		t.Errorf("beyond its rate a client got % x, want a hint to come by TCP", out)
	}
}

// TestFastPace: the ledger is told so many at once and no more, the oldest
// first, and none is forgotten.
func TestFastPace(t *testing.T) {
	t.Parallel()
	w := newTwin(t, nil)
	for i := range 25 {
		w.l.answer(pack(t, query(fmt.Sprintf("x%d.ads.example", i), dns.TypeA, nil)), loopback, w.Door.now(), nil)
	}
	for _, want := range []struct {
		n    int
		rest bool
	}{{10, true}, {10, true}, {5, false}, {0, false}} {
		if n, rest := w.tellSome(10); n != want.n || rest != want.rest {
			t.Errorf("told %d, others wait: %v; want %d, %v", n, rest, want.n, want.rest)
		}
	}
	for i := range w.told {
		if got, want := w.told[i].Seen.Request.Host, fmt.Sprintf("x%d.ads.example", i); got != want {
			t.Errorf("sighting %d is of %s, want %s", i, got, want)
		}
	}
}
