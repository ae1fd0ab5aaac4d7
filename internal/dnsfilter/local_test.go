package dnsfilter

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
)

func TestNeverForwarded(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{InfoURL: "https://quench.example/"}, nil)
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		want  string
	}{
		{"_dns.resolver.arpa.", dns.TypeSVCB, 0, ""},
		{"_DNS.Resolver.Arpa.", dns.TypeSVCB, 0, ""},
		{"resolver.arpa.", dns.TypeA, 0, ""},
		{"x.resolver.arpa.", dns.TypeTXT, 0, ""},
		{"resolver.arpa.", dns.TypeRESINFO, 0, `resolver.arpa. RESINFO "exterr=0,3,14-15,17-19,22-23" "infourl=https://quench.example/"`},
		{"use-application-dns.net.", dns.TypeA, 3, ""},
		{"use-application-dns.net.", dns.TypeAAAA, 3, ""},
		{"mask.icloud.com.", dns.TypeA, 3, ""},
		{"mask-h2.icloud.com.", dns.TypeHTTPS, 3, ""},
		{"localhost.", dns.TypeA, 0, "localhost. A 127.0.0.1"},
		{"a.localhost.", dns.TypeAAAA, 0, "a.localhost. AAAA ::1"},
		{"localhost.", dns.TypeMX, 0, ""},
		{"x.invalid.", dns.TypeA, 3, ""},
		{"x.test.", dns.TypeA, 3, ""},
		{"printer.local.", dns.TypeA, 3, ""},
		{"x.onion.", dns.TypeA, 3, ""},
		{"x.alt.", dns.TypeA, 3, ""},
		{"home.arpa.", dns.TypeA, 0, ""},
		{"nas.home.arpa.", dns.TypeA, 3, ""},
		{"nas.lan.", dns.TypeA, 3, ""}, {"a.NAS.LAN.", dns.TypeAAAA, 3, ""}, {"lan.", dns.TypeSOA, 3, ""}, {"printer.", dns.TypeA, 3, ""},
		{"tv.home.", dns.TypeA, 3, ""}, {"db.internal.", dns.TypeA, 3, ""}, {"pc.localdomain.", dns.TypeHTTPS, 3, ""},
		{"1.0.0.127.in-addr.arpa.", dns.TypePTR, 0, "1.0.0.127.in-addr.arpa. PTR localhost."},
		{"1.1.168.192.in-addr.arpa.", dns.TypePTR, 3, ""},
		{"4.3.2.10.in-addr.arpa.", dns.TypePTR, 3, ""},
		{"1.0.31.172.in-addr.arpa.", dns.TypePTR, 3, ""},
		{"1.1.254.169.in-addr.arpa.", dns.TypePTR, 3, ""},
		{"1.1.100.100.in-addr.arpa.", dns.TypePTR, 3, ""},
		{"1." + strings.Repeat("0.", 31) + "ip6.arpa.", dns.TypePTR, 0, "1." + strings.Repeat("0.", 31) + "ip6.arpa. PTR localhost."},
		{"1." + strings.Repeat("0.", 29) + "d.f.ip6.arpa.", dns.TypePTR, 3, ""},
		{"1." + strings.Repeat("0.", 28) + "8.e.f.ip6.arpa.", dns.TypePTR, 3, ""},
		{HealthName + ".", dns.TypeTXT, 0, HealthName + `. TXT "ok"`},
		{HealthName + ".", dns.TypeA, 0, HealthName + `. A 127.0.0.1`},
	} {
		m := g.ask(query(c.name, c.qtype, nil))
		if m.Rcode != c.rcode || text(m.Answer) != c.want || c.want == "" && len(m.Ns) != 1 {
			t.Errorf("%s %s: got %d %q authority %v; want %d %q", c.name, dns.TypeToString[c.qtype], m.Rcode, text(m.Answer), m.Ns, c.rcode, c.want)
		}
	}
	if n := g.up.total(); n != 0 {
		t.Errorf("%d questions went upstream, want none", n)
	}
	for _, name := range []string{"1.1.15.172.in-addr.arpa.", "1.1.32.172.in-addr.arpa.", "1.1.63.100.in-addr.arpa.", "1.1.1.1.in-addr.arpa.", "mask.icloud.com.example.", "xlocalhost.example.", "com.", ".", "nas.lan.example.", "plan.example.", "1." + strings.Repeat("0.", 28) + "f.e.f.ip6.arpa."} {
		g.ask(query(name, dns.TypePTR, nil))
		if n := g.up.count(name); n != 1 {
			t.Errorf("%s went upstream %d times, want 1", name, n)
		}
	}
}

func TestForwardedWhereTheUserSaysSo(t *testing.T) {
	t.Parallel()
	p := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "mask.icloud.com"}})}
	g := newRig(t, Options{PassCanary: true}, p, "nas.home.arpa. 60 IN A 192.168.1.5", "5.1.168.192.in-addr.arpa. 60 IN PTR nas.home.arpa.",
		"use-application-dns.net. 60 IN A 93.184.216.34", "mask.icloud.com. 60 IN A 93.184.216.34")
	g.up.cover(func(n string) bool { return under(n, "home.arpa") || under(n, "168.192.in-addr.arpa") })
	for name, qtype := range map[string]uint16{"nas.home.arpa": dns.TypeA, "5.1.168.192.in-addr.arpa": dns.TypePTR, "use-application-dns.net": dns.TypeA, "mask.icloud.com": dns.TypeA} {
		if m := g.ask(query(name, qtype, nil)); len(m.Answer) != 1 {
			t.Errorf("%s: got %v, want the upstream's answer", name, m)
		}
	}
}

