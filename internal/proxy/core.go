package proxy

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/guard"
)

// core is what all listeners of a Proxy share while any of them is served.
type core struct {
	p        *Proxy
	ctx      context.Context // ends with the last listener
	cancel   context.CancelFunc
	pools    *pools
	resolver Resolver
	clients  *memory.Clients
	own      ownSet
	rules    guard.Rules
	pseudo   string // our name in Via, random so that it tells nothing
	upstream *url.URL
	asked    hostSet // hosts that asked for a client certificate
	dials    crowd
	owners   owners
	in       entrance
	far      exits
}

func newCore(p *Proxy) (*core, error) {
	var id [6]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("choosing a pseudonym: %w", err)
	}
	c := &core{p: p, pseudo: "q-" + hex.EncodeToString(id[:]), resolver: p.Resolver}
	if p.Upstream != "" {
		u, err := url.Parse(p.Upstream)
		if err != nil || u.Scheme != "http" || u.Host == "" {
			return nil, fmt.Errorf("upstream proxy %q: want http://host:port", p.Upstream)
		}
		if u.Port() == "" {
			u.Host = net.JoinHostPort(u.Hostname(), "80")
		}
		c.upstream = u
	}
	if c.resolver == nil {
		c.resolver = &SystemResolver{}
	}
	if p.clients == nil {
		p.clients = p.Clients
		if p.clients == nil {
			p.clients = memory.NewClients(p.Now, nil)
		}
	}
	c.clients = p.clients
	c.in.bounds = newBounds(p, fileLimit())
	c.far.most.Store(int64(c.in.bounds.far))
	c.own.more = p.Own
	c.rules = guard.Rules{AllowPrivate: p.AllowPrivate, Names: p.PrivateNames, Own: c.own.has}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.pools = newPools(c)
	return c, nil
}

// close ends what is left once nobody is served.
func (c *core) close() {
	c.cancel()
	c.pools.closeIdle()
	c.dials.wait()
	c.pools.closeIdle() // what those dials left
}

// localAge is how long the list of this machine's addresses is believed.
const localAge = 10 * time.Second

// ownSet knows our own listeners.
type ownSet struct {
	more func() []netip.AddrPort

	mu    sync.Mutex
	list  map[netip.AddrPort]int
	local map[netip.Addr]bool
	at    time.Time
}

func (o *ownSet) add(a net.Addr)    { o.change(a, 1) }
func (o *ownSet) remove(a net.Addr) { o.change(a, -1) }

func (o *ownSet) change(a net.Addr, by int) {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return // not TCP: nobody can ask us to connect to it
	}
	ap = plainPort(ap)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list == nil {
		o.list = map[netip.AddrPort]int{}
	}
	if o.list[ap] += by; o.list[ap] <= 0 {
		delete(o.list, ap)
	}
}

// plainPort is ap as the guard writes addresses.
func plainPort(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}

// has reports whether a connection to ap would end at one of our listeners.
func (o *ownSet) has(ap netip.AddrPort) bool {
	var more []netip.AddrPort
	if o.more != nil {
		more = o.more()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for l := range o.list {
		if o.meets(l, ap) {
			return true
		}
	}
	for _, l := range more {
		if o.meets(plainPort(l), ap) {
			return true
		}
	}
	return false
}

func (o *ownSet) meets(listener, ap netip.AddrPort) bool {
	if listener.Port() != ap.Port() {
		return false
	}
	if listener.Addr() == ap.Addr() {
		return true
	}
	// The unspecified address connects to loopback.
	if ap.Addr().IsUnspecified() {
		return listener.Addr().IsLoopback() || listener.Addr().IsUnspecified()
	}
	return listener.Addr().IsUnspecified() && (ap.Addr().IsLoopback() || o.isLocal(ap.Addr()))
}

func (o *ownSet) isLocal(a netip.Addr) bool {
	if now := time.Now(); now.Sub(o.at) > localAge {
		o.at, o.local = now, map[netip.Addr]bool{}
		list, err := net.InterfaceAddrs()
		if err != nil {
			return true // we cannot tell, and a loop is worse than a refusal
		}
		for _, l := range list {
			if pfx, err := netip.ParsePrefix(l.String()); err == nil {
				o.local[pfx.Addr().Unmap().WithZone("")] = true
			}
		}
	}
	return o.local[a]
}

// maxHostSet bounds a hostSet; past it the set starts anew.
const maxHostSet = 1024

// hostSet is a bounded set of hosts.
type hostSet struct {
	mu sync.Mutex
	m  map[string]struct{}
}

func (h *hostSet) add(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m == nil || len(h.m) >= maxHostSet {
		h.m = map[string]struct{}{}
	}
	h.m[host] = struct{}{}
}

func (h *hostSet) has(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.m[host]
	return ok
}
