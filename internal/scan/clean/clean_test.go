package clean_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/clean"
	"github.com/quench-proxy/quench/internal/scan/run"
	"github.com/quench-proxy/quench/internal/scan/source"
)

const dirty = "From: a@shop.example\nTo: ann@home.example\nSubject: s\nContent-Type: text/html\n\n<p>x<img src=\"http://t.example/o/?r=ann@home.example\" width=1 height=1>\n"

const tidy = "From: a@shop.example\nTo: ann@home.example\nSubject: s\nContent-Type: text/html\n\n<p>x<img src=\"about:blank#xxxxxxxxxxxxxxxxxxxxxxxxxx\" width=1 height=1>\n"

const from = "From a@shop.example Mon Jan  1 00:00:00 2026\n"

// copied scans paths and writes the copies; it gives the ranges that each file
// should differ in, and the errors of Add and Finish.
func copied(t *testing.T, o clean.Options, s *scan.Scanner) (map[string][][2]int64, error) {
	t.Helper()
	w, err := clean.New(o)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	ranges := map[string][][2]int64{}
	var errs []error
	_, err = run.Scan(context.Background(), s, run.Options{Paths: o.Paths}, run.Sink{
		Report: func(r *scan.Report, m *source.Message) error {
			if r.Clean != nil {
				ranges[m.File] = append(ranges[m.File], r.Clean.Ranges...)
				errs = append(errs, w.Add(m, r.Clean.Edits))
			}
			return nil
		},
		Failed: func(e *source.FileError) { t.Logf("%v", e) },
	})
	return ranges, errors.Join(append(errs, err, w.Finish())...)
}

func trackers() *scan.Scanner { return &scan.Scanner{Cleaning: &scan.Cleaning{}} }

func put(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func want(t *testing.T, name, text string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil || string(got) != text {
		t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, text)
	}
}

// names are the files below dir.
func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := put(t, filepath.Join(dir, "in.eml"), dirty)
	out := filepath.Join(dir, "out.eml")
	if _, err := copied(t, clean.Options{Paths: []string{in}, Out: out}, trackers()); err != nil {
		t.Fatal(err)
	}
	want(t, out, tidy)
	want(t, in, dirty)
	if _, err := copied(t, clean.Options{Paths: []string{in}, Out: out}, trackers()); !errors.Is(err, clean.ErrExists) {
		t.Errorf("over a file that is there: error %v, want %v", err, clean.ErrExists)
	}
	put(t, out, "old")
	if _, err := copied(t, clean.Options{Paths: []string{in}, Out: out, Overwrite: true}, trackers()); err != nil {
		t.Error(err)
	}
	want(t, out, tidy)
	var b bytes.Buffer
	if _, err := copied(t, clean.Options{Paths: []string{in}, Out: "-", Stdout: &b}, trackers()); err != nil || b.String() != tidy {
		t.Errorf("to standard output: %v\n%s", err, b.String())
	}
	if got := names(t, dir); !slices.Equal(got, []string{"in.eml", "out.eml"}) {
		t.Errorf("left in the folder: %q", got)
	}
}

func TestMbox(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := func(mail string) string {
		return from + "Subject: none\n\nhello\n\n" + from + mail + "\n" + from + "Subject: last\n\n>From here on\n"
	}
	in := put(t, filepath.Join(dir, "in.mbox"), text(dirty))
	if _, err := copied(t, clean.Options{Paths: []string{in}, Out: filepath.Join(dir, "out.mbox")}, trackers()); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(dir, "out.mbox"), text(tidy))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text(dirty))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	packed := put(t, filepath.Join(dir, "in.mbox.gz"), b.String())
	if _, err := copied(t, clean.Options{Paths: []string{packed}, Out: packed}, trackers()); err != nil { // in place
		t.Fatal(err)
	}
	f, err := os.Open(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(u)
	if err != nil || string(got) != text(tidy) {
		t.Errorf("compressed: %v\n%s", err, got)
	}
}

