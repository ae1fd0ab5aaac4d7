package lists

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/filelock"
)

const (
	stateName   = "state.json"
	stateSchema = 1
	lockName    = "lock"
	tmpPrefix   = ".new-"
	// maxState is the largest state file that is read.
	maxState = 8 << 20
	// lockPatience is how long a change waits for that of another process.
	// Nothing is fetched under the lock.
	lockPatience = 10 * time.Second
	// tmpLife is when a temporary file must be a dead process's.
	tmpLife = 24 * time.Hour
)

// state is what is known of the lists. It is never changed once it is in use;
// what it says of files is true whenever it can be read, so that its rename is
// the one moment at which a change takes place.
type state struct {
	Schema int     `json:"schema"`
	Added  []added `json:"added"`
	// Lists has what is kept of a list by its Ref's Key.
	Lists map[string]*kept `json:"lists"`
}

// added is a list that somebody added by command.
type added struct {
	Spec  string    `json:"spec"` // a name of the catalogue, a URL or an absolute path
	Since time.Time `json:"since"`
}

// kept is what is known of one list.
type kept struct {
	Name string `json:"name"`
	// Parts are the files it is made of, the list itself first. None: there is
	// no good copy yet.
	Parts []part `json:"parts,omitempty"`
	// Spans say where its lines come from if it includes others.
	Spans []filterlist.Span `json:"spans,omitempty"`
	// Hash is that of the whole text. Size is its length.
	Hash string `json:"hash,omitempty"`
	Size int64  `json:"size,omitempty"`
	// Faults names the file with the lines that did not compile.
	Faults string `json:"faults,omitempty"`
	Counts counts `json:"counts"`

	Title    string        `json:"title,omitempty"`
	Licence  string        `json:"licence,omitempty"`
	Homepage string        `json:"homepage,omitempty"`
	Version  string        `json:"version,omitempty"`
	Expires  time.Duration `json:"expires_ns,omitempty"`

	// Fetched is when the text last changed, Checked when it was last known to
	// be the newest, Next when it is to be asked for again.
	Fetched time.Time `json:"fetched,omitzero"`
	Checked time.Time `json:"checked,omitzero"`
	Next    time.Time `json:"next,omitzero"`
	// Failures counts those since the last success, Error is the last one.
	Failures int       `json:"failures,omitempty"`
	Error    string    `json:"error,omitempty"`
	FailedAt time.Time `json:"failed_at,omitzero"`
}

// counts is how many of what a list has.
type counts struct {
	Rules    int `json:"rules"`
	Cosmetic int `json:"cosmetic,omitempty"`
	Faults   int `json:"faults,omitempty"`
}

// part is one file of a list.
type part struct {
	Addr     string    `json:"addr"`           // URL or path
	Name     string    `json:"name,omitempty"` // as the list includes it
	File     string    `json:"file"`           // its copy in the directory
	Hash     string    `json:"hash"`
	Size     int64     `json:"size"`
	ETag     string    `json:"etag,omitempty"`
	Modified string    `json:"modified,omitempty"`
	MTime    time.Time `json:"mtime,omitzero"` // of a local file
}

// expiry is when a list is to be asked for again.
func (k *kept) expiry(now time.Time) time.Time {
	d := k.Expires
	if d < minExpires || d > maxExpires {
		d = defaultExpires
	}
	return now.Add(jittered(d))
}

// at returns the part of an address.
func (k *kept) at(addr string) *part {
	if k == nil {
		return nil
	}
	for i := range k.Parts {
		if k.Parts[i].Addr == addr {
			return &k.Parts[i]
		}
	}
	return nil
}

// good reports whether there is a copy.
func (k *kept) good() bool { return k != nil && len(k.Parts) > 0 }

func newState() *state { return &state{Schema: stateSchema, Lists: map[string]*kept{}} }

// readState reads the state of a directory; one that is not there is empty.
func readState(dir string) (*state, error) { return readStateFile(filepath.Join(dir, stateName)) }

