package upstream

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxTime bounds one question, if its context does not.
	maxTime = 4 * time.Second
	// reserve is kept of a context's time, to answer within it.
	reserve = 100 * time.Millisecond
	// maxAsked bounds the upstreams that are asked one question.
	maxAsked = 8
	// unknownPatience is how long an upstream of unknown speed may take before
	// the next is asked too; one of known speed has four times that speed, within
	// minPatience and maxPatience.
	unknownPatience = 500 * time.Millisecond
	minPatience     = 250 * time.Millisecond
	maxPatience     = 800 * time.Millisecond
	// lastPatience is how long the usual ones may take before a fallback or one
	// that is left out is asked too.
	lastPatience = time.Second
	// lateTime is from when on silence is a failure although another has answered.
	lateTime = 500 * time.Millisecond
	// linger is how long one that lost a race may go on, so that its speed is known.
	linger = time.Second
	// band is how near speeds are to count as equal.
	band = 20 * time.Millisecond
	// explore is of how many questions one goes to an upstream that is not the fastest.
	explore = 32
)

// order lists the servers in the order in which they are asked, healthy ones
// first; the first usual of them are no last resort.
func (g *Group) order(p *pool) (list []*server, usual int) {
	in, out := g.split(p.servers)
	g.sort(in)
	fin, fout := g.split(p.fallback)
	all := slices.Concat(in, fin, out, fout)
	return all[:min(len(all), maxAsked)], min(len(in), maxAsked)
}

// split tells healthy servers from those that are left out, and has those
// probed whose time has come.
func (g *Group) split(all []*server) (in, out []*server) {
	for _, s := range all {
		left, probe := s.isOut()
		if probe {
			g.probe(s)
		}
		if left {
			out = append(out, s)
		} else {
			in = append(in, s)
		}
	}
	return in, out
}

// sort puts servers into the strategy's order.
func (g *Group) sort(list []*server) {
	if g.o.Strategy == Strict || len(list) < 2 {
		return
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if rand.IntN(explore) == 0 {
		return
	}
	speeds := make(map[*server]time.Duration, len(list))
	for _, s := range list {
		rtt := s.expected()
		if g.o.Strategy == Parallel {
			rtt = rtt.Truncate(band)
		}
		speeds[s] = rtt
	}
	slices.SortStableFunc(list, func(a, b *server) int { return cmp.Compare(speeds[a], speeds[b]) })
}

// race asks servers until one has a good answer.
type race struct {
	g       *Group
	q       *question
	order   []*server
	usual   int             // how many of order are no last resort
	ctx     context.Context // ends with the question's time
	results chan attempt
	running []*runner
	ended   int
	best    attempt // of those that were not good
}

// runner is one server that is being asked.
type runner struct {
	s      *server
	cancel context.CancelFunc
	left   atomic.Bool // nobody waits for it
	done   atomic.Bool
}

// run returns the first good answer, or else the most telling failure.
func (r *race) run() attempt {
	r.results = make(chan attempt, len(r.order))
	defer r.leave()
	r.start()
	if r.g.o.Strategy == Parallel && r.usual > 1 {
		r.start()
	}
	next := time.NewTimer(r.patience())
	defer next.Stop()
	for {
		select {
		case a := <-r.results:
			r.ended++
			if a.good() {
				return a
			}
			r.keep(a)
			if !r.start() && r.ended == len(r.running) {
				return r.best
			}
		case <-next.C:
			if !r.start() {
				continue
			}
		case <-r.ctx.Done():
			return r.late()
		}
		next.Reset(r.patience())
	}
}

// start asks the next server, if there is one.
func (r *race) start() bool {
	i := len(r.running)
	if i == len(r.order) || !r.g.work.enter() {
		return false
	}
	x := &runner{s: r.order[i]}
	var ctx context.Context
	deadline, _ := r.ctx.Deadline()
	ctx, x.cancel = context.WithDeadline(r.g.ctx, deadline)
	r.running = append(r.running, x)
	go func() {
		defer r.g.work.leave()
		defer x.cancel()
		a := x.s.attempt(ctx, r.q, x.left.Load)
		x.done.Store(true)
		r.results <- a
	}()
	return true
}

// patience is how long to wait for those that are asked before the next is.
func (r *race) patience() time.Duration {
	p := unknownPatience
	if n := len(r.running); n > 0 {
		if rtt, _ := r.running[n-1].s.speed(); rtt > 0 {
			p = min(max(4*rtt, minPatience), maxPatience)
		}
	}
	if len(r.running) >= r.usual {
		p = lastPatience
	}
	deadline, _ := r.ctx.Deadline()
	return min(p, time.Until(deadline)/time.Duration(1+len(r.order)-len(r.running)))
}

// leave ends those that are still asked; some may go on for a moment, so that
// it is known how they are.
func (r *race) leave() {
	for _, x := range r.running {
		if x.done.Load() {
			continue
		}
		x.left.Store(true)
		if _, due := x.s.speed(); due {
			time.AfterFunc(linger, x.cancel)
		} else {
			x.cancel()
		}
	}
}

// keep remembers the most telling failure: an answer that says no tells more
// than none, and a name server's own failure more than its refusal.
func (r *race) keep(a attempt) {
	rank := func(a *attempt) int {
		switch {
		case a.s == nil:
			return -1
		case a.err != nil:
			return int(a.err.kind)
		case a.m.Rcode == dns.RcodeServerFailure:
			return 101
		}
		return 100
	}
	if rank(&a) > rank(&r.best) {
		r.best = a
	}
}

// late is the outcome when time is over: the best so far, or else silence. Those
// still asked tell their own failure a moment later.
func (r *race) late() attempt {
	if r.best.s == nil && len(r.running) > 0 {
		r.best = attempt{s: r.running[0].s, err: &fault{kind: kindSlow, err: context.DeadlineExceeded}}
	}
	return r.best
}
