//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quench-proxy/quench/bench/filters/measure"
)

// verdicts reads what is right: a digit a request.
func verdicts(data string) (string, error) {
	b, err := os.ReadFile(filepath.Join(data, "filter", "verdicts.txt"))
	return strings.Join(strings.Fields(string(b)), ""), err
}

// best takes each figure from the round in which it was best.
func best(rounds []measure.Sample) (b measure.Sample) {
	for i, s := range rounds {
		if i == 0 {
			b = s
			continue
		}
		for _, f := range []struct {
			to *float64
			v  float64
		}{{&b.Clock, s.Clock}, {&b.Median, s.Median}, {&b.Mean, s.Mean}, {&b.P99, s.P99}, {&b.P999, s.P999}, {&b.CPU, s.CPU},
			{&b.Load, s.Load}, {&b.LoadCPU, s.LoadCPU}, {&b.Open, s.Open}, {&b.Store, s.Store}, {&b.Allocs, s.Allocs}, {&b.Bytes, s.Bytes}} {
			*f.to = min(*f.to, f.v)
		}
		b.Loaded, b.Matched = min(b.Loaded, s.Loaded), min(b.Matched, s.Matched)
	}
	return b
}

// differ counts the verdicts that differ, by whether the request is blocked;
// -1 if the two do not speak of the same requests.
func differ(a, b string) int {
	if len(a) != len(b) {
		return -1
	}
	n := 0
	for i := range len(a) {
		if (a[i] == '1') != (b[i] == '1') {
			n++
		}
	}
	return n
}

// spread is the least and the greatest of a's figure by b's in the same round.
func spread(a, b []measure.Sample, of func(*measure.Sample) float64) string {
	lo, hi := 0.0, 0.0
	for i := range min(len(a), len(b)) {
		r := of(&a[i]) / of(&b[i])
		if i == 0 || r < lo {
			lo = r
		}
		hi = max(hi, r)
	}
	return fmt.Sprintf("%.2f to %.2f", lo, hi)
}

func median(s *measure.Sample) float64 { return s.Median }
func p99(s *measure.Sample) float64    { return s.P99 }
func text(s *measure.Sample) float64   { return s.LoadCPU }

