package lists

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

// TestCompiledCopy opens the compiled copy at the next start, and does not
// trust one that is not what was written.
func TestCompiledCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(500))
	r := w.selected("/l")
	w.mustUpdate()
	path := filepath.Join(w.dir, compiledName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := func() *Snapshot {
		t.Helper()
		s := w.open(Options{})
		if err := s.Select([]Ref{r}); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		snap := s.Current()
		q := &detect.HostQuestion{Host: "tracker499.example"}
		if snap.Set.Len() != 500 || !snap.Set.Host(q, snap.All()).Blocked() {
			t.Errorf("%d rules in force, want 500", snap.Set.Len())
		}
		return snap
	}
	if !start().Cached {
		t.Error("the compiled copy was not used")
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0x10
	other := bytes.Clone(good)
	other[20] ^= 1 // in the key
	for name, wrong := range map[string][]byte{
		"flipped": flipped, "cut": good[:len(good)/2], "cut by one": good[:len(good)-1], "header": good[:40],
		"empty": {}, "of other lists": other, "zeros": make([]byte, len(good)),
	} {
		_ = os.Remove(path) // what is mapped must not change
		if err := os.WriteFile(path, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		if start().Cached {
			t.Errorf("%s: the compiled copy was trusted", name)
		}
		if again, err := os.ReadFile(path); err != nil || len(again) != len(good) {
			t.Errorf("%s: not written anew: %d bytes, %v", name, len(again), err)
		}
	}
	// A mapping goes when its Set does, and not before.
	snap := start()
	w.text("/l", rulesOf(400))
	w.mustUpdate()
	for range 3 {
		runtime.GC()
	}
	if !snap.Set.Host(&detect.HostQuestion{Host: "tracker499.example"}, snap.All()).Blocked() {
		t.Error("the old Set went with its file")
	}
}

// TestNoRoomForTheCopy compiles where the compiled copy cannot be written.
func TestNoRoomForTheCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := os.MkdirAll(filepath.Join(w.dir, compiledName, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.text("/l", rulesOf(50))
	w.selected("/l")
	w.mustUpdate()
	if snap := w.store.Current(); snap.Set.Len() != 50 || snap.Cached {
		t.Errorf("%+v", snap)
	}
	for _, f := range w.files() {
		if len(f) > len(tmpPrefix) && f[:len(tmpPrefix)] == tmpPrefix {
			t.Errorf("left behind: %s", f)
		}
	}
}
