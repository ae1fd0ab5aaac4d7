//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/bench/filters/measure"
	"github.com/quench-proxy/quench/internal/need"
)

func TestBest(t *testing.T) {
	t.Parallel()
	got := best([]measure.Sample{
		{Engine: "e", Times: measure.Times{Median: 5, Mean: 9, P99: 50, P999: 60}, CPU: 7, Load: 3, Matched: 100, Verdicts: "01"},
		{Engine: "e", Times: measure.Times{Median: 6, Mean: 8, P99: 40, P999: 70}, CPU: 6, Load: 4, Matched: 90, Verdicts: "01"},
	})
	want := measure.Sample{Engine: "e", Times: measure.Times{Median: 5, Mean: 8, P99: 40, P999: 60}, CPU: 6, Load: 3, Matched: 90, Verdicts: "01"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(measure.Sample{}, best(nil)); diff != "" {
		t.Errorf("of nothing: %s", diff)
	}
}

func TestDiffer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{{"0121", "0121", 0}, {"0121", "2011", 2}, {"02", "20", 0}, {"01", "0", -1}} {
		if got := differ(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestReport: engines that were not measured are left out, ratios are those of
// the best rounds, and the spread is that of single ones.
func TestReport(t *testing.T) {
	t.Parallel()
	times := func(median, p99 float64) measure.Times {
		return measure.Times{Median: median, Mean: median, P99: p99, P999: p99}
	}
	rec := &record{Load: "1 2 3", Samples: map[string][]measure.Sample{
		"requests quench": {{Engine: "Quench", Rules: 10, Times: times(100, 500), Loaded: 400, Matched: 420, Open: 5e5, LoadCPU: 5e7, Verdicts: "0110"},
			{Engine: "Quench", Rules: 10, Times: times(120, 400), Loaded: 400, Matched: 425, Open: 6e5, LoadCPU: 4e7, Verdicts: "0110"}},
		"requests ubo": {{Engine: "ubo", Version: "9", Rules: 10, Times: times(200, 1000), LoadCPU: 1e8, Allocs: -1, Verdicts: "0111"},
			{Engine: "ubo", Version: "9", Rules: 10, Times: times(400, 800), LoadCPU: 1e8, Allocs: -1, Verdicts: "0111"}},
		"names 10000":   {{Rules: 10000, Times: times(100, 200), CPU: 90, Matched: 300000, Names: 160000, Verdicts: "10000"}},
		"names 5000000": {{Rules: 5000000, Times: times(250, 900), CPU: 180, Matched: 150000000, Names: 80000000, Verdicts: "10000"}},
	}}
	var b strings.Builder
	writeReport(&b, &options{rounds: 2, passes: 5}, rec, "0112")
	for _, want := range []string{
		"| Quench | 100 | 0.50 | - | 100 | 400 | 0.50 | - | - | 0 | 10 | 40.0 | 42.0 | - | 40 | - | 0.50 | 2 | 0 |",
		"| ubo 9 | 200 | 1.00 | - | 200 | 800 | 1.00 | - | - | - | 10 | - | - | - | 100 | - | - | 3 | 1 |",
		"Quench by ubo in single rounds: median 0.30 to 0.50, p99 0.50 to 0.50, processor time to load 0.40 to 0.50.",
		"| 5000000 | 250 | 2.50 | 250 | 900 | 180 | 2.00 | 0 | 30.0 | 16.0 | 14.0 | - | 10000 |",
		"load average at the end 1 2 3",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "urlfilter v") || strings.Contains(b.String(), "ghostery") {
		t.Errorf("what was not measured is in\n%s", b.String())
	}
}

// TestNames measures a small list of random names: the same names each time,
// half of the questions about them.
func TestNames(t *testing.T) {
	t.Parallel()
	s, err := child("10000", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if s.Verdicts != "10000" || s.Rules != 10000 || s.Median <= 0 || s.Names < 100_000 || s.Matched < s.Names {
		t.Errorf("%+v", s)
	}
	a, b := newNamer(7), newNamer(7)
	for range 100 {
		if x, y := string(a.append(nil)), string(b.append(nil)); x != y || strings.Count(x, ".") < 1 {
			t.Fatalf("%q and %q of the same seed", x, y)
		}
	}
	for _, what := range []string{"", "0", "-5", "nonsense"} {
		if _, err := child(what, "", 1); err == nil {
			t.Errorf("%q was measured", what)
		}
	}
}

// TestRequestsOfQuench measures the real requests once; the verdicts must be
// the reference's, and both ways to open the compiled lists work.
func TestRequestsOfQuench(t *testing.T) {
	data := filepath.Dir(filepath.Dir(need.Data(t, "filter/verdicts.txt")))
	want, err := verdicts(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := child("requests", data, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := differ(s.Verdicts, want); n != 0 {
		t.Errorf("%d of %d verdicts differ", n, len(want))
	}
	if s.Open <= 0 || s.Store <= 0 || s.Load <= 0 || s.P99 < s.Median || s.Matched < s.Loaded/2 {
		t.Errorf("%+v", s)
	}
}

// TestUnpack: the engines' programs come out as they must be built.
func TestUnpack(t *testing.T) {
	t.Parallel()
	l := &lab{o: &options{}, dir: t.TempDir()}
	for from, want := range map[string][]string{
		"testdata/urlfilter": {"go.mod", "go.sum", "main.go"}, "measure": {"measure.go"},
		"testdata/npm": {"ghostery.mjs", "measure.mjs", "package-lock.json", "package.json", "ubo.mjs"},
	} {
		dir, err := l.unpack(from, filepath.Base(from))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", from, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		data string
		o    options
	}{
		{"", options{rounds: 1, passes: 1}},
		{t.TempDir(), options{rounds: 0, passes: 1}},
		{t.TempDir(), options{rounds: 1, passes: 101}},
		{t.TempDir(), options{rounds: 1, passes: 1, child: "requests"}},
		{t.TempDir(), options{rounds: 1, passes: 1, child: "hosts"}},
	} {
		t.Setenv("QUENCH_DATA", tt.data)
		if err := run(tt.o); err == nil {
			t.Errorf("%+v with %q runs", tt.o, tt.data)
		}
	}
}
