package dnsfilter

import (
	"context"
	"sync/atomic"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

// Switch is an Exchanger whose upstreams can be exchanged while it is asked.
// The zero value has none and answers nothing. It is safe for concurrent use.
type Switch struct {
	now atomic.Pointer[upstream.Group]
}

// Use makes g the one that is asked from now on and returns the one before, nil
// if there was none, which the caller closes.
func (s *Switch) Use(g *upstream.Group) *upstream.Group { return s.now.Swap(g) }

// Group returns the one that is asked; nil if there is none.
func (s *Switch) Group() *upstream.Group { return s.now.Load() }

// Exchange implements upstream.Exchanger. A question whose upstreams are
// exchanged under way is asked again.
func (s *Switch) Exchange(ctx context.Context, query *dns.Msg) (*dns.Msg, upstream.From, error) {
	for {
		g := s.now.Load()
		if g == nil {
			return nil, upstream.From{}, &upstream.Error{Code: dns.ExtendedErrorCodeNotReady, Text: "there is no upstream"}
		}
		m, from, err := g.Exchange(ctx, query)
		if err == nil || ctx.Err() != nil || s.now.Load() == g {
			return m, from, err
		}
	}
}

// Covers implements upstream.Exchanger.
func (s *Switch) Covers(name string) bool {
	g := s.now.Load()
	return g != nil && g.Covers(name)
}

var _ upstream.Exchanger = (*Switch)(nil)
