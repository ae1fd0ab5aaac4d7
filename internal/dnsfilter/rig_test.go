package dnsfilter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/ledger"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// slack is what a busy machine may add to a time that is measured: a door that
// keeps no time at all still shows, before patience is at its end.
const slack = 6 * time.Second

// fakeUpstream is a resolver on loopback that answers from a zone of text
// records, or by a function, over UDP and TCP.
type fakeUpstream struct {
	addr    string
	covers  func(string) bool
	mu      sync.Mutex
	records map[string][]dns.RR // by lower-case name
	special map[string]func(q *dns.Msg) *dns.Msg
	asked   []*dns.Msg
}

func newUpstream(t testing.TB, zone ...string) *fakeUpstream {
	t.Helper()
	f := &fakeUpstream{records: map[string][]dns.RR{}, special: map[string]func(*dns.Msg) *dns.Msg{}}
	f.add(t, zone...)
	u, l, err := pair("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = u.LocalAddr().String()
	for _, s := range []*dns.Server{{PacketConn: u, Handler: f, UDPSize: 4096}, {Listener: l, Handler: f}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go func() { _ = s.ActivateAndServe() }()
		<-up
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return f
}

func (f *fakeUpstream) add(t testing.TB, zone ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, z := range zone {
		rr, err := dns.NewRR(z)
		if err != nil {
			t.Fatalf("zone line %q: %v", z, err)
		}
		k := strings.ToLower(rr.Header().Name)
		f.records[k] = append(f.records[k], rr)
	}
}

// on answers a name by a function; nil from it is silence.
func (f *fakeUpstream) on(name string, fn func(q *dns.Msg) *dns.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.special[name] = fn
}

func (f *fakeUpstream) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	f.mu.Lock()
	f.asked = append(f.asked, q)
	fn := f.special[strings.ToLower(q.Question[0].Name)]
	m := f.answer(q)
	f.mu.Unlock()
	if fn != nil {
		if m = fn(q); m == nil {
			return
		}
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		m.Truncate(4096)
	}
	_ = w.WriteMsg(m)
}

func (f *fakeUpstream) answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	at := strings.ToLower(q.Question[0].Name)
	for range 20 {
		next := ""
		for _, rr := range f.records[at] {
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, dns.Copy(rr))
			} else if c, ok := rr.(*dns.CNAME); ok {
				m.Answer = append(m.Answer, dns.Copy(rr))
				next = strings.ToLower(c.Target)
			}
		}
		if next == "" {
			break
		}
		at = next
	}
	if !hasType(m.Answer, q.Question[0].Qtype) {
		if len(f.records[at]) == 0 {
			m.Rcode = dns.RcodeNameError
		}
		m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "example.", Rrtype: dns.TypeSOA, Class: 1, Ttl: 900}, Ns: "ns.example.", Mbox: "m.example.", Minttl: 60}}
	}
	if q.IsEdns0() != nil {
		m.SetEdns0(4096, q.IsEdns0().Do())
	}
	return m
}

// count is how often a name was asked for.
func (f *fakeUpstream) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, q := range f.asked {
		if strings.EqualFold(q.Question[0].Name, name) {
			n++
		}
	}
	return n
}

// Exchange implements upstream.Exchanger with miekg/dns's client.
func (f *fakeUpstream) Exchange(ctx context.Context, q *dns.Msg) (*dns.Msg, upstream.From, error) {
	m := q.Copy()
	m.Id = dns.Id()
	do := m.IsEdns0() != nil && m.IsEdns0().Do()
	m.Extra = nil
	m.SetEdns0(4096, do)
	for _, network := range []string{"udp", "tcp"} {
		c := &dns.Client{Net: network, UDPSize: 4096, Timeout: time.Minute}
		res, rtt, err := c.ExchangeContext(ctx, m, f.addr)
		if err != nil {
			if ctx.Err() != nil {
				err = errors.Join(err, ctx.Err())
			}
			return nil, upstream.From{}, err
		}
		if !res.Truncated {
			return res, upstream.From{Name: f.addr, RTT: rtt}, nil
		}
	}
	return nil, upstream.From{}, errors.New("truncated over TCP")
}

func (f *fakeUpstream) Covers(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.covers != nil && f.covers(name)
}

func (f *fakeUpstream) cover(fn func(string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.covers = fn
}

// total is how many questions came.
func (f *fakeUpstream) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.asked)
}