// TestMaildir cleans a Maildir in place: what changes is renamed from tmp and
// keeps mode and time, what does not change is not touched.
func TestMaildir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, text := range map[string]string{"cur/1.a:2,S": dirty, "new/2.b": dirty, "cur/3.c:2,": "Subject: plain\n\nhello\n", "tmp/4.d": dirty} {
		put(t, filepath.Join(dir, name), text)
		if err := os.Chtimes(filepath.Join(dir, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	untouched, err := os.Stat(filepath.Join(dir, "cur/3.c:2,"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := copied(t, clean.Options{Paths: []string{dir}, Out: dir}, trackers()); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(dir, "cur/1.a:2,S"), tidy)
	want(t, filepath.Join(dir, "new/2.b"), tidy)
	want(t, filepath.Join(dir, "tmp/4.d"), dirty) // being delivered: nobody's yet
	for _, name := range []string{"cur/1.a:2,S", "new/2.b", "cur/3.c:2,"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || !info.ModTime().Equal(when) || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, time %v, mode %v", name, err, info.ModTime(), info.Mode())
		}
		if strings.HasPrefix(name, "cur/3") && !os.SameFile(info, untouched) {
			t.Errorf("%s was written anew though nothing in it changed", name)
		}
	}
	if got := names(t, dir); len(got) != 4 {
		t.Errorf("files %q, want the four that were there", got)
	}
}

// TestMoved: mail that a mail program moves meanwhile is neither lost nor doubled.
func TestMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	name := put(t, filepath.Join(dir, "new", "1.a"), dirty)
	w, err := clean.New(clean.Options{Paths: []string{dir}, Out: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for m, err := range source.Open(t.Context(), []string{dir}, source.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(m, trackers().Message(m).Clean.Edits); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name, filepath.Join(dir, "cur", "1.a:2,S")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err == nil || !strings.Contains(err.Error(), "moved while it was cleaned") {
		t.Errorf("error %v, want that it was moved", err)
	}
	want(t, filepath.Join(dir, "cur", "1.a:2,S"), dirty)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("files %q, want one", got)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "new")
	put(t, filepath.Join(in, "a.eml"), dirty)
	put(t, filepath.Join(in, "deep", "b.eml"), dirty)
	put(t, filepath.Join(in, "notes.bin"), "\x00no mail")
	if _, err := copied(t, clean.Options{Paths: []string{in}, Out: out}, trackers()); err != nil {
		t.Fatal(err)
	}
	want(t, filepath.Join(out, "a.eml"), tidy)
	want(t, filepath.Join(out, "deep", "b.eml"), tidy)
	if got := names(t, out); len(got) != 2 {
		t.Errorf("copies %q, want two", got)
	}
	file := put(t, filepath.Join(t.TempDir(), "file"), "x")
	for what, o := range map[string]clean.Options{
		"several files onto one":           {Paths: []string{filepath.Join(in, "a.eml"), filepath.Join(in, "deep")}, Out: file},
		"several files to standard output": {Paths: []string{in}, Out: "-"},
	} {
		if _, err := clean.New(o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestCorpus cleans all of the public mail: every copy has the length of its
// original and differs only inside the ranges reported.
func TestCorpus(t *testing.T) {
	t.Parallel()
	dir := need.Data(t, "mail")
	out := t.TempDir()
	s := &scan.Scanner{Cleaning: &scan.Cleaning{All: true, Force: true}}
	ranges, err := copied(t, clean.Options{Paths: []string{dir}, Out: out}, s)
	if err != nil {
		t.Error(err)
	}
	changed := 0
	for file, rs := range ranges {
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := os.ReadFile(file)
		b, err2 := os.ReadFile(filepath.Join(out, rel))
		if err1 != nil || err2 != nil || len(a) != len(b) {
			t.Errorf("%s: %v, %v, %d bytes became %d", rel, err1, err2, len(a), len(b))
			continue
		}
		if !bytes.Equal(a, b) {
			changed++
		}
		for i := range a {
			if a[i] != b[i] && !slices.ContainsFunc(rs, func(r [2]int64) bool { return r[0] <= int64(i) && int64(i) < r[1] }) {
				t.Errorf("%s: byte %d changed outside the ranges reported", rel, i)
				break
			}
		}
	}
	t.Logf("%d files copied, %d changed", len(ranges), changed)
	if len(ranges) < 1000 || changed < 200 {
		t.Errorf("%d files, %d changed: the data is not what it was", len(ranges), changed)
	}
}

// TestFilter: the mail comes out clean, or as it went in.
func TestFilter(t *testing.T) {
	t.Parallel()
	good := func() (*scan.Scanner, error) { return trackers(), nil }
	long := dirty + strings.Repeat("x", clean.MaxFiltered)
	for name, c := range map[string]struct {
		in, out string
		make    func() (*scan.Scanner, error)
		why     bool
	}{
		"clean":      {dirty, tidy, good, false},
		"mbox line":  {from + dirty, from + tidy, good, false},
		"empty":      {"", "", good, false},
		"no mail":    {"\x00\x01\x02", "\x00\x01\x02", good, true},
		"archive":    {`{"log":{"entries":[]}}`, `{"log":{"entries":[]}}`, good, true},
		"compressed": {"\x1f\x8bxx", "\x1f\x8bxx", good, true},
		"no rules":   {dirty, dirty, func() (*scan.Scanner, error) { return nil, errors.New("no rules") }, true},
		"panic":      {dirty, dirty, func() (*scan.Scanner, error) { panic("fault") }, true},
		"too long":   {long, long, good, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			why, lost := clean.Filter(t.Context(), strings.NewReader(c.in), &b, c.make)
			if b.String() != c.out || lost != nil || (why != nil) != c.why {
				t.Errorf("%d bytes came out, want %d; why %v, lost %v", b.Len(), len(c.out), why, lost)
			}
		})
	}
	var b bytes.Buffer
	if why, lost := clean.Filter(t.Context(), io.MultiReader(strings.NewReader(dirty), broken{}), &b, good); why == nil || lost != nil || b.String() != dirty {
		t.Errorf("after an error of input: why %v, lost %v, out %q", why, lost, b.String())
	}
	if _, lost := clean.Filter(t.Context(), strings.NewReader(dirty), full{}, good); lost == nil {
		t.Error("a full disk went unnoticed")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("broken") }

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("full") }
