package upstream

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// clock is a clock that a test moves.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Now().UnixNano())
	return c
}
func (c *clock) now() time.Time          { return time.Unix(0, c.ns.Load()) }
func (c *clock) forward(d time.Duration) { c.ns.Add(int64(d)) }

func TestNothingOfTheClientGoesUpstream(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, nil)
	g := newGroup(t, Options{}, f.addr.String())
	for i, do := range []bool{false, true} {
		m := query("www.Example", dns.TypeA)
		m.Id, m.CheckingDisabled, m.AuthenticatedData = 4242, do, do
		o := m.IsEdns0()
		o.SetDo(do)
		o.SetUDPSize(9999)
		_, subnet, _ := net.ParseCIDR("192.0.2.0/24")
		o.Option = []dns.EDNS0{&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: subnet.IP},
			&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}, &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("me")}}
		m.Extra = append(m.Extra, &dns.TXT{Hdr: dns.RR_Header{Name: "me.", Rrtype: dns.TypeTXT, Class: 1}, Txt: []string{"me"}})
		m.Ns = []dns.RR{m.Extra[1]}
		res, _, err := g.Exchange(context.Background(), m)
		if outcome(res, err) != theAddress || res.Question[0].Name != "www.Example." {
			t.Fatalf("got %v, %v; want the question as asked", res, err)
		}
		q := f.seen()[i].q
		if opt := q.IsEdns0(); len(q.Extra) != 1 || len(q.Ns) != 0 || len(opt.Option) != 0 || opt.UDPSize() != udpSize || opt.Do() != do ||
			q.CheckingDisabled != do || q.AuthenticatedData != do || !q.RecursionDesired {
			t.Errorf("upstream was asked %v", q)
		}
	}
}

func TestEachQuestionHasItsOwnPortIDAndCase(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, nil)
	g := newGroup(t, Options{}, f.addr.String())
	const many = 60
	for range many {
		want(t, g, "a-long-enough-name.example", theAddress)
	}
	ports, ids, cases := map[string]bool{}, map[uint16]bool{}, map[string]bool{}
	for _, c := range f.seen() {
		ports[c.from.String()], ids[c.q.Id], cases[c.q.Question[0].Name] = true, true, true
	}
	if len(ports) < many-3 || len(ids) < many-3 || len(cases) < many-3 {
		t.Errorf("%d questions: %d ports, %d ids, %d cases; want nearly all distinct", many, len(ports), len(ids), len(cases))
	}
}

// TestWrongSource has a stranger answer first, from another port of the same
// address, with the right id and question.
func TestWrongSource(t *testing.T) {
	t.Parallel()
	evil, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer evil.Close()
	f := newFake(t, nil, func(c *call) {
		m := answerTo(c.q)
		m.Answer[0].(*dns.A).A = net.IP{6, 6, 6, 6}
		b, _ := m.Pack()
		_, _ = evil.WriteTo(b, c.from)
		c.reply()
	})
	g := newGroup(t, Options{}, f.addr.String())
	for i := range 20 {
		want(t, g, fmt.Sprintf("a%d.example", i), theAddress)
	}
}

// TestCaseIsNotAskedForTwice shows that a server that changes the case costs
// one detour over TCP.
func TestCaseIsNotAskedForTwice(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, func(c *call) { edit(c, func(b []byte) []byte { setCase(b, false); return b }) })
	clk := newClock()
	g := newGroup(t, Options{Now: clk.now}, f.addr.String())
	for i := range 5 {
		want(t, g, fmt.Sprintf("a-long-enough-name%d.example", i), theAddress)
	}
	if n := f.count("tcp"); n != 1 {
		t.Errorf("asked %d times over TCP, want 1", n)
	}
	clk.forward(foldTime + time.Second)
	want(t, g, "a-long-enough-name.example", theAddress)
	if n := f.count("tcp"); n != 2 {
		t.Errorf("an hour later asked %d times over TCP, want 2", n)
	}
}

