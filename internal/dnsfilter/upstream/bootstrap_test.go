package upstream

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// guide is a bootstrap server that knows one address.
func guide(t *testing.T, addr func() netip.Addr, ttl uint32) *fake {
	return newFake(t, nil, func(c *call) {
		a := addr()
		c.reply(func(m *dns.Msg) {
			m.Answer = nil
			switch q := c.q.Question[0]; {
			case !a.IsValid():
				m.Rcode = dns.RcodeServerFailure
			case q.Qtype == dns.TypeA:
				m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: 1, Ttl: ttl}, A: a.AsSlice()}}
			}
		})
	})
}

func port(f *fake) string { return strconv.Itoa(int(f.addr.Port())) }

func TestBootstrap(t *testing.T) {
	t.Parallel()
	conf, pool := certificate(t, "dns.example", time.Hour)
	here := netip.MustParseAddr("127.0.0.1")
	for _, scheme := range append([]string{"udp", "tcp"}, secureSchemes...) {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var f *fake
			if scheme == "udp" || scheme == "tcp" {
				f = newFake(t, nil, nil)
			} else {
				f, _ = secureFake(t, scheme, conf, nil)
			}
			boot := guide(t, func() netip.Addr { return here }, 300)
			up := scheme + "://dns.example:" + port(f)
			// Over TCP, for questions are counted: over UDP a busy machine asks twice.
			g := newGroup(t, Options{RootCAs: pool, Bootstrap: specs(t, "tcp://"+boot.addr.String())}, up)
			for _, n := range []string{"a.example", "b.example", "c.example"} {
				want(t, g, n, theAddress)
			}
			if n := boot.count(""); n != 2 {
				t.Errorf("the bootstrap server was asked %d times, want 2: A and AAAA", n)
			}
			for _, c := range boot.seen() {
				if !strings.EqualFold(c.q.Question[0].Name, "dns.example.") {
					t.Errorf("the bootstrap server was asked for %s", c.q.Question[0].Name)
				}
			}
		})
	}
}

// TestBootstrapRenews follows addresses as they end, change and cannot be had.
func TestBootstrapRenews(t *testing.T) {
	t.Parallel()
	clk := newClock()
	var at atomic.Value
	at.Store(netip.MustParseAddr("127.0.0.1"))
	boot := guide(t, func() netip.Addr { return at.Load().(netip.Addr) }, 1)
	f := newFake(t, nil, nil)
	g := newGroup(t, Options{Now: clk.now, Bootstrap: specs(t, "tcp://"+boot.addr.String())}, "udp://dns.example:"+port(f))
	want(t, g, "a.example", theAddress)
	clk.forward(bootMin - time.Second)
	want(t, g, "b.example", theAddress)
	if n := boot.count(""); n != 2 {
		t.Errorf("asked %d times within the least time, want 2", n)
	}
	at.Store(netip.Addr{}) // the bootstrap server fails: what is known serves on
	clk.forward(2 * time.Second)
	want(t, g, "c.example", theAddress)
	eventually(t, "it is asked again", func() bool { return boot.count("") >= 4 })
	want(t, g, "d.example", theAddress)
	at.Store(netip.MustParseAddr("127.0.0.2")) // nobody is there
	eventually(t, "the new address is used", func() bool {
		got, _, _ := ask(g, "e.example")
		return strings.HasSuffix(got, "cannot be reached (connection refused)")
	})
}

func TestBootstrapFails(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, nil)
	nowhere := guide(t, func() netip.Addr { return netip.Addr{} }, 1)
	g := newGroup(t, Options{Bootstrap: specs(t, nowhere.addr.String())}, "tls://dns.example:"+port(f))
	want(t, g, "a.example", "22 tls://dns.example:"+port(f)+" its name could not be resolved")
	for text, o := range map[string]Options{
		"upstream tls://dns.example: nothing can find its address: needs a bootstrap server": {Servers: specs(t, "tls://dns.example")},
		"bootstrap server tls://dns.example: needs an address instead of a name":             {Bootstrap: specs(t, "tls://dns.example")},
	} {
		if _, err := New(o); err == nil || err.Error() != text {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	// Without a bootstrap server, general upstreams given by address are asked.
	here := guide(t, func() netip.Addr { return netip.MustParseAddr("127.0.0.1") }, 300)
	g = newGroup(t, Options{Strategy: Strict}, "tcp://dns.example:"+port(f), here.addr.String(), "[/lan/]192.0.2.1")
	if got, from, _ := ask(g, "a.example"); got != theAddress || from.Name != "tcp://dns.example:"+port(f) {
		t.Errorf("got %q from %q, want the first's", got, from.Name)
	}
	// A name that leads back to us is not followed.
	own := func(ap netip.AddrPort) bool { return ap == f.addr }
	g = newGroup(t, Options{Own: own, Bootstrap: specs(t, here.addr.String())}, "udp://dns.example:"+port(f))
	want(t, g, "a.example", "22 udp://dns.example:"+port(f)+" is this resolver itself")
}

// TestManyAddresses shows that an upstream's second address is tried, and kept.
func TestManyAddresses(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, nil)
	boot := newFake(t, nil, func(c *call) {
		c.reply(func(m *dns.Msg) {
			m.Answer = nil
			for _, ip := range []string{"127.0.0.9", "127.0.0.1"} {
				if c.q.Question[0].Qtype == dns.TypeA {
					m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: c.q.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: 300}, A: net.ParseIP(ip)})
				}
			}
		})
	})
	for _, scheme := range []string{"tcp", "udp"} {
		g := newGroup(t, Options{Bootstrap: specs(t, boot.addr.String())}, scheme+"://dns.example:"+port(f))
		want(t, g, "a.example", theAddress)
		want(t, g, "b.example", theAddress)
	}
}
