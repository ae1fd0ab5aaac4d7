package upstream

import "testing"

func TestHomeName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"nas": true, "nas.lan": true, "a.b.lan": true, "lan": true, "tv.home": true, "nas.home.arpa": true, "home.arpa": true, "x.internal": true,
		"x.intranet": true, "x.private": true, "x.corp": true, "host.localdomain": true,
		"": false, "com": false, "arpa": false, "ai": false, "plan": true, "a.plan.example": false, "lan.example": false, "nas.lan.example": false,
		"xhome.arpa": false, "in-addr.arpa": false, "printer.local": false, "fritz.box": false,
	} {
		if got := HomeName(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// TestHomeNamesOfTheRouter asks the network's own resolvers for its names, and
// nobody else.
func TestHomeNamesOfTheRouter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		specs []string
		home  bool
		want  bool
	}{
		{[]string{"192.168.1.1"}, false, true},
		{[]string{"192.168.1.1", "fd00::1"}, false, true},
		{[]string{"fe80::1", "tls://10.0.0.1"}, false, true},
		{[]string{"192.168.1.1", "192.0.2.1"}, false, false},
		{[]string{"127.0.0.1:5353"}, false, false},
		{[]string{"127.0.0.53"}, true, true},
		{[]string{"192.0.2.1"}, true, true},
		{[]string{"https://dns.example/dns-query", "192.168.1.1"}, false, false},
		{[]string{"192.0.2.1", "[/example/]192.168.1.1"}, false, false},
		{[]string{"192.0.2.1", "[/lan/]192.168.1.1"}, false, true},
	} {
		g := newGroup(t, Options{Home: c.home}, c.specs...)
		if got := g.Covers("nas.lan"); got != c.want {
			t.Errorf("%v, home %v: nas.lan covered %v, want %v", c.specs, c.home, got, c.want)
		}
		if g.Covers("shop.example.com") || g.Covers("com") || g.Covers("printer.local") || g.Covers("1.1.168.192.in-addr.arpa") {
			t.Errorf("%v covers public names, multicast's or addresses", c.specs)
		}
	}
}
