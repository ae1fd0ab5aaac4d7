package ledger

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	maxBatch      = 256                    // events in one transaction
	maxDelay      = 200 * time.Millisecond // an event waits at most this long for others
	firstRetry    = 250 * time.Millisecond
	lastRetry     = 30 * time.Second
	tidyEvery     = 10 * time.Minute
	tidyAfter     = 512 // events written
	maxPerHit     = 64  // verdicts of one sighting that are kept; the rest is counted as lost
	closeAttempts = 2
)

var errNotOpen = errors.New("the ledger is not open")

// command is something the worker does between two batches.
type command struct {
	ctx  context.Context
	run  func(context.Context, *worker) error
	done chan error // has room for one
}

// worker is the one goroutine that writes. Its fields are its own.
type worker struct {
	l     *Ledger
	store *store

	items []item // taken from the queue, those before next are done
	next  int

	pending    []*row
	raised     map[int64]int // counts of written events
	spentItems int           // of the queue, to be freed by the next flush
	spentBytes int64

	hits *window[first]
	fold *window[*folded]

	stalled   bool // the store cannot be written: leave the queue alone
	backoff   time.Duration
	sinceTidy int

	flushAt, retryAt *time.Timer
	flushSet         bool
}

func newWorker(l *Ledger) *worker {
	w := &worker{l: l, raised: map[int64]int{}, backoff: firstRetry,
		hits: newWindow[first](dedupeTime), fold: newWindow[*folded](foldTime),
		flushAt: time.NewTimer(time.Hour), retryAt: time.NewTimer(time.Hour)}
	w.flushAt.Stop()
	w.retryAt.Stop()
	return w
}

func (w *worker) run() {
	defer close(w.l.done)
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	defer w.flushAt.Stop()
	defer w.retryAt.Stop()
	w.tidy(context.Background())
	for {
		wakeup := w.l.queue.wakeup
		if w.stalled {
			wakeup = nil
		}
		select {
		case <-wakeup:
			w.consume()
		case <-w.flushAt.C:
			w.flushSet = false
			w.flush()
		case <-w.retryAt.C:
			w.retry()
		case <-tick.C:
			w.tidy(context.Background())
		case c := <-w.l.commands:
			c.done <- c.run(c.ctx, w)
		case <-w.l.closing:
			w.finish()
			return
		}
	}
}

// do has the worker run f and waits for it.
func (l *Ledger) do(ctx context.Context, f func(context.Context, *worker) error) error {
	c := command{ctx, f, make(chan error, 1)}
	select {
	case l.commands <- c:
	case <-l.done:
		return errNotOpen
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-c.done // f heeds ctx
}

// consume works off what is queued, until the store fails.
func (w *worker) consume() {
	if w.next == len(w.items) {
		w.l.queue.give(w.items)
		w.items, w.next = w.l.queue.take(), 0
	} else {
		w.l.queue.wake() // for what came behind the rest of an earlier round
	}
	for w.next < len(w.items) && !w.stalled && !w.abandoned() {
		w.add(&w.items[w.next])
		w.next++
		if len(w.pending) >= maxBatch {
			w.flush()
		}
	}
	if len(w.pending) == 0 && len(w.raised) == 0 {
		w.free()
	} else if !w.flushSet && !w.stalled {
		w.flushAt.Reset(maxDelay)
		w.flushSet = true
	}
}

func (w *worker) abandoned() bool {
	select {
	case <-w.l.abandon:
		return true
	default:
		return false
	}
}

// add turns an item into rows.
func (w *worker) add(it *item) {
	w.spentItems++
	w.spentBytes += it.size
	if it.note != nil {
		w.admit(*it.note, it.note.Dedupe)
		return
	}
	verdicts := w.explained(&it.seen)
	if n := len(verdicts) - maxPerHit; n > 0 {
		w.l.counts.lostExpl.Add(int64(n))
		verdicts = verdicts[:maxPerHit]
	}
	for i := range verdicts {
		w.admit(eventOf(&it.seen, &verdicts[i]), verdicts[i].Dedupe)
	}
}

// explained asks the Set that decided; a panic in it costs one sighting.
func (w *worker) explained(s *Sighting) (v []detect.Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = nil
			w.l.counts.lostExpl.Add(1)
			w.l.log.Error("cannot explain a hit", slog.String("rule", ruleName(s)))
		}
	}()
	return w.l.explain(*s)
}

func ruleName(s *Sighting) (name string) {
	defer func() {
		if recover() != nil {
			name = "unknown"
		}
	}()
	return s.Set.RuleName(s.Decision.Rule)
}

// admit redacts an event and makes it a row, unless it is one already.
func (w *worker) admit(e Event, dedupe string) {
	e.Time = stamp(orElse(e.Time, w.l.opts.Now()))
	e = redacted(w.l.opts.Detail, w.store.key, e)
	if again(w.hits, dedupe, &e) {
		w.l.counts.deduped.Add(1)
		return
	}
	key := foldKey(&e)
	if f, ok := w.fold.get(key, e.Time); ok {
		w.l.counts.folded.Add(1)
		f.count += e.Count
		if f.row != nil {
			f.row.event.Count = f.count
		} else {
			w.raised[f.id] = f.count
		}
		return
	}
	r := &row{event: e, fold: &folded{count: e.Count}}
	r.fold.row = r
	w.fold.put(key, e.Time, r.fold)
	w.pending = append(w.pending, r)
}

// flush writes what is pending.
func (w *worker) flush() error {
	if len(w.pending) == 0 && len(w.raised) == 0 {
		w.free()
		return nil
	}
	if w.store == nil {
		return errNotOpen // reopen has said why, and when to try again
	}
	err := w.store.write(w.pending, w.raised)
	if damaged(err) && w.replace(err) {
		err = w.store.write(w.pending, w.raised)
	}
	if err != nil {
		return w.stall(err)
	}
	w.committed()
	return nil
}

// committed tells of the rows that are now in the store.
func (w *worker) committed() {
	c := &w.l.counts
	c.written.Add(int64(len(w.pending)))
	for i, r := range w.pending {
		r.fold.id, r.fold.row = r.event.ID, nil
		c.missed.Add(w.l.followers.publish(&r.event))
		w.pending[i] = nil
	}
	w.sinceTidy += len(w.pending)
	w.pending = w.pending[:0]
	clear(w.raised)
	w.free()
	w.recovered()
	if w.sinceTidy >= tidyAfter {
		w.tidySize(context.Background())
	}
}

func (w *worker) free() {
	if w.spentItems == 0 {
		return
	}
	w.l.queue.free(w.spentItems, w.spentBytes)
	w.spentItems, w.spentBytes = 0, 0
}

// catchUp works off everything that is queued now.
func (w *worker) catchUp() error {
	if w.stalled {
		if err := w.attempt(); err != nil {
			return err
		}
	}
	w.consume() // the rest of what was taken before
	w.consume()
	if w.stalled {
		return errNotOpen
	}
	return w.flush()
}

// finish works off the queue for the last time and closes everything.
func (w *worker) finish() {
	for range closeAttempts {
		if w.abandoned() || w.catchUp() == nil {
			break
		}
	}
	w.l.counts.lostDisk.Add(int64(len(w.pending)) + int64(len(w.items)-w.next) + int64(len(w.l.queue.take())))
	w.l.followers.close()
	if w.store != nil {
		w.l.setStore(nil)
		if err := w.store.close(); err != nil {
			w.l.log.Warn("closing the ledger failed", slog.String("reason", plain(err)))
		}
	}
}