func writeReport(w io.Writer, o *options, rec *record, want string) {
	fmt.Fprintf(w, "%s, %d processors, %s, %s, node %s; %d rounds of %d passes; load average at the end %s\n", cpuModel(), runtime.NumCPU(),
		runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04 UTC"), nodeVersion(), o.rounds, o.passes, rec.Load)
	writeRequests(w, rec, want)
	writeHosts(w, rec)
	writeNames(w, rec)
}

// rounds returns the samples of one job.
func (r *record) rounds(table, engine string) []measure.Sample { return r.Samples[table+" "+engine] }

func writeRequests(w io.Writer, rec *record, want string) {
	fmt.Fprintf(w, "\n### Requests\n\n| engine | median ns | x ubo | x urlfilter | mean ns | p99 ns | x ubo | x urlfilter | CPU mean ns | allocs | rules | live B/rule loaded | matched | load ms | CPU ms | x urlfilter | open ms | blocked | other verdicts |\n")
	fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", 18))
	ubo, url := best(rec.rounds(tableRequests, "ubo")), best(rec.rounds(tableRequests, "urlfilter"))
	for _, e := range []string{"quench", "ubo", "ghostery", "urlfilter"} {
		all := rec.rounds(tableRequests, e)
		if len(all) == 0 {
			continue
		}
		s := best(all)
		per := func(n int64) string { return figure(float64(n)/float64(s.Rules), "%.1f") }
		row(w, strings.TrimSpace(s.Engine+" "+s.Version), figure(s.Median, "%.0f"), ratio(s.Median, ubo.Median), ratio(s.Median, url.Median),
			figure(s.Mean, "%.0f"), figure(s.P99, "%.0f"), ratio(s.P99, ubo.P99), ratio(s.P99, url.P99), figure(s.CPU, "%.0f"),
			allocs(s.Allocs), strconv.Itoa(s.Rules), per(s.Loaded), per(s.Matched), figure(s.Load/1e6, "%.0f"), figure(s.LoadCPU/1e6, "%.0f"),
			ratio(s.LoadCPU, url.LoadCPU), figure(s.Open/1e6, "%.2f"), strconv.Itoa(strings.Count(s.Verdicts, "1")), strconv.Itoa(differ(s.Verdicts, want)))
	}
	us := rec.rounds(tableRequests, "quench")
	if len(us) == 0 {
		return
	}
	s := best(us)
	fmt.Fprintf(w, "\nQuench's store of lists, from its directory to lists in force, with the compiled copy: %.2f ms. Reading the clock twice takes %.0f ns here.\n", s.Store/1e6, s.Clock)
	for _, e := range []string{"ubo", "urlfilter"} {
		if them := rec.rounds(tableRequests, e); len(them) > 0 {
			fmt.Fprintf(w, "Quench by %s in single rounds: median %s, p99 %s, processor time to load %s.\n", e, spread(us, them, median), spread(us, them, p99), spread(us, them, text))
		}
	}
}

func writeHosts(w io.Writer, rec *record) {
	fmt.Fprintf(w, "\n### Hosts\n\n| engine | domains | median ns | x urlfilter | mean ns | p99 ns | CPU mean ns | allocs | live B/domain loaded | matched | above the names | load ms | blocked |\n")
	fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", 12))
	url := best(rec.rounds(tableHosts, "urlfilter"))
	for _, e := range []string{"quench", "urlfilter"} {
		all := rec.rounds(tableHosts, e)
		if len(all) == 0 {
			continue
		}
		s := best(all)
		n := float64(s.Rules)
		row(w, strings.TrimSpace(s.Engine+" "+s.Version), strconv.Itoa(s.Rules), figure(s.Median, "%.0f"), ratio(s.Median, url.Median), figure(s.Mean, "%.0f"),
			figure(s.P99, "%.0f"), figure(s.CPU, "%.0f"), allocs(s.Allocs), figure(float64(s.Loaded)/n, "%.1f"), figure(float64(s.Matched)/n, "%.1f"),
			figure(float64(s.Matched-s.Names)/n, "%.1f"), figure(s.Load/1e6, "%.0f"), strconv.Itoa(strings.Count(s.Verdicts, "1")))
	}
}

func writeNames(w io.Writer, rec *record) {
	first := best(rec.rounds(tableNames, strconv.Itoa(sizes[0])))
	if first.Rules == 0 {
		return
	}
	fmt.Fprintf(w, "\n### Random names\n\n| names | median ns | x the first | mean ns | p99 ns | CPU mean ns | x the first | allocs | live B/name | names' own | above them | load ms | found of %d |\n", asked)
	fmt.Fprintln(w, "|"+strings.Repeat("---:|", 13))
	for _, n := range sizes {
		s := best(rec.rounds(tableNames, strconv.Itoa(n)))
		if s.Rules == 0 {
			continue
		}
		d := float64(s.Rules)
		row(w, strconv.Itoa(s.Rules), figure(s.Median, "%.0f"), ratio(s.Median, first.Median), figure(s.Mean, "%.0f"), figure(s.P99, "%.0f"), figure(s.CPU, "%.0f"),
			ratio(s.CPU, first.CPU), allocs(s.Allocs), figure(float64(s.Matched)/d, "%.1f"), figure(float64(s.Names)/d, "%.1f"),
			figure(float64(s.Matched-s.Names)/d, "%.1f"), figure(s.Load/1e6, "%.0f"), s.Verdicts)
	}
}

func row(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

// figure formats v; "-" if there is none.
func figure(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func allocs(v float64) string {
	if v < 0 {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// nodeVersion is the version of the JavaScript engine, "none" without one.
func nodeVersion() string {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "none"
	}
	return strings.TrimSpace(string(out))
}

// cpuModel is the processor's name, as far as the kernel tells it.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if name, v, _ := strings.Cut(sc.Text(), ":"); slices.Contains([]string{"model name", "Model"}, strings.TrimSpace(name)) {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}
