// Package filelock takes locks on files that end with the process, however it
// ends.
//
// In flow open files, out flow locks among processes that ask for them; others
// are not hindered. It knows nothing of what a lock stands for.
package filelock

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrLocked says that somebody else has the lock.
var ErrLocked = errors.New("locked by another process")

// again is how often Wait asks.
const again = 20 * time.Millisecond

// Try takes the lock of f, exclusive and without waiting; the error is
// ErrLocked if another open file has it. Closing f gives it up.
func Try(f *os.File) error { return lock(f) }

// Wait takes the lock of f as soon as it is free, or returns the cause of the
// context's end.
func Wait(ctx context.Context, f *os.File) error {
	t := time.NewTicker(again)
	defer t.Stop()
	for {
		if err := lock(f); !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ErrLocked, context.Cause(ctx))
		case <-t.C:
		}
	}
}
