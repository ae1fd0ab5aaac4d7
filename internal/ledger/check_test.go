package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCheckFindsDamageThatNothingMet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir})
	for i := range 2000 {
		l.Note(note("Meta", fmt.Sprint("s", i, ".example"), noon))
	}
	settle(t, l)
	if err := l.Check(t.Context()); err != nil {
		t.Fatalf("a sound ledger: %v", err)
	}
	stop(t, l)
	file := filepath.Join(dir, dirName, fileName)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := len(b) / 4096 / 2 * 4096 // one in the middle, that opening does not read
	for i := page; i < page+4096; i++ {
		b[i] = 0xA5
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l = start(t, Options{Dir: dir})
	if s := l.Stats(); s.LastError != "" {
		t.Fatalf("the damage was met by opening: %+v", s)
	}
	if err := l.Check(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("Check = %v, want ErrDamaged", err)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Check(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDamaged) {
		t.Errorf("Check = %v, want only that it was ended", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l, err := Open(ctx, Options{Dir: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, %v, want the end of its context", l, err)
	}
	if l != nil {
		stop(t, l)
	}
}

func TestFlushShowsWhatWasJustRecorded(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	for i := range 20 {
		l.Note(note("Meta", fmt.Sprint("s", i, ".example"), noon))
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := l.Count(t.Context(), Filter{}); err != nil || n != int64(i+1) {
			t.Fatalf("%d events, %v, right after the %dth", n, err, i+1)
		}
	}
	stop(t, l)
	if err := l.Flush(t.Context()); err == nil {
		t.Error("a closed ledger says that it wrote")
	}
}