// It counts questions, and so asks over TCP: over UDP a busy machine asks twice.
func TestPlainServersAreRemembered(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, func(c *call) {
		if c.q.IsEdns0() != nil {
			c.reply(rcode(dns.RcodeFormatError))
			return
		}
		c.reply()
	})
	clk := newClock()
	g := newGroup(t, Options{Now: clk.now}, "tcp://"+f.addr.String())
	for range 5 {
		want(t, g, "a.example", theAddress)
	}
	if n := f.count(""); n != 6 {
		t.Errorf("asked %d times, want 6: EDNS once", n)
	}
	clk.forward(plainTime + time.Second)
	want(t, g, "a.example", theAddress)
	if n := f.count(""); n != 8 {
		t.Errorf("later asked %d times, want 8: EDNS again", n)
	}
}

// TestStrategies measures speeds, and so runs alone.
func TestStrategies(t *testing.T) {
	for _, c := range []struct {
		name  string
		check func(first, second, third int) bool
		want  string
	}{
		{"strict", func(a, b, c int) bool { return a >= 40 && b+c <= 10 }, "all to the first, few to others too if it is late"},
		{"fastest", func(a, b, c int) bool { return b >= 30 && a+c <= 20 }, "nearly all to the second, which is fast"},
		{"parallel", func(a, b, c int) bool { return b >= 30 && a+c >= 10 }, "two a question, the second mostly among them (the other may be too late to be sent)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakes := []*fake{newFake(t, nil, nil), newFake(t, nil, nil), newFake(t, nil, nil)}
			s, _ := ParseStrategy(c.name)
			clk := newClock() // stands still: what is known of speeds stays
			g := newGroup(t, Options{Strategy: s, Now: clk.now}, fakes[0].addr.String(), fakes[1].addr.String(), fakes[2].addr.String())
			for i, rtt := range []time.Duration{time.Hour, time.Millisecond, time.Hour} {
				g.all[i].measure(rtt)
			}
			for i := range 40 {
				want(t, g, fmt.Sprintf("a%d.example", i), theAddress)
			}
			if a, b, third := fakes[0].count(""), fakes[1].count(""), fakes[2].count(""); !c.check(a, b, third) {
				t.Errorf("40 questions went %d, %d, %d; want %s", a, b, third, c.want)
			}
		})
	}
}

