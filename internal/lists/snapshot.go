package lists

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// Snapshot is the lists as they are in force: one compiled Set and the names
// behind its numbers. It never changes, and stays good as long as somebody
// holds it, whatever becomes of the files.
type Snapshot struct {
	// Set has the rules; nil if no list is on.
	Set *filterlist.Set
	// Lists has list n of the Set at n-1.
	Lists []Loaded
	// Cached says that the Set came from the compiled copy on the disk.
	Cached bool

	key string
}

// Loaded is one list of a Snapshot.
type Loaded struct {
	Ref
	// Have: there was a good copy; without it the list has a number but no rule.
	Have  bool
	Rules int

	hash   string
	spans  []filterlist.Span
	titles string
}

// Label is how the list calls itself, or how it is called.
func (l *Loaded) Label() string {
	switch {
	case l.Ref.Title != "":
		return l.Ref.Title
	case l.titles != "":
		return l.titles
	}
	return l.Ref.Name
}

// Number returns the number of a list by its Name or Key, 0 if it is not on.
func (s *Snapshot) Number(name string) uint16 {
	for i := range s.Lists {
		if s.Lists[i].Name == name || s.Lists[i].Key == name {
			return uint16(i + 1)
		}
	}
	return 0
}

// All returns the bits of detect.Policy.Lists with every list enabled; nil if
// there is none.
func (s *Snapshot) All() []uint64 {
	var bits []uint64
	for i := range s.Lists {
		bits = setBit(bits, i)
	}
	return bits
}

// Bits returns the bits of the lists of these names (or keys), and the first
// name that is not on, "" if all are.
func (s *Snapshot) Bits(names []string) (bits []uint64, missing string) {
	for _, name := range names {
		n := s.Number(name)
		if n == 0 {
			if missing == "" {
				missing = name
			}
			continue
		}
		bits = setBit(bits, int(n)-1)
	}
	return bits, missing
}

func setBit(bits []uint64, i int) []uint64 {
	for len(bits) <= i/64 {
		bits = append(bits, 0)
	}
	bits[i/64] |= 1 << (i % 64)
	return bits
}

// Place says where a line of a Set's list was written: in the list itself
// (part "") or in one that it includes.
func (s *Snapshot) Place(list uint16, line uint32) (part string, at int) {
	if list == 0 || int(list) > len(s.Lists) {
		return "", int(line)
	}
	l := &s.Lists[list-1]
	rep := filterlist.Report{Name: l.Name, Spans: l.spans}
	name, local := rep.Where(line)
	if name == l.Name {
		name = ""
	}
	return name, int(local)
}

// Current returns the Snapshot in force, never nil.
func (s *Store) Current() *Snapshot { return s.now.Load() }

// OnChange has fn called with each new Snapshot from now on, one call at a time,
// after it is in force. Who holds the old one may go on using it. fn must not
// call the Store's changing methods.
func (s *Store) OnChange(fn func(*Snapshot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, fn)
}

