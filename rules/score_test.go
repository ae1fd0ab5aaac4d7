package rules_test

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/strictyaml"
	"github.com/quench-proxy/quench/rules"
)

// outcome is what became of a request when no rule of its vendor was there.
type outcome uint8

const (
	byRule outcome = iota // another vendor's rule or a veto decided
	passed
	observed
	stripped
	blocked
	outcomes
)

func (o outcome) String() string {
	return [...]string{"by another rule", "passed", "observed", "stripped", "blocked"}[o]
}

func outcomeOf(d detect.Decision) outcome {
	switch {
	case d.Step == detect.StepNone:
		return passed
	case d.Step != detect.StepScore:
		return byRule
	}
	return [...]outcome{passed, observed, stripped, blocked}[d.Action]
}

// half puts each vendor into one of two halves: the weights were set on the
// first, and nothing was changed for the second.
func half(company string) int {
	h := fnv.New32a()
	h.Write([]byte(company))
	return int(h.Sum32() >> 7 & 1)
}

// scored reports whether an example is a hit of a type that the score judges.
func scored(ex vendor.ExampleSpec) bool {
	if ex.Want.Action != "block" && ex.Want.Action != "strip" {
		return false
	}
	switch ex.Type {
	case "", "image", "xmlhttprequest", "ping", "other":
		return true
	}
	return false
}

// without loads all rules but one company's.
func without(t testing.TB, specs []*vendor.Spec, company string) *engine.Set {
	t.Helper()
	var rest []*vendor.Spec
	for _, s := range specs {
		if s.Company != company {
			rest = append(rest, s)
		}
	}
	return rulesOf(t, rest, true)
}

