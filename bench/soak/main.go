//go:build linux

// Command soak loads Quench for a long time through a bad network and watches
// whether it keeps anything that it should let go: goroutines, descriptors,
// memory; and whether it loses events without counting them. It prints a line
// a sample and what it found; it fails, and says why, if anything is kept that
// was not there before the load, if memory grew, if an event was lost
// uncounted, or if a broken answer looked whole.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/load"
	"github.com/quench-proxy/quench/bench/origin"
)

const (
	maxFor     = 12 * time.Hour
	maxWorkers = 256
	samples    = 180 // lines of the log, if they are not nearer than a second
	// thickFrom is how long a run must be for each fault to have struck each
	// protocol, also on a machine that is busy with something else.
	thickFrom = 10 * time.Minute
)

// plan is how to load.
type plan struct {
	dur     time.Duration
	workers int
	pause   time.Duration
	seed    uint64
	keep    string   // a folder for what the service wrote; "" keeps nothing
	env     []string // of the service, for tests
}

func main() {
	var p plan
	flag.DurationVar(&p.dur, "for", 3*time.Minute, "how long to load, at most 12h")
	flag.IntVar(&p.workers, "workers", 24, "how many clients, at most 256")
	flag.DurationVar(&p.pause, "pause", 40*time.Millisecond, "between two requests of a client, on average")
	flag.Uint64Var(&p.seed, "seed", 1, "of faults and requests")
	flag.StringVar(&p.keep, "keep", "", "leave the service's log and last profiles in the folder `DIR`")
	log.SetOutput(io.Discard) // the origin's, about connections that faults ended
	quiet := flag.Bool("q", false, "print the findings alone")
	flag.Parse()
	if p.dur <= 0 || p.dur > maxFor || p.workers < 1 || p.workers > maxWorkers || p.pause < 0 {
		fmt.Fprintln(os.Stderr, "soak: at most 12h and 256 workers, and some of both")
		os.Exit(2)
	}
	lines := io.Writer(os.Stdout)
	if *quiet {
		lines = io.Discard
	}
	b := usual
	b.thick = p.dur >= thickFrom
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := soak(ctx, os.Stdout, lines, p, b)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	fmt.Println("# nothing leaked, nothing lost uncounted, memory flat")
}

// soak runs p and returns what broke b. Samples go to lines, findings to w.
func soak(ctx context.Context, w, lines io.Writer, p plan, b bounds) error {
	dir, clear, err := room(p.keep)
	if err != nil {
		return err
	}
	defer clear()
	files, err := origin.WriteCerts(dir)
	if err != nil {
		return err
	}
	site, err := origin.Start(files)
	if err != nil {
		return err
	}
	defer site.Close()
	svc, err := startService(ctx, dir, files, p.env)
	if svc != nil && svc.Proc != nil {
		defer svc.Stop()
	}
	if err != nil {
		return err
	}
	t := &tally{}
	start, err := warm(ctx, w, svc, site, t)
	if err != nil {
		return errors.Join(fmt.Errorf("before the load: %w", err), svc.last())
	}
	n, err := lay(site.Addrs(), p.seed, true)
	if err != nil {
		return err
	}
	defer n.close()
	fmt.Fprintf(w, "# %s: %v of load by %d clients, seed %d\n", time.Now().UTC().Format(time.RFC3339), p.dur, p.workers, p.seed)
	fmt.Fprintln(lines, "# time_s goroutines fds rss_mb heap_mb asked whole error_pages broke gave_up wrong hits_answered lost")
	line(ctx, lines, 0, svc, start, t)
	memory, err := press(ctx, lines, p, &mix{svc: svc, net: n, pause: p.pause, t: t})
	if err != nil {
		return fmt.Errorf("under load: %w", err)
	}
	return judge(ctx, w, svc, n, t, start, memory, b)
}

// room returns a folder for a run, and what is to be done with it afterwards.
func room(keep string) (dir string, clear func(), err error) {
	if keep == "" {
		dir, err = os.MkdirTemp("", "soak-")
		return dir, func() { _ = os.RemoveAll(dir) }, err
	}
	if dir, err = filepath.Abs(keep); err != nil {
		return "", nil, err
	}
	return dir, func() {}, os.MkdirAll(dir, 0o700)
}

// warm asks for one thing of each kind over a network without faults, so that
// what the service opens once and keeps is open, and returns what it holds
// when the last of those connections has gone.
func warm(ctx context.Context, w io.Writer, svc *service, site *origin.Site, t *tally) (reading, error) {
	cold, err := still(ctx, svc)
	if err != nil {
		return reading{}, err
	}
	n, err := lay(site.Addrs(), 0, false)
	if err != nil {
		return reading{}, err
	}
	m := &mix{svc: svc, net: n, t: t}
	for _, h2 := range []bool{false, true} {
		c := load.Client{Proxy: svc.proxy, Roots: svc.roots, H2: h2}.New()
		for _, p := range protocols {
			m.get(ctx, c, n.bases[p][0]+"/1k", 1<<10, time.Minute)
			m.upload(ctx, c, n.bases[p][0], 1)
		}
		m.hit(ctx, c, rand.New(rand.NewPCG(0, 0)))
		c.CloseIdleConnections()
	}
	n.close()
	if asked, whole := t.asked.Load(), t.whole.Load(); asked != whole {
		return reading{}, fmt.Errorf("%d of %d answers were whole", whole, asked)
	}
	if _, _, err := svc.stored(ctx); err != nil {
		return reading{}, err
	}
	if _, err := svc.counters(ctx); err != nil {
		return reading{}, err
	}
	r, err := still(ctx, svc)
	if err != nil {
		return r, err
	}
	fmt.Fprintf(w, "# opened by the first request of each kind and kept: %s\n", strings.Join(r.beyond(cold), "; "))
	lean, err := svc.collect()
	r.rss, r.heap = lean.rss, lean.heap
	return r, err
}

// press runs the clients and returns the memory seen meanwhile.
func press(ctx context.Context, w io.Writer, p plan, m *mix) (memory []int64, err error) {
	loadCtx, cancel := context.WithTimeout(ctx, p.dur)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range p.workers {
		wg.Go(func() { m.worker(loadCtx, p.seed+uint64(i)) })
	}
	begin := time.Now()
	tick := time.NewTicker(max(time.Second, p.dur/samples))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r, err := m.svc.read()
			if err != nil {
				cancel()
				return memory, errors.Join(err, m.svc.last())
			}
			memory = append(memory, r.rss)
			line(ctx, w, time.Since(begin), m.svc, r, m.t)
		case <-loadCtx.Done():
			return memory, ctx.Err()
		}
	}
}

func line(ctx context.Context, w io.Writer, at time.Duration, svc *service, r reading, t *tally) {
	c, _ := svc.counters(ctx)
	fmt.Fprintf(w, "%6.0f %5d %5d %5d %5d %8d %8d %6d %6d %6d %3d %8d %d\n", at.Seconds(), r.goroutines.sum(), r.fds.sum(), r.rss>>20, r.heap>>20,
		t.asked.Load(), t.whole.Load(), t.pages.Load(), t.broke.Load(), t.gaveUp.Load(), t.wrong.Load(), t.hitsAnswered.Load(), c.lost())
}
