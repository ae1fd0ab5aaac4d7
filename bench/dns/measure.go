//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

// probes are how many names of each kind are asked before a load, so that what
// is measured is what it is called.
const probes = 50

// life is what a server needs, and how fast it is there.
type life struct {
	Server string `json:"server"`
	Names  int    `json:"names"` // 0: without a list
	Round  int    `json:"round"`

	Text    ready  `json:"ready_text"`
	Cache   ready  `json:"ready_cache"`
	Idle    memory `json:"idle"`         // first start, before the loads
	Again   memory `json:"idle_cache"`   // second start
	Loaded  memory `json:"loaded"`       // after the loads
	Blocked memory `json:"flat_blocked"` // after distinct blocked names
	Random  memory `json:"flat_random"`  // after distinct random names
	Asked   [2]int `json:"flat_asked"`   // how many of either there was time for
	Fault   string `json:"fault,omitempty"`
}

// ready is what a start took. Other work on the machine draws out Wall more
// than CPU.
type ready struct {
	Wall time.Duration `json:"wall_ns"`
	CPU  time.Duration `json:"cpu_ns"`
}

// middleReady is the median of starts.
func middleReady(v []ready) ready {
	var wall, cpu []time.Duration
	for _, r := range v {
		wall, cpu = append(wall, r.Wall), append(cpu, r.CPU)
	}
	return ready{median(wall), median(cpu)}
}

// sample is one load.
type sample struct {
	Server string `json:"server"`
	Names  int    `json:"names"`
	Round  int    `json:"round"`
	Load   string `json:"load"`
	Fixed  bool   `json:"fixed"`
	cell
}

// record is all that a run measured.
type record struct {
	Lives   []life   `json:"lives"`
	Samples []sample `json:"samples"`
}

// measureAll gives each server its turn with each list in each round.
func (l *lab) measureAll(ctx context.Context, sizes []int) *record {
	rec := &record{}
	names := listed(slices.Max(sizes))
	for round := range l.o.rounds {
		for _, n := range append([]int{0}, sizes...) {
			for _, s := range l.found {
				if ctx.Err() != nil {
					return rec
				}
				if n > 0 && !s.filters {
					continue
				}
				t := &turn{lab: l, s: s, names: names[:n], rec: rec, flat: n == slices.Max(sizes),
					life: life{Server: s.name, Names: n, Round: round}}
				if err := t.run(ctx); err != nil {
					t.life.Fault = err.Error()
					fmt.Fprintf(os.Stderr, "%s with %d names: %v\n", s.name, n, err)
				}
				rec.Lives = append(rec.Lives, t.life)
			}
		}
	}
	return rec
}

// turn is one server with one list.
type turn struct {
	*lab
	s     server
	names []string
	flat  bool
	rec   *record
	life  life
}

// probe is the name that shows that the server is ready: the last of its list.
func (t *turn) probe() string {
	if len(t.names) == 0 {
		return ""
	}
	return t.names[len(t.names)-1]
}

func (t *turn) run(ctx context.Context) error {
	if err := t.starts(ctx); err != nil {
		return err
	}
	if len(t.names) == 0 && t.s.filters {
		return nil
	}
	dir, addr, line, err := t.fresh()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := t.start(ctx, dir, addr, t.probe(), true, line)
	if err != nil {
		return err
	}
	defer r.Stop()
	if err := t.loads(ctx, r); err != nil {
		return err
	}
	if t.flat && t.o.flat > 0 {
		return t.distinct(ctx, r)
	}
	return nil
}

// fresh prepares a directory and an address for a server that was never there.
func (t *turn) fresh() (dir, addr string, line []string, err error) {
	t.made++
	dir = t.path(fmt.Sprintf("%s-%d", t.s.name, t.made))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", "", nil, err
	}
	if addr, err = freePort(); err != nil {
		return "", "", nil, err
	}
	line, err = t.s.prepare(dir, addr, t.names)
	return dir, addr, line, err
}

// starts measures how fast the server is ready, on all processors, and what
// memory it needs then.
func (t *turn) starts(ctx context.Context) error {
	var text, kept []ready
	for range t.o.starts {
		dir, addr, line, err := t.fresh()
		if err != nil {
			return err
		}
		first, err := t.once(ctx, dir, addr, line, &t.life.Idle)
		text = append(text, first)
		if err == nil && t.s.keeps && len(t.names) > 0 {
			var second ready
			second, err = t.once(ctx, dir, addr, line, &t.life.Again)
			kept = append(kept, second)
		}
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
	}
	t.life.Text, t.life.Cache = middleReady(text), middleReady(kept)
	fmt.Fprintf(os.Stderr, "%-8s %8d ready %v, again %v, %d MB, again %d MB\n", t.s.name, len(t.names), t.life.Text, t.life.Cache, t.life.Idle.All>>20, t.life.Again.All>>20)
	return nil
}