// Load puts in force what is selected: it does what Read does and builds the
// Snapshot. The error joins those of all lists; what is good of them is in force
// all the same.
func (s *Store) Load(ctx context.Context) error {
	err := s.Read(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.poke()
	return errors.Join(err, s.rebuild(ctx))
}

// Read reads the local files that changed, without asking any server; a ReadOnly
// store fetches the lists of the command line that it has no copy of.
func (s *Store) Read(ctx context.Context) error {
	var errs []error
	for _, r := range s.Selection() {
		k := s.known(r.Key)
		fetch := s.o.ReadOnly && !k.good() && slices.Contains(r.From, FromFlag)
		if r.File == "" && !fetch || r.File != "" && k.good() && k.Failures == 0 && s.same(k) {
			continue
		}
		if _, err := s.update(ctx, &r, job{}); err != nil {
			errs = append(errs, &ListError{r, err})
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}

// same reports whether the files that a list was read from are as they were.
func (s *Store) same(k *kept) bool {
	for _, p := range k.Parts {
		info, err := os.Stat(p.Addr)
		if err != nil || info.Size() != p.Size || !info.ModTime().Equal(p.MTime) {
			return false
		}
	}
	return true
}

// plan says what a Snapshot of the present state would hold.
func (s *Store) plan() *Snapshot {
	snap := &Snapshot{}
	h := sha256.New()
	for _, r := range s.Selection() {
		k := s.known(r.Key)
		l := Loaded{Ref: r, Have: k.good(), Rules: k.Counts.Rules, hash: k.Hash, spans: k.Spans, titles: k.Title}
		if !l.Have {
			l.hash = ""
		}
		fmt.Fprintf(h, "%s %s\n", r.Format, l.hash)
		snap.Lists = append(snap.Lists, l)
	}
	snap.key = hexSum(h)
	return snap
}

// rebuild puts a Snapshot of the present state in force, if it differs from the
// one that is. Until then, and if it fails, the old one stays.
func (s *Store) rebuild(ctx context.Context) error {
	s.building.Lock()
	defer s.building.Unlock()
	old := s.now.Load()
	snap, err := s.next(ctx, old)
	for tries := 0; errors.Is(err, errMoved) && tries < maxMoves; tries++ {
		snap, err = s.next(ctx, old)
	}
	if err != nil || snap == old {
		return err
	}
	s.now.Store(snap)
	s.mu.Lock()
	hooks := slices.Clone(s.hooks)
	s.mu.Unlock()
	for _, fn := range hooks {
		fn(snap)
	}
	return nil
}

// maxMoves is how often another process may change the lists while they are
// being compiled, before that is left to the next time.
const maxMoves = 5

// next returns the Snapshot of the present state; old if that says the same.
func (s *Store) next(ctx context.Context, old *Snapshot) (*Snapshot, error) {
	snap := s.plan()
	switch {
	case sameLists(old, snap):
		return old, nil
	case old.key == snap.key:
		snap.Set, snap.Cached = old.Set, old.Cached
		return snap, nil
	}
	return snap, s.build(ctx, snap)
}

// sameLists reports whether two Snapshots say the same.
func sameLists(a, b *Snapshot) bool {
	return a.key == b.key && slices.EqualFunc(a.Lists, b.Lists, func(x, y Loaded) bool {
		return x.Key == y.Key && x.Name == y.Name && x.Label() == y.Label() && slices.Equal(x.From, y.From)
	})
}

// compileGC has the collector come often while lists are compiled: that takes
// far more memory than what comes out of it, for a moment.
const compileGC = 5

// build fills in the Set: from the compiled copy, or from the texts.
func (s *Store) build(ctx context.Context, snap *Snapshot) error {
	if !slices.ContainsFunc(snap.Lists, func(l Loaded) bool { return l.Have }) {
		return nil
	}
	start := time.Now()
	if set := s.openCache(snap.key); set != nil {
		snap.Set, snap.Cached = set, true
		s.log.Debug("lists opened from the compiled copy", "lists", len(snap.Lists), "rules", set.Len(), "took", time.Since(start))
		return nil
	}
	sources, err := s.sources(ctx, snap)
	if err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(compileGC))
	snap.Set, _ = filterlist.Compile(sources, filterlist.Options{})
	clear(sources)
	// A compilation leaves much behind that the next one needs only in hours. It
	// goes before the new copy is mapped, so that the two never stand together.
	debug.FreeOSMemory()
	if snap.key != "" {
		snap.Set = s.saveCache(snap.Set, snap.key)
		// What was built lies in the file now, and goes, with what it was written
		// from.
		debug.FreeOSMemory()
	}
	s.log.Info("lists compiled", "lists", len(snap.Lists), "rules", snap.Set.Len(), "took", time.Since(start))
	return nil
}

// sources reads the texts of the lists. One whose copy is damaged is left out,
// and asked for again.
func (s *Store) sources(ctx context.Context, snap *Snapshot) ([]filterlist.Source, error) {
	var out []filterlist.Source
	for i := range snap.Lists {
		l := &snap.Lists[i]
		src, err := source(&l.Ref, nil), error(nil)
		if l.Have {
			src, err = s.textOf(l)
		}
		if err != nil && s.moved(l) {
			return nil, errMoved
		}
		if err != nil {
			s.log.Error("the copy of a list is damaged; it is fetched again", "list", l.Name, "err", err)
			if cerr := s.forget(ctx, &l.Ref); cerr != nil {
				return nil, errors.Join(err, cerr)
			}
			l.Have, l.Rules, src = false, 0, source(&l.Ref, nil)
			snap.key = "" // what is compiled now is not what was planned
		}
		out = append(out, src)
	}
	return out, ctx.Err()
}

// textOf returns the text of a list.
func (s *Store) textOf(l *Loaded) (filterlist.Source, error) {
	s.mu.Lock()
	h := s.held[l.Key]
	s.mu.Unlock()
	if h != nil {
		return h.reads(&l.Ref, func(p *part) ([]byte, error) { return h.texts[p.Addr], nil })
	}
	k := s.known(l.Key)
	if !k.good() {
		return filterlist.Source{}, errMoved
	}
	return k.reads(&l.Ref, func(p *part) ([]byte, error) { return readPart(filepath.Join(s.o.Dir, p.File), p) })
}

// errMoved says that the state is no longer the one that was planned with.
var errMoved = errors.New("the lists changed while they were being read")

// moved reports whether a list is now another than was planned with, here or on
// the disk, where another process may have changed it.
func (s *Store) moved(l *Loaded) bool {
	s.writing.Lock()
	if st, err := readState(s.o.Dir); err == nil {
		s.state.Store(st)
	}
	s.writing.Unlock()
	return s.known(l.Key).Hash != l.hash
}

// forget drops a copy that cannot be read, so that it is obtained again.
func (s *Store) forget(ctx context.Context, r *Ref) error {
	if s.o.ReadOnly {
		return nil
	}
	err := s.change(ctx, func(st *state) error {
		k := st.entry(r)
		k.Parts, k.Hash, k.Next, k.Spans, k.Faults = nil, "", time.Time{}, nil, ""
		return nil
	})
	s.poke()
	return err
}
