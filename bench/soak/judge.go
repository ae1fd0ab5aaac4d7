//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/bench/faults"
)

// bounds are what a run must keep.
type bounds struct {
	// settle is how long goroutines and descriptors may take to be as many as
	// before: the longest timeout of the service, and room for a slow machine.
	settle time.Duration
	// memory is by how many bytes the median of the last quarter of a run may be
	// above that of the second, and what is live afterwards above what was live
	// before it. In the first quarter the load and its memory still rise.
	memory int64
	// thick wants each fault to have struck each protocol; else any will do.
	thick bool
}

var usual = bounds{settle: 5 * time.Minute, memory: 32 << 20}

const (
	stillTimes = 4 // equal readings in a row that make a state
	stillTime  = 500 * time.Millisecond
)

// still waits until the service does nothing and returns what it holds then.
func still(ctx context.Context, svc *service) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(stillTime)
	defer tick.Stop()
	last, err := svc.read()
	for same := 1; same < stillTimes; {
		if err != nil {
			return last, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, fmt.Errorf("the service does not become still: %w", ctx.Err())
		}
		var r reading
		if r, err = svc.read(); len(r.beyond(last)) == 0 && len(last.beyond(r)) == 0 {
			same++
		} else {
			same = 1
		}
		last = r
	}
	return last, err
}

// settled waits until the service holds no more than at the start. It returns
// what it held last, and how long that took.
func settled(ctx context.Context, svc *service, start reading, most time.Duration) (reading, time.Duration, error) {
	begin := time.Now()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		r, err := svc.read()
		if took := time.Since(begin); err != nil || len(r.beyond(start)) == 0 || took > most {
			return r, took, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, time.Since(begin), ctx.Err()
		}
	}
}

// judge waits until the service has calmed down and says what it found. The
// bad network stays as it is: the service must let go by itself.
func judge(ctx context.Context, w io.Writer, svc *service, n *network, t *tally, start reading, memory []int64, b bounds) error {
	var errs []error
	met := n.counts()
	for _, p := range protocols {
		fmt.Fprintf(w, "# %s connections to sites:%s\n", p, met[p])
	}
	fmt.Fprintf(w, "# answers: %d asked, %d whole, %d error pages, %d broken, %d given up, %d wrong; %d tunnels left half open\n",
		t.asked.Load(), t.whole.Load(), t.pages.Load(), t.broke.Load(), t.gaveUp.Load(), t.wrong.Load(), t.abandoned.Load())
	errs = append(errs, thick(met, b.thick)...)
	end, took, err := settled(ctx, svc, start, b.settle)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "# %v after the load: %d goroutines (%d before it), %d descriptors (%d)\n", took.Round(time.Second),
		end.goroutines.sum(), start.goroutines.sum(), end.fds.sum(), start.fds.sum())
	if more := end.beyond(start); len(more) > 0 {
		errs = append(errs, fmt.Errorf("leaked: %v after the load there are %s", took.Round(time.Second), strings.Join(more, "; ")))
	}
	lean, err := svc.collect()
	if err != nil {
		return err
	}
	errs = append(errs, flat(w, memory, b.memory), held(w, start, lean, b.memory), answers(t))
	panicked, err := svc.said("handler panicked")
	if err != nil {
		return err
	}
	if panicked > 0 {
		errs = append(errs, fmt.Errorf("%d handlers panicked", panicked))
	}
	return errors.Join(append(errs, events(ctx, w, svc, t))...)
}

// thick wants each fault to have struck a connection, and if each is set, one
// of each protocol.
func thick(met map[string]met, each bool) (errs []error) {
	for f := range faults.FaultsLen {
		var total int64
		for _, p := range protocols {
			total += met[p][f]
			if each && met[p][f] == 0 {
				errs = append(errs, fmt.Errorf("the load was too thin: no %s connection met %s", p, f))
			}
		}
		if total == 0 && !each {
			errs = append(errs, fmt.Errorf("the load was too thin: no connection met %s", f))
		}
	}
	return errs
}

// answers wants none that lied, and some that were whole.
func answers(t *tally) error {
	if n := t.wrong.Load(); n > 0 {
		return fmt.Errorf("%d answers looked whole and were not", n)
	}
	if asked, whole := t.asked.Load(), t.whole.Load(); whole*2 < asked || whole == 0 {
		return fmt.Errorf("of %d answers only %d were whole", asked, whole)
	}
	return nil
}

// flat wants the memory in the last quarter to be that of the second.
func flat(w io.Writer, memory []int64, most int64) error {
	if len(memory) < 4 {
		return fmt.Errorf("memory was looked at %d times, which tells nothing", len(memory))
	}
	q := quarters(memory)
	fmt.Fprintf(w, "# memory: medians of the quarters %d, %d, %d, %d MB, highest %d MB\n", q[0]>>20, q[1]>>20, q[2]>>20, q[3]>>20, slices.Max(memory)>>20)
	if q[3]-q[1] > most {
		return fmt.Errorf("memory grew from %d to %d MB, by more than %d MB", q[1]>>20, q[3]>>20, most>>20)
	}
	return nil
}

// quarters returns the median of each quarter of v, which has four or more.
func quarters(v []int64) (q [4]int64) {
	for i := range q {
		part := slices.Sorted(slices.Values(v[i*len(v)/4 : (i+1)*len(v)/4]))
		q[i] = part[len(part)/2]
	}
	return q
}

// held wants what is live when all has gone and the garbage with it to be what
// was live before the load.
func held(w io.Writer, start, end reading, most int64) error {
	fmt.Fprintf(w, "# memory afterwards, garbage collected: %d MB live (%d before the load), %d MB resident (%d)\n", end.heap>>20, start.heap>>20, end.rss>>20, start.rss>>20)
	if end.heap-start.heap > most {
		return fmt.Errorf("live memory grew from %d to %d MB, by more than %d MB", start.heap>>20, end.heap>>20, most>>20)
	}
	return nil
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
	fmt.Fprintf(w, "# hits: %d sent, %d answered; ledger: %d written, %d folded, %d the same again, %d lost and counted, %d queued; store: %d events of %d hits\n",
		t.hitsSent.Load(), t.hitsAnswered.Load(), c.Written, c.Folded, c.Deduped, c.lost(), c.Queued, stored, hits)
	return account(t.hitsAnswered.Load(), c, stored, hits)
}

func account(answered int64, c counters, stored, hits int64) error {
	accounted := c.Written + c.Folded + c.Deduped + c.lost() + c.Queued
	switch {
	case accounted < answered:
		return fmt.Errorf("%d hits were answered, %d accounted for", answered, accounted)
	case stored != c.Written || hits != c.Written+c.Folded:
		return fmt.Errorf("the store holds %d events of %d hits, the counters say %d of %d", stored, hits, c.Written, c.Written+c.Folded)
	}
	return nil
}
