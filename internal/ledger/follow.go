package ledger

import (
	"context"
	"sync"
)

// followBuffer is how many events wait for one follower before it loses some.
const followBuffer = 256

type follower struct {
	filter Filter
	out    chan Event
	missed int64
	stop   func() bool // ends the watch over the reader's context
}

// followers is the set of live readers. The zero value is ready.
type followers struct {
	mu   sync.Mutex
	all  map[*follower]struct{}
	shut bool
}

// Follow returns a channel of the events that match f from now on, each after
// it is safely in the store. Repetitions that only raise an event's count are
// not sent. A slow reader loses events and is told how many by the Missed of
// the next. The channel is closed when ctx ends or the ledger closes. Since,
// Until, After, Limit and Newest of f are not used.
func (l *Ledger) Follow(ctx context.Context, f Filter) <-chan Event {
	fo := &follower{filter: f, out: make(chan Event, followBuffer)}
	s := &l.followers
	s.mu.Lock()
	if s.shut {
		s.mu.Unlock()
		close(fo.out)
		return fo.out
	}
	if s.all == nil {
		s.all = map[*follower]struct{}{}
	}
	s.all[fo] = struct{}{}
	fo.stop = context.AfterFunc(ctx, func() { s.drop(fo) })
	s.mu.Unlock()
	return fo.out
}

func (s *followers) drop(fo *follower) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.all[fo]; ok {
		fo.stop()
		delete(s.all, fo)
		close(fo.out)
	}
}

// publish hands e to every follower that wants it and waits for none. It
// returns how many lost it.
func (s *followers) publish(e *Event) (missed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for fo := range s.all {
		if !fo.filter.matches(e) {
			continue
		}
		c := *e
		c.Missed = fo.missed
		select {
		case fo.out <- c:
			fo.missed = 0
		default:
			fo.missed++
			missed++
		}
	}
	return missed
}

func (s *followers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	for fo := range s.all {
		fo.stop()
		delete(s.all, fo)
		close(fo.out)
	}
}
