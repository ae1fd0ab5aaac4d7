package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	eraseRetry = 50 * time.Millisecond
	eraseWait  = 10 * time.Second // for readers of other programs to finish
	// A store above this size is rebuilt by way of a file, not of memory.
	rebuildInMemory = 64 << 20
)

// EraseFilter chooses what is erased. Several conditions must all hold.
type EraseFilter struct {
	// All erases every event and also makes a new link key.
	All bool
	// Before erases what is older than a time.
	Before time.Time
	// Site erases every event that names this host or one below it anywhere:
	// as page, as referrer, as target, in a field or in the sentence.
	Site string
	// Client erases one client's events.
	Client string
}

// Erase erases events so that no trace of them is left in the ledger's files:
// rows, indexes, journal and freed pages, and what waits to be written. Damaged
// stores that were moved aside are removed whatever the filter, since nobody
// can tell what is in them. It returns how many events there were. If err is
// not nil events may be gone already, but traces of them may be left.
func (l *Ledger) Erase(ctx context.Context, f EraseFilter) (int64, error) {
	f.Site = strings.ToLower(strings.Trim(f.Site, ". "))
	if !f.All && f.Before.IsZero() && f.Site == "" && f.Client == "" {
		return 0, errors.New("cannot erase: nothing chosen")
	}
	if f.All {
		f = EraseFilter{All: true}
	}
	var n int64
	err := l.do(ctx, func(ctx context.Context, w *worker) error {
		var err error
		n, err = w.erase(ctx, &f)
		return err
	})
	return n, err
}

func (w *worker) erase(ctx context.Context, f *EraseFilter) (int64, error) {
	if err := w.catchUp(); err != nil {
		return 0, fmt.Errorf("cannot erase: %s", plain(err))
	}
	w.hits.reset()
	w.fold.reset()
	n, err := w.store.erase(ctx, f)
	if err != nil {
		return n, fmt.Errorf("erasing events: %w", err)
	}
	if err := w.store.wipe(ctx); err != nil {
		return n, fmt.Errorf("%d events are erased, but traces of them may be left on the disk: %w", n, err)
	}
	if err := removeAside(w.store.dir, w.l.opts.Now().Add(1<<62)); err != nil {
		return n, fmt.Errorf("%d events are erased, but not a damaged ledger moved aside earlier: %w", n, err)
	}
	if f.All {
		return n, w.newKey()
	}
	return n, nil
}

// newKey replaces the link key, so that nothing links to what was erased.
func (w *worker) newKey() error {
	file := filepath.Join(w.store.dir, keyName)
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("replacing the link key: %w", err)
	}
	key, err := linkKey(file)
	if err != nil {
		return fmt.Errorf("replacing the link key: %w", err)
	}
	w.store.key = key
	return nil
}

func (s *store) erase(ctx context.Context, f *EraseFilter) (int64, error) {
	terms, args := []string{"1"}, []any(nil)
	if !f.Before.IsZero() {
		terms, args = append(terms, "time < ?"), append(args, f.Before.UnixMilli())
	}
	if f.Client != "" {
		terms, args = append(terms, "client = ?"), append(args, f.Client)
	}
	if f.Site == "" {
		return s.deleteSome(ctx, "SELECT id FROM events WHERE "+strings.Join(terms, " AND ")+" LIMIT ?", args...)
	}
	ids, err := s.naming(ctx, f.Site, strings.Join(terms, " AND "), args)
	if err != nil {
		return 0, err
	}
	return s.deleteIDs(ctx, ids)
}

// naming returns the ids of events that name site anywhere. SQL finds the text
// and Go tells shop.example from myshop.example.
func (s *store) naming(ctx context.Context, site, where string, args []any) ([]int64, error) {
	const all = `lower(host || char(10) || url || char(10) || page || char(10) || doc || char(10) ||
		coalesce((SELECT group_concat(label || char(10) || value, char(10)) FROM disclosed WHERE event = id), ''))`
	rows, err := s.w.QueryContext(ctx, "SELECT id, "+all+" AS words FROM events WHERE "+where+" AND instr(words, ?) > 0",
		append(args, site)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		var words string
		if err := rows.Scan(&id, &words); err != nil {
			return nil, err
		}
		if mentions(words, site) {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}

// mentions reports whether text names host or a name below it. Both are lower case.
func mentions(text, host string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], host)
		if i < 0 {
			return false
		}
		i += at
		end := i + len(host)
		if (i == 0 || !nameByte(text[i-1]) || text[i-1] == '.' || i >= 3 && text[i-3] == '%' || i >= 2 && text[i-2] == '\\') && !goesOn(text[end:]) {
			return true
		}
		at = i + 1
	}
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// goesOn reports whether a host name goes on with rest.
func goesOn(rest string) bool {
	return rest != "" && (nameByte(rest[0]) || rest[0] == '.' && len(rest) > 1 && nameByte(rest[1]))
}

func (s *store) deleteIDs(ctx context.Context, ids []int64) (int64, error) {
	var all int64
	for len(ids) > 0 {
		n := min(len(ids), deleteChunk)
		args := make([]any, n)
		for i, id := range ids[:n] {
			args[i] = id
		}
		res, err := s.w.ExecContext(ctx, "DELETE FROM events WHERE id IN (?"+strings.Repeat(",?", n-1)+")", args...)
		if err != nil {
			return all, err
		}
		gone, err := res.RowsAffected()
		if err != nil {
			return all, err
		}
		all += gone
		ids = ids[n:]
	}
	return all, nil
}

// wipe rebuilds the store without what was deleted. secure_delete overwrites
// deleted rows, but a row that was moved between pages before can have left a
// copy behind; only a rebuilt file is free of those.
func (s *store) wipe(ctx context.Context) error {
	size, _, err := s.size(ctx)
	if err != nil {
		return err
	}
	if err := s.emptyJournal(ctx); err != nil {
		return err
	}
	if size > rebuildInMemory {
		// The temporary file holds only what is kept, and is gone at once.
		if _, err := s.w.ExecContext(ctx, "PRAGMA temp_store = 1"); err != nil {
			return err
		}
		defer s.w.ExecContext(context.WithoutCancel(ctx), "PRAGMA temp_store = 2")
	}
	if _, err := s.w.ExecContext(ctx, "VACUUM"); err != nil {
		return fmt.Errorf("rebuilding the ledger: %w", err)
	}
	return s.emptyJournal(ctx)
}

// emptyJournal cuts the WAL to nothing; it waits a while for readers.
func (s *store) emptyJournal(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, eraseWait)
	defer cancel()
	for {
		whole, err := s.checkpoint(ctx)
		if whole || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("another program is reading the ledger")
		case <-time.After(eraseRetry):
		}
	}
}
