package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
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
// value is ready; it must not be copied. Of a chain it sees only the end.
//
// Those who ask for the same host at the same time share one lookup, which
// ends with the last of them: when Resolve has returned to all, no goroutine
// and no socket of it is left. Only a lookup that the system's C library makes
// cannot be interrupted and may end later than that.
type SystemResolver struct {
	// Net is asked; nil means what net.DefaultResolver would ask. It must not
	// be changed after the first Resolve.
	Net *net.Resolver

	mu    sync.Mutex
	cache map[string]cached
	under map[string]*flight // under way
}

type cached struct {
	a     Answer
	err   error
	until time.Time
}

// flight is a question under way.
type flight struct {
	askers int
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of it is left
	a      Answer        // once done
	err    error
}

// Resolve implements Resolver.
func (s *SystemResolver) Resolve(ctx context.Context, q Question) (Answer, error) {
	if c, ok := s.lookup(q.Host); ok {
		return c.a, c.err
	}
	l := s.join(ctx, q.Host)
	select {
	case <-l.done:
		s.leave(q.Host, l)
		return l.a, l.err
	case <-ctx.Done():
		s.leave(q.Host, l)
		err := ctx.Err()
		if errors.Is(err, context.DeadlineExceeded) { // the resolver was slow, not the site
			err = &net.DNSError{Err: "no answer in time", Name: q.Host, IsTimeout: true}
		}
		return Answer{}, err
	}
}

// join makes the caller one of those who ask for host.
func (s *SystemResolver) join(ctx context.Context, host string) *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.under[host]; l != nil {
		l.askers++
		return l
	}
	l := &flight{askers: 1, done: make(chan struct{})}
	// The first to ask must not take the answer from the others by leaving.
	ctx, l.cancel = context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	if s.under == nil {
		s.under = map[string]*flight{}
	}
	s.under[host] = l
	go func() {
		defer close(l.done)
		defer l.cancel()
		l.a, l.err = s.ask(ctx, host)
		s.finish(ctx, host, l)
	}()
	return l
}

// leave takes the caller out of those who wait for l. The last one ends it and
// waits until it has ended, which is at once.
func (s *SystemResolver) leave(host string, l *flight) {
	s.mu.Lock()
	l.askers--
	last := l.askers == 0
	if last && s.under[host] == l {
		delete(s.under, host) // whoever asks from now on must not find a dying one
	}
	s.mu.Unlock()
	if last {
		l.cancel()
		<-l.done
	}
}

// finish keeps what l found, unless that only says that nobody waits any more.
func (s *SystemResolver) finish(ctx context.Context, host string, l *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.under[host] == l {
		delete(s.under, host)
	}
	if l.err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	s.keep(host, l.a, l.err)
}

// ask looks host up. When it returns, no socket of it is open.
func (s *SystemResolver) ask(ctx context.Context, host string) (Answer, error) {
	var open crowd
	// The goroutine that package net looks names up in may dial after we were
	// told the result: what counts sockets must turn it away, not only wait.
	defer open.disperse()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := s.asker(ctx, &open)
	end := make(chan string, 1)
	go func() {
		name, err := r.LookupCNAME(ctx, host)
		if err != nil {
			name = ""
		}
		end <- strings.ToLower(strings.TrimSuffix(name, "."))
	}()
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		cancel() // the name alone helps nobody
	}
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

// asker returns a resolver like s.Net whose sockets close when ctx is done,
// and are counted in open: package net waits for a reply as long as it has
// time, whoever has stopped to wait for it.
func (s *SystemResolver) asker(ctx context.Context, open *crowd) *net.Resolver {
	r := net.Resolver{}
	if s.Net != nil {
		r = net.Resolver{PreferGo: s.Net.PreferGo, StrictErrors: s.Net.StrictErrors, Dial: s.Net.Dial}
	}
	dial := r.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	r.Dial = func(dialCtx context.Context, network, addr string) (net.Conn, error) {
		if !open.admit() {
			return nil, net.ErrClosed
		}
		conn, err := dial(dialCtx, network, addr)
		if err != nil {
			open.leave()
			return nil, err
		}
		return watch(ctx, conn, open), nil
	}
	return &r
}

// watch returns conn so that it closes when ctx is done.
func watch(ctx context.Context, conn net.Conn, open *crowd) net.Conn {
	gone := sync.OnceFunc(open.leave)
	w := &watched{Conn: conn, gone: gone, stop: context.AfterFunc(ctx, func() {
		_ = conn.Close()
		gone()
	})}
	if _, ok := conn.(net.PacketConn); ok { // package net tells datagrams from streams by this
		return packets{w}
	}
	return w
}

type watched struct {
	net.Conn
	stop func() bool
	gone func()
}

// Close implements net.Conn.
func (w *watched) Close() error {
	w.stop()
	defer w.gone()
	return w.Conn.Close()
}

// packets is a connection of datagrams.
type packets struct{ *watched }

// ReadFrom implements net.PacketConn.
func (p packets) ReadFrom(b []byte) (int, net.Addr, error) {
	return p.Conn.(net.PacketConn).ReadFrom(b)
}

// WriteTo implements net.PacketConn.
func (p packets) WriteTo(b []byte, to net.Addr) (int, error) {
	return p.Conn.(net.PacketConn).WriteTo(b, to)
}

func (s *SystemResolver) lookup(host string) (cached, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.cache[host]
	return c, ok && time.Now().Before(c.until)
}

// keep is called with mu held.
func (s *SystemResolver) keep(host string, a Answer, err error) {
	c := cached{a: a, err: err, until: time.Now().Add(cacheFor)}
	if err != nil {
		c.until = time.Now().Add(cacheFailure)
	}
	if s.cache == nil || len(s.cache) >= maxCached {
		s.cache = map[string]cached{}
	}
	s.cache[host] = c
}