func TestRebinding(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{PrivateNames: []string{"intern.example"}}, nil)
	g.up.cover(func(n string) bool { return under(n, "lan") || !strings.Contains(n, ".") }) // as the router's
	i := 0
	for _, c := range []struct {
		name, rr string
		want     bool
	}{
		{"public.example.com", "A 93.184.216.34", true},
		{"a.example.com", "A 192.168.1.1", false}, {"b.example.com", "A 10.0.0.1", false}, {"c.example.com", "A 127.0.0.1", false},
		{"d.example.com", "A 169.254.169.254", false}, {"e.example.com", "A 0.0.0.0", false}, {"f.example.com", "A 100.64.0.1", false},
		{"g.example.com", "AAAA ::1", false}, {"h.example.com", "AAAA fd00::1", false}, {"i.example.com", "AAAA fe80::1", false},
		{"j.example.com", "AAAA ::ffff:10.0.0.1", false}, {"k.example.com", "AAAA 64:ff9b::a00:1", false}, {"l.example.com", "AAAA 2002:c0a8:101::1", false},
		{"m.example.com", "A 224.0.0.1", false}, {"n.example.com", "A 172.31.255.255", false}, {"o.example.com", "A 172.32.0.1", true},
		{"x.intern.example", "A 192.168.1.1", true}, {"xintern.example.com", "A 192.168.1.1", false},
		{"nas.lan", "A 192.168.1.1", true}, {"nas", "A 192.168.1.1", true}, {"fritz.box", "A 192.168.178.1", true}, {"x.box", "A 192.168.178.1", false},
	} {
		g.up.add(t, c.name+". 300 IN "+c.rr)
		qtype := dns.TypeA
		if strings.HasPrefix(c.rr, "AAAA") {
			qtype = dns.TypeAAAA
		}
		for range 2 { // fresh and from the cache
			m := g.ask(query(c.name, qtype, edns(1232, false)))
			if got := len(m.Answer) == 1; got != c.want || m.Rcode != 0 || !c.want && !strings.Contains(ede(m), "rebinding") {
				t.Errorf("%s %s: got %v, want passed %v", c.name, c.rr, m, c.want)
			}
			if !c.want {
				i++
			}
		}
	}
	if got := g.Stats().Rebinding; got != int64(i) {
		t.Errorf("counted %d, want %d", got, i)
	}
	// A chain that ends at home, a mixed set, and hints.
	g.up.add(t, "chain.example.com. 300 IN CNAME nas.lan.", "mixed.example.com. 300 IN A 93.184.216.34", "mixed.example.com. 300 IN A 192.168.1.1",
		"svc.example.com. 300 IN HTTPS 1 . alpn=h2 ipv4hint=192.168.1.1 ipv6hint=2606:2800::1")
	if m := g.ask(query("chain.example.com", dns.TypeA, nil)); len(m.Answer) != 0 {
		t.Errorf("an alias of a home name: got %v, want no data", m)
	}
	if m := g.ask(query("mixed.example.com", dns.TypeA, nil)); text(m.Answer) != "mixed.example.com. A 93.184.216.34" {
		t.Errorf("one private of two addresses: got %v, want the public one", m)
	}
	if m := g.ask(query("svc.example.com", dns.TypeHTTPS, nil)); text(m.Answer) != `svc.example.com. HTTPS 1 . alpn="h2"` {
		t.Errorf("a private hint: got %v, want the record without hints", m)
	}
}

func TestAnswerAddressBlocked(t *testing.T) {
	t.Parallel()
	p := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "ok.example.com"}})}
	g := newRig(t, Options{BlockNets: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:bad::/48")}}, p,
		"a.example.com. 300 IN A 203.0.113.9", "ok.example.com. 300 IN A 203.0.113.9", "b.example.com. 300 IN A 203.0.114.9",
		"c.example.com. 300 IN HTTPS 1 . ipv6hint=2001:db8:bad::1")
	for name, want := range map[string]string{"a.example.com.": "a.example.com. A 0.0.0.0", "ok.example.com.": "ok.example.com. A 203.0.113.9", "b.example.com.": "b.example.com. A 203.0.114.9"} {
		if m := g.ask(query(name, dns.TypeA, nil)); text(m.Answer) != want {
			t.Errorf("%s: got %v, want %q", name, m, want)
		}
	}
	if m := g.ask(query("c.example.com", dns.TypeHTTPS, nil)); len(m.Answer) != 0 || len(m.Ns) != 1 {
		t.Errorf("a blocked hint: got %v, want no data", m)
	}
}

