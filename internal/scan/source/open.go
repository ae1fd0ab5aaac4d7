package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options of Open. The zero value reads everything from its beginning.
type Options struct {
	// Stdin is read for the path "-"; nil is empty.
	Stdin io.Reader
	// From goes on where an earlier run stopped, over the same paths.
	From Place
	// MaxInflated takes the place of the constant; 0 means that.
	MaxInflated int64
}

// Open gives the messages of paths in order: files, folders (names sorted;
// those with new and cur are Maildirs), globs, "-". A pipe or terminal that is
// named is read as a stream; in folders only plain files count. An error is a
// *FileError; it ends one input, not the sequence, or wraps ErrSkipped.
//
// When ctx ends, so does the sequence, with an error that wraps ctx's, at once
// even where it waits for a pipe. What waits there ends with the pipe or the
// process; nothing else is open or runs after the sequence, which is for one
// goroutine.
func Open(ctx context.Context, paths []string, o Options) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		r := &reader{ctx: ctx, o: o, yield: yield, order: o.From.Order, resuming: o.From.File != "", input: input{most: o.MaxInflated}}
		for _, p := range paths {
			if !r.path(p) {
				return
			}
		}
		if r.resuming {
			r.fail(o.From.File, 0, errors.New("the file to go on from is not among the paths"))
		}
	}
}

// Total is how many bytes Open will read at most, for a progress bar; what
// cannot be known (standard input, unreadable folders) counts 0.
func Total(paths []string) (n int64) {
	for _, p := range paths {
		for _, name := range expand(p) {
			_ = filepath.WalkDir(name, func(_ string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					if info, err := d.Info(); err == nil {
						n += info.Size()
					}
				}
				return nil
			})
		}
	}
	return n
}

// expand is the names that a path stands for: itself, or as a glob what exists.
func expand(path string) []string {
	if _, err := os.Lstat(path); err == nil || path == "-" || !strings.ContainsAny(path, "*?[") {
		return []string{path}
	}
	names, err := filepath.Glob(path)
	if err != nil || len(names) == 0 {
		return []string{path}
	}
	return names
}

// reader gives messages to yield. Its methods report false when yield wants no
// more.
type reader struct {
	ctx      context.Context
	o        Options
	yield    func(*Message, error) bool
	order    int
	resuming bool // o.From.File has not come yet
	stopped  bool
	input    input
}

func (r *reader) fail(file string, at int64, err error) bool {
	r.stopped = r.stopped || !r.yield(nil, &FileError{file, at, err}) || r.ctx.Err() != nil
	return !r.stopped
}

// skip tells of what is passed over in a folder.
func (r *reader) skip(name, what string) bool {
	if r.resuming {
		return true
	}
	return r.fail(name, 0, fmt.Errorf("%s: %w", what, ErrSkipped))
}

// path reads one of the given paths.
func (r *reader) path(path string) bool {
	for _, name := range expand(path) {
		if name == "-" {
			if !r.stdin() {
				return false
			}
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			if !r.fail(name, 0, err) {
				return false
			}
			continue
		}
		if !info.IsDir() {
			if !r.file(name, place{named: true}, info.Mode()) {
				return false
			}
			continue
		}
		before, resumed := r.order, r.resuming
		if !r.folder(name, 0) {
			return false
		}
		if r.order == before && !resumed && !r.fail(name, 0, fmt.Errorf("search folder: %w", ErrNoMail)) {
			return false
		}
	}
	return true
}

// folder reads what lies in a folder: of a Maildir new and cur, never tmp.
func (r *reader) folder(dir string, depth int) bool {
	if depth > MaxDepth {
		return r.fail(dir, 0, fmt.Errorf("folders nested more than %d deep", MaxDepth))
	}
	names, err := names(dir)
	if err != nil && !r.fail(dir, 0, err) {
		return false
	}
	maildir := slices.Contains(names, "cur") && slices.Contains(names, "new")
	inMaildir := filepath.Base(dir) == "cur" || filepath.Base(dir) == "new"
	for _, name := range names {
		if maildir && name == "tmp" {
			continue
		}
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		link := err == nil && info.Mode()&fs.ModeSymlink != 0
		if link {
			info, err = os.Stat(path)
		}
		on := true
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since: mail moves while it is read
		case err != nil:
			on = r.fail(path, 0, err)
		case info.IsDir() && link:
			on = r.skip(path, "a link to a folder")
		case info.IsDir():
			on = r.folder(path, depth+1)
		case !info.Mode().IsRegular():
			on = r.skip(path, kindOf(info.Mode()))
		case !(maildir && name != "cur" && name != "new"):
			on = r.file(path, place{maildir: inMaildir}, info.Mode())
		}
		if !on {
			return false
		}
	}
	return true
}

