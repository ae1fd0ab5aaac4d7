package dnsfilter

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
)

// withLists is a set of nothing but lists, by name and text.
func withLists(t testing.TB, lists ...string) *engine.Set {
	t.Helper()
	var src []filterlist.Source
	var names []engine.List
	for i := 0; i < len(lists); i += 2 {
		src = append(src, filterlist.Source{Name: lists[i], Text: []byte(lists[i+1])})
		names = append(names, engine.List{Name: lists[i]})
	}
	set, reports := filterlist.Compile(src, filterlist.Options{})
	for _, r := range reports {
		if r.Rejected > 0 || r.Err != nil {
			t.Errorf("%s: %d lines were not taken: %v %v", r.Name, r.Rejected, r.Problems, r.Err)
		}
	}
	return emptySet(t).WithLists(set, names, 1)
}

func TestListsDecide(t *testing.T) {
	t.Parallel()
	s := withLists(t,
		"ads", "! Title: Ads\n||ads.example^\n||typed.example^$dnstype=AAAA\n||ctag.example^$ctag=user_child\n@@||ok.ads.example^\n||imp.example^$important\n",
		"hosts", "0.0.0.0 hosts.example\n0.0.0.0 other.example\n0.0.0.0 third.example\n",
		"work", "||refuse.example^\n")
	g := newRig(t, Options{Set: func() *engine.Set { return s },
		ListBlock: map[string]BlockAs{"work": {Reply: detect.ReplyRefused}}}, nil,
		"ok.ads.example. 300 IN A 93.184.216.34", "typed.example. 300 IN A 93.184.216.34", "ctag.example. 300 IN A 93.184.216.34", "nearads.example. 300 IN A 93.184.216.34",
		"shop.example. 300 IN CNAME x.ads.example.", "cshop.example. 300 IN CNAME refuse.example.")
	g.rows([]listRow{
		{"ads.example", dns.TypeA, 0, "A 0.0.0.0", "15 blocked by ads, line 2: ||ads.example^"},
		{"x.y.ads.example", dns.TypeAAAA, 0, "AAAA ::", "15 blocked by ads, line 2: ||ads.example^"},
		{"ok.ads.example", dns.TypeA, 0, "A 93.184.216.34", ""},
		{"nearads.example", dns.TypeA, 0, "A 93.184.216.34", ""},
		{"imp.example", dns.TypeA, 0, "A 0.0.0.0", "15 blocked by ads, line 6"},
		{"typed.example", dns.TypeA, 0, "A 93.184.216.34", ""},
		{"typed.example", dns.TypeAAAA, 0, "AAAA ::", "15 blocked by ads, line 3"},
		{"ctag.example", dns.TypeA, 0, "A 93.184.216.34", ""},
		{"hosts.example", dns.TypeA, 0, "A 0.0.0.0", "15 blocked by hosts, line 1"},
		{"hosts.example", dns.TypeHTTPS, 0, "", "15 blocked by hosts"},
		{"refuse.example", dns.TypeA, 5, "", "15 blocked by work, line 1"},
		{"shop.example", dns.TypeA, 0, "A 0.0.0.0", "15 blocked by ads, line 2"},
		{"cshop.example", dns.TypeA, 5, "", "15 blocked by work"},
	})
}

// listRow is a question and what comes of it.
type listRow struct {
	name  string
	qtype uint16
	rcode int
	want  string // the answer's data
	ede   string // how the reason begins
}

func (g *rig) rows(rows []listRow) {
	g.t.Helper()
	for _, c := range rows {
		m := g.ask(query(c.name, c.qtype, edns(1232, false)))
		var got []string
		for _, rr := range m.Answer {
			got = append(got, dns.TypeToString[rr.Header().Rrtype]+" "+strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
		if strings.Join(got, "; ") != c.want || m.Rcode != c.rcode || !strings.HasPrefix(ede(m), c.ede) || c.ede == "" && ede(m) != "" {
			g.t.Errorf("%s %s: got %d %v %q; want %d %q %q", c.name, dns.TypeToString[c.qtype], m.Rcode, got, ede(m), c.rcode, c.want, c.ede)
		}
	}
}

func TestListsOfAClient(t *testing.T) {
	t.Parallel()
	s := withLists(t, "one", "||one.example^\n||tagged.example^$ctag=user_child\n", "two", "||two.example^\n")
	table, err := clients.New([]clients.Group{
		{Name: "a", Match: []string{"10.0.0.1"}, Policy: &detect.Policy{Lists: []uint64{1}, ListsOf: 1}, Tags: []string{"user_child"}},
		{Name: "b", Match: []string{"10.0.0.2"}, Policy: &detect.Policy{Lists: []uint64{2}, ListsOf: 1}},
		{Name: "c", Match: []string{"10.0.0.3"}, Policy: &detect.Policy{Lists: []uint64{0}, ListsOf: 1}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(Options{Set: func() *engine.Set { return s }, Upstream: newUpstream(t), Clients: func() *clients.Table { return table }})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{"10.0.0.1": "true false true", "10.0.0.2": "false true false", "10.0.0.3": "false false false", "10.0.0.4": "true true false"} {
		var got []any
		for _, n := range []string{"one.example", "two.example", "tagged.example"} {
			out, _ := d.quick(pack(t, query(n, dns.TypeA, nil)), netip.MustParseAddr(addr), UDP)
			got = append(got, out != nil)
		}
		if s := fmt.Sprintln(got...); strings.TrimSpace(s) != want {
			t.Errorf("%s: blocked %s, want %s", addr, s, want)
		}
	}
}

func TestCloakedByList(t *testing.T) {
	t.Parallel()
	cloakedByList(t, cnameTargets(t))
}

func cloakedByList(t *testing.T, targets []string) {
	dir := os.Getenv("QUENCH_DATA")
	b, err := os.ReadFile(filepath.Join(dir, "hosts", "cname-targets.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s := withLists(t, "cnames", string(b))
	cloakedBy(t, targets, Options{Set: func() *engine.Set { return s }}, nil)
}
