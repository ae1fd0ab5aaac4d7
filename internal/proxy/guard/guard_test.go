package guard

import (
	"net/netip"
	"testing"
)

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

var rules = Rules{
	Names: func(h string) bool { return h == "nas.example.com" },
	Own: func(ap netip.AddrPort) bool {
		return ap == netip.MustParseAddrPort("127.0.0.1:8118") || ap == netip.MustParseAddrPort("203.0.113.9:8118")
	},
}

func TestWhere(t *testing.T) {
	t.Parallel()
	here := From{Loopback: true, Method: "GET", Accept: "text/html", Browser: true}
	lan := From{Method: "GET", Accept: "text/html", Browser: true}
	open := rules
	open.AllowPrivate = true
	tests := []struct {
		name  string
		host  string
		addrs []netip.Addr
		port  uint16
		from  From
		rules Rules
		want  Why
		allow bool
	}{
		{"public", "example.com", addrs("192.0.2.1", "2001:db8::1"), 443, here, rules, Public, true},
		{"public for LAN", "example.com", addrs("192.0.2.1"), 443, lan, rules, Public, true},
		{"public literal", "198.51.100.7", nil, 80, lan, rules, Public, true},
		{"rebinding to loopback", "evil.example.com", addrs("127.0.0.1"), 80, here, rules, Rebinding, false},
		{"rebinding to rfc1918", "evil.example.com", addrs("10.0.0.1"), 80, here, rules, Rebinding, false},
		{"rebinding to ula", "evil.example.com", addrs("fd12::1"), 80, here, rules, Rebinding, false},
		{"rebinding to cgnat", "evil.example.com", addrs("100.64.1.1"), 80, here, rules, Rebinding, false},
		{"rebinding to link-local", "evil.example.com", addrs("169.254.1.1"), 80, here, rules, Rebinding, false},
		{"rebinding to link-local v6", "evil.example.com", addrs("fe80::1"), 80, here, rules, Rebinding, false},
		{"rebinding to zero", "evil.example.com", addrs("0.0.0.0"), 80, here, rules, Rebinding, false},
		{"rebinding to zero net", "evil.example.com", addrs("0.1.2.3"), 80, here, rules, Rebinding, false},
		{"rebinding to ::", "evil.example.com", addrs("::"), 80, here, rules, Rebinding, false},
		{"rebinding to mapped", "evil.example.com", addrs("::ffff:10.0.0.1"), 80, here, rules, Rebinding, false},
		{"rebinding by nat64", "evil.example.com", addrs("64:ff9b::a00:1"), 80, here, rules, Rebinding, false},
		{"rebinding by local nat64", "evil.example.com", addrs("64:ff9b:1::a00:1"), 80, here, rules, Rebinding, false},
		{"rebinding by 6to4", "evil.example.com", addrs("2002:7f00:1::1"), 80, here, rules, Rebinding, false},
		{"rebinding by compatible", "evil.example.com", addrs("::10.0.0.1"), 80, here, rules, Rebinding, false},
		{"rebinding to multicast", "evil.example.com", addrs("224.0.0.1"), 80, here, rules, Rebinding, false},
		{"rebinding to broadcast", "evil.example.com", addrs("255.255.255.255"), 80, here, rules, Rebinding, false},
		{"mixed answer", "evil.example.com", addrs("192.0.2.1", "10.0.0.1"), 80, here, rules, Rebinding, false},
		{"mixed answer, private first", "evil.example.com", addrs("10.0.0.1", "192.0.2.1"), 80, here, rules, Rebinding, false},
		{"public nat64", "example.com", addrs("64:ff9b::c000:201"), 80, here, rules, Public, true},
		{"deep public suffix", "x.co.uk", addrs("10.0.0.1"), 80, here, rules, Rebinding, false},
		{"private suffix of the list", "x.github.io", addrs("10.0.0.1"), 80, here, rules, Rebinding, false},
		{"new top level", "evil.app", addrs("10.0.0.1"), 80, here, rules, Rebinding, false},
		{"literal", "192.168.1.1", nil, 80, here, rules, Private, true},
		{"literal v6", "fd00::7", nil, 80, here, rules, Private, true},
		{"loopback literal", "127.0.0.1", nil, 3000, here, rules, Private, true},
		{"localhost", "localhost", addrs("127.0.0.1", "::1"), 3000, here, rules, Private, true},
		{"single label", "router", addrs("192.168.1.1"), 80, here, rules, Private, true},
		{"lan", "nas.lan", addrs("192.168.1.2"), 80, here, rules, Private, true},
		{"local", "printer.local", addrs("fe80::2"), 80, here, rules, Private, true},
		{"internal", "wiki.corp.internal", addrs("10.1.1.1"), 80, here, rules, Private, true},
		{"home.arpa", "tv.home.arpa", addrs("10.1.1.1"), 80, here, rules, Private, true},
		{"localhost below", "app.localhost", addrs("127.0.0.1"), 80, here, rules, Private, true},
		{"fritz.box", "fritz.box", addrs("192.168.178.1"), 80, here, rules, Private, true},
		{"below fritz.box", "nas.fritz.box", addrs("192.168.178.2"), 80, here, rules, Private, true},
		{"not fritz.box", "evilfritz.box", addrs("192.168.178.2"), 80, here, rules, Rebinding, false},
		{"listed by the user", "nas.example.com", addrs("192.168.178.2"), 80, here, rules, Private, true},
		{"LAN client, literal", "192.168.1.1", nil, 80, lan, rules, LAN, false},
		{"LAN client, name", "router", addrs("192.168.1.1"), 80, lan, rules, LAN, false},
		{"LAN client, loopback", "127.0.0.1", nil, 22, lan, rules, LAN, false},
		{"LAN client, rebinding", "evil.example.com", addrs("10.0.0.1"), 80, lan, rules, LAN, false},
		{"LAN client, opened", "192.168.1.1", nil, 80, lan, open, Private, true},
		{"rebinding, opened", "evil.example.com", addrs("10.0.0.1"), 80, here, open, Private, true},
		{"own listener", "127.0.0.1", nil, 8118, here, rules, Own, false},
		{"own listener, opened", "127.0.0.1", nil, 8118, here, open, Own, false},
		{"own listener, mapped", "::ffff:127.0.0.1", nil, 8118, here, open, Own, false},
		{"own listener, public address", "me.example.com", addrs("203.0.113.9"), 8118, here, open, Own, false},
		{"other port of it", "me.example.com", addrs("203.0.113.9"), 443, here, rules, Public, true},
		{"metadata", "169.254.169.254", nil, 80, here, open, Metadata, false},
		{"metadata mapped", "::ffff:169.254.169.254", nil, 80, here, open, Metadata, false},
		{"metadata nat64", "64:ff9b::a9fe:a9fe", nil, 80, here, open, Metadata, false},
		{"metadata v6", "fd00:ec2::254", nil, 80, here, open, Metadata, false},
		{"metadata name", "metadata.google.internal", addrs("192.0.2.1"), 80, here, open, Metadata, false},
		{"metadata by a name", "x.example.com", addrs("169.254.169.254"), 80, here, open, Metadata, false},
		{"metadata by a LAN client", "169.254.170.2", nil, 80, lan, rules, Metadata, false},
		{"short IPv4", "127.1", addrs("127.0.0.1"), 80, here, open, NoName, false},
		{"hex IPv4", "0x7f.1", addrs("127.0.0.1"), 80, here, rules, NoName, false},
		{"hex IPv4, last part", "127.0.0.0x1", addrs("127.0.0.1"), 80, here, rules, NoName, false},
		{"decimal IPv4", "2130706433", addrs("127.0.0.1"), 80, here, rules, NoName, false},
		{"no address", "example.com", nil, 80, here, rules, Nowhere, false},
		{"no host", "", addrs("10.0.0.1"), 80, here, rules, Rebinding, false},
	}
	for _, tt := range tests {
		v := Check(Target{Host: tt.host, Addrs: tt.addrs, Port: tt.port}, tt.from, tt.rules)
		if v.Why != tt.want || v.Allow != tt.allow {
			t.Errorf("%s: %v allow %v, want %v %v", tt.name, v.Why, v.Allow, tt.want, tt.allow)
		}
		if v.Allow != (len(v.Addrs) > 0) {
			t.Errorf("%s: allow %v with %d addresses", tt.name, v.Allow, len(v.Addrs))
		}
		if v.Allow && v.Private != (v.Why == Private) {
			t.Errorf("%s: private %v for %v", tt.name, v.Private, v.Why)
		}
	}
}

func TestWhichPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		f    From
		want bool
	}{
		{"typed", From{Site: "none", Mode: "navigate", Dest: "document"}, true},
		{"same origin", From{Site: "same-origin"}, true},
		{"same site", From{Site: "same-site"}, true},
		{"public page", From{Site: "cross-site", Referer: "https://evil.example.com/"}, false},
		{"public page without referer", From{Site: "cross-site", Mode: "no-cors"}, false},
		{"public page navigates", From{Site: "cross-site", Mode: "navigate", Dest: "document", Accept: "text/html"}, false},
		{"private page, other site", From{Site: "cross-site", Referer: "http://nas.lan/"}, true},
		{"listed page, other site", From{Site: "cross-site", Origin: "https://nas.example.com"}, true},
		{"private page, no fetch metadata", From{Referer: "http://192.168.1.1/menu"}, true},
		{"private page with port", From{Origin: "http://192.168.1.1:8080"}, true},
		{"private v6 page", From{Origin: "http://[fd00::1]:8080"}, true},
		{"itself", From{Origin: "http://router"}, true},
		{"public referer", From{Referer: "https://evil.example.com/x"}, false},
		{"public origin", From{Origin: "https://evil.example.com", Accept: "text/html"}, false},
		{"public address", From{Origin: "http://192.0.2.7"}, false},
		{"userinfo", From{Referer: "http://nas.lan@evil.example.com/"}, false},
		{"opaque origin", From{Origin: "null", Accept: "text/html"}, false},
		{"opaque origin of the page itself", From{Origin: "null", Site: "same-origin"}, true},
		{"origin before referer", From{Origin: "https://evil.example.com", Referer: "http://nas.lan/"}, false},
		{"nothing, navigation", From{Method: "GET", Accept: "text/html,application/xhtml+xml"}, true},
		{"nothing, post", From{Method: "POST", Accept: "text/html"}, false},
		{"nothing, image", From{Method: "GET", Accept: "image/avif,image/webp,*/*"}, false},
		{"nothing, fetch", From{Method: "GET", Accept: "*/*"}, false},
		{"tunnel", From{Opaque: true}, true},
	}
	for _, tt := range tests {
		tt.f.Loopback, tt.f.Browser = true, true
		v := Check(Target{Host: "router", Addrs: addrs("192.168.1.1"), Port: 80}, tt.f, rules)
		if v.Allow != tt.want || !v.Allow && v.Why != CrossSite {
			t.Errorf("%s: allow %v (%v), want %v", tt.name, v.Allow, v.Why, tt.want)
		}
		if pub := Check(Target{Host: "example.com", Addrs: addrs("192.0.2.1"), Port: 80}, tt.f, rules); !pub.Allow {
			t.Errorf("%s: public target refused: %v", tt.name, pub.Why)
		}
	}
	tool := From{Loopback: true, Method: "GET", Accept: "*/*"}
	if v := Check(Target{Host: "router", Addrs: addrs("192.168.1.1"), Port: 80}, tool, rules); !v.Allow {
		t.Errorf("a tool without pages: %v", v.Why)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("example.com", []byte{10, 0, 0, 1}, "https://a.example")
	f.Add("127.1", []byte{127, 0, 0, 1}, "null")
	f.Add("::ffff:10.0.0.1%eth0", []byte{}, "http://[::1")
	f.Fuzz(func(t *testing.T, host string, ip []byte, origin string) {
		a, _ := netip.AddrFromSlice(ip)
		v := Check(Target{Host: host, Addrs: []netip.Addr{a}, Port: 80}, From{Origin: origin, Browser: true}, rules)
		if !v.Allow {
			return
		}
		for _, a := range v.Addrs {
			if IsPrivate(Effective(a)) {
				t.Errorf("%q: a LAN client reaches %v", host, a)
			}
		}
	})
}
