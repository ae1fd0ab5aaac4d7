package dnsfilter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

func TestUpstreamFaults(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "a.example. 300 IN A 93.184.216.34")
	rcode := func(code int, ede string) func(*dns.Msg) *dns.Msg {
		return func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetRcode(q, code)
			if ede != "" {
				m.SetEdns0(1232, false)
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 9, ExtraText: ede}}
			}
			return m
		}
	}
	g.up.on("refused.example.", rcode(dns.RcodeRefused, ""))
	g.up.on("servfail.example.", rcode(dns.RcodeServerFailure, ""))
	g.up.on("bogus.example.", rcode(dns.RcodeServerFailure, "no DNSKEY\x01 matches"))
	g.up.on("notimp.example.", rcode(dns.RcodeNotImplemented, ""))
	g.up.on("other.example.", func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Question[0].Name = "evil.example."
		return m
	})
	for name, want := range map[string]string{
		"refused.example": "22 the upstream answered REFUSED", "servfail.example": "22 the upstream answered SERVFAIL",
		"bogus.example": "9 no DNSKEY matches", "notimp.example": "22 the upstream answered NOTIMP", "other.example": "24 an upstream answered another question",
	} {
		m := g.ask(query(name, dns.TypeA, edns(1232, false)))
		if m.Rcode != dns.RcodeServerFailure || ede(m) != want {
			t.Errorf("%s: got %d %q, want SERVFAIL %q", name, m.Rcode, ede(m), want)
		}
	}
	// A failure is remembered for a moment, and costs healthy names nothing.
	before := g.up.count("refused.example.")
	g.ask(query("refused.example", dns.TypeA, nil))
	if n := g.up.count("refused.example."); n > before+1 {
		t.Errorf("asked again %d times", n-before)
	}
	if m := g.ask(query("a.example", dns.TypeA, nil)); len(m.Answer) != 1 {
		t.Errorf("a healthy name: got %v", m)
	}
}

func TestSilentUpstream(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil)
	g.up.on("silent.example.", func(*dns.Msg) *dns.Msg { return nil })
	start := time.Now()
	m := g.ask(query("silent.example", dns.TypeA, edns(1232, false)))
	if took := time.Since(start); m.Rcode != dns.RcodeServerFailure || !strings.HasPrefix(ede(m), "22 ") || took > answerTime+slack {
		t.Errorf("got %d %q after %v, want SERVFAIL with 22 within %v", m.Rcode, ede(m), took, answerTime)
	}
}

// scripted is an upstream that a test drives.
type scripted struct {
	fn    func(ctx context.Context, q *dns.Msg) (*dns.Msg, error)
	calls atomic.Int64
}

func (s *scripted) Covers(string) bool { return false }
func (s *scripted) Exchange(ctx context.Context, q *dns.Msg) (*dns.Msg, upstream.From, error) {
	s.calls.Add(1)
	m, err := s.fn(ctx, q)
	return m, upstream.From{Name: "udp://192.0.2.53"}, err
}

func addressFor(q *dns.Msg, ttl uint32) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: ttl}, A: net.IP{93, 184, 216, 34}}}
	return m
}

