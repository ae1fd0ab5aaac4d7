package lists

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

const (
	// settle is the longest that Serve waits at its beginning before it asks for
	// lists that are due, so that a house which comes back on does not ask for
	// everything in one second. A list that was never obtained waits for nothing.
	settle = 30 * time.Second
	// aheadOf is how far in the future the next time may lie. What lies beyond
	// was written by a clock that was wrong.
	aheadOf = maxExpires + maxExpires/4
	// idle is how long Serve sleeps if nothing is to come.
	idle = time.Hour
)

// Serve asks for each list when it is due until the context ends, which is not
// an error. Everything it started has ended when it returns.
func (s *Store) Serve(ctx context.Context) error {
	start := s.o.Now().Add(rand.N(settle))
	for {
		now := s.o.Now()
		wait := idle
		for _, r := range s.Selection() {
			if r.File != "" {
				continue
			}
			due := s.due(&r, now)
			if due.Before(start) && s.known(r.Key).good() {
				due = start
			}
			wait = min(wait, due.Sub(now))
		}
		if wait > 0 {
			t := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				t.Stop()
				return nil
			case <-s.wake:
				t.Stop()
			case <-t.C:
			}
			continue
		}
		if s.updateDue(ctx, now, start); ctx.Err() != nil {
			return nil
		}
	}
}

// due is when a list is to be asked for.
func (s *Store) due(r *Ref, now time.Time) time.Time {
	k := s.known(r.Key)
	if k.Next.IsZero() || k.Next.Sub(now) > aheadOf || k.Checked.After(now.Add(time.Hour)) {
		return now
	}
	return k.Next
}

// updateDue asks for the lists whose time has come.
func (s *Store) updateDue(ctx context.Context, now, start time.Time) {
	changed := false
	for _, r := range s.Selection() {
		good := s.known(r.Key).good()
		if r.File != "" || s.due(&r, now).After(now) || good && start.After(now) {
			continue
		}
		c, err := s.update(ctx, &r, job{})
		if ctx.Err() != nil {
			return
		}
		if err != nil && !s.due(&r, s.o.Now()).After(s.o.Now()) {
			// The failure could not be written down: the disk is full, or not
			// ours. Without a pause this would go round and round.
			s.pause(ctx, retryFirst)
		}
		changed = changed || c
	}
	if !changed {
		return
	}
	if err := s.rebuild(ctx); err != nil && !errors.Is(err, ctx.Err()) {
		s.log.Error("lists not compiled, the old ones stay in force", "err", err)
	}
}

func (s *Store) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Stamp is made of the times and sizes of the local files that lists are read
// from: while it is the same there is nothing for Load to read. It asks the file
// system, no server.
func (s *Store) Stamp() string {
	var b strings.Builder
	for _, r := range s.Selection() {
		if r.File == "" {
			continue
		}
		stamp(&b, r.File)
		for _, p := range s.known(r.Key).Parts {
			if p.Addr != r.File {
				stamp(&b, p.Addr)
			}
		}
	}
	return b.String()
}

func stamp(b *strings.Builder, path string) {
	if info, err := os.Stat(path); err == nil {
		fmt.Fprintf(b, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return
	}
	fmt.Fprintf(b, "%q -\n", path)
}

// poke has Serve look at the lists anew.
func (s *Store) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
