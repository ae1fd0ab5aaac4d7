package lists

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DirName is the store's directory inside the data directory.
	DirName = "lists"
	// RulesName is the user's own rules file in the configuration directory.
	RulesName = "my-rules.txt"
	// MaxLists is how many lists may be on at once.
	MaxLists = 256
	// unusedLife is how long a copy is kept that nobody asks for any more.
	unusedLife = 30 * 24 * time.Hour
)

// Options says how a Store works. Dir is needed; the rest may be zero.
type Options struct {
	// Dir holds the copies. It is made (0700) unless ReadOnly.
	Dir       string
	Catalogue *Catalogue
	// Client gives the transport by which lists are fetched; nil fetches none.
	// Its transport must not undo content codings itself (DisableCompression)
	// nor lead through our own proxy.
	Client *http.Client
	// MaxSize is the largest list in bytes, with what it includes; 0 is
	// DefaultMaxSize.
	MaxSize int64
	// ReadOnly leaves the directory as it is; what is fetched or read from files
	// is held in memory. It is for commands that run beside a service.
	ReadOnly bool
	Log      *slog.Logger     // nil discards
	Now      func() time.Time // nil is time.Now
}

// Store keeps lists. It is safe for concurrent use, also by several processes
// on one directory.
type Store struct {
	o     Options
	log   *slog.Logger
	fetch *fetcher

	writing  sync.Mutex // one change of the state at a time
	updating sync.Mutex // one list is obtained at a time, so that memory is bounded
	building sync.Mutex // one Snapshot is built at a time

	damage error // of the state, which a ReadOnly store leaves as it is

	state atomic.Pointer[state]
	now   atomic.Pointer[Snapshot]
	wake  chan struct{}

	mu    sync.Mutex
	asked []Ref            // what Select was told
	held  map[string]*held // what a ReadOnly store obtained, by Key
	hooks []func(*Snapshot)
}

// held is a list that is in memory only.
type held struct {
	kept
	texts  map[string][]byte // of the parts, by address
	faults []Fault
}

// Open opens the store. No list is read yet: the Snapshot is empty until Load.
func Open(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	s := &Store{o: o, log: o.Log, wake: make(chan struct{}, 1), held: map[string]*held{}}
	s.fetch = newFetcher(o.Client, o.MaxSize)
	s.now.Store(&Snapshot{})
	st, err := readState(o.Dir)
	if o.ReadOnly && errors.Is(err, errDamaged) {
		s.damage = err
		st, err = s.second(), nil
	}
	if !o.ReadOnly {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("lists: make the directory: %w", err)
		}
		st, err = s.current()
	}
	if err != nil {
		return nil, err
	}
	s.state.Store(st)
	return s, nil
}

// Select says which lists are asked for besides those that were added by
// command, in their order; refs of one list are joined. Nothing is read or
// fetched before Load, Refresh or Update.
func (s *Store) Select(refs []Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(merge(refs)); n > MaxLists {
		return fmt.Errorf("%d lists are asked for; at most %d can be on", n, MaxLists)
	}
	s.asked = slices.Clone(refs)
	return nil
}

// Selection returns the lists that are on, in the order of their numbers. The
// user's own rules file is the last.
func (s *Store) Selection() []Ref {
	s.mu.Lock()
	asked := s.asked
	s.mu.Unlock()
	var first, last []Ref
	for _, r := range asked {
		if slices.Contains(r.From, FromRules) {
			last = append(last, r)
			continue
		}
		first = append(first, r)
	}
	all := merge(first, s.addedRefs(s.state.Load()), last)
	return all[:min(len(all), MaxLists)]
}

// addedRefs returns the lists that were added by command.
func (s *Store) addedRefs(st *state) (refs []Ref) {
	for _, a := range st.Added {
		r, err := s.o.Catalogue.Resolve(a.Spec, "", FromAdded)
		if err != nil { // the catalogue no longer has it
			continue
		}
		refs = append(refs, r)
	}
	return refs
}

// find returns the selected list that a person means by word: its name, or
// what it was given as.
func (s *Store) find(word string) (Ref, bool) {
	list := s.Selection()
	key := word
	if r, err := s.o.Catalogue.Resolve(word, "", ""); err == nil {
		key = r.Key
	}
	for _, r := range list {
		if r.Key == key || r.Name == word {
			return r, true
		}
	}
	return Ref{}, false
}

