package main

import (
	"context"
	"io"
	"testing"
)

// waiting is an input that never comes; it tells when it is asked for.
type waiting struct {
	asked func()
	never chan struct{}
}

func (w waiting) Read([]byte) (int, error) {
	w.asked()
	<-w.never
	return 0, io.EOF
}

// TestScanInterrupted: a scan that waits for its input ends with a signal, at
// once; so does the filter, which then has taken no mail.
func TestScanInterrupted(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"scan", "-"}, {"scan", "--clean", "-", "-"}, {"scan", "--filter"}, {"scan", "--compare", "-", "x.eml"}} {
		ctx, stop := context.WithCancel(t.Context())
		in := waiting{stop, make(chan struct{})}
		home := t.TempDir()
		code := run(ctx, args, in, io.Discard, io.Discard, func(k string) string { return map[string]string{"HOME": home}[k] })
		if code != exitInterrupted {
			t.Errorf("%v: exit code %d, want %d", args, code, exitInterrupted)
		}
		close(in.never)
	}
}
