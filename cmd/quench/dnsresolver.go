package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/proxy"
)

// ownResolver resolves for the proxy: by the DNS door while it is open, with its
// cache, its upstreams and the chain of aliases; else, and for names that only
// this system knows, as the system does.
type ownResolver struct {
	door   func() *dnsfilter.Door // nil: closed
	system proxy.Resolver
	hosts  hostsFile
}

// Resolve implements proxy.Resolver.
func (r *ownResolver) Resolve(ctx context.Context, q proxy.Question) (proxy.Answer, error) {
	door := r.door()
	if door == nil || r.local(q.Host) {
		return r.system.Resolve(ctx, q)
	}
	addrs, chain, ttl, blocked, err := door.Lookup(ctx, q.Host, q.Client)
	if ne := new(net.DNSError); upstream.HomeName(q.Host) && errors.As(err, &ne) && ne.IsNotFound {
		return r.system.Resolve(ctx, q) // of this network's names it may know more than those we ask
	}
	if err != nil {
		return proxy.Answer{}, err
	}
	return proxy.Answer{Addrs: addrs, Chain: chain, TTL: ttl, Blocked: blocked}, nil
}

// local reports names that the system may find without DNS, or by it with a
// suffix: single labels, multicast DNS and the hosts file.
func (r *ownResolver) local(host string) bool {
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".local") || r.hosts.has(host)
}

const (
	// hostsFresh is how long the hosts file is believed to be the same.
	hostsFresh = 5 * time.Second
	// maxHosts bounds what is read of it; block lists are kept there too.
	maxHosts = 16 << 20
)

// hostsFile knows the names in the system's hosts file.
type hostsFile struct {
	path string // "" is the system's
	mu   sync.Mutex
	read time.Time
	text string
	name map[string]bool
}

func (h *hostsFile) has(host string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.read) > hostsFresh {
		h.read = now
		h.load()
	}
	return h.name[host]
}

func (h *hostsFile) load() {
	path := h.path
	if path == "" {
		path = hostsPath
	}
	data, err := readFile(path, maxHosts)
	if err != nil || string(data) == h.text && h.name != nil {
		return
	}
	h.text, h.name = string(data), map[string]bool{}
	for line := range strings.Lines(h.text) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 1 {
			for _, name := range f[1:] {
				h.name[strings.ToLower(name)] = true
			}
		}
	}
}