func (t *turn) once(ctx context.Context, dir, addr string, line []string, m *memory) (ready, error) {
	r, err := t.start(ctx, dir, addr, t.probe(), false, line)
	if err != nil {
		return ready{}, err
	}
	defer r.Stop()
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return ready{}, ctx.Err()
	}
	*m, err = memoryOf(r.Pid())
	return ready{r.ready, r.cpu}, err
}

// loads asks what dnsperf asks, first as fast as it goes, then at the rate.
func (t *turn) loads(ctx context.Context, r *running) error {
	if len(t.names) > 0 {
		if err := t.right(r.addr); err != nil {
			return err
		}
	}
	for _, load := range []string{"blocked", "cached", "mixed"} {
		if !wanted(t.o.loads, load) || t.o.loads == "" || load != "cached" && len(t.names) == 0 {
			continue
		}
		file := t.path("questions")
		if err := writeLines(file, "", questions(load, t.names), "%s"); err != nil {
			return err
		}
		if err := t.warm(ctx, r); err != nil {
			return err
		}
		for _, fixed := range []bool{false, true} {
			c, err := t.load(ctx, r, file, fixed)
			if err != nil {
				return err
			}
			t.rec.Samples = append(t.rec.Samples, sample{t.s.name, len(t.names), t.life.Round, load, fixed, c})
			fmt.Fprintf(os.Stderr, "%-8s %8d %-8s fixed=%-5v %7.0f/s %6.1f µs p99 %v lost %d of %d, odd %d\n",
				t.s.name, len(t.names), load, fixed, c.Rate, c.CPU, c.P99, c.Lost, c.Sent, c.Odd)
		}
	}
	var err error
	t.life.Loaded, err = memoryOf(r.Pid())
	return err
}

// right asks for some names of both kinds and both types.
func (t *turn) right(addr string) error {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	known := open(cachedNames, 1)
	for i := range probes {
		for _, kind := range []uint16{typeA, typeAAAA} {
			name := t.names[i*(len(t.names)/probes)]
			if null, err := askAgain(c, name, kind); err != nil || !null {
				return fmt.Errorf("%s, type %d, is not blocked: %w", name, kind, cmp.Or(err, errors.New("an address")))
			}
			if null, err := askAgain(c, known[i], kind); err != nil || null {
				return fmt.Errorf("%s, type %d, is blocked: %w", known[i], kind, cmp.Or(err, errors.New("a null address")))
			}
		}
	}
	return nil
}

// askAgain asks thrice, as a client would.
func askAgain(c net.Conn, name string, kind uint16) (null bool, err error) {
	for range 3 {
		if null, err = ask(c, name, kind, 2*time.Second); err == nil {
			return null, nil
		}
	}
	return false, err
}

// distinct asks for many names once each, blocked ones and then such as are
// nowhere, and reads the memory after each.
func (t *turn) distinct(ctx context.Context, r *running) error {
	for i, step := range []struct {
		names []string
		after *memory
	}{{t.names[:min(len(t.names), t.o.flat)], &t.life.Blocked}, {open(t.o.flat, 99), &t.life.Random}} {
		if len(step.names) == 0 {
			continue
		}
		file := t.path("distinct")
		if err := writeLines(file, "", step.names, "%s A"); err != nil {
			return err
		}
		c, err := t.dnsperf(ctx, r, file, "-n", "1", "-l", seconds(flatTime))
		if err != nil {
			return err
		}
		t.life.Asked[i] = c.Sent - c.Lost
		if *step.after, err = memoryOf(r.Pid()); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%-8s %8d distinct %7.0f/s %6.1f µs lost %d of %d, odd %d, %d MB\n",
			t.s.name, len(t.names), c.Rate, c.CPU, c.Lost, c.Sent, c.Odd, step.after.All>>20)
	}
	return nil
}

// memory is what a process has in memory, in bytes.
type memory struct {
	All  int64 `json:"all"`
	Anon int64 `json:"anon"` // its own, without what files back
}

func memoryOf(pid int) (memory, error) {
	all, _, err := proc.RSS(pid)
	if err != nil {
		return memory{}, err
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, err
	}
	_, rest, _ := strings.Cut(string(data), "RssAnon:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return memory{}, fmt.Errorf("/proc/pid/status: RssAnon: %w", err)
	}
	return memory{All: all, Anon: kb << 10}, nil
}

func median[T cmp.Ordered](v []T) T {
	var zero T
	if len(v) == 0 {
		return zero
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
