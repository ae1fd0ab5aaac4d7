package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/internal/proxy/filter"
)

// memory returns the part of the configuration that Policies carry.
func (c *config) memory() memory.Config {
	m := memory.Config{Observe: c.Mode == "observe", Strict: c.Strict, Loaders: map[string]detect.LoaderMode{}}
	m.Allows = cleaned(c.Allow)
	m.Unknown, _ = detect.ParseUnknownMode(c.Proxy.Unknown) // checked
	for id, v := range c.Vendors {
		m.Loaders[id], _ = detect.ParseLoaderMode(v.Loader)
	}
	return m
}

// newProxy makes a proxy on the service's state. Without a recorder it keeps
// what it learns to itself: on disk it would show where somebody was.
func (s *service) newProxy(cfg *config, rec ledger.Recorder, secret []byte) *proxy.Proxy {
	var mind interface {
		Policy(client string) *detect.Policy
		Learn(host, url string, at time.Time)
		Unlearn(host, url string)
		History() *memory.History
	} = s.mem
	if rec == nil {
		mind = s.mem.Session()
	}
	policy := func(c filter.Client) *detect.Policy { return s.policyFor(c.Addr, c.Label, mind.Policy) }
	p := &proxy.Proxy{
		Filter: &filter.Filter{
			Set: s.set, Policy: policy, Recorder: rec,
			Learn: mind.Learn, Unlearn: mind.Unlearn, History: mind.History(), Allow: s.allowFromPage, Secret: secret, Log: s.log,
			GPC: cfg.Proxy.GPC, KeepPages: !cfg.Proxy.RewritePages, KeepLinks: !cfg.Proxy.CleanLinks,
			KeepWidgets: !cfg.Proxy.ClickToLoad,
		},
		Set: s.set, Policy: policy, Label: s.labelOf, Recorder: rec, CA: s.ca,
		AllowPrivate: cfg.Proxy.AllowPrivate, Own: s.own, GPC: cfg.Proxy.GPC,
		Upstream: cfg.Proxy.Upstream, FailOpen: cfg.Proxy.Fail == "direct", Drain: drainTime, Log: s.log,
		MaxAllConns: cfg.Proxy.MaxConns, MaxConns: cfg.Proxy.MaxClientConns,
	}
	if s.kind == "serve" {
		p.Resolver = &ownResolver{door: s.door, system: &proxy.SystemResolver{}}
	}
	p.HeaderTimeout, _ = parseSpan(cfg.Proxy.HeaderTimeout) // checked; 0 is the default
	p.StallTimeout, _ = parseSpan(cfg.Proxy.StallTimeout)
	if s.logins.Load() != nil {
		p.Passwords = s.logins.Load
	}
	if rec != nil {
		p.Clients = s.mem.Clients()
	}
	for _, text := range cfg.Proxy.AllowFrom {
		if prefix, err := parsePrefix(text); err == nil {
			p.AllowFrom = append(p.AllowFrom, prefix)
		}
	}
	if len(p.AllowFrom) == 0 { // an empty list lets nobody in but this machine
		p.AllowFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	for _, port := range cfg.Proxy.ConnectPorts {
		p.ConnectPorts = append(p.ConnectPorts, uint16(port))
	}
	return p
}

// allowFromPage carries out what a person chose on a block page. It holds for
// the client that asked.
func (s *service) allowFromPage(r filter.AllowRequest) error {
	var until time.Time
	if r.For > 0 {
		until = time.Now().Add(r.For).UTC()
	}
	_, err := s.mem.AddAllow(r.Override, until, r.Client.Label, "page")
	return err
}

// sameListeners reports whether only what a reload can change differs.
func sameListeners(a, b *config) bool {
	x, y := a.DNS, b.DNS
	x.Upstreams, x.Fallback, x.Bootstrap, x.Strategy = y.Upstreams, y.Fallback, y.Bootstrap, y.Strategy
	x.TLS = y.TLS
	return reflect.DeepEqual(a.Proxy, b.Proxy) && reflect.DeepEqual(x, y) && reflect.DeepEqual(a.Metrics, b.Metrics) && a.Ledger == b.Ledger
}

// door is the DNS door, nil while it is closed.
func (s *service) door() *dnsfilter.Door {
	if d := s.dns.Load(); d != nil {
		return d.door
	}
	return nil
}

// browseLease opens a listener that intercepts always.
func (s *service) browseLease(ctx context.Context, r control.BrowseRequest) (string, func(), error) {
	ln, err := s.listen("browse", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	p := s.proxy
	if r.NoRecord {
		p = s.silent()
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	s.leases.Add(1)
	go func() {
		defer s.leases.Done()
		defer close(ended)
		if err := p.ServeWith(ctx, ln, proxy.ListenerOptions{Intercept: proxy.Always, NoPassword: true}); err != nil {
			s.log.Error("browse listener ended", "err", err)
		}
	}()
	addr := ln.Addr().String()
	return addr, func() {
		cancel()
		<-ended
		s.forget(addr)
	}, nil
}

const (
	pageKeyName = "page.key"
	pageKeySize = 32
)

// pageKey returns the key under which block pages and stubs sign their tokens,
// so that a page that is open survives a restart. It is made on first use; one
// of the wrong size is replaced: all that is lost is those tokens.
func pageKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, pageKeyName)
	key, err := readFile(path, pageKeySize)
	if err == nil && len(key) == pageKeySize {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the page key: %w", err)
	}
	key = make([]byte, pageKeySize)
	_, _ = rand.Read(key) // never fails
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, fmt.Errorf("write the page key: %w", err)
	}
	return key, nil
}
