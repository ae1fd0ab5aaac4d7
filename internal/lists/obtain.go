package lists

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// taken is a list as it was obtained, not yet kept.
type taken struct {
	parts []*takenPart // the list itself first, then what it includes
	// report says what is in it, unless unchanged: then it is what is kept, byte
	// for byte.
	report    filterlist.Report
	unchanged bool
}

// takenPart is a part; its text is in tmp, or if that is "" in the copy kept.
type takenPart struct {
	part
	tmp string
}

// hash is that of the whole: of the parts and what they are called.
func (t *taken) hash() string {
	h := sha256.New()
	for _, p := range t.parts {
		fmt.Fprintf(h, "%q %s %d\n", p.Name, p.Hash, p.Size)
	}
	return hexSum(h)
}

// discard deletes what was not kept.
func (t *taken) discard() {
	for _, p := range t.parts {
		if p.tmp != "" {
			_ = os.Remove(p.tmp)
		}
	}
}

// taker obtains one list.
type taker struct {
	ctx  context.Context
	s    *Store
	ref  *Ref
	old  *kept // never nil
	dir  string
	told func(done, total int64)
	used int64
	got  taken
	// err ends it all; that an include is not there does not.
	err error
}

// take obtains a list from where it is. The caller calls discard.
func (s *Store) take(ctx context.Context, r *Ref, old *kept, told func(done, total int64)) (*taken, error) {
	dir := s.o.Dir
	if s.o.ReadOnly {
		dir = os.TempDir()
	}
	addrs := r.URLs
	if r.File != "" {
		addrs = []string{r.File}
	} else if s.fetch == nil {
		return nil, errors.New("nothing is fetched here")
	}
	var err error
	for _, addr := range addrs {
		t := &taker{ctx: ctx, s: s, ref: r, old: old, dir: dir, told: told}
		if err = t.whole(addr); err == nil {
			return &t.got, nil
		}
		t.got.discard()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(addrs) > 1 {
			err = named(hostOf(addr), err)
		}
	}
	return nil, err
}

// named puts the host that failed before its error.
func named(host string, err error) error {
	text := fmt.Errorf("%s: %w", host, err)
	if f := new(fetchError); errors.As(err, &f) {
		return &fetchError{err: text, temporary: f.temporary, gone: f.gone}
	}
	return text
}

// whole obtains a list and what it includes.
func (t *taker) whole(addr string) error {
	root, err := t.get(addr, "")
	if err != nil {
		return err
	}
	if root.tmp == "" && t.sameIncludes() {
		t.got.unchanged = true
		return nil
	}
	text, err := t.text(root)
	if err != nil {
		return err
	}
	if !t.ref.own() {
		if err := checkText(text); err != nil {
			return err
		}
	}
	src := source(t.ref, text)
	src.Include = func(name string) ([]byte, error) { return t.include(addr, name) }
	t.got.report = filterlist.Parse(src, 1, func(*filterlist.Rule) {})
	t.got.unchanged = t.got.hash() == t.old.Hash
	return t.err
}

// sameIncludes asks for what the kept copy includes, and reports whether all is
// as it was.
func (t *taker) sameIncludes() bool {
	same := t.old.good()
	for i := 1; i < len(t.old.Parts); i++ {
		p, err := t.get(t.old.Parts[i].Addr, t.old.Parts[i].Name)
		same = same && err == nil && p.tmp == ""
	}
	return same
}

// include obtains what a line of the list names.
func (t *taker) include(base, name string) ([]byte, error) {
	addr, err := beside(base, name)
	switch {
	case err != nil:
		return nil, err
	case t.err != nil:
		return nil, t.err
	case len(t.got.parts) > maxIncludes:
		return nil, fmt.Errorf("it includes more than %d lists", maxIncludes)
	}
	p, err := t.get(addr, name)
	if err == nil {
		var text []byte
		if text, err = t.text(p); err == nil {
			return text, nil
		}
	}
	if badList := new(BadListError); !isGone(err) && !errors.As(err, &badList) {
		t.err = fmt.Errorf("include %s: %w", clean(baseName(addr), maxTitle), err)
	}
	return nil, err
}

