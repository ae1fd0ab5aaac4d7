package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

const (
	deleteChunk = 500 // events deleted in one transaction
	// A store above its bound is cut to this part of it, so that it is not
	// cut again at once.
	cutTo = 0.9
)

// tidy keeps the bounds of age and size.
func (w *worker) tidy(ctx context.Context) {
	if w.store == nil {
		return
	}
	if w.l.counts.suspect.Swap(false) && w.inspect(ctx) {
		return
	}
	cutoff := w.l.opts.Now().Add(-w.l.opts.Keep)
	n, err := w.store.deleteOlder(ctx, cutoff)
	if err == nil && n > 0 {
		err = w.store.shrink(ctx)
	}
	if err == nil {
		err = removeAside(w.store.dir, cutoff)
	}
	if err != nil {
		w.troubled(err)
		return
	}
	w.tidySize(ctx)
}

// tidySize keeps the bound of size.
func (w *worker) tidySize(ctx context.Context) {
	w.sinceTidy = 0
	n, err := w.store.fit(ctx, w.l.opts.MaxSize)
	if err != nil {
		w.troubled(err)
	}
	if n > 0 {
		w.l.log.Info("the ledger reached its size; the oldest events were removed", slog.Int64("events", n))
	}
}

// troubled notes that keeping the bounds failed. That alone stops no writing.
func (w *worker) troubled(err error) {
	if damaged(err) {
		w.replace(err)
		return
	}
	w.l.log.Warn("cannot keep the bounds of the ledger", slog.String("reason", plain(err)))
}

// inspect looks at a store that a reader found damaged, and replaces it if it
// is; it reports whether it did.
func (w *worker) inspect(ctx context.Context) bool {
	var verdict string
	err := w.store.w.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	if damaged(err) || err == nil && verdict != "ok" {
		w.replace(err)
		return true
	}
	return false
}

// deleteOlder deletes the events before a time, in small transactions.
func (s *store) deleteOlder(ctx context.Context, before time.Time) (int64, error) {
	return s.deleteSome(ctx, "SELECT id FROM events WHERE time < ? ORDER BY time LIMIT ?", before.UnixMilli())
}

// deleteSome deletes what a query of ids names, chunk by chunk until it names
// nothing. The query's last parameter is the size of a chunk.
func (s *store) deleteSome(ctx context.Context, ids string, args ...any) (int64, error) {
	var all int64
	args = append(args, deleteChunk)
	for {
		res, err := s.w.ExecContext(ctx, "DELETE FROM events WHERE id IN ("+ids+")", args...)
		if err != nil {
			return all, fmt.Errorf("deleting events: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return all, err
		}
		all += n
		if n < deleteChunk {
			return all, nil
		}
	}
}

// fit deletes the oldest events until the store is no larger than max bytes.
func (s *store) fit(ctx context.Context, max int64) (int64, error) {
	size, live, err := s.size(ctx)
	if err != nil || size <= max {
		return 0, err
	}
	var all int64
	for live > int64(float64(max)*cutTo) {
		res, err := s.w.ExecContext(ctx, `DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY time, id
			LIMIT max(16, (SELECT count(*) FROM events) / 20))`)
		if err != nil {
			return all, fmt.Errorf("deleting the oldest events: %w", err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return all, err
		}
		if all += n; n == 0 {
			break
		}
		if _, live, err = s.size(ctx); err != nil {
			return all, err
		}
	}
	return all, s.shrink(ctx)
}

// size returns the bytes of the store on disk, and those that hold something.
func (s *store) size(ctx context.Context) (disk, live int64, err error) {
	var pages, unused, size int64
	for _, p := range []struct {
		name string
		into *int64
	}{{"page_count", &pages}, {"freelist_count", &unused}, {"page_size", &size}} {
		if err := s.w.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(p.into); err != nil {
			return 0, 0, fmt.Errorf("reading the ledger's size: %w", err)
		}
	}
	disk = pages * size
	if st, err := os.Stat(filepath.Join(s.dir, fileName+"-wal")); err == nil {
		disk += st.Size()
	}
	return disk, (pages - unused) * size, nil
}

// shrink gives unused pages back and cuts the WAL, as far as readers let it.
func (s *store) shrink(ctx context.Context) error {
	rows, err := s.w.QueryContext(ctx, "PRAGMA incremental_vacuum")
	if err != nil {
		return fmt.Errorf("giving pages back: %w", err)
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		rows.Close()
		return fmt.Errorf("giving pages back: %w", err)
	}
	rows.Close()
	_, err = s.checkpoint(ctx)
	return err
}

// checkpoint moves the WAL into the file and cuts it to nothing; whole is
// false if a reader was in the way.
func (s *store) checkpoint(ctx context.Context) (whole bool, err error) {
	var busy, log, done int
	if err := s.w.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &done); err != nil {
		return false, fmt.Errorf("cutting the ledger's journal: %w", err)
	}
	return busy == 0, nil
}