func TestServeStale(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, mode := time.Now(), "ok"
	set := func(f func()) { mu.Lock(); defer mu.Unlock(); f() }
	up := &scripted{}
	released := make(chan struct{})
	up.fn = func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
		mu.Lock()
		m := mode
		mu.Unlock()
		switch m {
		case "hang":
			select { // longer than the door has patience, until the test lets go
			case <-released:
			case <-t.Context().Done():
			}
			return nil, context.DeadlineExceeded
		case "fail":
			return nil, &upstream.Error{Code: 23, Text: "connection refused"}
		}
		return addressFor(q, 60), nil
	}
	g := newRig(t, Options{Upstream: up, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }}, nil)
	ask := func(when, wantEDE string, wantTTL uint32) {
		t.Helper()
		m := g.ask(query("a.example", dns.TypeA, edns(1232, false)))
		if len(m.Answer) != 1 || m.Answer[0].Header().Ttl != wantTTL || strings.TrimSpace(ede(m)) != wantEDE {
			t.Errorf("%s: got %v; want TTL %d, %q", when, m, wantTTL, wantEDE)
		}
	}
	ask("first", "", 60)
	set(func() { now = now.Add(20 * time.Second) })
	ask("from the cache", "", 40)
	set(func() { now = now.Add(5 * time.Minute); mode = "fail" })
	ask("ended, upstream fails", "3", cache.StaleTTL)
	before := up.calls.Load()
	ask("within the recheck time", "3", cache.StaleTTL)
	if n := up.calls.Load() - before; n != 0 {
		t.Errorf("asked upstream %d times within the recheck time, want 0", n)
	}
	set(func() { now = now.Add(staleFailTime + time.Second); mode = "hang" })
	ask("ended, upstream hangs", "3", cache.StaleTTL) // while it hangs
	close(released)
	set(func() { now = now.Add(cache.DefaultStale + time.Minute); mode = "fail" })
	eventually(t, "the hanging flight ends and too old answers are not served", func() bool {
		set(func() { now = now.Add(2 * failTime) })
		m := g.ask(query("a.example", dns.TypeA, edns(1232, false)))
		return m.Rcode == dns.RcodeServerFailure && ede(m) == "23 connection refused"
	})
	set(func() { now = now.Add(2 * failTime); mode = "ok" })
	ask("healthy again", "", 60)
}

// TestHowLongAClientWaits has an upstream that never answers, on a clock of the
// test's own.
func TestHowLongAClientWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := &scripted{fn: func(ctx context.Context, _ *dns.Msg) (*dns.Msg, error) { <-ctx.Done(); return nil, ctx.Err() }}
		s := emptySet(t)
		d, err := New(Options{Set: func() *engine.Set { return s }, Upstream: up})
		if err != nil {
			t.Fatal(err)
		}
		kept, err := addressFor(query("a.example", dns.TypeA, nil), cache.StaleTTL).Pack()
		if err != nil {
			t.Fatal(err)
		}
		for key, c := range map[string]struct {
			stale *cache.Hit
			wait  time.Duration
			rcode int
		}{"new": {nil, answerTime, dns.RcodeServerFailure}, "ended": {&cache.Hit{Wire: kept, Code: -1}, staleAfter, dns.RcodeSuccess}} {
			start := time.Now()
			rep := d.ask(t.Context(), &request{q: query("a.example", dns.TypeA, nil).Question[0], key: []byte(key), host: "a.example", start: start, stale: c.stale})
			if took := time.Since(start); rep.rcode != c.rcode || took != c.wait {
				t.Errorf("%s: got %d after %v, want %d after %v", key, rep.rcode, took, c.rcode, c.wait)
			}
		}
		time.Sleep(answerTime) // what asks for nobody any more ends, too
	})
}

func TestNegativeAnswers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	g := newRig(t, Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }}, nil, "a.example. 300 IN A 93.184.216.34", "c.example. 20 IN CNAME none.example.")
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		ttl   uint32
	}{{"none.example.", dns.TypeA, 3, 60}, {"a.example.", dns.TypeMX, 0, 60}, {"c.example.", dns.TypeA, 3, 60}} {
		for range 2 {
			m := g.ask(query(c.name, c.qtype, nil))
			if m.Rcode != c.rcode || len(m.Ns) != 1 || m.Ns[0].Header().Ttl != c.ttl {
				t.Errorf("%s: got %v, want %d with a SOA of %d s (its minimum, not its TTL)", c.name, m, c.rcode, c.ttl)
			}
		}
		if n := g.up.count(c.name); n != 1 {
			t.Errorf("%s went upstream %d times, want 1", c.name, n)
		}
	}
	mu.Lock()
	now = now.Add(21 * time.Second)
	mu.Unlock()
	g.ask(query("c.example.", dns.TypeA, nil)) // its alias has ended
	g.ask(query("none.example.", dns.TypeA, nil))
	if a, b := g.up.count("c.example."), g.up.count("none.example."); a != 2 || b != 1 {
		t.Errorf("after 21 s asked %d and %d times, want 2 and 1", a, b)
	}
}

