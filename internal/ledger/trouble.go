package ledger

import (
	"context"
	"log/slog"
)

// stall notes that the store cannot be written now and when to try again.
func (w *worker) stall(err error) error {
	if w.l.counts.fail(err, w.l.opts.Now()) {
		w.l.log.Error("the ledger cannot be written; traffic goes on, events may be lost", slog.String("reason", plain(err)))
	}
	w.stalled = true
	w.retryAt.Reset(w.backoff)
	w.backoff = min(w.backoff*2, lastRetry)
	return err
}

// recovered notes that the store can be written.
func (w *worker) recovered() {
	w.stalled, w.backoff = false, firstRetry
	w.retryAt.Stop()
	if w.l.counts.heal() {
		w.l.log.Info("the ledger can be written again", slog.Int64("lost", w.l.Stats().Lost.Total()))
	}
}

// retry tries again to open and write, and goes on with the queue if it can.
func (w *worker) retry() {
	if w.attempt() == nil {
		w.consume()
	}
}

func (w *worker) attempt() error {
	if w.store == nil {
		if err := w.reopen(context.Background()); err != nil {
			return err
		}
		w.recovered()
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.recovered()
	return nil
}

// reopen opens the store; one that is damaged is moved aside first. Unless ctx
// ended, a failure is tried again later.
func (w *worker) reopen(ctx context.Context) error {
	s, err := openStore(ctx, w.l.opts.dir())
	if damaged(err) && w.aside(err) {
		s, err = openStore(ctx, w.l.opts.dir())
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return err // nothing is wrong with the store
	case err != nil:
		return w.stall(err)
	}
	w.store = s
	w.l.setStore(s)
	return nil
}

// replace moves the open store aside, which proved damaged, and begins another.
func (w *worker) replace(err error) bool {
	w.l.setStore(nil)
	w.store.close()
	w.store = nil
	clear(w.raised) // their events are in the old one
	for _, r := range w.pending {
		r.event.ID = 0
	}
	w.fold.reset()
	return w.aside(err) && w.reopen(context.Background()) == nil
}

func (w *worker) aside(cause error) bool {
	now := w.l.opts.Now()
	name, err := moveAside(w.l.opts.dir(), now)
	if err != nil {
		w.l.log.Error("the ledger is damaged and cannot be moved aside", slog.String("reason", plain(err)))
		return false
	}
	w.l.counts.replace(now)
	w.l.log.Error("THE LEDGER IS DAMAGED: it was moved aside and a new one begun",
		slog.String("file", name), slog.String("reason", plain(cause)))
	return true
}
