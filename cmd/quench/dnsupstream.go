package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

// upstreams makes those of the configuration, or of the system without own.
func (s *service) upstreams(cfg *config, d *dnsDoor, own func(netip.AddrPort) bool) (*upstream.Group, error) {
	c := &cfg.DNS
	texts := c.Upstreams
	if len(texts) == 0 {
		data, servers, err := systemServers(d.conf, own)
		if err != nil {
			return nil, err
		}
		d.mu.Lock()
		d.seen = data
		d.mu.Unlock()
		texts = servers
	}
	o := upstream.Options{Own: own, Log: s.log, Home: len(c.Upstreams) == 0}
	var err [3]error
	o.Servers, err[0] = upstream.Parse(texts)
	o.Fallback, err[1] = upstream.Parse(c.Fallback)
	o.Bootstrap, err[2] = upstream.Parse(c.Bootstrap)
	o.Strategy, _ = upstream.ParseStrategy(c.Strategy)
	if err := errors.Join(err[:]...); err != nil {
		return nil, fmt.Errorf("dns.upstreams: %w", err)
	}
	g, e := upstream.New(o)
	if e != nil {
		return nil, fmt.Errorf("dns.upstreams: %w", e)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.servers = nil
	for _, sp := range o.Servers {
		d.servers = append(d.servers, sp.String())
	}
	return g, nil
}

// maxResolvConf bounds what is read of the system's file.
const maxResolvConf = 64 << 10

// systemServers returns the resolvers of the system but for ourselves, and what
// its file said.
func systemServers(conf string, own func(netip.AddrPort) bool) (data []byte, servers []string, err error) {
	data, err = readFile(conf, maxResolvConf)
	if err != nil {
		return nil, nil, errNobody
	}
	list, err := dnsfilter.SystemServers(strings.NewReader(string(data)), own)
	if err != nil {
		return data, nil, fmt.Errorf("read %s: %w", conf, err)
	}
	for _, ap := range list {
		servers = append(servers, "udp://"+ap.String())
	}
	if len(servers) == 0 {
		return data, nil, errNobody
	}
	return data, servers, nil
}

// ownOf reports whether an address is one of those that are to be listened on.
func ownOf(listens []string) func(netip.AddrPort) bool {
	return func(target netip.AddrPort) bool {
		addr := target.Addr().Unmap().WithZone("")
		for _, l := range listens {
			host, port, err := net.SplitHostPort(l)
			if err != nil || port != fmt.Sprint(target.Port()) {
				continue
			}
			a, err := netip.ParseAddr(host)
			switch {
			case host == "localhost":
				if addr.IsLoopback() {
					return true
				}
			case host == "" || err == nil && a.IsUnspecified():
				if thisMachine(addr) {
					return true
				}
			case err == nil && a.Unmap().WithZone("") == addr:
				return true
			}
		}
		return false
	}
}

func thisMachine(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() {
		return true
	}
	addrs, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(addrs, func(x net.Addr) bool {
		n, ok := x.(*net.IPNet)
		if !ok {
			return false
		}
		b, ok := netip.AddrFromSlice(n.IP)
		return ok && b.Unmap() == a
	})
}

// watch follows the system's resolvers, which change with the network.
func (d *dnsDoor) watch(ctx context.Context, s *service) {
	if d.conf == "" {
		return
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !d.changed() {
			continue
		}
		if err := s.exchange(ctx, s.cfg.Load(), d); err != nil {
			s.log.Warn("the system's resolvers changed and cannot be used", "err", err)
			continue
		}
		s.log.Info("the system's resolvers changed", "upstreams", d.asked())
	}
}

// changed reports whether the system's file says something else than last time.
func (d *dnsDoor) changed() bool {
	data, err := readFile(d.conf, maxResolvConf)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || string(data) == string(d.seen) {
		return false
	}
	d.seen = data
	return true
}

// reloadDNS has the door take what it can of a new configuration.
func (s *service) reloadDNS(ctx context.Context, old, cfg *config) error {
	d := s.dns.Load()
	if d == nil {
		return nil
	}
	if d.cert.Load() != nil {
		if err := d.loadCert(&cfg.DNS, s.configDir()); err != nil {
			return err
		}
	}
	a, b := &old.DNS, &cfg.DNS
	if slices.Equal(a.Upstreams, b.Upstreams) && slices.Equal(a.Fallback, b.Fallback) &&
		slices.Equal(a.Bootstrap, b.Bootstrap) && a.Strategy == b.Strategy {
		return nil
	}
	return s.exchange(ctx, cfg, d)
}

// exchange has the door ask what cfg says from now on.
func (s *service) exchange(ctx context.Context, cfg *config, d *dnsDoor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g, err := s.upstreams(cfg, d, d.door.Own)
	if err != nil {
		return err
	}
	if old := d.switched.Use(g); old != nil {
		_ = old.Close()
	}
	return nil
}