func TestForeignRecordsAreDropped(t *testing.T) {
	t.Parallel()
	up := &scripted{fn: func(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
		m := addressFor(q, 300)
		evil := dns.Copy(m.Answer[0])
		evil.Header().Name = "bank.example."
		other := dns.Copy(m.Answer[0])
		other.Header().Ttl = 1 << 31
		m.Answer = append(m.Answer, evil, other)
		m.Answer[0].Header().Ttl = 77
		return m, nil
	}}
	g := newRig(t, Options{Upstream: up}, nil)
	m := g.ask(query("a.example", dns.TypeA, nil))
	if len(m.Answer) != 2 || m.Answer[0].Header().Ttl != 0 || m.Answer[1].Header().Ttl != 0 || strings.Contains(text(m.Answer), "bank") {
		t.Errorf("got %v, want two records of a.example with equal TTLs and none of bank.example", m)
	}
}

func TestUpstreamPanics(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{Upstream: &scripted{fn: func(context.Context, *dns.Msg) (*dns.Msg, error) { panic("odd") }}}, nil)
	if m := g.ask(query("a.example", dns.TypeA, nil)); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v, want SERVFAIL", m)
	}
}

func TestADOnlyForWhoAsks(t *testing.T) {
	t.Parallel()
	up := &scripted{fn: func(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
		m := addressFor(q, 300)
		m.AuthenticatedData, m.Authoritative = true, true
		return m, nil
	}}
	g := newRig(t, Options{Upstream: up}, nil)
	for _, c := range []struct {
		change func(*dns.Msg)
		want   bool
	}{{nil, false}, {func(m *dns.Msg) { m.AuthenticatedData = true }, true}, {edns(1232, true), true}, {edns(1232, false), false}, {func(m *dns.Msg) { m.CheckingDisabled = true }, false}} {
		q := query("a.example", dns.TypeA, c.change)
		if m := g.ask(q); m.AuthenticatedData != c.want || m.CheckingDisabled != q.CheckingDisabled || m.Authoritative {
			t.Errorf("%v: got %v, want AD %v, CD as asked, AA 0", q, m.MsgHdr, c.want)
		}
	}
	if n := up.calls.Load(); n != 3 {
		t.Errorf("asked upstream %d times, want 3: plain, DO, CD", n)
	}
}

func TestPrefetch(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	up := &scripted{fn: func(_ context.Context, q *dns.Msg) (*dns.Msg, error) { return addressFor(q, 100), nil }}
	g := newRig(t, Options{Upstream: up, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }}, nil)
	for range 10 {
		g.ask(query("a.example", dns.TypeA, nil))
	}
	mu.Lock()
	now = now.Add(95 * time.Second)
	mu.Unlock()
	if m := g.ask(query("a.example", dns.TypeA, nil)); len(m.Answer) != 1 || m.Answer[0].Header().Ttl != 5 {
		t.Errorf("got %v, want the kept answer", m)
	}
	eventually(t, "the answer is asked for again", func() bool { return up.calls.Load() == 2 })
	eventually(t, "and kept", func() bool { return g.ask(query("a.example", dns.TypeA, nil)).Answer[0].Header().Ttl > 90 })
	if n := up.calls.Load(); n != 2 {
		t.Errorf("asked upstream %d times, want 2", n)
	}
}

