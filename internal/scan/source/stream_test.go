package source

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestPatient: what comes is given whole, with the error behind it.
func TestPatient(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", patientBytes/4)
	r := Patient(t.Context(), io.MultiReader(strings.NewReader(text), failing{}))
	b, err := io.ReadAll(r)
	if string(b) != text || !errors.Is(err, errBroken) {
		t.Errorf("%d bytes and %v, want %d and %v", len(b), err, len(text), errBroken)
	}
}

var errBroken = errors.New("broken")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

// TestInterrupted: whoever waits for standard input goes on when ctx ends, and
// what came half is not given.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	in, feed := io.Pipe()
	defer feed.Close()
	go func() {
		_, _ = io.WriteString(feed, f+a+"\n"+f+"From: b")
		stop() // everything written was read
	}()
	var last error
	n := 0
	for m, err := range Open(ctx, []string{"-"}, Options{Stdin: in}) {
		if m != nil && ctx.Err() == nil {
			n++
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || n > 1 {
		t.Errorf("%d messages, last error %v, want at most 1 and %v", n, last, context.Canceled)
	}
}