// rulesOf loads these companies' rules, with what ships beside them; the list of
// benign hosts only if it is wanted.
func rulesOf(t testing.TB, specs []*vendor.Spec, benign bool) *engine.Set {
	t.Helper()
	data, err := vendor.Marshal(specs)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"builtin.json": {Data: data}}
	for _, name := range []string{"vetoes.yaml", "benign.yaml", "resources.yaml"} {
		if data, err := rules.FS.ReadFile(name); err == nil && (benign || name != "benign.yaml") {
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	for _, pattern := range []string{"stubs/*", "resources/*"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			if data, err := rules.FS.ReadFile(name); err == nil {
				files[name] = &fstest.MapFile{Data: data}
			}
		}
	}
	set, err := engine.Load(engine.Sources{Builtin: files})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// examplesOf returns all examples of web trackers by company.
func examplesOf(t testing.TB, specs []*vendor.Spec) map[string][]vendor.ExampleSpec {
	t.Helper()
	company := map[string]string{}
	out := map[string][]vendor.ExampleSpec{}
	for _, s := range specs {
		for _, tr := range s.Trackers {
			company[tr.ID] = s.Company
			for _, ex := range tr.Examples {
				ex.Tracker = tr.ID
				out[s.Company] = append(out[s.Company], ex)
			}
		}
	}
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var f struct {
			Examples []vendor.ExampleSpec `yaml:"examples"`
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictyaml.Decode(file, data, &f); err != nil {
			t.Fatal(err)
		}
		for _, ex := range f.Examples {
			if c := company[ex.Tracker]; c != "" {
				out[c] = append(out[c], ex)
			}
		}
	}
	return out
}

// matrix counts outcomes.
type matrix [outcomes]int

func (m *matrix) String() string {
	n := m.judged()
	return fmt.Sprintf("%5d requests: %5d blocked %5d stripped %5d observed %5d passed; stopped %.1f %%",
		n, m[blocked], m[stripped], m[observed], m[passed], 100*float64(m[blocked]+m[stripped])/float64(max(n, 1)))
}

func (m *matrix) judged() int { return m[blocked] + m[stripped] + m[observed] + m[passed] }

func (m *matrix) stopped() float64 {
	return float64(m[blocked]+m[stripped]) / float64(max(m.judged(), 1))
}

func (m *matrix) add(o *matrix) {
	for i := range m {
		m[i] += o[i]
	}
}

// one judges a request as the proxy does, with and without a History.
func one(set *engine.Set, h *memory.History, r detect.Request) outcome {
	if h != nil {
		r.Past = h.Past("client", &r)
	}
	body := r.Body
	r.Body = nil
	d := set.Request(&r, nil)
	if r.Body = body; d.Need&detect.NeedBody != 0 && d.Action < detect.Block {
		d = set.Body(&r, d, nil)
	}
	o := outcomeOf(d)
	if h != nil {
		h.Asked("client", &r, o >= stripped && d.Step == detect.StepScore)
	}
	return o
}

// asRequest is an example as the proxy gets it, from a page of another site if
// site is not "".
func asRequest(t testing.TB, ex vendor.ExampleSpec, site string) detect.Request {
	t.Helper()
	page := detect.HostOf(ex.Page)
	move := func(s string) string {
		if site == "" || page == "" {
			return s
		}
		return strings.ReplaceAll(s, page, site+page)
	}
	h := textproto.MIMEHeader{}
	if ex.Page != "" {
		h.Set("Referer", move(ex.Page))
	}
	for k, v := range ex.Headers {
		h.Set(k, move(v))
	}
	method := ex.Method
	if method == "" {
		method = "GET"
	}
	url := ex.URL
	if host := detect.HostOf(url); !strings.HasSuffix(host, page) { // a first-party collector moves with its site
		i := strings.Index(url, host) + len(host)
		url = url[:i] + move(url[i:])
	}
	r := intake.Request(method, url, h)
	if ty, ok := detect.ParseType(ex.Type); ok && ex.Type != "" {
		r.Type = ty
	}
	r.Body = []byte(move(string(body(t, ex))))
	return r
}

// TestScoreFindsVendors leaves one company's rules out at a time and lets the
// score judge its hits: met for the first time, and after the same hits were
// seen on three other sites. The weights were set looking at half 0 only.
func TestScoreFindsVendors(t *testing.T) {
	_, specs := load(t)
	var first, later [2]matrix
	byType := map[detect.Type]*matrix{}
	for company, list := range examplesOf(t, specs) {
		set := without(t, specs, company)
		h := memory.NewHistory(nil, nil)
		half := half(company)
		for _, site := range []string{"", "one-", "two-", "three-"} {
			for _, ex := range list {
				if r := asRequest(t, ex, ""); !scored(ex) || r.Party() != detect.ThirdParty {
					continue
				}
				r := asRequest(t, ex, site)
				switch o := one(set, h, r); site {
				case "":
					// What one hit teaches about the next must not count here.
					o := one(set, nil, r)
					first[half][o]++
					if byType[r.Type] == nil {
						byType[r.Type] = &matrix{}
					}
					byType[r.Type][o]++
				case "three-":
					later[half][o]++
				}
			}
		}
	}
	var all, allLater matrix
	for i := range first {
		t.Logf("half %d, first met:      %v", i, &first[i])
		t.Logf("half %d, on a 4th site:  %v", i, &later[i])
		all.add(&first[i])
		allLater.add(&later[i])
	}
	t.Logf("all,    first met:      %v", &all)
	t.Logf("all,    on a 4th site:  %v", &allLater)
	for ty, m := range byType {
		t.Logf("first met, %-14s: %v", ty, m)
	}
	if got := all.stopped(); got < 0.65 {
		t.Errorf("first met: %.3f of the hits are stopped, want at least 0.65", got)
	}
	if got := allLater.stopped(); got < 0.75 {
		t.Errorf("on a fourth site: %.3f of the hits are stopped, want at least 0.75", got)
	}
	if gap := first[0].stopped() - first[1].stopped(); gap > 0.10 {
		t.Errorf("the half that the weights were set on does %.3f better than the other", gap)
	}
}

// eachOrdinary makes ordinary requests, several sites asking the same hosts.
// With sticky the values stay the same from site to site, too.
func eachOrdinary(t testing.TB, n int, sticky bool, do func(kind, template, siteCookie string, r detect.Request)) {
	t.Helper()
	for _, kind := range slices.Sorted(maps.Keys(ordinary)) {
		for i, template := range ordinary[kind] {
			for k := range n {
				m := &maker{Rand: rand.New(rand.NewPCG(uint64(i), uint64(k)))}
				m.page = m.newPage()
				m.hosts = rand.New(rand.NewPCG(uint64(i), uint64(k%4)))
				if sticky {
					m.Rand = rand.New(rand.NewPCG(uint64(i), uint64(k%3)))
				}
				r := m.request(t, template)
				do(kind, template, m.siteCookie, r)
			}
		}
	}
}

// TestScoreSparesTheOrdinary: at most one ordinary request in a thousand is
// blocked, whatever is remembered.
func TestScoreSparesTheOrdinary(t *testing.T) {
	set, specs := load(t)
	bare := rulesOf(t, specs, false)
	for _, tt := range []struct {
		name   string
		set    *engine.Set
		sticky bool
		h      *memory.History
		most   float64 // of a thousand may be blocked
	}{
		{"first met", set, false, nil, 1},
		{"no list of benign hosts", bare, false, nil, 8}, // what guards Stripe's payments looks like a tracker
		{"remembered", set, false, memory.NewHistory(nil, nil), 1},
		{"remembered, the same values everywhere", set, true, memory.NewHistory(nil, nil), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m matrix
			worst := map[string]int{}
			eachOrdinary(t, 160, tt.sticky, func(kind, template, siteCookie string, r detect.Request) {
				if tt.h != nil && siteCookie != "" {
					page := intake.Request("GET", r.Page, textproto.MIMEHeader{"Sec-Fetch-Dest": {"document"}, "Cookie": {siteCookie}})
					tt.h.Asked("client", &page, false)
				}
				o := one(tt.set, tt.h, r)
				m[o]++
				if o >= stripped {
					worst[o.String()+" "+kind+": "+template]++
				}
			})
			t.Logf("%v; %d are a veto's", &m, m[byRule])
			for _, w := range slices.Sorted(maps.Keys(worst)) {
				t.Logf("%d times %s", worst[w], w)
			}
			n := m.judged() + m[byRule]
			if n < 20_000 {
				t.Errorf("%d requests, want at least 20,000", n)
			}
			if 1000*float64(m[blocked]) > tt.most*float64(n) {
				t.Errorf("%d of %d are blocked, want at most %v of a thousand", m[blocked], n, tt.most)
			}
		})
	}
}
