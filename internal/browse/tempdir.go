package browse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	tempPrefix = "quench-" // short: sockets are made below it
	lockName   = "quench-browse.lock"
	// settle is how old a lock file must be before an unlocked one counts as
	// left behind: its maker may be about to lock it.
	settle = 10 * time.Second
	// removeTime is how long removal is tried while helpers of the browser still
	// write; removePause lies between two tries.
	removeTime  = 5 * time.Second
	removePause = 50 * time.Millisecond
	// maxLeftovers bounds the work that crashed sessions can cause at a start.
	maxLeftovers = 64
)

// tempDir is the private directory of a session. It is locked while the
// session lives, so that others can tell it from one left by a crash.
type tempDir struct {
	path string
	lock *os.File
}

func makeTempDir(base string) (*tempDir, error) {
	path, err := os.MkdirTemp(base, tempPrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("making a temporary profile: %w", err)
	}
	d := &tempDir{path: path}
	d.lock, err = os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err == nil {
		err = lockFile(d.lock)
	}
	if err != nil {
		return nil, fmt.Errorf("making a temporary profile: %w", errors.Join(err, d.remove()))
	}
	return d, nil
}

// remove deletes the directory, for a while also against helpers that are
// still writing into it.
func (d *tempDir) remove() error {
	if d.lock != nil {
		d.lock.Close()
	}
	deadline := time.Now().Add(removeTime)
	for {
		err := os.RemoveAll(d.path)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the temporary profile %s could not be removed, remove it by hand: %w", d.path, err)
		}
		<-time.After(removePause)
	}
}

// removeLeftovers removes the directories of sessions that ended without
// doing so. Failures are left for the next start: they must not keep anyone
// from browsing.
func removeLeftovers(base string) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	tried := 0
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), tempPrefix) || tried == maxLeftovers {
			continue
		}
		path := filepath.Join(base, e.Name())
		if leftBehind(path, time.Now()) {
			tried++
			_ = os.RemoveAll(path)
		}
	}
}

// leftBehind reports whether path is a session's directory, ours, and its
// session is dead.
func leftBehind(path string, now time.Time) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || !ownedByUs(info) {
		return false
	}
	name := filepath.Join(path, lockName)
	info, err = os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < settle {
		return false
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return lockFile(f) == nil
}
