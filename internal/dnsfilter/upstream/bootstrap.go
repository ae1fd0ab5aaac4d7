package upstream

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

const (
	// bootMin and bootMax bound how long addresses of upstreams are kept, bootStale
	// how long past that if no newer ones can be had.
	bootMin   = time.Minute
	bootMax   = 24 * time.Hour
	bootStale = 7 * 24 * time.Hour
	// bootTime bounds the search for them.
	bootTime = 3 * time.Second
	// maxBootAddrs bounds the addresses of one upstream.
	maxBootAddrs = 8
)

// bootstrap finds the addresses of upstreams by asking the servers meant for
// that, and nobody else: least of all this resolver.
type bootstrap struct {
	group  *Group
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	hosts map[string]located // bounded by the upstreams of the configuration
}

type located struct {
	addrs []netip.Addr
	until time.Time
}

// resolve returns addresses of host, IPv4 first. Those that have ended serve
// while newer ones are fetched.
func (b *bootstrap) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	now := b.now()
	b.mu.Lock()
	at, ok := b.hosts[host]
	b.mu.Unlock()
	if ok && now.Before(at.until) {
		return at.addrs, nil
	}
	ch := b.flight.DoChan(host, func() (any, error) { return b.fetch(host) })
	if ok && now.Before(at.until.Add(bootStale)) {
		return at.addrs, nil
	}
	select {
	case r := <-ch:
		addrs, _ := r.Val.([]netip.Addr)
		return addrs, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fetch asks for both kinds of addresses.
func (b *bootstrap) fetch(host string) ([]netip.Addr, error) {
	if !b.group.work.enter() {
		return nil, errClosed
	}
	defer b.group.work.leave()
	ctx, cancel := context.WithTimeout(b.group.ctx, bootTime)
	defer cancel()
	type answer struct {
		addrs []netip.Addr
		ttl   time.Duration
		err   error
	}
	six := make(chan answer, 1)
	go func() {
		var a answer
		a.addrs, a.ttl, a.err = b.lookup(ctx, host, dns.TypeAAAA)
		six <- a
	}()
	addrs, ttl, err := b.lookup(ctx, host, dns.TypeA)
	if a := <-six; a.err == nil && len(a.addrs) > 0 {
		if addrs = append(addrs, a.addrs...); err != nil || a.ttl < ttl {
			ttl, err = a.ttl, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[host] = located{addrs, b.now().Add(min(max(ttl, bootMin), bootMax))}
	return addrs, nil
}

func (b *bootstrap) lookup(ctx context.Context, host string, qtype uint16) ([]netip.Addr, time.Duration, error) {
	m, _, err := b.group.Exchange(ctx, new(dns.Msg).SetQuestion(dns.Fqdn(host), qtype))
	if err != nil {
		return nil, 0, err
	}
	if m.Rcode != dns.RcodeSuccess {
		return nil, 0, fmt.Errorf("%s: %s", host, dns.RcodeToString[m.Rcode])
	}
	var out []netip.Addr
	ttl := bootMax
	for _, rr := range m.Answer {
		var a netip.Addr
		switch rr := rr.(type) {
		case *dns.A:
			a, _ = netip.AddrFromSlice(rr.A)
		case *dns.AAAA:
			a, _ = netip.AddrFromSlice(rr.AAAA)
		}
		if a = a.Unmap(); a.IsValid() && !a.IsUnspecified() && len(out) < maxBootAddrs {
			out = append(out, a)
		}
		ttl = min(ttl, time.Duration(rr.Header().Ttl)*time.Second)
	}
	return out, ttl, nil
}
