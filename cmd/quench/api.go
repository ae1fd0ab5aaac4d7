package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/metrics"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// api is what the control socket speaks for.
func (s *service) api() control.Service {
	c := control.Service{
		Status: s.status,
		Allows: s.mem.ListAllows,
		Allow:  s.addAllow, RemoveAllow: memoryAllows{s.mem}.remove,
		Browse: s.browseLease, Reload: s.reload,
		ResetTrust: func() error { s.mem.Clients().Reset(); return nil },
		Doctor:     s.doctor,
		Lists:      s.listsAPI(),
		Pauses:     s.pausesAPI(),
		Metrics:    metrics.Handler(s.samples, s.log),
	}
	if s.ledger != nil {
		b := s.book()
		c.Events, c.Follow, c.Erase = b.events, b.follow, b.erase
	}
	return c
}

// addAllow lets something pass, for somebody who is there.
func (s *service) addAllow(r control.AllowRequest) (memory.Allow, error) {
	if err := s.known(r.Client); err != nil {
		return memory.Allow{}, err
	}
	return memoryAllows{s.mem}.add(r)
}

// known refuses a client's label that nobody has: what is said of it would hold
// for nobody. Any address is one, its device may come later.
func (s *service) known(label string) error {
	if _, err := netip.ParseAddr(label); label == "" || err == nil {
		return nil
	}
	var all []string
	for _, g := range s.cfg.Load().Clients {
		all = append(all, g.Name)
	}
	for _, d := range s.arrivals.list() {
		all = append(all, d.Label)
	}
	if slices.Contains(all, label) {
		return nil
	}
	text := fmt.Sprintf("no group and no device that was seen is called %q", label)
	if n := strictyaml.Nearest(label, all); n != "" {
		text += fmt.Sprintf("; did you mean %q?", n)
	}
	return errors.New(text)
}

// book reads and erases a ledger in the words of the control API.
type book struct {
	l    *ledger.Ledger
	tell func() // makes doors hand on what they hold back; nil: none does
}

// book is the service's ledger.
func (s *service) book() book {
	return book{s.ledger, func() {
		if d := s.dns.Load(); d != nil && d.door != nil {
			d.door.Tell()
		}
	}}
}

// chosen reports whether e is of the company that q names.
func chosen(q *control.Query, e *ledger.Event) bool {
	if q.Company == "" {
		return true
	}
	t := e.Tracker
	want := strings.ToLower(q.Company)
	return t != nil && (strings.Contains(strings.ToLower(t.Company), want) ||
		strings.Contains(strings.ToLower(t.Name), want) || strings.EqualFold(t.ID, want))
}

// freshTime is how long a reader waits for what was recorded just now.
const freshTime = time.Second

// fresh writes what is queued, so that who asks right after a request finds it.
// A ledger that cannot write now has its older events to tell.
func (b book) fresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	if b.tell != nil {
		b.tell()
	}
	_ = b.l.Flush(ctx)
}

// events yields what is in the book and what is on its way there.
func (b book) events(ctx context.Context, q control.Query, yield func(ledger.Event) error) error {
	b.fresh(ctx)
	f := ledger.Filter{Since: q.Since, Site: q.Site, Newest: q.Limit > 0}
	var last []ledger.Event
	for e, err := range b.l.Events(ctx, f) {
		switch {
		case err != nil:
			return err
		case !chosen(&q, &e):
			continue
		case q.Limit == 0:
			if err := yield(e); err != nil {
				return err
			}
			continue
		}
		if last = append(last, e); len(last) == q.Limit {
			break
		}
	}
	for _, e := range slices.Backward(last) {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// follow yields what is stored, if q says from when or how many, and then what
// happens, with nothing lost or twice in between.
func (b book) follow(ctx context.Context, q control.Query, yield func(ledger.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := b.l.Follow(ctx, ledger.Filter{Site: q.Site})
	shown := int64(0)
	if !q.Since.IsZero() || q.Limit > 0 {
		err := b.events(ctx, q, func(e ledger.Event) error {
			shown = max(shown, e.ID)
			return yield(e)
		})
		if err != nil {
			return err
		}
	}
	for e := range live {
		if e.ID <= shown {
			continue
		}
		shown = 0 // all that come now are later; a new store counts from 1
		if !chosen(&q, &e) {
			continue
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

func (b book) erase(ctx context.Context, e control.Erase) (int64, error) {
	f := ledger.EraseFilter{All: e.All, Before: e.Before, Client: e.Client}
	if e.Site != "" {
		host, err := memory.CleanHost(e.Site)
		if err != nil {
			return 0, &control.BadRequest{Err: fmt.Errorf("site: %w", err)}
		}
		f.Site = host
	}
	return b.l.Erase(ctx, f)
}

// errNoLedger says that this process keeps no ledger.
var errNoLedger = errors.New("nothing has been recorded yet")
