package upstream

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxFails is how many failures in a row make an upstream be left out.
	maxFails = 3
	// firstOut is for how long at first; it doubles up to maxOut.
	firstOut = 2 * time.Second
	maxOut   = time.Minute
	// plainTime is how long an upstream is asked without EDNS that did not
	// understand it.
	plainTime = 10 * time.Minute
	// measureAge is after how long an upstream's speed is worth measuring again.
	measureAge = 10 * time.Second
	// forget is the time in which half of what is known of a speed is forgotten,
	// so that who was slow once is tried again.
	forget = 30 * time.Second
)

// transport asks one upstream. It returns within ctx.
type transport interface {
	ask(ctx context.Context, q *question, edns bool) (*dns.Msg, error)
	close()
}

// counters count what transports and races see.
type counters struct {
	asked, answered, failed, refused, bad, truncated atomic.Uint64
}

// server is one upstream: how it is asked, and how it has been.
type server struct {
	name     string
	domains  []string
	fallback bool
	t        transport
	count    *counters
	now      func() time.Time
	log      *slog.Logger

	mu       sync.Mutex
	rtt      time.Duration // smoothed, 0 is unknown
	measured time.Time
	fails    int
	out      time.Time // until then it is left out; zero: it is in
	hold     time.Duration
	probing  bool
	plain    time.Time // until then without EDNS
	lastErr  string
	lastAt   time.Time
}

// ask asks once, and once more without EDNS if that is what it stumbled over.
func (s *server) ask(ctx context.Context, q *question) (*dns.Msg, error) {
	s.mu.Lock()
	edns := !s.now().Before(s.plain)
	s.mu.Unlock()
	m, err := s.t.ask(ctx, q, edns)
	if err != nil || !edns {
		return m, err
	}
	switch m.Rcode {
	case dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeBadVers:
	default:
		return m, nil
	}
	again, err := s.t.ask(ctx, q, false)
	if err != nil {
		return m, nil
	}
	if usable(again) {
		s.mu.Lock()
		s.plain = s.now().Add(plainTime)
		s.mu.Unlock()
	}
	return again, nil
}

// worked notes an answer that took that long.
func (s *server) worked(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails, s.hold, s.out = 0, 0, time.Time{}
	s.measure(took)
}

// measure smooths the speed. s.mu is held.
func (s *server) measure(took time.Duration) {
	took = max(took, time.Microsecond) // 0 is unknown
	if s.rtt == 0 {
		s.rtt = took
	} else {
		s.rtt += (took - s.rtt) / 4
	}
	s.measured = s.now()
}

// failed notes a failure that took that long; enough in a row leave it out.
func (s *server) failed(took time.Duration, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr, s.lastAt = text, s.now()
	if took > s.rtt {
		s.measure(took)
	}
	if s.fails++; s.fails < maxFails && s.hold == 0 {
		return
	}
	if s.hold == 0 {
		s.log.Warn("an upstream fails and is left out", "upstream", s.name, "error", text)
	}
	s.hold = min(max(2*s.hold, firstOut), maxOut)
	s.out = s.now().Add(s.hold)
}

// isOut reports whether it is left out, and whether it is time to probe it,
// which the caller then must do: endProbe ends it.
func (s *server) isOut() (out, probe bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.IsZero() {
		return false, false
	}
	probe = !s.probing && !s.now().Before(s.out)
	s.probing = s.probing || probe
	return true, probe
}

func (s *server) endProbe() {
	s.mu.Lock()
	s.probing = false
	s.mu.Unlock()
}

// speed is how long it takes of late; due says that it is worth measuring again.
func (s *server) speed() (rtt time.Duration, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rtt, s.rtt == 0 || s.now().Sub(s.measured) > measureAge
}

// expected is how long it is expected to take.
func (s *server) expected() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rtt >> min(max(s.now().Sub(s.measured)/forget, 0), 4)
}

func (s *server) stat() Stat {
	st := Stat{Name: s.name, Domains: s.domains, Fallback: s.fallback,
		Asked: s.count.asked.Load(), Answered: s.count.answered.Load(), Failed: s.count.failed.Load(),
		Refused: s.count.refused.Load(), Bad: s.count.bad.Load(), Truncated: s.count.truncated.Load()}
	s.mu.Lock()
	defer s.mu.Unlock()
	st.RTT, st.Out, st.LastError, st.LastErrorAt = s.rtt, !s.out.IsZero(), s.lastErr, s.lastAt
	return st
}

// attempt is what became of asking one server.
type attempt struct {
	s    *server
	m    *dns.Msg
	err  *fault
	took time.Duration
}

// good reports whether the attempt brought what a client can use.
func (a *attempt) good() bool { return a.err == nil && usable(a.m) }

// attempt asks the server and notes how it went. left says that ctx was ended
// because nobody waits any more: then silence is no failure unless it has been
// long.
func (s *server) attempt(ctx context.Context, q *question, left func() bool) attempt {
	s.count.asked.Add(1)
	start := time.Now()
	m, err := s.ask(ctx, q)
	a := attempt{s: s, m: m, took: time.Since(start)}
	switch {
	case err != nil:
		a.err = faultOf(err)
		if a.err.kind == kindSlow && left() && a.took < lateTime {
			return a
		}
		s.count.failed.Add(1)
		s.failed(a.took, a.err.tell(s.name).Text)
	case usable(m):
		s.count.answered.Add(1)
		s.worked(a.took)
	default:
		s.count.refused.Add(1)
		s.count.failed.Add(1)
		s.complained(a.took, m)
	}
	return a
}

// complained notes an answer that is of no use. SERVFAIL is about the name and
// no sign of bad health; the others say that it does not serve us.
func (s *server) complained(took time.Duration, m *dns.Msg) {
	word := dns.RcodeToString[m.Rcode]
	if referral(m) {
		word = "with a referral: it does not resolve for us"
	}
	text := s.name + " answered " + word
	if m.Rcode != dns.RcodeServerFailure {
		s.failed(took, text)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastErr, s.lastAt = text, s.now()
	s.measure(took)
}