func TestRoomForHealthyQuestions(t *testing.T) {
	t.Parallel()
	up := &scripted{fn: func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) {
		if strings.HasPrefix(q.Question[0].Name, "flood") {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return addressFor(q, 300), nil
	}}
	g := newRig(t, Options{Upstream: up}, nil)
	g.ask(query("a.example", dns.TypeA, nil))
	c := dial(t, "udp", g.at)
	for i := range maxClientMisses + 200 {
		_, _ = c.Write(pack(t, query(fmt.Sprintf("flood%d.example", i), dns.TypeA, nil)))
		if i%50 == 0 { // the socket's buffer is finite
			g.ask(query("a.example", dns.TypeA, nil))
		}
	}
	eventually(t, "the flood is bounded", func() bool { return g.Stats().Busy > 0 })
	if m := g.ask(query("a.example", dns.TypeA, nil)); len(m.Answer) != 1 {
		t.Errorf("a cached name during the flood: got %v", m)
	}
	if n := up.calls.Load(); n > maxClientMisses+1 {
		t.Errorf("%d questions wait upstream, want at most %d", n, maxClientMisses)
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	up := &scripted{}
	g := newRig(t, Options{Upstream: up}, nil)
	up.fn = func(ctx context.Context, q *dns.Msg) (*dns.Msg, error) { // asks us
		c := &dns.Client{Timeout: patience}
		m, _, err := c.ExchangeContext(ctx, q, g.at)
		return m, err
	}
	if !g.Looped(context.Background()) {
		t.Error("an upstream that asks us back is not noticed")
	}
	g2 := newRig(t, Options{}, nil)
	if g2.Looped(context.Background()) {
		t.Error("a healthy upstream is taken for a loop")
	}
	m := g.ask(query("a.example", dns.TypeA, nil))
	if m.Rcode != dns.RcodeServerFailure || up.calls.Load() > 3 {
		t.Errorf("in a loop: got %v after %d questions upstream, want SERVFAIL and no storm", m, up.calls.Load())
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), "a.example. 300 IN A 93.184.216.34", "a.example. 300 IN AAAA 2606:2800::1", "c.example. 60 IN CNAME bad.example.",
		"bad.example. 300 IN A 93.184.216.35", "nas.example.com. 300 IN A 192.168.1.1", "null.example. 300 IN A 0.0.0.0")
	ctx := context.Background()
	for _, c := range []struct {
		host, addrs, chain string
		ttl                time.Duration
		blocked, missing   bool
	}{
		{"a.example", "[93.184.216.34 2606:2800::1]", "[]", 5 * time.Minute, false, false},
		{"c.example", "[93.184.216.35]", "[bad.example]", time.Minute, false, false},
		{"nas.example.com", "[192.168.1.1]", "[]", time.Minute, false, false},
		{"null.example", "[]", "[]", time.Minute, true, false},
		{"none.example", "[]", "[]", time.Minute, false, true},
		{"localhost", "[127.0.0.1 ::1]", "[]", localTTL * time.Second, false, false},
	} {
		addrs, chain, ttl, blocked, err := g.Lookup(ctx, c.host, loopback)
		var ne *net.DNSError
		missing := errors.As(err, &ne) && ne.IsNotFound
		if fmt.Sprint(addrs) != c.addrs || fmt.Sprint(chain) != c.chain || ttl > c.ttl || blocked != c.blocked || missing != c.missing || err != nil && !missing {
			t.Errorf("%s: got %v %v %v %v %v, want %+v", c.host, addrs, chain, ttl, blocked, err, c)
		}
	}
	if n := len(g.sightings()); n != 0 {
		t.Errorf("%d sightings, want none: who asks tells", n)
	}
	g.up.on("hang.example.", func(*dns.Msg) *dns.Msg { return nil })
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, _, _, _, err := g.Lookup(ctx, "hang.example", loopback)
	var ne *net.DNSError
	if !errors.As(err, &ne) || ne.IsNotFound {
		t.Errorf("a hanging name: got %v, want an error that does not say that it does not exist", err)
	}
}
