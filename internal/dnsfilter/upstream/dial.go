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
	good netip.AddrPort // that worked last
}

// addrs returns where an upstream may be reached, what worked last first.
func (r *reach) addrs(ctx context.Context) ([]netip.AddrPort, error) {
	ips := []netip.Addr{r.spec.addr}
	if r.boot != nil {
		var err error
		if ips, err = r.boot.resolve(ctx, r.spec.host); err != nil {
			return nil, &fault{kind: kindName, err: err}
		}
	}
	r.mu.Lock()
	good := r.good
	r.mu.Unlock()
	var out []netip.AddrPort
	for _, ip := range ips {
		ap := netip.AddrPortFrom(ip, r.spec.port)
		switch {
		case r.own != nil && r.own(ap):
		case ap == good:
			out = slices.Insert(out, 0, ap)
		default:
			out = append(out, ap)
		}
	}
	if len(out) == 0 {
		return nil, &fault{kind: kindOwn}
	}
	return out, nil
}

func (r *reach) worked(ap netip.AddrPort) {
	r.mu.Lock()
	r.good = ap
	r.mu.Unlock()
}

// failed makes another address be the first next time.
func (r *reach) failed() { r.worked(netip.AddrPort{}) }

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
		if ctx.Err() != nil {
			break
		}
	}
	r.failed()
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
