package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
)

// TestSystems opens, for each system that the rules know whole, a page with
// the vendor's snippet while a stand-in answers its script, the image of its
// noscript part, and a page whose script is let pass and sends the vendor's
// hits. Callbacks must run, the console stay silent, nothing may reach the
// vendor but the script that was let pass, and the ledger must tell each hit.
func TestSystems(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			systems := loadSystems(t)
			head, err := os.ReadFile("testdata/page.html")
			if err != nil {
				t.Fatal(err)
			}
			n := newFakenet(t)
			w := newWorld(t, n, proxy.Always)
			scripts := map[string]string{}
			for _, s := range systems {
				s.serve(n, head, scripts)
			}
			b := w.open(name, w.CA)
			for _, phase := range []string{"stub", "pass", "strict"} {
				w.Memory.SetConfig(configOf(phase, systems))
				runPhase(t, w, b, systems, phase)
			}
			w.settle(t)
			if whole := checkAll(t, w, systems); whole {
				logCells(t, systems, w.events.list())
			}
		})
	}
}

// checkAll looks at everything once more, for what came late. It reports
// whether that is all there is, and -run left nothing out.
func checkAll(t *testing.T, w *world, systems []*system) (whole bool) {
	t.Helper()
	whole = true
	var hosts, want, got []string
	for _, s := range systems {
		hosts = append(hosts, s.hosts...)
		for _, p := range s.pages {
			if !p.opened {
				whole = false
				continue
			}
			checkSentences(t, w, s, p)
			want = append(want, p.reaches(s)...)
		}
	}
	for _, v := range w.Net.Visits(hosts...) {
		got = append(got, v.String())
	}
	compare(t, "requests that reached any vendor", want, got)
	if w.events.missed > 0 {
		t.Errorf("the follower missed %d events", w.events.missed)
	}
	return whole
}

// configOf lets the scripts of all systems pass in one phase, and has tag
// managers answered by stand-ins in another.
func configOf(phase string, systems []*system) memory.Config {
	c := memory.Config{Strict: phase == "strict", Loaders: map[string]detect.LoaderMode{}}
	for _, s := range systems {
		if phase == "pass" {
			c.Loaders[s.tracker] = detect.LoaderPass
		}
	}
	return c
}

func runPhase(t *testing.T, w *world, b *tab, systems []*system, phase string) {
	for _, s := range systems {
		for _, p := range s.pages {
			if p.phase() == phase {
				t.Run(s.id+"/"+p.name, func(t *testing.T) { runPage(t, w, b.on(t), s, p) })
			}
		}
	}
}

func runPage(t *testing.T, w *world, b *tab, s *system, p *testPage) {
	p.opened = true
	before := len(w.Net.Visits(s.hosts...))
	b.navigate("https://" + s.host(p) + p.path)
	w.events.poll(func(e []ledger.Event) bool { return len(missing(p.want, sentences(e, s.host(p)))) == 0 })
	if p.selector != "" {
		b.click(p.selector)
		b.await("location.pathname", fmt.Sprintf("%q", p.next))
	} else {
		checkRan(t, b, p.ran)
	}
	w.settle(t)
	checkSentences(t, w, s, p)
	b.quiet()
	var reached []string
	for _, v := range w.Net.Visits(s.hosts...)[before:] {
		reached = append(reached, v.String())
	}
	compare(t, "requests that reached the vendor", p.reaches(s), reached)
}

// reaches lists what may reach the vendor: its script, where that is let pass.
func (p *testPage) reaches(s *system) []string {
	urls := slices.Clone(p.passes)
	if p.phase() == "pass" {
		for url := range s.scripts {
			urls = append(urls, url)
		}
	}
	var out []string
	for _, u := range urls {
		out = append(out, "GET "+strings.TrimPrefix(u, "https://"))
	}
	return out
}

// checkRan waits for the callbacks: each once, none while the call that gave
// it was still running.
func checkRan(t *testing.T, b *tab, want []string) {
	t.Helper()
	if len(want) == 0 {
		want = []string{}
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	b.eval(fmt.Sprintf(`new Promise(end => {
		const start = Date.now(), look = () => done.length >= %d || Date.now() - start > 60000 ? end() : setTimeout(look, 10);
		look();
	})`, len(want)))
	b.want(`done.slice().sort()`, string(text))
}

// checkSentences compares what the ledger tells of a page: all that is wanted,
// and nothing else but what may be lost.
func checkSentences(t *testing.T, w *world, s *system, p *testPage) {
	t.Helper()
	got := sentences(w.events.list(), s.host(p))
	for _, m := range p.maybe {
		if i := slices.Index(got, m); i >= 0 {
			got = slices.Delete(got, i, i+1)
		}
	}
	compare(t, "sentences about "+s.host(p), p.want, got)
}

// logCells shows for each system which kinds of hits were seen and explained,
// and compares that with what its file says.
func logCells(t *testing.T, systems []*system, all []ledger.Event) {
	t.Helper()
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "system\tGET\tPOST\tnoscript image\tempty because")
	for _, s := range systems {
		row, why := []string{s.name}, []string{}
		for _, cell := range []string{"get", "post", "noscript"} {
			seen := s.told(all, cell)
			if seen != (s.cells[cell] == "yes") {
				t.Errorf("%s: %s told: %v, want %q", s.name, cell, seen, s.cells[cell])
			}
			mark := "✓"
			if !seen {
				mark = "–"
				why = append(why, cell+": "+s.cells[cell])
			}
			row = append(row, mark)
		}
		fmt.Fprintln(tw, strings.Join(append(row, strings.Join(why, "; ")), "\t"))
	}
	_ = tw.Flush()
	t.Logf("\n%s", b.String())
}

// told reports whether a hit of the vendor's own was explained. A mail has
// only its image, which is the hit.
func (s *system) told(all []ledger.Event, cell string) bool {
	method, page := map[string]string{"get": "GET", "post": "POST", "noscript": "GET"}[cell], "pass."
	if cell == "noscript" || len(s.scripts) == 0 && cell == "get" {
		page = "noscript."
	}
	if cell == "noscript" && len(s.scripts) == 0 {
		return false // counted as GET
	}
	return slices.ContainsFunc(all, func(e ledger.Event) bool {
		return pageHost(e) == page+s.id+".example" && e.Tracker != nil && e.Tracker.ID == s.tracker &&
			e.Activity != nil && e.Request.Method == method && e.Action == detect.Block
	})
}
