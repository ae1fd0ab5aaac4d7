package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect/names"
	"github.com/quench-proxy/quench/internal/detect/redact"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/internal/trust"
	"github.com/quench-proxy/quench/rules"
)

// How long the parts may take to end: together less than the five seconds that
// service managers and people grant.
const (
	drainTime = 2500 * time.Millisecond
	flushTime = 1500 * time.Millisecond
)

// overrides are what the command line says against the configuration.
type overrides struct {
	proxy        string // "" leaves it
	dns          string // the same
	observe      bool
	allowPrivate bool
}

func (o overrides) apply(c *config) {
	if o.proxy != "" {
		c.Proxy.Listen = o.proxy
	}
	if o.dns != "" {
		c.DNS.Listen = o.dns
	}
	if o.observe {
		c.Mode = "observe"
	}
	if o.allowPrivate {
		c.Proxy.AllowPrivate = true
	}
}

// service is everything that serve and browse run, wired together. It owns the
// data directory from openService to close.
type service struct {
	app     *app
	kind    string // serve or browse
	dir     string
	log     *slog.Logger
	over    overrides
	started time.Time

	rules      atomic.Pointer[ruleSet]
	force      atomic.Pointer[inForce]
	combining  sync.Mutex
	generation uint64

	cfg      atomic.Pointer[config]
	logins   atomic.Pointer[proxy.Passwords] // nil if the proxy asks for none
	ca       *trust.CA
	mem      *memory.Memory
	lists    *lists.Store
	ledger   *ledger.Ledger // nil if nothing is recorded
	proxy    *proxy.Proxy
	silent   func() *proxy.Proxy     // makes one that records nothing, for one sitting
	dns      atomic.Pointer[dnsDoor] // nil while that door is closed
	near     neighbours
	arrivals *arrivals
	pauses   clients.Pauses
	sock     *control.Socket
	figures  net.Listener // for metrics; nil is none

	reloading sync.Mutex
	mu        sync.Mutex
	open      []control.Listener
	leases    sync.WaitGroup
}

// serviceOptions says what openService is to open.
type serviceOptions struct {
	kind     string
	over     overrides
	noRecord bool
}

// openService checks rules and configuration, becomes the owner of the data
// directory and opens what is kept there. Nothing listens yet.
func (a *app) openService(ctx context.Context, o serviceOptions) (*service, error) {
	r, cfg, err := a.loadAll(o.over)
	if err != nil {
		return nil, err
	}
	dir, err := a.data()
	if err != nil {
		return nil, err
	}
	s := &service{app: a, kind: o.kind, dir: dir, log: a.logger(), over: o.over, started: time.Now(), arrivals: newArrivals()}
	s.rules.Store(r)
	s.cfg.Store(cfg)
	if cfg.Proxy.Listen != "off" {
		logins, err := a.loadPasswords(cfg.Proxy.PasswordFile)
		if err != nil {
			return nil, err
		}
		s.logins.Store(logins)
	}
	if err := s.openState(ctx, cfg, o.noRecord); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.wire(cfg); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// loadAll loads rules and configuration and reports the faults of both.
func (a *app) loadAll(over overrides) (*ruleSet, *config, error) {
	r, rerr := a.loadRules()
	var trackers []string
	if r != nil {
		trackers = r.trackers
	}
	cfg, cerr := a.loadConfig(trackers)
	if err := errors.Join(rerr, cerr); err != nil {
		return nil, nil, err
	}
	over.apply(cfg)
	if over.proxy != "" {
		if err := checkReach(over.proxy, &cfg.Proxy); err != nil {
			return nil, nil, fmt.Errorf("--proxy: %w", err)
		}
	}
	for _, addr := range addresses(over.dns) {
		if err := checkResolverReach(addr, cfg.DNS.AllowFrom); err != nil {
			return nil, nil, fmt.Errorf("--dns: %w", err)
		}
	}
	return r, cfg, nil
}

func (s *service) openState(ctx context.Context, cfg *config, noRecord bool) (err error) {
	if s.sock, err = control.Listen(ctx, s.dir, s.log); err != nil {
		return err
	}
	if s.ca, err = trust.Open(caDir(s.dir)); err != nil {
		return err
	}
	if s.mem, err = memory.Open(s.dir, memory.Options{Log: s.log}); err != nil {
		return err
	}
	s.mem.SetConfig(cfg.memory())
	if s.kind == "serve" {
		s.near.read(leaseFiles[:])
	}
	if s.lists, err = s.app.openLists(s.dir, cfg, false, s.log); err != nil {
		return err
	}
	s.combine()
	s.lists.OnChange(func(*lists.Snapshot) { s.combine() })
	if err := s.loadLists(ctx); err != nil {
		return err
	}
	if noRecord {
		return nil
	}
	o, err := cfg.ledger()
	if err != nil {
		return err
	}
	o.Dir, o.Log = s.dir, s.log
	s.ledger, err = ledger.Open(ctx, o)
	return err
}

// ledger returns the options that the configuration sets.
func (c *config) ledger() (o ledger.Options, err error) {
	var errs [3]error
	o.Keep, errs[0] = parseSpan(c.Ledger.Keep)
	o.MaxSize, errs[1] = parseSize(c.Ledger.MaxSize)
	o.Detail, errs[2] = redact.ParseLevel(c.Ledger.Detail)
	return o, errors.Join(errs[:]...)
}

// wire makes the proxies.
func (s *service) wire(cfg *config) error {
	never, err := s.neverIntercept(cfg)
	if err != nil {
		return err
	}
	private, err := names.New(cfg.Proxy.PrivateNames)
	if err != nil {
		return fmt.Errorf("proxy.private_names: %w", err)
	}
	secret, err := pageKey(s.dir)
	if err != nil {
		return err
	}
	mode, err := proxy.ParseMode(cfg.Proxy.Intercept)
	if err != nil {
		return err
	}
	build := func(rec ledger.Recorder) *proxy.Proxy {
		p := s.newProxy(cfg, rec, secret)
		p.Intercept, p.Never = mode, never
		p.PrivateNames = func(host string) bool { _, ok := private.Match(host); return ok }
		return p
	}
	s.silent = func() *proxy.Proxy { return build(nil) }
	if s.ledger == nil {
		s.proxy = s.silent()
	} else {
		s.proxy = build(s.ledger)
	}
	return nil
}

// neverIntercept joins the shipped list with the configured one.
func (s *service) neverIntercept(cfg *config) (func(string) (string, bool), error) {
	const file = "never-intercept.yaml"
	data, err := rules.FS.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the shipped list: %w", err)
	}
	shipped, err := names.Parse("rules/"+file, data)
	if err != nil {
		return nil, err
	}
	own, err := names.New(cfg.Proxy.NeverIntercept)
	if err != nil {
		return nil, fmt.Errorf("proxy.never_intercept: %w", err)
	}
	return func(host string) (string, bool) {
		if why, ok := own.Match(host); ok {
			return why, true
		}
		return shipped.Match(host)
	}, nil
}

