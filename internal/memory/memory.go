// Package memory keeps what time teaches: endpoints whose answers proved to be
// tracking pixels, the hosts and pages the user allows, which clients trust our
// certificates, and, as hashes only, which numbers and habits of hosts tell that
// an unknown request is a tracker's (History).
//
// In flow things learned and allowed; out flows, for each client, one immutable
// Policy that joins them with the configuration. Reading a Policy costs an
// atomic load; writing the state file happens behind the data path, at most a
// second later. One process owns the directory at a time; who may is settled
// by the control socket, not here.
package memory

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	// StateName is the name of the state file in the directory.
	StateName = "memory.json"
	// maxEndpoints bounds what is learned; past it the oldest twentieth goes.
	maxEndpoints = 20_000
	// endpointLife is how long an endpoint is kept without being seen.
	endpointLife = 30 * 24 * time.Hour
	// maxAllows bounds the user's allows. They are refused, never evicted: an
	// allow that vanished by itself would break a page for no visible reason.
	maxAllows = 4096
	// saveDelay is how long changes are gathered before they are written.
	saveDelay = time.Second
	// saveRetry is how long a write that did not work waits for the next try.
	saveRetry = 30 * time.Second
	// seenGrain is how old a last-seen time must be before it is renewed: it
	// saves a write for each hit of a busy endpoint.
	seenGrain = time.Hour
)

// Options says how a Memory works. The zero value is fine.
type Options struct {
	Now func() time.Time // nil is time.Now
	Log *slog.Logger     // nil discards
	// ReadOnly writes nothing: for a process that does not own the directory.
	// A damaged state file is then an error.
	ReadOnly bool
}

// Config is the part of the configuration that a Policy carries.
type Config struct {
	Observe, Strict bool
	Loaders         map[string]detect.LoaderMode // not changed after SetConfig
	Allows          []detect.Override
	Unknown         detect.UnknownMode
}

// Memory is what time taught. It is safe for concurrent use.
type Memory struct {
	path string
	view bool // read only
	now  func() time.Time
	log  *slog.Logger
	snap atomic.Pointer[snapshot]

	mu        sync.Mutex
	cfg       Config
	endpoints map[uint64]endpoint
	allows    []Allow // in order of ID
	lastID    ID
	closed    bool

	clients *Clients
	history *History

	dirty chan struct{} // one slot: something is to be written
	quit  chan struct{}
	saver sync.WaitGroup
}

// Open loads the memory kept in dir, which must exist, or begins an empty one.
// A state file that cannot be read as what it should be is moved aside and
// said in the log; one written by a newer version is an error. Close it.
func Open(dir string, o Options) (*Memory, error) {
	m := &Memory{
		path: filepath.Join(dir, StateName), view: o.ReadOnly, now: o.Now, log: o.Log,
		endpoints: map[uint64]endpoint{},
		dirty:     make(chan struct{}, 1), quit: make(chan struct{}),
	}
	if m.now == nil {
		m.now = time.Now
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.clients = NewClients(m.now, m.changed)
	m.history = NewHistory(m.now, m.changed)
	if err := m.load(); err != nil {
		return nil, err
	}
	m.rebuild()
	if !m.view {
		m.saver.Add(1)
		go m.saveLoop()
	}
	return m, nil
}

// SetConfig puts another configuration in force; Policies given out before
// keep the old one.
func (m *Memory) SetConfig(c Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cfg = c
	m.rebuild()
}

// Clients returns what is known of clients. It is never nil.
func (m *Memory) Clients() *Clients { return m.clients }

// History returns what is remembered of unknown requests. It is never nil.
func (m *Memory) History() *History { return m.history }

// Close writes what is not yet written. The Memory still answers afterwards,
// but changes are no longer kept. Closing twice is harmless.
func (m *Memory) Close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	m.mu.Unlock()
	close(m.quit)
	m.saver.Wait()
	if m.view {
		return nil
	}
	select {
	case <-m.dirty:
		return m.save()
	default:
		return nil
	}
}

// changed asks for the state to be written soon.
func (m *Memory) changed() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

func (m *Memory) saveLoop() {
	defer m.saver.Done()
	for {
		select {
		case <-m.quit:
			return
		case <-m.dirty:
		}
		wait := saveDelay
		for pending := true; pending; {
			select {
			case <-m.quit:
				m.changed() // Close writes it
				return
			case <-time.After(wait):
			}
			if err := m.save(); err != nil {
				m.log.Warn("memory not written, will try again", "err", err)
				wait = saveRetry
				continue
			}
			pending = false
		}
	}
}

// save writes the state file: a temporary file, synced, renamed over the old.
func (m *Memory) save() error {
	data, err := m.encode()
	if err != nil {
		return fmt.Errorf("memory: encode: %w", err)
	}
	return writeFile(m.path, data)
}

func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".memory-*") // mode 0600
	if err != nil {
		return fmt.Errorf("memory: write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, werr := f.Write(data)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("memory: write %s: %w", f.Name(), err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("memory: replace %s: %w", path, err)
	}
	// Without this the rename may be lost by a crash, which only costs the
	// newest seconds; systems that cannot sync a directory lose no more.
	if d, err := os.Open(filepath.Dir(path)); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}