func readStateFile(path string) (*state, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newState(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("lists: read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, fmt.Errorf("lists: read %s: %w", path, err)
	}
	s := newState()
	if err := json.Unmarshal(data, s); err != nil || len(data) > maxState {
		return nil, fmt.Errorf("lists: read %s: %w (%w)", path, errDamaged, err)
	}
	if s.Schema > stateSchema {
		return nil, fmt.Errorf("lists: %s was written by a newer version of quench; use that version, or move the file away", path)
	}
	return s, s.check()
}

var errDamaged = errors.New("the state is damaged")

// check refuses names that lead out of the directory: whoever can write the
// state could otherwise have any file deleted.
func (s *state) check() error {
	for key, k := range s.Lists {
		if k == nil {
			delete(s.Lists, key)
			continue
		}
		files := []string{k.Faults}
		for _, p := range k.Parts {
			files = append(files, p.File)
		}
		for _, f := range files {
			if f != "" && (f != filepath.Base(f) || !filepath.IsLocal(f)) {
				return fmt.Errorf("lists: %w: %q is no name of a file of ours", errDamaged, f)
			}
		}
	}
	return nil
}

// change changes the state on the disk under the lock, on what other processes
// made of it meanwhile, and then deletes what it no longer names. An error of fn
// leaves all as it was.
func (s *Store) change(ctx context.Context, fn func(*state) error) error {
	if s.o.ReadOnly {
		return errReadOnly
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	st, err := s.current()
	if err != nil {
		return err
	}
	if err := fn(st); err != nil {
		return err
	}
	data, err := json.MarshalIndent(st, "", " ")
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	if err := writeFile(s.o.Dir, stateName, data); err != nil {
		return err
	}
	if err := writeFile(s.o.Dir, secondName, data); err != nil {
		s.log.Warn("the second copy of the lists' state was not written", "err", err)
	}
	s.state.Store(st)
	s.sweep(st)
	return nil
}

var errReadOnly = errors.New("lists: opened for reading only")

// asideSuffix follows the name of a damaged state; the time follows it.
const asideSuffix = ".corrupt-"

// secondName is a second copy of the state: which lists somebody added stands
// nowhere else.
const secondName = stateName + ".second"

// current reads the state; a damaged one is moved aside and its second copy
// serves. Without that the lists are fetched again.
func (s *Store) current() (*state, error) {
	st, err := readState(s.o.Dir)
	if !errors.Is(err, errDamaged) {
		return st, err
	}
	path := filepath.Join(s.o.Dir, stateName)
	aside := path + asideSuffix + s.o.Now().UTC().Format("20060102T150405")
	if rerr := os.Rename(path, aside); rerr != nil {
		return nil, fmt.Errorf("lists: move the damaged state aside: %w", rerr)
	}
	s.log.Error("state of the lists damaged, moved aside; its second copy serves, or none", "file", aside, "err", err)
	st = s.second()
	if data, merr := json.MarshalIndent(st, "", " "); merr == nil { // or the next change would begin from nothing
		if werr := writeFile(s.o.Dir, stateName, data); werr != nil {
			return nil, werr
		}
	}
	return st, nil
}

// second returns the second copy of the state, an empty one if there is none.
func (s *Store) second() *state {
	if st, err := readStateFile(filepath.Join(s.o.Dir, secondName)); err == nil {
		return st
	}
	return newState()
}

// Damage says that the state of the lists is damaged, which a ReadOnly store
// leaves as it is and works on without; nil if it is sound.
func (s *Store) Damage() error {
	if s.damage == nil {
		return nil
	}
	return fmt.Errorf("%w; the second copy serves, or none", s.damage)
}

// Replaced says that a damaged state was replaced and still lies aside; nil if
// none does. It reads the directory.
func (s *Store) Replaced() error {
	aside, err := filepath.Glob(filepath.Join(s.o.Dir, stateName+asideSuffix+"*"))
	if err != nil || len(aside) == 0 {
		return nil
	}
	return fmt.Errorf("%w and was replaced by its second copy, or begun anew; the damaged one is kept as %s", errDamaged, slices.Max(aside))
}

// lock takes the lock of the directory among processes.
func (s *Store) lock(ctx context.Context) (func(), error) {
	f, err := os.OpenFile(filepath.Join(s.o.Dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	if err := filelock.Wait(ctx, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lists: lock the directory: %w", err)
	}
	return func() { f.Close() }, nil
}

// sweep deletes the files that the state does not name.
func (s *Store) sweep(st *state) {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return
	}
	named := map[string]bool{}
	for _, k := range st.Lists {
		named[k.Faults] = true
		for _, p := range k.Parts {
			named[p.File] = true
		}
	}
	for _, e := range entries {
		name := e.Name()
		ours := strings.HasSuffix(name, textSuffix) || strings.HasSuffix(name, faultsSuffix)
		if strings.HasPrefix(name, tmpPrefix) {
			info, err := e.Info()
			ours = err == nil && s.o.Now().Sub(info.ModTime()) > tmpLife
		}
		if ours && !named[name] {
			_ = os.Remove(filepath.Join(s.o.Dir, name))
		}
	}
}

// writeFile replaces a file of dir as a whole, or not at all.
func writeFile(dir, name string, data []byte) (err error) {
	f, err := os.CreateTemp(dir, tmpPrefix+"*") // 0600
	if err != nil {
		return fmt.Errorf("lists: write: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("lists: write %s: %w", name, err)
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err == nil {
		syncDir(dir)
	}
	return err
}

// syncDir makes renames last. Systems that cannot do that need not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
