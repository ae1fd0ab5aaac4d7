//go:build linux

// Command soak loads Quench for a long time through a bad network and watches
// whether it keeps anything that it should let go: goroutines, descriptors,
// memory; and whether it loses events without counting them. It prints a line
// a sample and what it found; it fails if something leaked or was lost, or if
// a broken answer looked whole.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/faults"
	"github.com/quench-proxy/quench/bench/origin"
)

const (
	maxFor      = 12 * time.Hour
	maxWorkers  = 256
	memorySpan  = 32 << 20         // bytes by which memory may grow
	settleTime  = 3 * time.Minute  // for timeouts and idle connections to run out
	settleExtra = 8                // goroutines and descriptors above those at the start
	sampleEvery = 10 * time.Second // between two lines of the log
)

// weights: two in three connections are well.
var weights = [faults.FaultsLen]int{faults.None: 20, faults.Late: 3, faults.Slow: 2, faults.Reset: 2, faults.Cut: 2,
	faults.Silent: 1, faults.HalfOpen: 1, faults.Refused: 1}

func main() {
	dur := flag.Duration("for", 3*time.Minute, "how long to load, at most 12h")
	workers := flag.Int("workers", 24, "how many clients, at most 256")
	pause := flag.Duration("pause", 40*time.Millisecond, "between two requests of a client, on average")
	seed := flag.Uint64("seed", 1, "of faults and requests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *dur > maxFor || *workers > maxWorkers {
		fmt.Fprintln(os.Stderr, "soak: at most 12h and 256 workers")
		os.Exit(2)
	}
	if err := soak(ctx, os.Stdout, *dur, *workers, *pause, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func soak(ctx context.Context, w io.Writer, dur time.Duration, workers int, pause time.Duration, seed uint64) error {
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := origin.WriteCerts(dir)
	if err != nil {
		return err
	}
	site, err := origin.Start(files)
	if err != nil {
		return err
	}
	defer site.Close()
	svc, err := startService(ctx, dir, files)
	if svc != nil && svc.Proc != nil {
		defer svc.Stop()
	}
	if err != nil {
		return err
	}
	bad, bases, err := badWays(site.Addrs(), seed)
	for _, l := range bad {
		defer l.Close()
	}
	if err != nil {
		return err
	}
	start, err := svc.read()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "# %s: %v of load by %d clients, seed %d\n", time.Now().UTC().Format(time.RFC3339), dur, workers, seed)
	fmt.Fprintln(w, "# time_s goroutines fds rss_mb heap_mb asked whole error_pages broke gave_up wrong hits_answered lost")
	t := &tally{}
	line(ctx, w, 0, svc, start, t)
	memory := press(ctx, w, dur, workers, seed, &mix{svc: svc, bases: bases, pause: pause, t: t})
	return judge(ctx, w, svc, t, bad, start, memory)
}

// badWays puts a bad network before each listener of the origin.
func badWays(a origin.Addrs, seed uint64) (bad []*faults.Listener, bases []string, err error) {
	for i, base := range []string{a.Plain, a.H1, a.H2} {
		scheme, addr, _ := strings.Cut(base, "://localhost")
		l, err := faults.Listen("127.0.0.1"+addr, weights, seed+uint64(i))
		if err != nil {
			return bad, nil, err
		}
		bad = append(bad, l)
		bases = append(bases, scheme+"://localhost"+strings.TrimPrefix(l.Addr(), "127.0.0.1"))
	}
	return bad, bases, nil
}

// press runs the clients for dur and returns the memory seen meanwhile.
func press(ctx context.Context, w io.Writer, dur time.Duration, workers int, seed uint64, m *mix) (memory []int64) {
	loadCtx, cancel := context.WithTimeout(ctx, dur)
	defer cancel()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { m.worker(loadCtx, seed+uint64(i)) })
	}
	begin := time.Now()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for loadCtx.Err() == nil {
		select {
		case <-tick.C:
			r, err := m.svc.read()
			if err != nil {
				fmt.Fprintln(w, "# the service is gone:", err)
				cancel()
				break
			}
			memory = append(memory, r.rss)
			line(ctx, w, time.Since(begin), m.svc, r, m.t)
		case <-loadCtx.Done():
		}
	}
	wg.Wait()
	return memory
}