// TestSlowOnesAreTriedAgain shows that what once was slow gets another chance.
func TestSlowOnesAreTriedAgain(t *testing.T) {
	t.Parallel()
	s := &server{now: newClock().now}
	s.measure(800 * time.Millisecond)
	for _, c := range []struct{ after, want time.Duration }{{0, 800 * time.Millisecond}, {forget, 400 * time.Millisecond}, {2*forget + time.Second, 200 * time.Millisecond}, {time.Hour, 50 * time.Millisecond}} {
		clk := newClock()
		s.measured = clk.now()
		clk.forward(c.after)
		s.now = clk.now
		if got := s.expected(); got != c.want {
			t.Errorf("after %v: expected to take %v, want %v", c.after, got, c.want)
		}
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	f := newFake(t, nil, func(c *call) {
		if !broken.Load() {
			c.reply()
		}
	})
	back := newFake(t, nil, nil)
	g := newGroup(t, Options{Fallback: specs(t, back.addr.String())}, f.addr.String())
	got, from, took := ask(g, "a.example")
	early := back.count("")
	if got != theAddress || early != 0 && took < lastPatience {
		t.Errorf("got %q from %q after %v, and the fallback was asked %d times beside a healthy upstream", got, from.Name, took, early)
	}
	broken.Store(true)
	for i := range 3 {
		if got, from, took := ask(g, fmt.Sprintf("b%d.example", i)); got != theAddress || from.Name != back.addr.String() || took > soon {
			t.Errorf("got %q from %q after %v, want the fallback's soon", got, from.Name, took)
		}
	}
	if st := g.Stats(); len(st) != 2 || st[0].Fallback || !st[1].Fallback || st[1].Answered < 3 {
		t.Errorf("got %+v", st)
	}
}

// TestHealth follows an upstream that fails, is left out, and comes back.
func TestHealth(t *testing.T) {
	t.Parallel()
	clk := newClock()
	var broken atomic.Bool
	broken.Store(true)
	f := newFake(t, nil, func(c *call) {
		if broken.Load() {
			c.reply(rcode(dns.RcodeRefused))
			return
		}
		c.reply()
	})
	good := newFake(t, nil, nil)
	// Over TCP, for questions are counted: over UDP a busy machine asks twice.
	first := "tcp://" + f.addr.String()
	g := newGroup(t, Options{Strategy: Strict, Now: clk.now}, first, good.addr.String())
	for i := range 10 {
		want(t, g, fmt.Sprintf("a%d.example", i), theAddress)
	}
	if n := f.count(""); n != maxFails {
		t.Errorf("a failing upstream was asked %d times, want %d", n, maxFails)
	}
	st := g.Stats()[0]
	if wantErr := first + " answered REFUSED"; !st.Out || st.LastError != wantErr || st.Failed != maxFails || st.Refused != maxFails {
		t.Errorf("got %+v, want it left out with %q", st, wantErr)
	}
	clk.forward(firstOut + time.Second)
	want(t, g, "b.example", theAddress) // a probe goes beside it, and finds nothing better
	eventually(t, "it is probed", func() bool { return f.count("") == maxFails+1 })
	eventually(t, "the probe ends", func() bool { return g.Stats()[0].Failed == maxFails+1 })
	if q := f.seen()[maxFails].q.Question[0]; q.Name != "." || q.Qtype != dns.TypeNS {
		t.Errorf("probed with %v, want a question that tells nothing", q)
	}
	broken.Store(false)
	clk.forward(firstOut + time.Second)
	want(t, g, "c.example", theAddress)
	if n := f.count(""); n != maxFails+1 {
		t.Errorf("probed again after less than twice the time")
	}
	clk.forward(firstOut + time.Second)
	want(t, g, "d.example", theAddress)
	eventually(t, "it is in again", func() bool { return !g.Stats()[0].Out })
	if _, from, _ := ask(g, "e.example"); from.Name != first {
		t.Errorf("answered by %q, want the first again", from.Name)
	}
	broken.Store(true)
	for range maxFails {
		ask(g, "f.example")
	}
	good.mu.Lock()
	good.do = func(c *call) { c.reply(rcode(dns.RcodeServerFailure)) }
	good.mu.Unlock()
	broken.Store(false)
	want(t, g, "g.example", theAddress) // with nobody else, one that is left out is asked
}

func TestDomainsOfTheirOwn(t *testing.T) {
	t.Parallel()
	public, lan, down := newFake(t, nil, nil), newFake(t, nil, nil), newFake(t, nil, func(c *call) { c.reply(rcode(dns.RcodeServerFailure)) })
	g := newGroup(t, Options{Fallback: specs(t, public.addr.String())},
		public.addr.String(), "[/lan/private-ptr/]"+lan.addr.String(), "[/corp.example/]"+down.addr.String(), "[/pub.corp.example/]#", "[//]udp://"+lan.addr.String())
	for _, c := range []struct {
		name   string
		at     *fake
		covers bool
		want   string
	}{
		{"www.example", public, false, theAddress}, {"NAS.Lan", lan, true, theAddress}, {"lan", lan, true, theAddress}, {"a.b.lan", lan, true, theAddress},
		{"plan", lan, true, theAddress}, {"x.plan", public, false, theAddress}, {"lan.example", public, false, theAddress},
		{"1.1.168.192.in-addr.arpa", lan, true, theAddress}, {"1.1.1.in-addr.arpa", public, false, theAddress},
		{"db.corp.example", down, true, "SERVFAIL"}, {"www.pub.corp.example", public, false, theAddress},
	} {
		before := map[*fake]int{public: public.count(""), lan: lan.count(""), down: down.count("")}
		want(t, g, c.name, c.want)
		for f, n := range before {
			if (f.count("") > n) != (f == c.at) {
				t.Errorf("%s: a wrong upstream was asked, or the right one was not", c.name)
			}
		}
		if got := g.Covers(strings.ToLower(c.name)); got != c.covers {
			t.Errorf("%s: covered %v, want %v", c.name, got, c.covers)
		}
	}
	if g := newGroup(t, Options{}, public.addr.String()); g.Covers("a.lan") || g.Covers("") || g.Covers("a") {
		t.Error("covers names without having been told of any")
	}
}

func TestVerdictsStand(t *testing.T) {
	t.Parallel()
	careless := newFake(t, nil, nil)
	for code, stands := range map[uint16]bool{dns.ExtendedErrorCodeDNSBogus: true, dns.ExtendedErrorCodeDNSKEYMissing: true, dns.ExtendedErrorCodeBlocked: true,
		dns.ExtendedErrorCodeNetworkError: false, dns.ExtendedErrorCodeProhibited: false} {
		f := newFake(t, nil, func(c *call) {
			c.reply(rcode(dns.RcodeServerFailure), func(m *dns.Msg) {
				m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: code}}
			})
		})
		g := newGroup(t, Options{Strategy: Strict}, f.addr.String(), careless.addr.String())
		wanted := theAddress
		if stands {
			wanted = "SERVFAIL"
		}
		want(t, g, "a.example", wanted)
	}
}

