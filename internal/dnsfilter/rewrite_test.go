package dnsfilter

import (
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect/engine"
)

func TestRewriteRules(t *testing.T) {
	t.Parallel()
	s := withLists(t, "own", "|fixed.example^$dnsrewrite=192.0.2.7\n||two.example^$dnsrewrite=NOERROR;A;192.0.2.8\n||two.example^$dnsrewrite=NOERROR;A;192.0.2.9\n"+
		"||gone.example^$dnsrewrite=NXDOMAIN;;\n||safe.example^$dnsrewrite=NOERROR;CNAME;strict.example.com\n||note.example^$dnsrewrite=NOERROR;TXT;hello\n")
	g := newRig(t, Options{Set: func() *engine.Set { return s }}, nil,
		"strict.example.com. 300 IN A 93.184.216.40", "cfix.example. 300 IN CNAME fixed.example.",
		"cgone.example. 300 IN CNAME gone.example.", "csafe.example. 300 IN CNAME safe.example.")
	g.rows([]listRow{
		{"fixed.example", dns.TypeA, 0, "A 192.0.2.7", "4 "},
		{"fixed.example", dns.TypeAAAA, 0, "", "4 "},
		{"two.example", dns.TypeA, 0, "A 192.0.2.8; A 192.0.2.9", "4 "},
		{"gone.example", dns.TypeA, 3, "", "15 answered by own"},
		{"note.example", dns.TypeTXT, 0, `TXT "hello"`, "4 "},
		{"safe.example", dns.TypeA, 0, "CNAME strict.example.com.; A 93.184.216.40", "4 "},
		{"cfix.example", dns.TypeA, 0, "A 192.0.2.7", "4 "},
		{"cgone.example", dns.TypeA, 3, "", "15 answered by own"},
		{"csafe.example", dns.TypeA, 0, "CNAME strict.example.com.; A 93.184.216.40", "4 "},
	})
}
