package upstream

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// dialTime bounds a connection with its handshake.
	dialTime = 3 * time.Second
	// addrTime bounds each address of several.
	addrTime = time.Second
)

// reach knows where an upstream is.
type reach struct {
	spec Spec
	boot *bootstrap // nil if spec is an address
	own  func(netip.AddrPort) bool

	mu   sync.Mutex
	good netip.AddrPort // that worked last: the first to try
	bad  netip.AddrPort // that failed last: the last to try
}

// addrs returns where an upstream may be reached, in the order to try.
func (r *reach) addrs(ctx context.Context) ([]netip.AddrPort, error) {
	ips := []netip.Addr{r.spec.addr}
	if r.boot != nil {
		var err error
		if ips, err = r.boot.resolve(ctx, r.spec.host); err != nil {
			return nil, &fault{kind: kindName, err: err}
		}
	}
	r.mu.Lock()
	good, bad := r.good, r.bad
	r.mu.Unlock()
	var out, last []netip.AddrPort
	for _, ip := range ips {
		ap := netip.AddrPortFrom(ip, r.spec.port)
		switch {
		case r.own != nil && r.own(ap):
		case ap == bad:
			last = append(last, ap)
		case ap == good:
			out = slices.Insert(out, 0, ap)
		default:
			out = append(out, ap)
		}
	}
	if out = append(out, last...); len(out) == 0 {
		return nil, &fault{kind: kindOwn}
	}
	return out, nil
}

func (r *reach) worked(ap netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.good = ap; r.bad == ap {
		r.bad = netip.AddrPort{}
	}
}

// failed makes an address be the last to try.
func (r *reach) failed(ap netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bad = ap; r.good == ap {
		r.good = netip.AddrPort{}
	}
}

// failedAt is failed for what a connection leads to.
func (r *reach) failedAt(a net.Addr) {
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		r.failed(netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
	}
}

// others reports whether there may be more than one address.
func (r *reach) others() bool { return r.boot != nil }

// try calls connect with one address after the other until one works.
func (r *reach) try(ctx context.Context, connect func(context.Context, netip.AddrPort) error) error {
	all, err := r.addrs(ctx)
	if err != nil {
		return err
	}
	for i, ap := range all {
		c, cancel := ctx, func() {}
		if i < len(all)-1 {
			c, cancel = context.WithTimeout(ctx, addrTime)
		}
		err = connect(c, ap)
		cancel()
		if err == nil {
			r.worked(ap)
			return nil
		}
		r.failed(ap)
		if ctx.Err() != nil {
			break
		}
	}
	return err
}

// dial connects to the first address that lets it. The kernel chooses a random
// port, and for UDP drops what comes from elsewhere.
func (r *reach) dial(ctx context.Context, network string) (c net.Conn, err error) {
	err = r.try(ctx, func(ctx context.Context, ap netip.AddrPort) (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, ap.String())
		return err
	})
	return c, err
}

// crowd counts what has to end before Close returns. Nothing enters once it
// is closed.
type crowd struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func (c *crowd) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Add(1)
	return true
}

func (c *crowd) leave() { c.wg.Done() }

// shut lets nobody in any more.
func (c *crowd) shut() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
}