func TestOwnIsNotAsked(t *testing.T) {
	t.Parallel()
	self, other := newFake(t, nil, nil), newFake(t, nil, nil)
	own := func(ap netip.AddrPort) bool { return ap == self.addr }
	for _, scheme := range []string{"udp", "tcp", "tls", "https", "h3", "quic"} {
		up := scheme + "://" + self.addr.String()
		want(t, newGroup(t, Options{Own: own}, up), "a.example", "22 "+up+" is this resolver itself")
	}
	want(t, newGroup(t, Options{Own: own}, self.addr.String(), other.addr.String()), "a.example", theAddress)
	if n := self.count(""); n != 0 {
		t.Errorf("asked itself %d times", n)
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	at := nobody(t)
	for _, scheme := range []string{"udp", "tcp", "tls", "https"} {
		up := scheme + "://" + at
		want(t, newGroup(t, Options{}, up), "a.example", "23 "+up+" cannot be reached (connection refused)")
	}
	want(t, newGroup(t, Options{}), "a.example", "22 there is no upstream")
	g := newGroup(t, Options{}, "udp://"+at, "[/lan/]tcp://"+at)
	h := g.Check(context.Background())
	if len(h) != 2 || h[0].Name != "udp://"+at || h[0].Err == nil || h[1].Domains[0] != "lan" || h[1].Err == nil || !strings.HasSuffix(h[0].Err.(*Error).Text, "(connection refused)") {
		t.Errorf("Check: got %+v, want two that cannot be reached", h)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := newFake(t, nil, nil)
	refuses := newFake(t, nil, func(c *call) { c.reply(rcode(dns.RcodeRefused)) })
	g := newGroup(t, Options{}, good.addr.String(), refuses.addr.String(), "[/lan/]udp://"+refuses.addr.String())
	h := g.Check(context.Background())
	if h[0].Err != nil || h[0].RTT <= 0 || h[1].Err == nil || h[1].Err.Error() != refuses.addr.String()+" refuses to answer us" || h[2].Err != nil {
		t.Errorf("got %+v, want only the second refused: the third need not know of others", h)
	}
	want(t, g, "a.example", theAddress)
}