// names are the sorted names in dir. Names only: a Maildir may hold a million.
func names(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := f.Readdirnames(-1)
	slices.Sort(list)
	return list, err
}

// place says how a file came to be read.
type place struct {
	named   bool // by the user: read as mail whatever it looks like
	maildir bool
}

func (r *reader) file(name string, at place, mode fs.FileMode) bool {
	skip := Place{}
	if r.resuming {
		if name != r.o.From.File {
			return true
		}
		r.resuming, skip = false, r.o.From
	}
	f, err := openFile(r.ctx, name, mode)
	if err != nil {
		return r.fail(name, 0, err)
	}
	defer f.Close()
	return r.stream(f, name, at, skip)
}

func (r *reader) stdin() bool {
	skip := Place{}
	if r.resuming {
		if r.o.From.File != "-" {
			return true
		}
		r.resuming, skip = false, r.o.From
	}
	if r.o.Stdin == nil {
		return r.fail("-", 0, ErrEmpty)
	}
	return r.stream(Patient(r.ctx, r.o.Stdin), "-", place{named: true}, skip)
}

// stream reads one file, whatever it holds.
func (r *reader) stream(src io.Reader, name string, at place, skip Place) bool {
	in := &r.input
	if err := in.open(src); err != nil {
		return r.fail(name, 0, fmt.Errorf("decompress: %w", err))
	}
	defer in.close()
	head, _ := in.buf.Peek(sniffBytes)
	kind := sniff(head, name)
	m := Message{File: name, Maildir: at.maildir, Compressed: in.compressed}
	switch {
	case len(head) == 0:
		return r.nothing(name, at)
	case kind == isMbox && !at.maildir:
		return r.mbox(&m, skip)
	case skip.Offset > 0:
		return true
	case babyl(head):
		return r.fail(name, 0, fmt.Errorf("%w: it is a Babyl mailbox, which Emacs can turn into mbox (M-x unrmail)", ErrNotMail))
	case kind == isNothing && !at.named && !at.maildir:
		return r.skip(name, "neither mail nor page nor recorded session")
	case kind == isNothing && at.named && binary(head):
		return r.fail(name, 0, fmt.Errorf("%w: it looks like %s", ErrNotMail, looks(head)))
	case kind == isHAR:
		m.Kind, m.Body = HAR, in
		return r.give(&m) && r.ended(in, name)
	}
	m.Kind = kind.message()
	if kind == isEmlx {
		line, _ := in.buf.ReadSlice('\n')
		in.offset += int64(len(line))
	}
	return r.single(&m)
}

// nothing reads a file of which not one byte came.
func (r *reader) nothing(name string, at place) bool {
	_, err := r.input.buf.Peek(1)
	switch {
	case err != io.EOF:
		return r.fail(name, 0, err)
	case at.named:
		return r.fail(name, 0, ErrEmpty)
	case at.maildir:
		return true
	}
	return r.skip(name, "empty")
}

// ended reports the error that cut in short.
func (r *reader) ended(in *input, name string) bool {
	if in.err != nil {
		return r.fail(name, in.offset, in.err)
	}
	return true
}

// give hands m over.
func (r *reader) give(m *Message) bool {
	m.Order = r.order
	r.order++
	r.stopped = !r.yield(m, nil)
	return !r.stopped
}

// single reads a file that is one message.
func (r *reader) single(m *Message) bool {
	in := &r.input
	m.Offset = in.offset
	k := keeper{plain: m.Kind != Mail}
	for {
		line, err := in.buf.ReadSlice('\n')
		k.add(line)
		in.offset += int64(len(line))
		if err != nil && !in.more(err) {
			break
		}
	}
	m.Raw, m.Holes, m.Length = k.done()
	if m.Length > 0 && !r.give(m) {
		return false
	}
	return r.ended(in, m.File)
}
