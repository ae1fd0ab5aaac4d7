//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

// sampleRSS keeps the highest memory of pid in peak until stop is called. If
// the kernel keeps a peak that it lets us reset, that one counts too.
func sampleRSS(pid int, peak *int64) (stop func()) {
	resettable := proc.ResetPeak(pid)
	look := func() {
		now, highest, err := proc.RSS(pid)
		if err == nil && resettable {
			now = highest
		}
		*peak = max(*peak, now)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look()
			case <-done:
				look()
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// of returns p's samples of s, by round; those without a request are left out.
func (r *record) of(p *peer, s scenario) map[int]sample {
	out := map[int]sample{}
	for _, m := range r.Samples {
		if m.Peer == p.name && m.Scenario == s.String() && m.Requests > 0 {
			out[m.Round] = m
		}
	}
	return out
}

// per returns the median over rounds of f, of those where both were measured.
func per(a, b map[int]sample, f func(a, b sample) float64) float64 {
	var v []float64
	for i, m := range a {
		if n, ok := b[i]; ok {
			v = append(v, f(m, n))
		}
	}
	return median(v)
}

func writeReport(w io.Writer, l *lab, r *record) {
	fmt.Fprintf(w, "%s, %d processors, %s, %s; %d rounds of %v after %v; load average now %s\n\n", cpuModel(), runtime.NumCPU(),
		runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04 UTC"), l.o.rounds, l.o.dur, l.o.warm, loadAverage())
	for _, p := range l.peers {
		fmt.Fprintf(w, "- %s %s\n", p.name, p.version)
	}
	for _, m := range l.missing {
		fmt.Fprintf(w, "- missing: %s\n", m)
	}
	byName := map[string]*peer{}
	for _, p := range l.peers {
		byName[p.name] = p
	}
	for _, proto := range []string{"plain", "h1", "h2"} {
		writeTable(w, l, r, proto, byName)
	}
	if len(r.Chunks) > 0 {
		writeChunks(w, l, r)
	}
}

// load says in a table's first column what was asked for.
func (s scenario) load() string {
	if s.hit {
		return fmt.Sprintf("a tracker's pixel x %d", s.workers)
	}
	t := map[string]string{"1k": "1 KB", "100k": "100 KB", "10m": "10 MB"}[s.size] + fmt.Sprintf(" x %d", s.workers)
	if s.shared {
		t += ", one connection"
	}
	return t
}

func writeTable(w io.Writer, l *lab, r *record, proto string, byName map[string]*peer) {
	if !wanted(l.o.protos, proto) {
		return
	}
	fmt.Fprintf(w, "\n### %s\n\n", map[string]string{"plain": "Plain HTTP", "h1": "Intercepted HTTP/1.1", "h2": "Intercepted HTTP/2"}[proto])
	fmt.Fprintln(w, "| load | proxy | req/s | MB/s | CPU µs/req | x goproxy | p50 ms | p99 ms | p50 added | p99 added | peak RSS MB | errors |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, s := range l.scenarios() {
		if s.proto == proto {
			writeRows(w, l, r, s, byName)
		}
	}
}

func writeRows(w io.Writer, l *lab, r *record, s scenario, byName map[string]*peer) {
	var direct, bare map[int]sample
	if p := byName["direct"]; p != nil {
		direct = r.of(p, s)
	}
	if p := byName["goproxy"]; p != nil {
		bare = r.of(p, s)
	}
	for _, p := range l.peers {
		m := r.of(p, s)
		if len(m) == 0 {
			continue
		}
		self := func(f func(sample) float64) float64 { return per(m, m, func(a, _ sample) float64 { return f(a) }) }
		rate, errs := self(func(a sample) float64 { return a.Rate }), 0
		for _, a := range m {
			errs += a.Errors
		}
		none, alone := p.proc == nil, p.proc == nil || len(direct) == 0
		c := []string{s.load(), p.name, fmt.Sprintf("%.0f", rate), dash(s.hit, "%.0f", rate*float64(sizes[s.size])/1e6),
			dash(none, "%.0f", self(func(a sample) float64 { return a.CPU })),
			dash(none || len(bare) == 0, "%.2f", per(m, bare, func(a, b sample) float64 { return a.CPU / b.CPU })),
			fmt.Sprintf("%.2f", self(func(a sample) float64 { return ms(a.P50) })), fmt.Sprintf("%.2f", self(func(a sample) float64 { return ms(a.P99) })),
			dash(alone, "%.2f", per(m, direct, func(a, b sample) float64 { return ms(a.P50 - b.P50) })),
			dash(alone, "%.2f", per(m, direct, func(a, b sample) float64 { return ms(a.P99 - b.P99) })),
			dash(none, "%.0f", self(func(a sample) float64 { return float64(a.Peak) / (1 << 20) })), fmt.Sprint(errs)}
		fmt.Fprintf(w, "| %s |\n", strings.Join(c, " | "))
	}
}

func dash(none bool, format string, v float64) string {
	if none {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func writeChunks(w io.Writer, l *lab, r *record) {
	fmt.Fprintf(w, "\n**First chunk of a stream, median of %d, ms**\n\n| proxy | h1 | added | h2 | added |\n|---|---:|---:|---:|---:|\n", chunkRuns)
	for _, p := range l.peers {
		row := p.name
		for _, proto := range []string{"h1", "h2"} {
			v := r.Chunks[proto+" "+p.name]
			if len(v) == 0 {
				row += " | - | -"
				continue
			}
			row += fmt.Sprintf(" | %.2f | %.2f", ms(median(v)), ms(median(v)-median(r.Chunks[proto+" direct"])))
		}
		fmt.Fprintf(w, "| %s |\n", row)
	}
}

func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return "unknown processor"
}

func loadAverage() string {
	data, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(data))[:min(3, len(strings.Fields(string(data))))], " ")
}