// listen opens a listener and remembers its address as ours.
func (s *service) listen(name, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, portError(addr, err)
	}
	s.adopt(name, ln.Addr().String())
	return ln, nil
}

// adopt remembers the address of a listener as ours.
func (s *service) adopt(name, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = append(s.open, control.Listener{Name: name, Address: addr})
}

func (s *service) forget(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range s.open {
		if l.Address == addr {
			s.open = append(s.open[:i:i], s.open[i+1:]...)
			return
		}
	}
}

// own lists the addresses that are never a target.
func (s *service) own() []netip.AddrPort {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []netip.AddrPort
	for _, l := range s.open {
		if ap, err := netip.ParseAddrPort(l.Address); err == nil {
			list = append(list, ap)
		}
	}
	return list
}

// reload takes rules and configuration anew. If either is faulty both stay as
// they were. What only a start can change is said in the log.
func (s *service) reload(ctx context.Context) error {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	r, cfg, err := s.app.loadAll(s.over)
	var logins *proxy.Passwords
	if err == nil && s.logins.Load() != nil {
		logins, err = s.app.loadPasswords(cfg.Proxy.PasswordFile)
	}
	if err != nil {
		s.log.Error("reload refused, everything stays as it was", "err", err)
		return err
	}
	if old := s.cfg.Load(); !sameListeners(old, cfg) {
		s.log.Warn("changes under proxy, ledger, metrics and what listens for DNS or how it answers take effect at the next start only")
	}
	if logins != nil {
		s.logins.Store(logins)
	}
	old := s.cfg.Swap(cfg)
	s.rules.Store(r)
	s.mem.SetConfig(cfg.memory())
	s.combine()
	if err := s.reloadDNS(ctx, old, cfg); err != nil {
		s.log.Error("what is asked for DNS stays as it was", "err", err)
	}
	if err := s.selectLists(ctx, cfg); err != nil {
		s.log.Error("lists stay as they were", "err", err)
	}
	s.log.Info("reloaded", "rules", r.about.Source, "trackers", r.about.Trackers, "mode", cfg.Mode)
	return nil
}

// close ends everything and gives the data directory back. It copes with a
// service that was opened only in part.
func (s *service) close() error {
	var errs []error
	if s.ledger != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		errs = append(errs, s.ledger.Close(ctx))
	}
	if s.mem != nil {
		errs = append(errs, s.mem.Close())
	}
	if s.sock != nil {
		errs = append(errs, s.sock.Close())
	}
	return errors.Join(errs...)
}

// status says how the service is.
func (s *service) status() control.Status {
	s.mu.Lock()
	open := append([]control.Listener{}, s.open...)
	s.mu.Unlock()
	st := control.Status{
		Kind: s.kind, Version: version().Version, PID: os.Getpid(), Started: s.started.UTC(),
		Mode: s.cfg.Load().Mode, Listeners: open, Rules: s.rules.Load().about,
		Stats: map[string]any{"proxy": s.proxy.Stats(), "learned": len(s.mem.Learned())},
	}
	if d := s.dns.Load(); d != nil {
		st.Stats["dns"] = d.door.Stats()
		if g := d.switched.Group(); g != nil { // none while it ends
			st.Stats["upstreams"] = g.Stats()
		}
	}
	if s.ledger != nil {
		st.Stats["ledger"] = s.ledger.Stats()
	}
	return st
}
