package dnsfilter

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect"
)

// cnameTargets reads the public list of names behind disguised trackers.
func cnameTargets(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("QUENCH_DATA")
	if dir == "" {
		t.Skip("QUENCH_DATA is not set")
	}
	f, err := os.Open(filepath.Join(dir, "hosts", "cname-targets.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if s := strings.TrimSpace(sc.Text()); s != "" && s[0] != '#' {
			out = append(out, s)
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d targets", len(out))
	}
	return out
}

// cloaked checks that every target is blocked behind a name of its own, through
// one and three hops and for each type, and that names which share only
// letters with it are not.
func cloaked(t *testing.T, targets []string, p *detect.Policy) {
	cloakedBy(t, targets, Options{}, p)
}

func cloakedBy(t *testing.T, targets []string, o Options, p *detect.Policy) {
	g := newRig(t, o, p)
	for i, target := range targets {
		near := "x" + target
		g.up.add(t,
			fmt.Sprintf("d%d.shop.example. 300 IN CNAME %s.", i, target),
			fmt.Sprintf("s%d.shop.example. 300 IN CNAME u%d.%s.", i, i, target),
			fmt.Sprintf("h%d.shop.example. 300 IN CNAME m%d.cdn.example.", i, i),
			fmt.Sprintf("m%d.cdn.example. 300 IN CNAME n%d.cdn.example.", i, i),
			fmt.Sprintf("n%d.cdn.example. 300 IN CNAME u.%s.", i, strings.ToUpper(target)),
			fmt.Sprintf("t%d.shop.example. 300 IN HTTPS 1 %s. alpn=h2", i, target),
			fmt.Sprintf("v%d.shop.example. 300 IN HTTPS 0 a.%s.", i, target),
			fmt.Sprintf("o%d.shop.example. 300 IN CNAME %s.", i, near),
			fmt.Sprintf("%s. 300 IN A 93.184.216.34", near),
		)
		for _, n := range []string{target, fmt.Sprintf("u%d.%s", i, target), "u." + target} {
			g.up.add(t, n+". 300 IN A 93.184.216.34", n+". 300 IN AAAA 2606:2800:220:1::1", n+`. 300 IN HTTPS 1 . alpn="h2,h3"`)
		}
		for _, name := range []string{fmt.Sprintf("d%d.shop.example.", i), fmt.Sprintf("s%d.shop.example.", i), fmt.Sprintf("h%d.shop.example.", i)} {
			for round := range 2 { // from upstream, then from the cache
				for qtype, want := range map[uint16]string{dns.TypeA: name + " A 0.0.0.0", dns.TypeAAAA: name + " AAAA ::", dns.TypeHTTPS: ""} {
					m := g.ask(query(name, qtype, edns(1232, false)))
					if got := text(m.Answer); got != want || m.Rcode != 0 || ede(m) == "" || want == "" && len(m.Ns) != 1 {
						t.Errorf("%s %s round %d: got %q, %d, %q; want %q with a reason", name, dns.TypeToString[qtype], round, got, m.Rcode, ede(m), want)
					}
				}
			}
		}
		for _, k := range []string{"t", "v"} {
			name := fmt.Sprintf("%s%d.shop.example.", k, i)
			if m := g.ask(query(name, dns.TypeHTTPS, nil)); len(m.Answer) != 0 || len(m.Ns) != 1 || m.Rcode != 0 {
				t.Errorf("%s HTTPS that leads to %s: got %v, want no data", name, target, m)
			}
		}
		for _, name := range []string{near + ".", fmt.Sprintf("o%d.shop.example.", i)} {
			if m := g.ask(query(name, dns.TypeA, nil)); !strings.HasSuffix(text(m.Answer), near+". A 93.184.216.34") {
				t.Errorf("%s: got %v, want the address of %s", name, m, near)
			}
		}
	}
	hits := 0
	for _, s := range g.sightings() {
		if len(s.Seen.Chain) > 0 && s.Seen.Reply != detect.ReplyAuto && s.Door == "dns" {
			hits++
		}
	}
	if want := len(targets) * (3*3*2 + 2); hits != want {
		t.Errorf("%d sightings with a chain, want %d", hits, want)
	}
}

func TestCloakedFew(t *testing.T) {
	t.Parallel()
	names := []string{"tracker.example.net", "eulerian.net", "k.example.org"}
	cloaked(t, names, listed(names...))
}

func TestCloakedPublicList(t *testing.T) {
	t.Parallel()
	names := cnameTargets(t)
	cloaked(t, names, listed(names...))
}

func TestAllowedNameMayLeadAnywhere(t *testing.T) {
	t.Parallel()
	p := listed("tracker.example.net")
	p.Allows = detect.NewOverrides([]detect.Override{{To: "ok.example"}})
	g := newRig(t, Options{}, p, "ok.example. 300 IN CNAME tracker.example.net.", "tracker.example.net. 300 IN A 93.184.216.34")
	if m := g.ask(query("ok.example", dns.TypeA, nil)); len(m.Answer) != 2 {
		t.Errorf("got %v, want the alias and its address", m)
	}
}

func TestEscapedLabelsNeitherHitNorDodge(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, listed("bad.example"), `x\.bad.example. 300 IN A 93.184.216.34`)
	// One label "x.bad" below example: not below bad.example.
	if m := g.ask(query(`x\.bad.example.`, dns.TypeA, nil)); len(m.Answer) != 1 || !strings.HasSuffix(text(m.Answer), "93.184.216.34") {
		t.Errorf(`x\.bad.example: got %v, want its address`, m)
	}
	if m := g.ask(query(`\098ad.example.`, dns.TypeA, nil)); !strings.HasSuffix(text(m.Answer), "0.0.0.0") {
		t.Errorf(`\098ad.example (b written as a number): got %v, want it blocked`, m)
	}
}

func TestObserveRecordsAndPasses(t *testing.T) {
	t.Parallel()
	p := listed("tracker.example.net")
	p.Observe = true
	g := newRig(t, Options{}, p, "shop.example. 300 IN CNAME tracker.example.net.", "tracker.example.net. 300 IN A 93.184.216.34")
	for _, name := range []string{"shop.example", "tracker.example.net"} {
		if m := g.ask(query(name, dns.TypeA, nil)); len(m.Answer) == 0 || strings.Contains(text(m.Answer), "0.0.0.0") {
			t.Errorf("%s: got %v, want the true answer", name, m)
		}
	}
	got := g.sightings()
	if len(got) != 2 || got[0].Decision.Action != detect.Observe || !got[0].Decision.Told || got[0].Seen.Chain[0] != "tracker.example.net" {
		t.Errorf("got %+v, want both told of", got)
	}
}
