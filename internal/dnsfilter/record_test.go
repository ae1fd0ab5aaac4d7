package dnsfilter

import (
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
)

func TestQueryLogAndBypass(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var log []Query
	var past []string
	g := newRig(t, Options{
		Query:  func(q Query) { mu.Lock(); defer mu.Unlock(); log = append(log, q) },
		Bypass: func(_, host string) { mu.Lock(); defer mu.Unlock(); past = append(past, host) },
	}, listed("bad.example"), "a.example. 300 IN A 93.184.216.34", "dns.google. 300 IN A 8.8.8.8")
	for _, n := range []string{"a.example", "a.example", "bad.example", "localhost", "dns.google"} {
		g.ask(query(n, dns.TypeA, nil))
	}
	mu.Lock()
	defer mu.Unlock()
	want := []struct {
		host, from string
		action     detect.Action
	}{{"a.example", g.up.addr, 0}, {"a.example", "cache", 0}, {"bad.example", "block", detect.Block}, {"localhost", "local", 0}, {"dns.google", g.up.addr, 0}}
	if len(log) != len(want) {
		t.Fatalf("%d questions logged, want %d", len(log), len(want))
	}
	for i, w := range want {
		if q := log[i]; q.Host != w.host || q.From != w.from || q.Action != w.action || q.QType != dns.TypeA || q.Via != "udp" {
			t.Errorf("question %d: got %+v, want %+v", i, q, w)
		}
	}
	if len(past) != 1 || past[0] != "dns.google" {
		t.Errorf("ways past us: got %v, want dns.google", past)
	}
	s := g.Stats()
	if s.Blocked != 1 || s.Cached != 1 || s.Upstream != 2 || s.Queries["udp"] != 5 || s.RCodes[0] != 5 {
		t.Errorf("counted %+v", s)
	}
	if n := len(g.sightings()); n != 1 {
		t.Errorf("%d sightings, want 1: ordinary questions are not told of", n)
	}
}
