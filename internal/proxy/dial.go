package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/internal/proxy/guard"
)

const (
	maxChain = 32 // names of a CNAME chain that are looked at
	maxDials = 8  // addresses tried for one connection
	// stagger is how long one address may take before the next is tried too,
	// RFC 8305 §5.
	stagger = 250 * time.Millisecond
)

// place is where a request may go.
type place struct {
	verdict guard.Verdict
	chain   []string
}

// guardError says that the guard refused a target.
type guardError struct {
	why      guard.Why
	loopback bool // a public name led to loopback and to nothing else
}

func (e *guardError) Error() string { return "refused: " + e.why.String() }

var (
	errNullAddress = errors.New("the resolver answered with a null address")
	errNoName      = errors.New("not a host name")
)

// locate resolves and guards a target. With an error the chain is still set if
// it is known.
func (c *core) locate(ctx context.Context, t guard.Target, f guard.From, client netip.Addr) (place, error) {
	var pl place
	if _, literal := guard.Literal(t.Host); !literal {
		if err := c.refusedByName(t, f); err != nil {
			return pl, err
		}
		a, err := c.resolve(ctx, t.Host, client)
		if err != nil {
			return pl, err
		}
		pl.chain = a.Chain[:min(len(a.Chain), maxChain)]
		if a.Blocked || len(a.Addrs) > 0 && allNull(a.Addrs) {
			return pl, errNullAddress
		}
		t.Addrs = a.Addrs
	}
	pl.verdict = guard.Check(t, f, c.rules)
	if !pl.verdict.Allow {
		return pl, &guardError{why: pl.verdict.Why, loopback: pl.verdict.Why == guard.Rebinding && allLoopback(t.Addrs)}
	}
	return pl, nil
}

// refusedByName is what can be said of a target before, or without, resolving it.
func (c *core) refusedByName(t guard.Target, f guard.From) error {
	if _, literal := guard.Literal(t.Host); !literal && !plainHost(t.Host) {
		return errNoName
	}
	if v := guard.Check(t, f, c.rules); !v.Allow && v.Why != guard.Nowhere {
		return &guardError{why: v.Why}
	}
	return nil
}

func (c *core) resolve(ctx context.Context, host string, client netip.Addr) (Answer, error) {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return Answer{Addrs: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}}, nil
	}
	if s, ok := c.resolver.(*SystemResolver); ok { // no timer for what is known
		if kept, ok := s.lookup(host); ok {
			return kept.a, kept.err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	return c.resolver.Resolve(ctx, Question{Host: host, Client: client})
}

func allLoopback(addrs []netip.Addr) bool {
	for _, a := range addrs {
		if !a.Unmap().IsLoopback() {
			return false
		}
	}
	return len(addrs) > 0
}

func allNull(addrs []netip.Addr) bool {
	for _, a := range addrs {
		if !guard.IsNull(a) {
			return false
		}
	}
	return true
}

// dial opens a connection, unless so many are open that the next ones would
// take the descriptors that clients and stores need.
func (c *core) dial(ctx context.Context, addr string) (net.Conn, error) {
	if !c.far.enter() {
		c.pools.closeIdle() // these serve nobody now
		if !c.far.enter() {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EMFILE}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, DialTimeout)
	defer cancel()
	dial := c.p.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		c.far.leave()
		return nil, err
	}
	return &farConn{Conn: conn, out: &c.far}, nil
}

// exits counts the connections to sites.
type exits struct{ open, most atomic.Int64 }

func (e *exits) enter() bool {
	if e.open.Add(1) <= e.most.Load() {
		return true
	}
	e.open.Add(-1)
	return false
}

func (e *exits) leave() { e.open.Add(-1) }

// farConn is a connection to a site.
type farConn struct {
	net.Conn
	out  *exits
	once sync.Once
}

// Close implements net.Conn.
func (c *farConn) Close() error {
	c.once.Do(c.out.leave)
	return c.Conn.Close()
}

// CloseWrite ends our direction alone.
func (c *farConn) CloseWrite() error { return closeWrite(c.Conn) }

// dialAddrs connects to the first of addrs that answers, beginning with the
// next when one is slow.
func (c *core) dialAddrs(ctx context.Context, addrs []netip.Addr, port uint16) (net.Conn, error) {
	addrs = interleave(addrs)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result, len(addrs))
	next, running := 0, 0
	start := func() {
		addr := netip.AddrPortFrom(addrs[next], port).String()
		next++
		running++
		go func() {
			conn, err := c.dial(ctx, addr)
			results <- result{conn, err}
		}()
	}
	// Losers are closed before we return, so that no dial outlives its caller.
	drain := func() {
		cancel()
		for ; running > 0; running-- {
			if r := <-results; r.conn != nil {
				_ = r.conn.Close()
			}
		}
	}
	first := errors.New("no address")
	start()
	for running > 0 {
		wait := time.NewTimer(stagger)
		select {
		case r := <-results:
			running--
			if r.err == nil {
				drain()
				return r.conn, nil
			}
			if next == 1 {
				first = r.err
			}
			if next < len(addrs) {
				start()
			}
		case <-wait.C:
			if next < len(addrs) {
				start()
			}
		}
		wait.Stop()
	}
	return nil, first
}

// interleave alternates the families, in the order given, and bounds the list.
func interleave(addrs []netip.Addr) []netip.Addr {
	var fam [2][]netip.Addr
	lead := 0
	for i, a := range addrs {
		f := 0
		if a.Unmap().Is4() {
			f = 1
		}
		if i == 0 {
			lead = f
		}
		fam[f] = append(fam[f], a)
	}
	out := make([]netip.Addr, 0, min(len(addrs), maxDials))
	for i := 0; len(out) < cap(out); i++ {
		for _, f := range [...]int{lead, 1 - lead} {
			if i < len(fam[f]) && len(out) < cap(out) {
				out = append(out, fam[f][i])
			}
		}
	}
	return out
}

// dialThrough opens a tunnel through the upstream proxy. via is what the
// client's own CONNECT came with.
func (c *core) dialThrough(ctx context.Context, t guard.Target, f guard.From, addr string, via []string) (net.Conn, error) {
	if err := c.refusedByName(t, f); err != nil {
		return nil, err
	}
	conn, err := c.dial(ctx, c.upstream.Host)
	if err != nil {
		return nil, &upstreamError{err: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: c.connectHeader(via)}
	if u := c.upstream.User; u != nil {
		pass, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+pass)))
	}
	if err := req.Write(conn); err != nil {
		_ = conn.Close()
		return nil, &upstreamError{err: err}
	}
	br := bufio.NewReader(&io.LimitedReader{R: conn, N: maxHeaderBytes})
	resp, err := http.ReadResponse(br, req)
	switch {
	case err != nil:
		err = &upstreamError{err: err}
	case resp.StatusCode != http.StatusOK:
		err = &upstreamError{status: resp.StatusCode}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &replayed{Conn: conn, head: buffered(br)}, nil
}