func line(ctx context.Context, w io.Writer, at time.Duration, svc *service, r reading, t *tally) {
	c, _ := svc.counters(ctx)
	fmt.Fprintf(w, "%6.0f %5d %5d %5d %5d %8d %8d %6d %6d %6d %3d %8d %d\n", at.Seconds(), r.goroutines, r.fds, r.rss>>20, r.heap>>20,
		t.asked.Load(), t.whole.Load(), t.pages.Load(), t.broke.Load(), t.gaveUp.Load(), t.wrong.Load(), t.hitsAnswered.Load(), c.lost())
}

// judge waits until the service has calmed down and says what it found.
func judge(ctx context.Context, w io.Writer, svc *service, t *tally, bad []*faults.Listener, start reading, memory []int64) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, l := range bad {
		_ = l.Close() // the network is quiet now
		fmt.Fprint(w, "# connections by fault:")
		for f, n := range l.Counts() {
			fmt.Fprintf(w, " %s %d", faults.Fault(f), n)
		}
		fmt.Fprintln(w)
	}
	end, after, err := settle(ctx, svc, start)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "# %v after the load: %d goroutines (%d before it), %d descriptors (%d), %d MB (%d)\n", after.Round(time.Second),
		end.goroutines, start.goroutines, end.fds, start.fds, end.rss>>20, start.rss>>20)
	if end.goroutines > start.goroutines+settleExtra || end.fds > start.fds+settleExtra {
		fail("goroutines or descriptors leaked")
		_ = svc.Signal(syscall.SIGUSR2)
		<-time.After(time.Second)
		stacks, _ := os.ReadFile(svc.stats + ".stacks")
		fmt.Fprintf(os.Stderr, "%s\n", stacks)
	}
	if early, late := drift(memory); late-early > memorySpan {
		fail("memory grew from %d to %d MB", early>>20, late>>20)
	} else {
		fmt.Fprintf(w, "# memory: median of the first quarter %d MB, of the last %d MB, highest %d MB\n", early>>20, late>>20, slices.Max(append(memory, 0))>>20)
	}
	if n := t.wrong.Load(); n > 0 {
		fail("%d answers looked whole and were not", n)
	}
	return errors.Join(append(errs, events(ctx, w, svc, t))...)
}

// settle waits until goroutines and descriptors are as few as at the start, or
// settleTime is over.
func settle(ctx context.Context, svc *service, start reading) (reading, time.Duration, error) {
	begin := time.Now()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		r, err := svc.read()
		calm := r.goroutines <= start.goroutines+settleExtra && r.fds <= start.fds+settleExtra
		if err != nil || calm || time.Since(begin) > settleTime {
			return r, time.Since(begin), err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, time.Since(begin), ctx.Err()
		}
	}
}

// events wants each hit that was answered to be in the store or counted as
// lost, and the store to hold what the counters say.
func events(ctx context.Context, w io.Writer, svc *service, t *tally) error {
	stored, hits, err := svc.stored(ctx) // waits until all is written
	if err != nil {
		return err
	}
	c, err := svc.counters(ctx)
	if err != nil {
		return err
	}
	accounted := c.Written + c.Folded + c.Deduped + c.lost() + c.Queued
	fmt.Fprintf(w, "# hits: %d sent, %d answered; ledger: %d written, %d folded, %d the same again, %d lost and counted, %d queued; store: %d events of %d hits\n",
		t.hitsSent.Load(), t.hitsAnswered.Load(), c.Written, c.Folded, c.Deduped, c.lost(), c.Queued, stored, hits)
	switch {
	case accounted < t.hitsAnswered.Load():
		return fmt.Errorf("%d hits were answered, %d accounted for", t.hitsAnswered.Load(), accounted)
	case stored != c.Written || hits != c.Written+c.Folded:
		return fmt.Errorf("the store holds %d events of %d hits, the counters say %d of %d", stored, hits, c.Written, c.Written+c.Folded)
	}
	return nil
}

// drift returns the median of the first and of the last quarter.
func drift(v []int64) (early, late int64) {
	if len(v) == 0 {
		return 0, 0
	}
	n := max(1, len(v)/4)
	mid := func(v []int64) int64 {
		v = slices.Sorted(slices.Values(v))
		return v[len(v)/2]
	}
	return mid(v[:n]), mid(v[len(v)-n:])
}