func TestBlockModes(t *testing.T) {
	t.Parallel()
	addrs := []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")}
	for _, c := range []struct {
		mode          detect.Reply
		rcode         int
		a, aaaa, svcb string
	}{
		{detect.ReplyAuto, 0, "0.0.0.0", "::", ""},
		{detect.ReplyNullAddress, 0, "0.0.0.0", "::", ""},
		{detect.ReplyNoData, 0, "", "", ""},
		{detect.ReplyNXDomain, 3, "", "", ""},
		{detect.ReplyRefused, 5, "", "", ""},
		{detect.ReplyAddress, 0, "192.0.2.80", "2001:db8::80", ""},
	} {
		g := newRig(t, Options{Block: c.mode, BlockAddrs: addrs, BlockTTL: time.Minute, Silent: true}, listed("bad.example"), "shop.example. 60 IN CNAME bad.example.")
		for _, name := range []string{"bad.example.", "shop.example."} { // the same shape
			for qtype, want := range map[uint16]string{dns.TypeA: c.a, dns.TypeAAAA: c.aaaa, dns.TypeHTTPS: c.svcb} {
				m := g.ask(query(name, qtype, edns(1232, false)))
				if want != "" {
					want = name + " " + dns.TypeToString[qtype] + " " + want
				}
				if text(m.Answer) != want || m.Rcode != c.rcode || strings.TrimSpace(ede(m)) != "17" {
					t.Errorf("mode %s, %s %s: got %v; want %d %q and 17 alone", c.mode, name, dns.TypeToString[qtype], m, c.rcode, want)
				}
				if want == "" && c.rcode != dns.RcodeRefused && (len(m.Ns) != 1 || m.Ns[0].Header().Ttl != 60) {
					t.Errorf("mode %s, %s: got authority %v, want a SOA for 60 s", c.mode, name, m.Ns)
				}
			}
		}
	}
	if _, err := New(Options{Set: nil}); err == nil {
		t.Error("no rules: want an error")
	}
}

func TestRewriteValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []string
		want   string
	}{
		{[]string{"192.0.2.1"}, "address [192.0.2.1] 0 "},
		{[]string{"192.0.2.1", "2001:db8::1"}, "address [192.0.2.1 2001:db8::1] 0 "},
		{[]string{"NXDOMAIN"}, "nxdomain [] 0 "}, {[]string{"NXDOMAIN;;"}, "nxdomain [] 0 "}, {[]string{"REFUSED"}, "refused [] 0 "},
		{[]string{"NOERROR"}, "nodata [] 0 "}, {[]string{"NOERROR;;"}, "nodata [] 0 "},
		{[]string{"NOERROR;A;192.0.2.1"}, "address [192.0.2.1] 0 "}, {[]string{"NOERROR;CNAME;Safe.example"}, "address [] 0 safe.example."},
		{[]string{"safe.example"}, "address [] 0 safe.example."}, {[]string{"192.0.2.1", "safe.example"}, "address [] 0 safe.example."},
		{[]string{`NOERROR;TXT;say "hi"`}, "address [] 1 "}, {[]string{"NOERROR;MX;10 mail.example."}, "address [] 1 "},
		{[]string{"NOERROR;A;nonsense"}, "no"}, {[]string{"NOERROR;TXT;a\nb"}, "no"}, {[]string{"SERVFAIL"}, "no"}, {[]string{"a b"}, "no"}, {[]string{""}, "no"}, {nil, "no"},
	} {
		got := "no"
		if s, ok := rewriteShape(c.values); ok {
			got = fmt.Sprint(s.reply, " ", s.addrs, " ", len(s.rrs), " ", s.alias)
		}
		if got != c.want {
			t.Errorf("%q: got %q, want %q", c.values, got, c.want)
		}
	}
}

func TestLeadsPast(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{"dns.google": true, "x.dns.nextdns.io": true, "mozilla.cloudflare-dns.com": true, "dns.adguard.com": true, "adguard.com": false,
		"www.adguard.com": false, "dns.mullvad.net": true, "mullvad.net": false, "google": false, "adns.google": false, "dns.google.example": false, "xnextdns.io": false} {
		if got := leadsPast(host); got != want {
			t.Errorf("leadsPast(%s) = %v, want %v", host, got, want)
		}
	}
}

// TestHealthIsNoQuestion: who asks whether the Door is there is in no figure and
// no log.
func TestHealthIsNoQuestion(t *testing.T) {
	t.Parallel()
	logged := make(chan string, 10)
	g := newRig(t, Options{Query: func(q Query) { logged <- q.Host }}, nil)
	for _, name := range []string{HealthName, "Health.Quench.INVALID", "localhost"} {
		if m := g.ask(query(name, dns.TypeA, nil)); len(m.Answer) != 1 {
			t.Errorf("%s: got %v", name, m)
		}
	}
	if s := g.Stats(); s.Queries["udp"] != 1 || s.RCodes[0] != 1 {
		t.Errorf("got %v by transport, %v by code; want localhost alone", s.Queries, s.RCodes)
	}
	if got := <-logged; got != "localhost" || len(logged) > 0 {
		t.Errorf("logged %s and %d others, want localhost alone", got, len(logged))
	}
}
