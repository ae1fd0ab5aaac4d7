package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// hold keeps the worker busy until the returned function is called.
func hold(t *testing.T, l *Ledger) (release func()) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	go l.do(context.Background(), func(context.Context, *worker) error {
		close(held)
		<-free
		return nil
	})
	<-held
	return func() { close(free) }
}

func TestQueueBound(t *testing.T) {
	t.Parallel()
	const bound = 256 << 10
	l := start(t, Options{Queue: bound})
	release := hold(t, l)
	const n = 400
	body := `[{"sentence":"s"}]` + strings.Repeat(" ", 4096)
	for i := range n {
		s := sighting(noon.Add(time.Duration(i)*time.Minute), body)
		l.Record(s)
	}
	s := l.Stats()
	if s.QueuedBytes > bound || s.Queued == 0 || s.Lost.QueueFull != int64(n-s.Queued) {
		t.Errorf("stats %+v, want at most %d bytes queued and the rest of %d lost", s, bound, n)
	}
	release()
	settle(t, l)
	if got := all(t, l, Filter{}); len(got) != s.Queued || !got[0].Time.Equal(noon) {
		t.Errorf("%d events written, want the oldest %d", len(got), s.Queued)
	}
	if s := l.Stats(); s.QueuedBytes != 0 || s.Queued != 0 {
		t.Errorf("stats %+v, want nothing queued", s)
	}
}

func TestExplainPanics(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	l.Record(sighting(noon, `not json`))
	l.Record(sighting(noon, `[{"sentence":"s"}]`))
	l.Record(Sighting{Decision: detect.Decision{Action: detect.Block}}) // no request: explainBody panics
	settle(t, l)
	if s := l.Stats(); s.Lost.Explain != 2 || s.Written != 1 {
		t.Errorf("stats %+v, want two lost, one written", s)
	}
}

func TestTooManyVerdicts(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	var many []string
	for i := range maxPerHit + 10 {
		many = append(many, fmt.Sprintf(`{"sentence":"s%d"}`, i))
	}
	l.Record(sighting(noon, "["+strings.Join(many, ",")+"]"))
	settle(t, l)
	if s := l.Stats(); s.Lost.Explain != 10 || s.Written != maxPerHit {
		t.Errorf("stats %+v, want %d written, 10 lost", s, maxPerHit)
	}
}

func TestSlowFollower(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	slow, other := l.Follow(ctx, Filter{}), l.Follow(t.Context(), Filter{Company: "x"})
	for i := range followBuffer + 50 {
		l.Note(note("Meta", fmt.Sprint("s", i, ".example"), noon))
	}
	settle(t, l)
	for range followBuffer {
		if e := <-slow; e.Missed != 0 || e.ID == 0 {
			t.Fatalf("event %d says %d missed", e.ID, e.Missed)
		}
	}
	l.Note(note("X", "last.example", noon))
	settle(t, l)
	if e := <-slow; e.Missed != 50 || e.Tracker.Company != "X" {
		t.Errorf("got %+v, want the last event with 50 missed", e)
	}
	if e := <-other; e.Tracker.Company != "X" || e.Missed != 0 {
		t.Errorf("the filtered follower got %+v", e)
	}
	if s := l.Stats(); s.Missed != 50 || s.Written != followBuffer+51 {
		t.Errorf("stats %+v, want 50 missed and none lost", s)
	}
	cancel()
	for range slow { // closes
	}
}

func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	release := hold(t, l)
	l.Note(note("Meta", "shop.example", noon))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan error)
	go func() { done <- l.Close(ctx) }()
	<-l.abandon
	release()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want canceled", err)
	}
	if s := l.Stats(); s.Lost.Disk != 1 || s.Written != 0 {
		t.Errorf("stats %+v, want one lost", s)
	}
}
