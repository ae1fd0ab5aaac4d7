package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no such permissions")
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, dirName), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, dirName, fileName), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	l := start(t, Options{Dir: dir})
	l.Note(note("Meta", "shop.example", noon))
	settle(t, l)
	seen := 0
	err := filepath.WalkDir(filepath.Join(dir, dirName), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if err == nil && st.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", d.Name(), st.Mode().Perm(), want)
		}
		seen++
		return err
	})
	if err != nil || seen != 5 { // directory, file, -wal, -shm, key
		t.Errorf("%d files seen, %v, want 5", seen, err)
	}
}

func TestFaultyOptions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {Dir: file}, {Dir: t.TempDir(), Keep: -1}, {Dir: t.TempDir(), Detail: 9}} {
		if l, err := Open(t.Context(), o); err == nil {
			stop(t, l)
			t.Errorf("Open(%+v) succeeded", o)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	l := start(t, Options{})
	ch := l.Follow(t.Context(), Filter{})
	for i := range 1000 {
		l.Note(note("Meta", fmt.Sprint("s", i, ".example"), noon))
	}
	stop(t, l)
	n := 0
	for range ch {
		n++
	}
	if s := l.Stats(); s.Written != 1000 || s.Lost.Total() != 0 || int64(n)+s.Missed != 1000 {
		t.Errorf("stats %+v, followed %d, want 1000 written", s, n)
	}
	l.Note(note("Meta", "late.example", noon))
	if s := l.Stats(); s.Lost.Closed != 1 {
		t.Errorf("stats %+v, want one lost after Close", s)
	}
	for _, err := range l.Events(t.Context(), Filter{}) {
		if err == nil {
			t.Error("a closed ledger still answers")
		}
	}
	if _, err := l.Erase(t.Context(), EraseFilter{All: true}); !errors.Is(err, errNotOpen) {
		t.Errorf("Erase after Close: %v", err)
	}
	deadline := time.Now().Add(20 * time.Second)
	buf := make([]byte, 1<<20)
	for {
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "ledger.(*worker)") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines are left:\n%s", stacks)
		}
		runtime.Gosched()
	}
}
