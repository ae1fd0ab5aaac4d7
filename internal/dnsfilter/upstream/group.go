package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

var errNone = errors.New("there is no upstream")

// Group is a set of upstreams. It implements Exchanger.
type Group struct {
	o       Options
	all     []*server        // in the order given, Fallback last
	general *pool            // for names without a pool of their own
	pools   map[string]*pool // by domain; nil: the general one
	boot    *bootstrap       // nil if nothing is given by name
	home    bool             // the general ones know the own network's names
	work    crowd
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
}

// pool is who may be asked for a domain.
type pool struct{ servers, fallback []*server }

// New makes a Group. It asks nobody yet. An error says which upstream is
// given by a name that nothing can resolve.
func New(o Options) (*Group, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Group{o: o, general: &pool{}, pools: map[string]*pool{}, home: athome(o)}
	if err := g.bootstrap(); err != nil {
		return nil, err
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for _, sp := range o.Servers {
		g.add(sp)
	}
	for _, sp := range o.Fallback {
		if !sp.general {
			s := g.server(sp)
			s.domains, s.fallback = nil, true
			g.general.fallback = append(g.general.fallback, s)
		}
	}
	return g, nil
}

// bootstrap makes what finds upstreams that are given by name.
func (g *Group) bootstrap() error {
	var named []string
	for _, sp := range slices.Concat(g.o.Servers, g.o.Fallback) {
		if sp.Named() {
			named = append(named, sp.name)
		}
	}
	from := g.o.Bootstrap
	for _, sp := range from {
		if sp.Named() {
			return fmt.Errorf("bootstrap server %s: needs an address instead of a name", sp)
		}
	}
	if len(named) == 0 {
		return nil
	}
	if len(from) == 0 {
		for _, sp := range g.o.Servers {
			if !sp.Named() && !sp.general && sp.Domains == nil {
				from = append(from, sp)
			}
		}
	}
	if len(from) == 0 {
		return fmt.Errorf("upstream %s: nothing can find its address: needs a bootstrap server", named[0])
	}
	from = slices.Clone(from)
	for i := range from {
		from[i].Domains = nil
	}
	bg, err := New(Options{Servers: from, Own: g.o.Own, RootCAs: g.o.RootCAs, Log: g.o.Log, Now: g.o.Now})
	g.boot = &bootstrap{group: bg, now: g.o.Now, hosts: map[string]located{}}
	return err
}

// add puts a server where it belongs.
func (g *Group) add(sp Spec) {
	var s *server
	if !sp.general {
		s = g.server(sp)
	}
	if sp.Domains == nil && s != nil {
		g.general.servers = append(g.general.servers, s)
	}
	for _, d := range sp.Domains {
		if s == nil {
			g.pools[d] = nil
			continue
		}
		if g.pools[d] == nil {
			g.pools[d] = &pool{}
		}
		g.pools[d].servers = append(g.pools[d].servers, s)
	}
}

// server makes what asks one upstream.
func (g *Group) server(sp Spec) *server {
	s := &server{name: sp.name, domains: sp.Domains, count: &counters{}, now: g.o.Now, log: g.o.Log}
	r := &reach{spec: sp, own: g.o.Own}
	if sp.Named() {
		r.boot = g.boot
	}
	s.t = g.transport(r, s.count)
	g.all = append(g.all, s)
	return s
}

// pool returns who may be asked for name (lower case, no trailing dot); own says
// that the user chose them for it.
func (g *Group) pool(name string) (p *pool, own bool) {
	if !strings.Contains(name, ".") && name != "" {
		if p := g.pools[""]; p != nil && !g.named(name) {
			return p, true
		}
	}
	for at := name; at != ""; {
		if p, ok := g.pools[at]; ok {
			if p == nil {
				return g.general, false
			}
			return p, true
		}
		_, at, _ = strings.Cut(at, ".")
	}
	return g.general, false
}

func (g *Group) named(name string) bool { _, ok := g.pools[name]; return ok }

// Covers implements Exchanger.
func (g *Group) Covers(name string) bool {
	if g.home && HomeName(name) {
		return true
	}
	if len(g.pools) == 0 {
		return false
	}
	_, own := g.pool(name)
	return own
}

// Exchange implements Exchanger. The error is a *Error.
func (g *Group) Exchange(ctx context.Context, query *dns.Msg) (*dns.Msg, From, error) {
	q, err := questionOf(query)
	if err != nil {
		return nil, From{}, &Error{Code: dns.ExtendedErrorCodeInvalidData, Text: "no question", Err: err}
	}
	if !g.work.enter() {
		return nil, From{}, &Error{Code: dns.ExtendedErrorCodeNotReady, Text: errClosed.Error()}
	}
	defer g.work.leave()
	p, _ := g.pool(strings.ToLower(strings.TrimSuffix(q.Name, ".")))
	order, usual := g.order(p)
	if len(order) == 0 {
		return nil, From{}, &Error{Code: dns.ExtendedErrorCodeNoReachableAuthority, Text: errNone.Error()}
	}
	ctx, cancel := g.within(ctx)
	defer cancel()
	a := (&race{g: g, q: q, order: order, usual: usual, ctx: ctx}).run()
	switch {
	case a.s == nil:
		return nil, From{}, &Error{Code: dns.ExtendedErrorCodeNotReady, Text: errClosed.Error()}
	case a.err != nil:
		return nil, From{}, a.err.tell(a.s.name)
	case referral(a.m): // a client would take it for "there is none"
		return nil, From{}, &Error{Code: dns.ExtendedErrorCodeNoReachableAuthority, Text: clip(a.s.name + " does not resolve for us")}
	}
	a.m.Question = []dns.Question{q.Question}
	return a.m, From{Name: a.s.name, RTT: a.took}, nil
}

// within bounds a question's time, with a moment left to answer.
func (g *Group) within(ctx context.Context) (context.Context, context.CancelFunc) {
	end := time.Now().Add(maxTime - reserve)
	if d, ok := ctx.Deadline(); ok {
		left := time.Until(d)
		if d = d.Add(-min(reserve, left/10)); d.Before(end) {
			end = d
		}
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	stop := context.AfterFunc(g.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// harmless is a question that every resolver answers and that tells nothing.
func harmless() *question {
	return &question{Question: dns.Question{Name: ".", Qtype: dns.TypeNS, Qclass: dns.ClassINET}, rd: true}
}

// probe finds out, beside all questions, whether a server has recovered.
func (g *Group) probe(s *server) {
	if !g.work.enter() {
		return
	}
	go func() {
		defer g.work.leave()
		defer s.endProbe()
		ctx, cancel := context.WithTimeout(g.ctx, maxTime)
		defer cancel()
		if a := s.attempt(ctx, harmless(), func() bool { return g.ctx.Err() != nil }); a.good() {
			g.o.Log.Info("an upstream answers again", "upstream", s.name)
		}
	}()
}

// Check asks every upstream one harmless question at once and says, in the
// order given, who answered. It returns within ctx.
func (g *Group) Check(ctx context.Context) []Health {
	out := make([]Health, len(g.all))
	ctx, cancel := g.within(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i, s := range g.all {
		out[i] = Health{Name: s.name, Domains: s.domains}
		if !g.work.enter() {
			out[i].Err = &Error{Code: dns.ExtendedErrorCodeNotReady, Text: errClosed.Error()}
			continue
		}
		wg.Go(func() {
			defer g.work.leave()
			a := s.attempt(ctx, harmless(), func() bool { return g.ctx.Err() != nil })
			if out[i].RTT = a.took; a.err != nil {
				out[i].Err = a.err.tell(s.name)
			} else if a.m.Rcode == dns.RcodeRefused && s.domains == nil {
				out[i].Err = &Error{Code: dns.ExtendedErrorCodeNoReachableAuthority, Text: s.name + " refuses to answer us"}
			}
		})
	}
	wg.Wait()
	return out
}

// Stats gives the state of all upstreams, in the order given, Fallback last.
func (g *Group) Stats() []Stat {
	out := make([]Stat, len(g.all))
	for i, s := range g.all {
		out[i] = s.stat()
	}
	return out
}

// Serve keeps the Group until ctx ends and closes it then. Exchange works
// without it too.
func (g *Group) Serve(ctx context.Context) error {
	<-ctx.Done()
	return g.Close()
}

// Close ends all questions and connections and returns when nothing is left.
// Exchange fails from then on. It may be called twice.
func (g *Group) Close() error {
	g.work.shut()
	g.cancel()
	if g.boot != nil {
		_ = g.boot.group.Close()
	}
	for _, s := range g.all {
		s.t.close()
	}
	g.work.wg.Wait()
	return nil
}

var _ Exchanger = (*Group)(nil)