// rig is a running door.
type rig struct {
	*Door
	t  testing.TB
	up *fakeUpstream
	at string // of UDP and TCP

	mu  sync.Mutex
	rec []ledger.Sighting
}

func emptySet(t testing.TB) *engine.Set {
	t.Helper()
	s, err := engine.Load(engine.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listed is a policy that blocks names and all below them.
func listed(names ...string) *detect.Policy {
	var o []detect.Override
	for _, n := range names {
		o = append(o, detect.Override{To: n})
	}
	return &detect.Policy{Blocks: detect.NewOverrides(o)}
}

func newRig(t testing.TB, o Options, p *detect.Policy, zone ...string) *rig {
	t.Helper()
	g := &rig{t: t, up: newUpstream(t, zone...)}
	if o.Upstream == nil {
		o.Upstream = g.up
	}
	if o.Set == nil {
		s := emptySet(t)
		o.Set = func() *engine.Set { return s }
	}
	if p != nil {
		o.Policy = policyOf(p)
	}
	if o.Plain == nil {
		o.Plain = []string{"127.0.0.1:0"}
	}
	if o.Cache == nil {
		o.Cache = cache.New(cache.Options{})
	}
	o.Record = func(s ledger.Sighting) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.rec = append(g.rec, s)
	}
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	g.Door = d
	g.serve()
	return g
}

func (g *rig) serve() {
	g.t.Helper()
	if err := g.Listen(); err != nil {
		g.t.Fatal(err)
	}
	if a := g.Addrs()[UDP]; len(a) > 0 {
		g.at = a[0].String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Serve(ctx) }()
	g.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				g.t.Errorf("Serve: %v", err)
			}
		case <-time.After(patience):
			g.t.Error("Serve does not end")
		}
	})
}

func (g *rig) sightings() []ledger.Sighting {
	g.tellAll() // what waits
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]ledger.Sighting(nil), g.rec...)
}

// query makes a question; change may be nil.
func query(name string, qtype uint16, change func(*dns.Msg)) *dns.Msg {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	if change != nil {
		change(m)
	}
	return m
}

func edns(size uint16, do bool) func(*dns.Msg) {
	return func(m *dns.Msg) { m.SetEdns0(size, do) }
}

// ask asks over UDP.
func (g *rig) ask(m *dns.Msg) *dns.Msg {
	g.t.Helper()
	return g.unpack(g.raw(pack(g.t, m)))
}

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (g *rig) unpack(b []byte) *dns.Msg {
	g.t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(b); err != nil {
		g.t.Fatalf("answer of %d bytes does not parse: %v", len(b), err)
	}
	return m
}

// raw sends a packet over UDP and returns the answer.
func (g *rig) raw(pkt []byte) []byte {
	g.t.Helper()
	c := dial(g.t, "udp", g.at)
	if _, err := c.Write(pkt); err != nil {
		g.t.Fatal(err)
	}
	buf := make([]byte, 65535)
	n, err := c.Read(buf)
	if err != nil {
		g.t.Fatalf("no answer to % x: %v", pkt, err)
	}
	return buf[:n]
}

func dial(t testing.TB, network, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// silent proves that a packet gets no answer: a good question sent after it
// on the same socket, with its own id, is the first to be answered.
func (g *rig) silent(what string, pkt []byte) {
	g.t.Helper()
	c := dial(g.t, "udp", g.at)
	after := pack(g.t, query(HealthName, dns.TypeA, func(m *dns.Msg) { m.Id = 0xbeef }))
	for _, p := range [][]byte{pkt, pkt, after} {
		if _, err := c.Write(p); err != nil {
			g.t.Fatal(err)
		}
	}
	buf := make([]byte, 65535)
	n, err := c.Read(buf)
	if err != nil {
		g.t.Fatal(err)
	}
	if m := g.unpack(buf[:n]); m.Id != 0xbeef {
		g.t.Errorf("%s: answered with %v, want silence", what, m)
	}
}

func ede(m *dns.Msg) string {
	if e := extended(m); e != nil {
		return fmt.Sprintf("%d %s", e.InfoCode, e.ExtraText)
	}
	return ""
}

// text is an answer's records in short.
func text(rrs []dns.RR) string {
	var out []string
	for _, rr := range rrs {
		h := rr.Header()
		out = append(out, h.Name+" "+dns.TypeToString[h.Rrtype]+" "+strings.TrimPrefix(rr.String(), h.String()))
	}
	return strings.Join(out, "; ")
}
