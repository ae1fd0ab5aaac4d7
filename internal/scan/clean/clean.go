// Package clean writes copies of files in which some bytes are replaced: the
// clean mail, page or mailbox. Everything else is copied byte for byte.
//
// A file is written beside its place (in a Maildir in tmp) and renamed when it
// is complete, so that nobody ever sees half a mail, and a fault loses nothing.
package clean

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Stdout is the OUT that means standard output.
const Stdout = "-"

// Options say where copies go.
type Options struct {
	// Paths are the inputs as source.Open takes them; OUT is a file for one
	// file, else a folder, "-" for Stdout, or the one path itself for a change
	// in place.
	Paths []string
	Out   string
	// Overwrite replaces a file at Out that is not the input.
	Overwrite bool
	// Stdin is the copy of standard input on disk, for the path "-".
	Stdin string
	// Stdout takes the copy for "-".
	Stdout io.Writer
}

// Writer writes the copies of one scan, file after file. Not for concurrent
// use. Close it, whatever happened.
type Writer struct {
	o     Options
	place func(file string) (string, error)
	now   *copying
}

// ErrExists is wrapped where a copy would replace a file that is not its input.
var ErrExists = errors.New("is there already")

// New checks where copies would go. Nothing is written yet.
func New(o Options) (*Writer, error) {
	w := &Writer{o: o}
	single, err := w.single()
	if err != nil {
		return nil, err
	}
	for _, p := range o.Paths {
		if info, err := os.Stat(p); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s can be read only once, and a copy needs it twice; give it as standard input", p)
		}
	}
	info, err := os.Stat(o.Out)
	isDir := err == nil && info.IsDir()
	switch {
	case o.Out == Stdout && !single:
		return nil, errors.New("standard output takes the copy of one file, not of several")
	case o.Out == Stdout:
		w.place = func(string) (string, error) { return Stdout, nil }
	case w.same(info):
		w.place = func(file string) (string, error) { return file, nil }
	case single && !isDir:
		w.place = func(string) (string, error) { return o.Out, w.free(o.Out) }
	case err == nil && !isDir:
		return nil, fmt.Errorf("%s is a file; the copies of several files need a folder", o.Out)
	default:
		w.place = w.below
	}
	return w, nil
}

// single reports whether the inputs are one file.
func (w *Writer) single() (bool, error) {
	if len(w.o.Paths) != 1 {
		return false, nil
	}
	if w.o.Paths[0] == "-" {
		return true, nil
	}
	info, err := os.Stat(w.o.Paths[0])
	switch {
	case errors.Is(err, fs.ErrNotExist): // a glob, or a file that the scan will not find
		return false, nil
	case err != nil:
		return false, err
	}
	return !info.IsDir(), nil
}

// same reports whether Out is the one input itself.
func (w *Writer) same(out fs.FileInfo) bool {
	if out == nil || len(w.o.Paths) != 1 {
		return false
	}
	in, err := os.Stat(w.o.Paths[0])
	return err == nil && os.SameFile(in, out)
}

// free reports that nothing of a person's is replaced.
func (w *Writer) free(name string) error {
	if _, err := os.Lstat(name); err == nil && !w.o.Overwrite {
		return fmt.Errorf("write %s: %w", name, ErrExists)
	}
	return nil
}

// below is the place of file in the folder Out: its path below the input that
// it was found in.
func (w *Writer) below(file string) (string, error) {
	name := filepath.Base(file)
	if file == "-" {
		name = "stdin"
	}
	for _, p := range w.o.Paths {
		rel, err := filepath.Rel(p, file)
		if err != nil || rel == "." || !filepath.IsLocal(rel) {
			continue
		}
		if name = rel; len(w.o.Paths) > 1 {
			name = filepath.Join(filepath.Base(filepath.Clean(p)), rel)
		}
		break
	}
	name = filepath.Join(w.o.Out, name)
	return name, w.free(name)
}

// Add replaces bytes of m in the copy of its file. Messages come in the order
// of the file. An error spoils this file's copy; the next file's begins anew.
func (w *Writer) Add(m *source.Message, edits []markup.Edit) error {
	if w.now != nil && w.now.file != m.File {
		if err := w.finish(); err != nil {
			return errors.Join(err, w.Add(m, edits))
		}
	}
	if w.now == nil {
		w.now = &copying{file: m.File, maildir: m.Maildir}
		if w.now.failed = w.begin(w.now); w.now.failed != nil {
			return w.now.failed
		}
	}
	if w.now.failed != nil {
		return nil // said already
	}
	w.now.failed = w.now.edit(m, edits)
	return w.now.failed
}

// Failed reports whether there will be no copy of the file that the last Add was
// about.
func (w *Writer) Failed() bool { return w.now != nil && w.now.failed != nil }

func (w *Writer) begin(c *copying) error {
	to, err := w.place(c.file)
	if err != nil {
		return err
	}
	from := c.file
	if from == "-" {
		from = w.o.Stdin
	}
	return c.begin(from, to, w.o.Stdout)
}

// finish ends the copy of the present file.
func (w *Writer) finish() error {
	c := w.now
	w.now = nil
	if c == nil {
		return nil
	}
	if c.failed != nil {
		c.drop()
		return nil
	}
	return c.finish()
}

