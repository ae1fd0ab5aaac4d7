package mapfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := bytes.Repeat([]byte("0123456789"), 1000)
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	// A new version in its place leaves the old one as it was.
	if err := os.WriteFile(path+".new", []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		runtime.GC()
	}
	if !bytes.Equal(f.Bytes(), want) {
		t.Error("the bytes changed")
	}
	runtime.KeepAlive(f)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	long := filepath.Join(dir, "long")
	empty := filepath.Join(dir, "empty")
	for path, text := range map[string]string{long: "12345", empty: ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(long, 4); err == nil {
		t.Error("a file past the limit was opened")
	}
	if _, err := Open(dir, 1<<20); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := Open(filepath.Join(dir, "none"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
	if f, err := Open(empty, 4); err != nil || len(f.Bytes()) != 0 {
		t.Errorf("empty file: %v", err)
	}
}
