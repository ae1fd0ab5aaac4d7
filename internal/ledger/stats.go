package ledger

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Stats is the state of a ledger at one moment.
type Stats struct {
	// Queued items and their bytes wait to be written.
	Queued      int   `json:"queued"`
	QueuedBytes int64 `json:"queued_bytes"`
	// Written events are in the store. Folded ones raised another's count;
	// Deduped ones were the same hit again.
	Written int64 `json:"written"`
	Folded  int64 `json:"folded"`
	Deduped int64 `json:"deduped"`
	Lost    Lost  `json:"lost"`
	// Missed is how many events slow followers lost; the store has them.
	Missed int64 `json:"missed"`
	// LastError says in plain words why the store cannot be written now, ""
	// if it can; Since when. ReplacedAt is when a damaged store was moved
	// aside, zero if none was.
	LastError  string    `json:"last_error,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	ReplacedAt time.Time `json:"replaced_at,omitzero"`
}

// Lost counts what was not kept, by reason.
type Lost struct {
	QueueFull int64 `json:"queue_full"` // came faster than it could be written
	Disk      int64 `json:"disk"`       // the store could not be written
	Explain   int64 `json:"explain"`    // explaining it failed
	Closed    int64 `json:"closed"`     // came after Close
}

// Total is the sum of all reasons.
func (l Lost) Total() int64 { return l.QueueFull + l.Disk + l.Explain + l.Closed }

type counters struct {
	written, folded, deduped                  atomic.Int64
	lostQueue, lostDisk, lostExpl, lostClosed atomic.Int64
	missed                                    atomic.Int64
	failing, suspect                          atomic.Bool

	mu       sync.Mutex
	reason   string
	since    time.Time
	replaced time.Time
}

// Stats returns the state of the ledger.
func (l *Ledger) Stats() Stats {
	c := &l.counts
	s := Stats{
		Written: c.written.Load(), Folded: c.folded.Load(), Deduped: c.deduped.Load(), Missed: c.missed.Load(),
		Lost: Lost{QueueFull: c.lostQueue.Load(), Disk: c.lostDisk.Load(), Explain: c.lostExpl.Load(), Closed: c.lostClosed.Load()},
	}
	s.Queued, s.QueuedBytes = l.queue.state()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.LastError, s.Since, s.ReplacedAt = c.reason, c.since, c.replaced
	return s
}

func (c *counters) why() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reason
}

// fail notes that the store cannot be written; it reports whether that is new.
func (c *counters) fail(err error, now time.Time) bool {
	c.failing.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	words := plain(err)
	changed := c.reason != words
	if c.reason == "" {
		c.since = now
	}
	c.reason = words
	return changed
}

// heal notes that the store can be written; it reports whether that is new.
func (c *counters) heal() bool {
	if !c.failing.Swap(false) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reason, c.since = "", time.Time{}
	return true
}

func (c *counters) replace(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replaced = now
}

// code returns the primary SQLite result code of err, 0 if it has none.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// damaged reports whether err means that the file is not a sound database.
func damaged(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB
}

// plain says in plain words why the store cannot be used.
func plain(err error) string {
	switch c := code(err); {
	case c == sqlite3.SQLITE_FULL, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full"
	case c == sqlite3.SQLITE_READONLY, errors.Is(err, syscall.EROFS):
		return "the ledger's directory is read-only"
	case c == sqlite3.SQLITE_PERM, c == sqlite3.SQLITE_AUTH, errors.Is(err, fs.ErrPermission):
		return "the ledger's files may not be written by this user"
	case c == sqlite3.SQLITE_BUSY, c == sqlite3.SQLITE_LOCKED:
		return "another program holds the ledger locked"
	case err == nil, c == sqlite3.SQLITE_CORRUPT, c == sqlite3.SQLITE_NOTADB: // a check fails without an error
		return "the ledger's file is damaged"
	case c == sqlite3.SQLITE_IOERR:
		return "the disk reports errors, or is full"
	case c == sqlite3.SQLITE_CANTOPEN:
		return "the ledger's file cannot be opened"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "the ledger's disk is too slow"
	}
	return "the ledger cannot be written: " + err.Error()
}
