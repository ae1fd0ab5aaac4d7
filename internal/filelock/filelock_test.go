package filelock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/filelock"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, second := open(t, path), open(t, path)
	if err := filelock.Try(first); err != nil {
		t.Fatal(err)
	}
	if err := filelock.Try(second); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("the second got %v, want ErrLocked", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := filelock.Wait(ctx, second); !errors.Is(err, filelock.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting in vain gave %v", err)
	}
	got := make(chan error, 1)
	go func() { got <- filelock.Wait(t.Context(), second) }()
	first.Close()
	if err := <-got; err != nil {
		t.Errorf("the lock that was given up could not be taken: %v", err)
	}
}
