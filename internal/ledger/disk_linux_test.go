package ledger

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tmpfs mounts a small file system, or skips the test where that is not allowed.
func tmpfs(t *testing.T, size string) (dir string, remount func(flags uintptr)) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("QUENCH_REQUIRE_TMPFS") == "1" {
			t.Fatalf("cannot mount a tmpfs: %v", err)
		}
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("none", dir, "", unix.MS_REMOUNT|flags, "size="+size); err != nil {
			t.Fatal(err)
		}
	}
}

// flood records until something is lost for want of a disk.
func flood(t *testing.T, l *Ledger) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	var slowest time.Duration
	for i := 0; l.Stats().Lost.Disk == 0; i++ {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is lost on a full disk: %+v", l.Stats())
		}
		e := note("Meta", "shop.example", noon)
		e.Sentence = fmt.Sprint(i, strings.Repeat(" word", 200))
		began := time.Now()
		l.Note(e)
		slowest = max(slowest, time.Since(began))
	}
	if slowest > 10*time.Second { // a busy machine may be elsewhere for a while; a disk is waited for longer
		t.Errorf("a record took %v while the disk was full", slowest)
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir, _ := tmpfs(t, "3m")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, bytes.Repeat([]byte{1}, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	l := start(t, Options{Dir: dir, Queue: 128 << 10})
	l.Note(note("First", "shop.example", noon))
	settle(t, l)
	flood(t, l)
	s := l.Stats()
	if s.LastError != "the disk is full" || s.Since.IsZero() {
		t.Errorf("stats %+v, want a full disk and since when", s)
	}
	if got := all(t, l, Filter{Company: "First"}); len(got) != 1 {
		t.Errorf("%d events can be read from a full disk, want 1", len(got))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	recovers(t, l)
}

// recovers checks that the ledger goes on by itself once it can write.
func recovers(t *testing.T, l *Ledger) {
	t.Helper()
	ch := l.Follow(t.Context(), Filter{Company: "After"})
	l.Note(note("After", "shop.example", noon))
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ch:
			if s := l.Stats(); s.LastError != "" || !s.Since.IsZero() {
				t.Errorf("stats %+v, want healed", s)
			}
			return
		case <-tick.C: // the queue may have been full when the first was noted
			l.Note(note("After", "shop.example", noon.Add(time.Hour)))
		case <-deadline:
			t.Fatalf("still not writing: %+v", l.Stats())
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	dir, remount := tmpfs(t, "8m")
	remount(unix.MS_RDONLY)
	l := start(t, Options{Dir: dir, Queue: 64 << 10})
	if s := l.Stats(); s.LastError != "the ledger's directory is read-only" {
		t.Errorf("last error %q, want read-only", s.LastError)
	}
	for _, err := range l.Events(t.Context(), Filter{}) {
		if err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("reading gives %v, want the reason", err)
		}
	}
	flood(t, l)
	remount(0)
	recovers(t, l)
}
