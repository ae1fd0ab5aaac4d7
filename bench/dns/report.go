//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// writeReport writes what was measured, in Markdown: medians of the rounds.
func writeReport(w io.Writer, o *options, l *lab, rec *record) {
	where := "servers, dnsperf and the upstream share the processors"
	if o.pin {
		where = "under load the server has processor " + serverCore + " alone, dnsperf and the upstream share processor " + loadCore
	}
	fmt.Fprintf(w, "%d processors; %s; starts are timed on all processors. dnsperf over UDP on loopback, %s sockets, %s questions under way. "+
		"Processor time is that of the server's process, with what it does after the last answer until it is quiet (at most %v). Same names, same upstream, one server at a time, no query log; Quench with its ledger and metrics on. "+
		"Rounds: %d, of which the median counts.\n\n", cores(), where, clients, outstanding, quietMost, o.rounds)
	for _, s := range l.found {
		fmt.Fprintf(w, "- %s: %s\n", s.name, s.version)
	}
	for _, m := range l.missing {
		fmt.Fprintf(w, "- missing: %s\n", m)
	}
	writeLives(w, o, rec)
	writeLoads(w, rec, false, fmt.Sprintf("Saturation, %v", o.full))
	writeLoads(w, rec, true, fmt.Sprintf("%d questions a second, %v", o.rate, o.fixed))
}

// lifeOf is the medians of a server's lives with one list.
func lifeOf(rec *record, server string, names int) (life, bool) {
	var of []life
	for _, v := range rec.Lives {
		if v.Server == server && v.Names == names && v.Fault == "" {
			of = append(of, v)
		}
	}
	if len(of) == 0 {
		return life{}, false
	}
	at := func(f func(*life) int64) int64 {
		var v []int64
		for i := range of {
			v = append(v, f(&of[i]))
		}
		return median(v)
	}
	start := func(f func(*life) ready) ready {
		var v []ready
		for i := range of {
			v = append(v, f(&of[i]))
		}
		return middleReady(v)
	}
	mem := func(f func(*life) *memory) memory {
		return memory{All: at(func(l *life) int64 { return f(l).All }), Anon: at(func(l *life) int64 { return f(l).Anon })}
	}
	return life{
		Text: start(func(l *life) ready { return l.Text }), Cache: start(func(l *life) ready { return l.Cache }),
		Idle: mem(func(l *life) *memory { return &l.Idle }), Again: mem(func(l *life) *memory { return &l.Again }),
		Loaded: mem(func(l *life) *memory { return &l.Loaded }), Blocked: mem(func(l *life) *memory { return &l.Blocked }),
		Random: mem(func(l *life) *memory { return &l.Random }),
		Asked:  [2]int{int(at(func(l *life) int64 { return int64(l.Asked[0]) })), int(at(func(l *life) int64 { return int64(l.Asked[1]) }))},
	}, true
}

func writeLives(w io.Writer, o *options, rec *record) {
	fmt.Fprintf(w, "\n### Start and memory\n\nReady is the seconds from exec to the first right answer for a blocked name, in parentheses the processor time that went into it. RSS in MB, of which anonymous in parentheses; "+
		"above: more than the same server without a list. Distinct: after as many different names as -flat says, asked once each, or as were answered in %v.\n\n"+
		"| server | names | ready from text | ready from cache | RSS, from text | above | RSS, from cache | above | RSS after the loads | distinct blocked | distinct random |\n"+
		"|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n", flatTime)
	seen := map[string]bool{}
	for _, v := range rec.Lives {
		key := fmt.Sprint(v.Server, " ", v.Names)
		if seen[key] {
			continue
		}
		seen[key] = true
		m, ok := lifeOf(rec, v.Server, v.Names)
		if !ok {
			fmt.Fprintf(w, "| %s | %d | failed: %s |||||||||\n", v.Server, v.Names, strings.NewReplacer("\n", " ", "|", "/").Replace(v.Fault))
			continue
		}
		base, _ := lifeOf(rec, v.Server, 0)
		above := func(now memory) string {
			if v.Names == 0 || now.All == 0 || base.Idle.All == 0 {
				return "-"
			}
			return fmt.Sprintf("%.1f", float64(now.All-base.Idle.All)/(1<<20))
		}
		fmt.Fprintf(w, "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", v.Server, v.Names, m.Text, m.Cache,
			m.Idle, above(m.Idle), m.Again, above(m.Again), m.Loaded, after(m.Blocked, m.Asked[0], o.flat), after(m.Random, m.Asked[1], o.flat))
	}
}

// String says it in MB.
func (m memory) String() string {
	if m.All == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f (%.1f)", float64(m.All)/(1<<20), float64(m.Anon)/(1<<20))
}

// String says it in seconds.
func (r ready) String() string {
	if r.Wall == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f (%.2f)", r.Wall.Seconds(), r.CPU.Seconds())
}

// after says it with the number of names, if not all were answered.
func after(m memory, answered, want int) string {
	if answered == 0 || answered == want {
		return m.String()
	}
	return fmt.Sprintf("%s after %d", m, answered)
}

func writeLoads(w io.Writer, rec *record, fixed bool, title string) {
	fmt.Fprintf(w, "\n### %s\n\n| load | names | server | answers/s | CPU µs a question | p99 | lost | not NOERROR |\n|---|---:|---|---:|---:|---:|---:|---:|\n", title)
	for _, load := range []string{"blocked", "cached", "mixed"} {
		type key struct {
			server string
			names  int
		}
		var order []key
		cells := map[key][]cell{}
		for _, s := range rec.Samples {
			if s.Load != load || s.Fixed != fixed {
				continue
			}
			k := key{s.Server, s.Names}
			if cells[k] == nil {
				order = append(order, k)
			}
			cells[k] = append(cells[k], s.cell)
		}
		for _, k := range order {
			c := middle(cells[k])
			fmt.Fprintf(w, "| %s | %d | %s | %.0f | %.1f | %.2f ms | %d | %d |\n", load, k.names, k.server, c.Rate, c.CPU, float64(c.P99.Microseconds())/1000, c.Lost, c.Odd)
		}
	}
}

// middle is the median of each column; what was lost is counted whole.
func middle(v []cell) cell {
	var rate, cpu []float64
	var p99 []time.Duration
	var sum cell
	for _, c := range v {
		rate, cpu, p99 = append(rate, c.Rate), append(cpu, c.CPU), append(p99, c.P99)
		sum.Lost += c.Lost
		sum.Odd += c.Odd
	}
	sum.Rate, sum.CPU, sum.P99 = median(rate), median(cpu), median(p99)
	return sum
}
