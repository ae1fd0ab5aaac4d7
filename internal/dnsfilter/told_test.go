package dnsfilter

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/rules"
)

// TestShippedRulesTell asks for a tracker that the shipped rules refuse by
// name, directly and behind an alias, and reads what the ledger will say.
func TestShippedRulesTell(t *testing.T) {
	t.Parallel()
	s, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	const host = "www.google-analytics.com"
	if s.Host(&detect.HostQuestion{Host: host, QType: dns.TypeA}, nil).Action != detect.Block {
		t.Fatalf("%s is not refused by name", host)
	}
	g := newRig(t, Options{Set: func() *engine.Set { return s }}, nil, "metrics.shop.example. 300 IN CNAME "+host+".", host+". 300 IN A 93.184.216.34")
	var got []ledger.Sighting
	for i, name := range []string{host, "metrics.shop.example"} {
		m := g.ask(query(name, dns.TypeA, edns(1232, false)))
		if text(m.Answer) != name+". A 0.0.0.0" || !strings.HasPrefix(ede(m), "15 blocked by Quench's rule ") {
			t.Errorf("%s: got %v", name, m)
		}
		// Before the next is asked: what waits in a tray is told later than what does not.
		eventually(t, name+" is told of", func() bool { got = g.sightings(); return len(got) == i+1 })
	}
	for i, want := range [][]string{{"Google Analytics"}, {"Google Analytics", "metrics.shop.example"}} {
		v := got[i].Set.Explain(got[i].Seen, got[i].Decision)
		if len(v) != 1 || v[0].Tracker == nil || v[0].Reply != detect.ReplyNullAddress || v[0].Told {
			t.Fatalf("explained as %+v, want one verdict that names the tracker", v)
		}
		t.Log(v[0].Sentence, v[0].Evidence)
		for _, w := range want {
			if !strings.Contains(v[0].Sentence, w) {
				t.Errorf("sentence %q does not say %q", v[0].Sentence, w)
			}
		}
	}
}

// TestReload swaps the rules under a running door; what is cached is judged by
// the new ones.
func TestReload(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[engine.Set]
	now.Store(withLists(t, "a", "||one.example^\n"))
	g := newRig(t, Options{Set: now.Load}, nil, "two.example. 300 IN A 93.184.216.34", "one.example. 300 IN A 93.184.216.34", "shop.example. 300 IN CNAME two.example.")
	state := func() string {
		var out []string
		for _, n := range []string{"one.example", "two.example", "shop.example"} {
			out = append(out, map[bool]string{true: "blocked", false: "open"}[strings.Contains(text(g.ask(query(n, dns.TypeA, nil)).Answer), "0.0.0.0")])
		}
		return strings.Join(out, " ")
	}
	if got := state(); got != "blocked open open" {
		t.Errorf("at first: %s", got)
	}
	now.Store(withLists(t, "a", "||two.example^\n"))
	if got := state(); got != "open blocked blocked" {
		t.Errorf("after a reload: %s", got)
	}
}

func BenchmarkQuick(b *testing.B) {
	d := still(b, Options{Policy: policyOf(listed("bad.example"))})
	for name, what := range map[string]string{"blocked": "x.bad.example", "local": "localhost", "miss": "a.example"} {
		pkt := pack(b, query(what, dns.TypeA, edns(1232, false)))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				d.quick(pkt, loopback, UDP)
			}
		})
	}
}
