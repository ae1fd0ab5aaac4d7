package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Question asks where a host is.
type Question struct {
	Host   string     // lower case, no trailing dot, never an IP literal
	Client netip.Addr // who wants to know
}

// Answer says where a host is.
type Answer struct {
	Addrs []netip.Addr
	// Chain holds the names that the host's led to, nearest first, without the
	// host itself.
	Chain []string
	// TTL is how long the answer may be kept; 0 means not at all.
	TTL time.Duration
	// Blocked: the resolver knows the host and refuses to say.
	Blocked bool
}

// Resolver finds addresses. It is safe for concurrent use. That a name does
// not exist is an error (a *net.DNSError with IsNotFound).
type Resolver interface {
	Resolve(ctx context.Context, q Question) (Answer, error)
}

const (
	resolveTimeout = 10 * time.Second
	cacheFor       = 30 * time.Second // the system does not tell its TTLs
	cacheFailure   = 2 * time.Second
	maxCached      = 2048 // answers
	maxAddrs       = 16   // of one answer
)

// SystemResolver resolves as the system does, with a short cache. The zero
// value is ready. Of a chain it sees only the end.
type SystemResolver struct {
	// Net is asked; nil means net.DefaultResolver.
	Net *net.Resolver

	flight singleflight.Group
	mu     sync.Mutex
	cache  map[string]cached
}

type cached struct {
	a     Answer
	err   error
	until time.Time
}

// Resolve implements Resolver.
func (s *SystemResolver) Resolve(ctx context.Context, q Question) (Answer, error) {
	if c, ok := s.lookup(q.Host); ok {
		return c.a, c.err
	}
	ch := s.flight.DoChan(q.Host, func() (any, error) {
		// The first to ask must not take the answer from the others by leaving.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
		defer cancel()
		a, err := s.ask(ctx, q.Host)
		s.keep(q.Host, a, err)
		return a, err
	})
	select {
	case r := <-ch:
		return r.Val.(Answer), r.Err
	case <-ctx.Done():
		err := ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) { // the resolver was slow, not the site
			err = &net.DNSError{Err: "no answer in time", Name: q.Host, IsTimeout: true}
		}
		return Answer{}, err
	}
}

func (s *SystemResolver) ask(ctx context.Context, host string) (Answer, error) {
	r := s.Net
	if r == nil {
		r = net.DefaultResolver
	}
	end := make(chan string, 1)
	go func() {
		name, err := r.LookupCNAME(ctx, host)
		if err != nil {
			name = ""
		}
		end <- strings.ToLower(strings.TrimSuffix(name, "."))
	}()
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	name := <-end
	if err != nil {
		return Answer{}, err
	}
	if len(addrs) > maxAddrs {
		addrs = addrs[:maxAddrs]
	}
	a := Answer{Addrs: addrs, TTL: cacheFor}
	for i := range a.Addrs {
		a.Addrs[i] = a.Addrs[i].Unmap()
	}
	if name != "" && name != host {
		a.Chain = []string{name}
	}
	return a, nil
}

func (s *SystemResolver) lookup(host string) (cached, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.cache[host]
	return c, ok && time.Now().Before(c.until)
}

func (s *SystemResolver) keep(host string, a Answer, err error) {
	c := cached{a: a, err: err, until: time.Now().Add(cacheFor)}
	if err != nil {
		c.until = time.Now().Add(cacheFailure)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cache == nil || len(s.cache) >= maxCached {
		s.cache = map[string]cached{}
	}
	s.cache[host] = c
}
