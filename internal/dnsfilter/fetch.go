package dnsfilter

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

const (
	// answerTime is how long a client waits at most: less than the five seconds
	// after which most ask again.
	answerTime = 4 * time.Second
	// staleAfter is how long a client waits before a stale answer is good enough
	// (RFC 8767 §5).
	staleAfter = 1800 * time.Millisecond
	// failTime is how long a failure is remembered (RFC 9520 asks for a second),
	// staleFailTime if a stale answer stands in for it (RFC 8767 §5).
	failTime      = time.Second
	staleFailTime = 30 * time.Second
	// maxFails bounds what is remembered of failures.
	maxFails = 4096
	// maxNegative bounds how long "there is none" is believed (RFC 2308 §5),
	// maxPositive everything else.
	maxNegative = 3 * time.Hour
	maxPositive = 24 * time.Hour
)

var errClosing = errors.New("the resolver is stopping")

// fetched is what a flight brings home: an answer, or why there is none.
type fetched struct {
	e    cache.Entry
	from string
	fail *failure
}

// failure is an answer that says that there is none.
type failure struct {
	code  uint16
	text  string
	at    time.Time
	until time.Time
}

// ask answers from upstream. Equal questions share one flight, which goes on
// when those who asked have left.
func (d *Door) ask(ctx context.Context, r *request) reply {
	if f := d.failing(r); f != nil {
		if r.stale != nil && r.start.Before(f.at.Add(staleFailTime)) {
			return d.fromStale(r)
		}
		if r.start.Before(f.until) {
			return f.reply()
		}
	}
	ch := d.flight.DoChan(string(r.key), d.flightFor(r, false))
	stale, end := time.NewTimer(staleAfter), time.NewTimer(answerTime)
	defer stale.Stop()
	defer end.Stop()
	for {
		select {
		case res := <-ch:
			got, _ := res.Val.(fetched)
			return d.arrived(r, got)
		case <-stale.C:
			if r.stale != nil {
				return d.fromStale(r)
			}
		case <-end.C:
			if r.stale != nil { // both timers have fired before we ran
				return d.fromStale(r)
			}
			return (&failure{code: dns.ExtendedErrorCodeNoReachableAuthority, text: "no upstream answered in time"}).reply()
		case <-ctx.Done():
			return (&failure{code: dns.ExtendedErrorCodeNotReady, text: "the resolver is stopping"}).reply()
		}
	}
}

// arrived turns what a flight brought into this client's answer.
func (d *Door) arrived(r *request, got fetched) reply {
	if got.fail != nil || got.e.Wire == nil {
		if r.stale != nil {
			return d.fromStale(r)
		}
		if got.fail == nil {
			got.fail = &failure{code: dns.ExtendedErrorCodeOther, text: "no answer"}
		}
		return got.fail.reply()
	}
	h := cache.Hit{Wire: got.e.Wire, Targets: got.e.Targets, Aliases: got.e.Aliases, Look: got.e.Look, Code: got.e.Code, Text: got.e.Text}
	return d.fromHit(r, &h, got.from)
}

// fromStale answers from what has ended already.
func (d *Door) fromStale(r *request) reply {
	d.count.stale.Add(1)
	rep := d.fromHit(r, r.stale, "stale")
	if !rep.coded {
		rep.code, rep.coded = dns.ExtendedErrorCodeStaleAnswer, true
		if rep.rcode == dns.RcodeNameError {
			rep.code = dns.ExtendedErrorCodeStaleNXDOMAINAnswer
		}
	}
	return rep
}

func (f *failure) reply() reply {
	return reply{rcode: dns.RcodeServerFailure, code: f.code, coded: true, text: f.text, from: "local"}
}

// refresh asks again for what is about to end, for nobody in particular.
func (d *Door) refresh(r *request) {
	nobody := netip.Addr{}
	if !d.missing.enter(nobody) {
		return
	}
	d.count.prefetch.Add(1)
	ch := d.flight.DoChan(string(r.key), d.flightFor(r, true))
	go func() {
		defer d.missing.leave(nobody)
		<-ch
	}()
}

// flightFor asks upstream and keeps what comes. It belongs to the Door, not to
// the client that happened to be first. Unless it is to refresh what is kept, it
// looks there once more: another flight may have ended since r looked.
func (d *Door) flightFor(r *request, refresh bool) func() (any, error) {
	q, key, host := r.q, r.key, r.host
	q.Name = lower(q.Name)
	do, cd := r.do, r.cd
	return func() (v any, err error) {
		if !d.work.enter() {
			return fetched{fail: &failure{code: dns.ExtendedErrorCodeNotReady, text: errClosing.Error()}}, nil
		}
		defer d.work.leave()
		defer func() {
			if p := recover(); p != nil { // or it would end the process, for one odd answer
				d.log.Error("asking upstream panicked", "type", fmt.Sprintf("%T", p))
				v = fetched{fail: &failure{text: "internal error"}}
			}
		}()
		if got, ok := d.landed(key); ok && !refresh {
			return got, nil
		}
		ctx, cancel := context.WithTimeout(d.ctx, answerTime)
		defer cancel()
		return d.fetch(ctx, q, host, key, do, cd), nil
	}
}

// landed is what another flight brought home just now.
func (d *Door) landed(key []byte) (fetched, bool) {
	if d.o.Cache == nil {
		return fetched{}, false
	}
	h, state := d.o.Cache.Get(nil, key, d.now())
	if state != cache.Fresh {
		return fetched{}, false
	}
	return fetched{e: cache.Entry{Wire: h.Wire, Targets: h.Targets, Aliases: h.Aliases, Look: h.Look, Code: h.Code, Text: h.Text}, from: "cache"}, true
}

func (d *Door) fetch(ctx context.Context, q dns.Question, host string, key []byte, do, cd bool) fetched {
	m := &dns.Msg{Question: []dns.Question{q}}
	m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData = true, cd, true
	if do {
		m.SetEdns0(MaxUDP, true)
	}
	d.count.upstream.Add(1)
	res, from, err := d.o.Upstream.Exchange(ctx, m)
	now := d.now()
	if err == nil {
		var e cache.Entry
		if e, err = d.entry(q, host, res); err == nil {
			d.fails.clear(key)
			if d.o.Cache != nil {
				d.o.Cache.Put(key, e, now)
			}
			return fetched{e: e, from: from.Name}
		}
	}
	d.count.failed.Add(1)
	f := failureOf(err, now)
	d.fails.put(key, f)
	return fetched{fail: f}
}

// failureOf says in the words of RFC 8914 why there is no answer.
func failureOf(err error, now time.Time) *failure {
	f := &failure{code: dns.ExtendedErrorCodeNoReachableAuthority, text: "no upstream could be reached", at: now, until: now.Add(failTime)}
	var e *upstream.Error
	var b *badAnswer
	switch {
	case errors.As(err, &e):
		f.code, f.text = e.Code, e.Text
	case errors.As(err, &b):
		f.code, f.text = b.code, b.text
	case errors.Is(err, context.DeadlineExceeded):
		f.text = "no upstream answered in time"
	}
	return f
}

func (d *Door) failing(r *request) *failure { return d.fails.get(r.key, r.start) }

// lower is strings.ToLower for names as miekg/dns writes them.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