// known returns what is known of a list; never nil.
func (s *Store) known(key string) *kept {
	s.mu.Lock()
	h := s.held[key]
	s.mu.Unlock()
	if h != nil {
		return &h.kept
	}
	if k := s.state.Load().Lists[key]; k != nil {
		return k
	}
	return &kept{}
}

// entry returns a copy of what st knows of r that may be changed, put into st.
func (st *state) entry(r *Ref) *kept {
	k := &kept{}
	if old := st.Lists[r.Key]; old != nil {
		*k = *old
	}
	k.Name = r.Name
	st.Lists[r.Key] = k
	return k
}

// prune forgets lists that nobody asks for any more.
func (s *Store) prune(st *state) {
	on := map[string]bool{}
	for _, r := range s.Selection() {
		on[r.Key] = true
	}
	for _, r := range s.addedRefs(st) {
		on[r.Key] = true
	}
	now := s.o.Now()
	for key, k := range st.Lists {
		last := k.Checked
		if k.FailedAt.After(last) {
			last = k.FailedAt
		}
		if !on[key] && now.Sub(last) > unusedLife {
			delete(st.Lists, key)
		}
	}
}

// ListError says what is wrong with one list. Load, Read and Update join them.
type ListError struct {
	Ref Ref
	Err error
}

// Error begins with the list's name.
func (e *ListError) Error() string { return e.Ref.Name + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ListError) Unwrap() error { return e.Err }

// ErrNoList says that no list goes by a name.
var ErrNoList = errors.New("no such list is on")

// ErrConfigured says that a list is not ours to remove.
var ErrConfigured = errors.New("it was not added by command")

// LaterError says that a list was added but could not be obtained yet.
type LaterError struct{ Err error }

// Error says why.
func (e *LaterError) Error() string {
	return "added, but it could not be fetched yet: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *LaterError) Unwrap() error { return e.Err }

// Add fetches a list, keeps it and turns it on for good; told may be nil. spec
// is a name of the catalogue, a URL or an absolute path. What turns out to be no
// list is not added. If asking again may help, it is added all the same and the
// error is a *LaterError. Adding twice is harmless.
func (s *Store) Add(ctx context.Context, spec string, told func(Progress)) (Ref, error) {
	r, err := s.o.Catalogue.Resolve(spec, "", FromAdded)
	if err != nil {
		return Ref{}, err
	}
	if len(s.Selection()) >= MaxLists {
		return Ref{}, fmt.Errorf("%d lists are on, more cannot be", MaxLists)
	}
	_, err = s.update(ctx, &r, job{told: told, adding: true})
	if err != nil && !temporary(err) {
		return Ref{}, err
	}
	key := r.Key
	if cerr := s.change(ctx, func(st *state) error {
		for _, a := range st.Added {
			if a.Spec == key {
				return nil
			}
		}
		st.Added = append(st.Added, added{Spec: key, Since: s.o.Now().UTC()})
		return nil
	}); cerr != nil {
		return Ref{}, cerr
	}
	s.poke()
	if err != nil {
		return r, &LaterError{err}
	}
	return r, s.rebuild(ctx)
}

// Remove turns off a list that was added by command and deletes its copy. word
// is its name, or what it was added as. One that the configuration asks for
// stays on, and the error wraps ErrConfigured; so does that for a list which
// was never added.
func (s *Store) Remove(ctx context.Context, word string) (Ref, error) {
	r, ok := s.find(word)
	if !ok {
		return Ref{}, fmt.Errorf("%w: %s", ErrNoList, clean(word, maxTitle))
	}
	if !slices.Contains(r.From, FromAdded) {
		return Ref{}, fmt.Errorf("%s: %w; it is on by: %s", r.Name, ErrConfigured, r.From[0])
	}
	err := s.change(ctx, func(st *state) error {
		st.Added = slices.DeleteFunc(slices.Clone(st.Added), func(a added) bool { return a.Spec == r.Key })
		if len(r.From) == 1 {
			delete(st.Lists, r.Key)
		}
		return nil
	})
	if err != nil {
		return Ref{}, err
	}
	return r, s.rebuild(ctx)
}

// jittered returns d and up to a tenth more, so that the users of a list do not
// all come at once.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/10+1) }
