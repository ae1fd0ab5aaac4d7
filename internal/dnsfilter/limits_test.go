package dnsfilter

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
)

// still is a door that is not served, for what sockets on loopback cannot show.
func still(t testing.TB, o Options) *Door {
	t.Helper()
	s := emptySet(t)
	o.Set, o.Upstream = func() *engine.Set { return s }, newUpstream(t, "a.example. 300 IN A 93.184.216.34")
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	d := still(t, Options{})
	q := pack(t, query(HealthName, dns.TypeA, nil))
	for addr, want := range map[string]int{
		"127.0.0.1": 0, "::1": 0, "10.1.2.3": 0, "172.16.0.1": 0, "192.168.1.1": 0, "169.254.1.1": 0, "fe80::1%eth0": 0, "fd00::1": 0, "::ffff:192.168.1.1": 0,
		"8.8.8.8": 5, "172.32.0.1": 5, "100.64.0.1": 5, "2001:db8::1": 5, "::ffff:8.8.8.8": 5,
	} {
		out, _ := d.quick(q, netip.MustParseAddr(addr), UDP)
		if len(out) < 12 || int(out[3]&15) != want {
			t.Errorf("%s: got % x, want rcode %d", addr, out, want)
		}
		if want == 5 && len(out) != 12 {
			t.Errorf("%s: %d bytes to a stranger, want a header", addr, len(out))
		}
	}
	sent := 0
	for range 1000 {
		if out, _ := d.quick(q, netip.MustParseAddr("8.8.4.4"), UDP); out != nil {
			sent++
		}
	}
	if sent > strangerRate*(burst+2) {
		t.Errorf("%d refusals to a flood of strangers, want few", sent)
	}
}

func TestOpenResolverIsAnError(t *testing.T) {
	t.Parallel()
	s := emptySet(t)
	for _, p := range []string{"0.0.0.0/0", "::/0"} {
		_, err := New(Options{Set: func() *engine.Set { return s }, Upstream: &scripted{}, AllowFrom: []netip.Prefix{netip.MustParsePrefix(p)}})
		if err == nil || !strings.Contains(err.Error(), "open resolver") {
			t.Errorf("allow_from %s: got %v, want an error that says why", p, err)
		}
	}
	for what, o := range map[string]Options{
		"no certificate": {DoT: []string{"127.0.0.1:0"}}, "no address": {Block: detect.ReplyAddress}, "a picture": {Block: detect.ReplyGIF},
		"a list with a picture": {ListBlock: map[string]BlockAs{"x": {Reply: detect.ReplyGIF}}},
	} {
		o.Set, o.Upstream = func() *engine.Set { return s }, &scripted{}
		if _, err := New(o); err == nil {
			t.Errorf("%s: want an error", what)
		}
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	d := still(t, Options{Now: func() time.Time { return now }})
	q := pack(t, query(HealthName, dns.TypeA, nil))
	count := func(addr string, via Via, n int) (full, cut int) {
		for range n {
			out, _ := d.quick(q, netip.MustParseAddr(addr), via)
			switch {
			case out == nil:
			case out[2]&2 != 0 && len(out) <= len(q):
				cut++
			default:
				full++
			}
		}
		return full, cut
	}
	// A home at its busiest: pages with 200 names each, one after the other.
	if full, _ := count("192.168.1.2", UDP, 900); full != 900 {
		t.Errorf("a busy home got %d of 900 answers", full)
	}
	full, cut := count("192.168.1.3", UDP, 5000)
	if want := DefaultRateLimit * burst; full != want || cut != 5000-want {
		t.Errorf("a flood got %d answers and %d hints to come by TCP, want %d and %d", full, cut, want, 5000-want)
	}
	for _, addr := range []string{"fd00::1", "fd00::2", "fe80::1%eth0"} { // devices of one home
		if full, _ := count(addr, UDP, 5000); full != DefaultRateLimit*burst {
			t.Errorf("%s got %d answers beside a flood, want %d", addr, full, DefaultRateLimit*burst)
		}
	}
	if full, _ := count("fe80::1%eth1", UDP, 100); full != 0 {
		t.Errorf("with another zone it got %d answers more, want none", full)
	}
	if full, _ := count("192.168.1.3", TCP, 100); full != 100 {
		t.Errorf("by TCP it got %d of 100", full)
	}
	if full, _ := count("127.0.0.1", UDP, 5000); full != 5000 {
		t.Errorf("this machine got %d of 5000", full)
	}
	now = now.Add(time.Second)
	if full, _ := count("192.168.1.3", UDP, 5000); full != DefaultRateLimit {
		t.Errorf("a second later it got %d, want %d", full, DefaultRateLimit)
	}
	for i := range 3 * maxBuckets {
		d.limits.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), UDP, now)
		d.limits.take(netip.AddrFrom16([16]byte{0: 0xfd, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}), UDP, now)
	}
	if n := len(d.limits.buckets); n > maxBuckets {
		t.Errorf("%d clients remembered, want at most %d", n, maxBuckets)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	table, err := clients.New([]clients.Group{{Name: "kids", Match: []string{"192.168.1.32/28"}, Policy: listed("game.example")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := still(t, Options{Clients: func() *clients.Table { return table }, Policy: policyOf(listed("bad.example"))})
	for addr, want := range map[string][2]bool{"192.168.1.33": {true, false}, "192.168.1.3": {false, true}, "127.0.0.1": {false, true}} {
		for i, name := range []string{"game.example", "bad.example"} {
			out, _ := d.quick(pack(t, query(name, dns.TypeA, nil)), netip.MustParseAddr(addr), UDP)
			if got := out != nil; got != want[i] {
				t.Errorf("%s asks for %s: answered at once %v, want blocked %v", addr, name, got, want[i])
			}
		}
	}
}

func TestSystemServers(t *testing.T) {
	t.Parallel()
	conf := "# comment\nsearch home\nnameserver 127.0.0.1\nnameserver 192.168.1.1\nnameserver nonsense\nnameserver ::1\nnameserver fe80::1%eth0\n nameserver 9.9.9.9 # x\noptions x\n"
	own := func(a netip.AddrPort) bool { return a.Addr().IsLoopback() && a.Port() == 53 }
	got, err := SystemServers(strings.NewReader(conf), own)
	want := []netip.AddrPort{netip.MustParseAddrPort("192.168.1.1:53"), netip.MustParseAddrPort("[fe80::1%eth0]:53"), netip.MustParseAddrPort("9.9.9.9:53")}
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got[i], want[i])
		}
	}
}

func TestOwn(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{Plain: []string{":0"}}, nil)
	port := g.Addrs()[UDP][0].Port()
	for addr, want := range map[netip.AddrPort]bool{
		netip.AddrPortFrom(loopback, port): true, netip.AddrPortFrom(netip.IPv6Loopback(), port): true, netip.AddrPortFrom(loopback, port^1): false,
		netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port): false,
	} {
		if got := g.Own(addr); got != want {
			t.Errorf("Own(%v) = %v, want %v", addr, got, want)
		}
	}
	if runtime.GOOS != "linux" {
		return // elsewhere loopback is one address
	}
	// A socket for all addresses answers from the one that was asked.
	g.at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), port).String()
	if m := g.ask(query(HealthName, dns.TypeA, nil)); len(m.Answer) != 1 {
		t.Errorf("asked at %s: got %v", g.at, m)
	}
}
