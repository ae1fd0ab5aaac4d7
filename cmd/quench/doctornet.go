package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/control"
)

const (
	// askedName is what the resolver is asked for. It is reserved for examples
	// (RFC 2606), so that it says nothing about who asks.
	askedName = "example.com"
	// resolverTime is how long it may take to answer, and slowResolver when
	// pages begin to feel it.
	resolverTime = 3 * time.Second
	slowResolver = time.Second
	// listenerTime is how long a listener of ours may take.
	listenerTime = 3 * time.Second
)

// nameResolver is net.Resolver as far as the doctor asks it.
type nameResolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// examineResolver asks the system's resolver for one name, and waits for at
// most limit. That the name does not exist is an answer too.
func examineResolver(ctx context.Context, r *report, res nameResolver, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		addrs []netip.Addr
		err   error
	}
	got := make(chan answer, 1) // the C library does not let itself be hurried
	began := time.Now()
	go func() {
		addrs, err := res.LookupNetIP(ctx, "ip", askedName)
		got <- answer{addrs, err}
	}()
	var a answer
	select {
	case a = <-got:
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	took := time.Since(began).Round(time.Millisecond)
	var dns *net.DNSError
	switch notFound := errors.As(a.err, &dns) && dns.IsNotFound; {
	case errors.Is(a.err, context.DeadlineExceeded) || dns != nil && dns.IsTimeout:
		r.add("resolver", fail, fmt.Sprintf("this machine's DNS does not answer within %s", limit), "is this machine online? See what names servers are set, on Linux in /etc/resolv.conf")
	case a.err != nil && !notFound:
		r.add("resolver", fail, "this machine's DNS cannot be asked or answers with a failure", "see what name servers are set, on Linux in /etc/resolv.conf")
	case notFound:
		r.add("resolver", warn, fmt.Sprintf("this machine's DNS answers, but does not know %s: it may be cut off, or filter", askedName), "")
	case took > slowResolver:
		r.add("resolver", warn, fmt.Sprintf("this machine's DNS took %s for one name", took), "every new site waits that long; another name server may be faster")
	default:
		r.add("resolver", ok, fmt.Sprintf("this machine's DNS answered in %s", took), "")
	}
}

// examineListener asks a listener of the running service for what only Quench
// serves.
func (a *app) examineListener(ctx context.Context, r *report, l control.Listener, cfg *config) {
	if isDNS(l.Name) {
		a.examineDNSListener(ctx, r, l, cfg)
		return
	}
	what := l.Name + " on " + l.Address
	if l.Name == "proxy" && reachesOut(l.Address) {
		what += ", for " + strings.Join(cfg.Proxy.AllowFrom, ", ")
		if cfg.Proxy.PasswordFile != "" {
			what += ", with a password"
		}
	}
	if err := knock(ctx, dialable(l.Address)); err != nil {
		r.add("listener", fail, what+": it does not answer", "stop quench and start it again; if that does not help, a firewall of this machine may stand between")
		return
	}
	r.add("listener", ok, what, "")
}

// knock makes one request that is for the listener itself. Any answer will do:
// who may not use the proxy is told so.
func knock(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, listenerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "http://"+addr+"/proxy.pac", nil)
	if err != nil {
		return err
	}
	tr := &http.Transport{DisableKeepAlives: true} // and no proxy from the environment
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// dialable is an address to reach a listener at: one on all addresses is also
// on loopback.
func dialable(addr string) string {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().IsUnspecified() {
		return addr
	}
	if ap.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port()).String()
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), ap.Port()).String()
}