// get obtains one part, once.
func (t *taker) get(addr, name string) (*takenPart, error) {
	for _, p := range t.got.parts {
		if p.Addr == addr {
			return p, nil
		}
	}
	ask := t.remote
	if t.ref.File != "" {
		ask = t.file
	}
	p, err := ask(addr)
	if err != nil {
		return nil, err
	}
	p.Name = name
	t.got.parts = append(t.got.parts, p)
	if t.used += p.Size; t.used > t.s.o.MaxSize {
		t.err = t.s.tooLarge()
	}
	return p, t.err
}

func (s *Store) tooLarge() error {
	return fmt.Errorf("%w: more than %d MB with what it includes", errTooLarge, s.o.MaxSize>>20)
}

// text reads the text of a part.
func (t *taker) text(p *takenPart) ([]byte, error) {
	path := p.tmp
	if path == "" {
		path = filepath.Join(t.s.o.Dir, p.File)
	}
	return readPart(path, &p.part)
}

// known returns what is kept of an address, if its copy is still there.
func (t *taker) known(addr string) *part {
	p := t.old.at(addr)
	if p == nil || p.File == "" {
		return nil
	}
	info, err := os.Stat(filepath.Join(t.s.o.Dir, p.File))
	if err != nil || info.Size() != p.Size {
		return nil
	}
	return p
}

func (t *taker) remote(addr string) (*takenPart, error) {
	old := t.known(addr)
	got, err := t.s.fetch.get(t.ctx, addr, old, t.dir, t.told)
	if err != nil {
		return nil, err
	}
	if !got.unchanged && old != nil && got.part.Hash == old.Hash { // a new ETag for the old text
		_ = os.Remove(got.tmp)
		got.part.File, got.tmp = old.File, ""
	}
	return &takenPart{got.part, got.tmp}, nil
}

func (t *taker) file(path string) (*takenPart, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fetchError{err: fmt.Errorf("there is no file %s", path), gone: true}
	}
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	if old := t.known(path); old != nil && old.Size == info.Size() && old.MTime.Equal(info.ModTime()) {
		return &takenPart{part: *old}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	defer f.Close()
	tmp, p, err := spool(t.dir, &bounded{r: f, left: t.s.o.MaxSize}, &inspector{own: t.ref.own()})
	switch {
	case errors.Is(err, errTooLarge):
		return nil, fmt.Errorf("%s: %w", path, t.s.tooLarge())
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p.Addr, p.MTime = path, info.ModTime()
	return &takenPart{p, tmp}, nil
}

// readPart reads a file of ours and proves that it is what was written.
func readPart(path string, p *part) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the copy: %w", err)
	}
	defer f.Close()
	text := make([]byte, p.Size)
	n, err := io.ReadFull(f, text)
	sum := sha256.Sum256(text[:n])
	if err != nil || hexBytes(sum[:]) != p.Hash {
		return nil, fmt.Errorf("the copy %s is not what was written", filepath.Base(path))
	}
	return text, nil
}

// reads returns a list whose parts read gives.
func (k *kept) reads(r *Ref, read func(*part) ([]byte, error)) (filterlist.Source, error) {
	text, err := read(&k.Parts[0])
	if err != nil {
		return filterlist.Source{}, err
	}
	src := source(r, text)
	base := k.Parts[0].Addr
	src.Include = func(name string) ([]byte, error) {
		addr, err := beside(base, name)
		if err != nil {
			return nil, err
		}
		p := k.at(addr)
		if p == nil {
			return nil, errors.New("it was not there")
		}
		return read(p)
	}
	return src, nil
}

// source is a list before its includes are known.
func source(r *Ref, text []byte) filterlist.Source {
	format, err := filterlist.ParseFormat(r.Format)
	if err != nil { // the catalogue was checked
		format = filterlist.FormatAuto
	}
	return filterlist.Source{Name: r.Name, Text: text, Format: format}
}