// Finish completes the last copy.
func (w *Writer) Finish() error { return w.finish() }

// Close drops a copy that was not finished.
func (w *Writer) Close() {
	if w.now != nil {
		w.now.drop()
		w.now = nil
	}
}

// copying is one file on its way to its copy.
type copying struct {
	file    string
	maildir bool
	failed  error // why there will be no copy

	src     *os.File
	was     fs.FileInfo // of src, when it was opened
	in      *bufio.Reader
	at      int64 // of in
	changed bool

	to string // "" for standard output
	// inPlace: the copy is to take the input's place.
	inPlace bool
	temp    *os.File // nil for standard output
	out     *bufio.Writer
	pack    io.WriteCloser // compresses into out; nil if the copy is plain
}

// copyBuffer is how many bytes are copied at a time.
const copyBuffer = 256 << 10

func (c *copying) begin(from, to string, stdout io.Writer) (err error) {
	if c.src, err = os.Open(from); err != nil {
		return err
	}
	if c.was, err = c.src.Stat(); err != nil {
		return err
	}
	plain, err := source.Decompressed(c.src)
	if err != nil {
		return err
	}
	c.in = bufio.NewReaderSize(plain, copyBuffer)
	if to == Stdout {
		c.out = bufio.NewWriterSize(stdout, copyBuffer)
		return nil
	}
	if real, err := filepath.EvalSymlinks(to); err == nil {
		to = real
	}
	c.to = to
	if info, err := os.Stat(to); err == nil {
		c.inPlace = os.SameFile(info, c.was)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if c.temp, err = os.CreateTemp(c.tempDir(), ".quench-*"); err != nil {
		return err
	}
	c.out = bufio.NewWriterSize(c.temp, copyBuffer)
	c.pack, err = packer(c.out, c.to)
	return err
}

// tempDir is where the copy grows: a Maildir's tmp, else beside its place.
func (c *copying) tempDir() string {
	dir := filepath.Dir(c.to)
	if c.maildir {
		tmp := filepath.Join(filepath.Dir(dir), "tmp")
		if info, err := os.Stat(tmp); err == nil && info.IsDir() {
			return tmp
		}
	}
	return dir
}

func (c *copying) writer() io.Writer {
	if c.pack != nil {
		return c.pack
	}
	return c.out
}

// edit copies up to the edits of m and writes them.
func (c *copying) edit(m *source.Message, edits []markup.Edit) error {
	for _, e := range edits {
		if err := c.copyTo(m.FileOffset(e.Range.Start)); err != nil {
			return err
		}
		if _, err := c.writer().Write(e.Replacement); err != nil {
			return fmt.Errorf("write the copy of %s: %w", c.file, err)
		}
		n, err := c.in.Discard(len(e.Replacement))
		c.at += int64(n)
		if err != nil {
			return fmt.Errorf("read %s again: %w", c.file, err)
		}
		c.changed = true
	}
	return nil
}

func (c *copying) copyTo(to int64) error {
	n, err := io.CopyN(c.writer(), c.in, to-c.at)
	c.at += n
	if err != nil {
		return fmt.Errorf("copy %s: %w", c.file, err)
	}
	return nil
}

// finish copies the rest and puts the copy into its place.
func (c *copying) finish() error {
	defer c.drop()
	if _, err := io.Copy(c.writer(), c.in); err != nil {
		return fmt.Errorf("copy %s: %w", c.file, err)
	}
	if c.pack != nil {
		if err := c.pack.Close(); err != nil {
			return fmt.Errorf("compress the copy of %s: %w", c.file, err)
		}
	}
	if err := c.out.Flush(); err != nil {
		return fmt.Errorf("write the copy of %s: %w", c.file, err)
	}
	if c.temp == nil {
		return nil
	}
	return c.install()
}

// install gives the copy the input's mode and times and renames it. In place,
// the input must still be the file that was read.
func (c *copying) install() error {
	if c.inPlace {
		if !c.changed {
			return nil
		}
		now, err := os.Stat(c.to)
		if err != nil || !os.SameFile(now, c.was) || now.Size() != c.was.Size() || !now.ModTime().Equal(c.was.ModTime()) {
			return fmt.Errorf("%s changed or was moved while it was cleaned; it is left as it is", c.file)
		}
		likeOwner(c.temp, c.was)
	}
	mode := c.was.Mode().Perm()
	if c.file == "-" {
		mode = 0o600
	}
	err := errors.Join(c.temp.Chmod(mode), c.temp.Sync(), c.temp.Close())
	name := c.temp.Name()
	if err == nil && c.file != "-" {
		err = os.Chtimes(name, time.Time{}, c.was.ModTime()) // a Maildir keeps the day of arrival there
	}
	if err == nil {
		err = os.Rename(name, c.to)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", c.to, err)
	}
	c.temp = nil
	return nil
}

// drop lets go of everything; a copy that is not in its place is gone.
func (c *copying) drop() {
	if c.temp != nil {
		_ = c.temp.Close()
		_ = os.Remove(c.temp.Name())
		c.temp = nil
	}
	if c.src != nil {
		_ = c.src.Close()
		c.src = nil
	}
}
