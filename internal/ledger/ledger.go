package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/redact"
	"github.com/quench-proxy/quench/internal/detect/say"
)

// Defaults and bounds.
const (
	DefaultKeep    = 90 * 24 * time.Hour
	DefaultMaxSize = 1 << 30
	DefaultQueue   = 8 << 20

	minMaxSize = 256 << 10 // a ledger this small still holds a few hundred events
	dirName    = "ledger"
	fileName   = "ledger.db"
	keyName    = "link.key"
)

// Options says where and how a ledger is kept. Dir is required; the rest have
// useful zeros.
type Options struct {
	// Dir is the data directory. The ledger lives in its directory "ledger",
	// which it makes and keeps at mode 0700, its files at 0600.
	Dir string
	// Keep bounds the age of events, 0 means DefaultKeep.
	Keep time.Duration
	// MaxSize bounds the bytes of the store, 0 means DefaultMaxSize.
	MaxSize int64
	// Queue bounds the bytes that wait to be written, 0 means DefaultQueue.
	Queue int64
	// Detail says what of an event is kept; the zero value is redacted.
	Detail redact.Level
	// Log gets what goes wrong; nil discards it. It never gets an event.
	Log *slog.Logger
	// Now is the clock, nil means time.Now.
	Now func() time.Time
}

// Ledger is a Recorder with a store behind it. All methods are safe for
// concurrent use. It owns one goroutine, which Close ends.
type Ledger struct {
	opts    Options
	log     *slog.Logger
	explain func(Sighting) []detect.Verdict

	queue     *queue
	followers followers
	counts    counters
	commands  chan command
	closing   chan struct{} // closed by Close: drain, then stop
	abandon   chan struct{} // closed when Close's time is up
	done      chan struct{} // closed by the worker as its last act
	closeOnce sync.Once
	giveUp    sync.Once

	mu    sync.RWMutex
	store *store // nil while it cannot be opened
}

var _ Recorder = (*Ledger)(nil)

// Open opens the ledger in o.Dir, making it if it is not there, and starts its
// worker. A damaged store is moved aside and a new one begun. If the store
// cannot be opened for want of space, of permission or of a lock, Open
// succeeds nevertheless: the ledger keeps trying, Stats says what is wrong, and
// queries fail meanwhile. An error means that the options are faulty, or that
// ctx ended.
func Open(ctx context.Context, o Options) (*Ledger, error) {
	return open(ctx, o, func(s Sighting) []detect.Verdict { return s.Set.Explain(s.Seen, s.Decision) })
}

func open(ctx context.Context, o Options, explain func(Sighting) []detect.Verdict) (*Ledger, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	l := &Ledger{
		opts: o, log: o.Log, explain: explain,
		queue:    newQueue(o.Queue),
		commands: make(chan command),
		closing:  make(chan struct{}),
		abandon:  make(chan struct{}),
		done:     make(chan struct{}),
	}
	w := newWorker(l)
	if w.reopen(ctx) != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("opening the ledger: %w", ctx.Err())
	}
	go w.run()
	return l, nil
}

func (o *Options) complete() error {
	if o.Dir == "" {
		return errors.New("cannot open the ledger: no data directory given")
	}
	if st, err := os.Stat(o.Dir); err == nil && !st.IsDir() {
		return fmt.Errorf("cannot open the ledger: %s is not a directory", o.Dir)
	}
	if o.Keep < 0 || o.MaxSize < 0 || o.Queue < 0 {
		return errors.New("cannot open the ledger: keep, max_size and queue must not be negative")
	}
	if o.Detail > redact.Full {
		return fmt.Errorf("cannot open the ledger: unknown detail %d", o.Detail)
	}
	o.Keep = orElse(o.Keep, DefaultKeep)
	o.MaxSize = max(orElse(o.MaxSize, DefaultMaxSize), minMaxSize)
	o.Queue = orElse(o.Queue, DefaultQueue)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

func (o *Options) dir() string { return filepath.Join(o.Dir, dirName) }

// Record implements Recorder. A sighting whose Decision is the zero Decision
// and that carries no report tells nothing and is dropped.
func (l *Ledger) Record(s Sighting) {
	if s.Decision == (detect.Decision{}) && s.Seen.Report == nil {
		return
	}
	l.put(item{seen: s, size: sizeOfSighting(&s)})
}

// Note implements Recorder. Time is now if it is zero, Count at least 1.
func (l *Ledger) Note(e Event) {
	l.put(item{note: &e, size: sizeOfEvent(&e)})
}

func (l *Ledger) put(it item) {
	switch l.queue.put(it) {
	case queueFull:
		if l.counts.failing.Load() {
			l.counts.lostDisk.Add(1)
		} else {
			l.counts.lostQueue.Add(1)
		}
	case queueClosed:
		l.counts.lostClosed.Add(1)
	}
}

// Close writes what is queued, closes the store and ends everything Open
// started. When ctx ends first, what is not yet written is counted as lost and
// Close returns ctx's error, but not before the worker has stopped.
func (l *Ledger) Close(ctx context.Context) error {
	l.closeOnce.Do(func() {
		l.queue.close()
		close(l.closing)
	})
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
	}
	l.giveUp.Do(func() { close(l.abandon) })
	<-l.done
	return fmt.Errorf("closing the ledger: %w", ctx.Err())
}

// current returns the open store, or why there is none.
func (l *Ledger) current() (*store, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.store == nil {
		return nil, fmt.Errorf("the ledger is not open: %s", l.counts.why())
	}
	return l.store, nil
}

func (l *Ledger) setStore(s *store) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store = s
}

// Flush waits until everything recorded before the call can be read, so that
// who asks right after a request finds it. The error says why that is not so:
// ctx ended, the ledger is closed, or its store cannot be written.
func (l *Ledger) Flush(ctx context.Context) error {
	return l.do(ctx, func(_ context.Context, w *worker) error { return w.catchUp() })
}

func compose(v *detect.Verdict) string { return say.Sentence(v) }
