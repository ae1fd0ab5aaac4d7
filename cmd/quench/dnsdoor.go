package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/ledger"
)

// resolvConf names the system's resolvers, where there is one.
const resolvConf = "/etc/resolv.conf"

// dnsDoor is the DNS door with what it needs around it.
type dnsDoor struct {
	door     *dnsfilter.Door
	switched dnsfilter.Switch
	cert     atomic.Pointer[tls.Certificate]
	keyOpen  atomic.Bool // everybody on this machine can read its key
	queries  *queryLog   // nil if nobody turned it on
	home     *arrivals
	conf     string // the system's, "" if the upstreams were named

	mu      sync.Mutex
	servers []string // as they are asked, for people
	seen    []byte   // of conf
	loop    bool
}

// errNobody says that the system has no resolver but perhaps ourselves.
var errNobody = errors.New("this system names no resolver to ask; name some with dns.upstreams")

// openDNS opens the DNS door on the sockets that systemd opened, else on those
// that are configured. It is nil if the door is off, and also if nobody asked
// for it and it cannot be opened: the proxy does without.
func (s *service) openDNS(ctx context.Context, p passed) (*dnsDoor, error) {
	cfg := s.cfg.Load()
	d := &cfg.DNS
	plain := addresses(d.Listen)
	if len(p.tcp)+len(p.udp) > 0 && d.Listen != "off" {
		plain = nil
	} else {
		p.closePlain()
		p.tcp, p.udp = nil, nil
	}
	if len(plain)+len(p.dnsAddrs())+len(addresses(d.DoT))+len(addresses(d.DoH))+len(addresses(d.DoQ)) == 0 {
		return nil, nil
	}
	for _, a := range p.dnsAddrs() {
		if err := checkResolverReach(a, d.AllowFrom); err != nil {
			p.closeDNS()
			return nil, fmt.Errorf("socket activation: %w", err)
		}
	}
	door, err := s.makeDNS(ctx, cfg, plain, p)
	if err == nil {
		return door, nil
	}
	p.closeDNS()
	taken := errors.Is(err, syscall.EADDRINUSE)
	if taken && s.over.dns == "" && d.Listen == defaultDNS && len(d.Upstreams) == 0 {
		s.log.Warn("the DNS door stays closed", "err", err)
		return nil, nil
	}
	return nil, err
}

func (s *service) makeDNS(ctx context.Context, cfg *config, plain []string, p passed) (*dnsDoor, error) {
	d := &dnsDoor{home: s.arrivals}
	if len(cfg.DNS.Upstreams) == 0 {
		d.conf = s.app.resolvConf()
	}
	if err := d.loadCert(&cfg.DNS, s.configDir()); err != nil {
		return nil, err
	}
	own := ownOf(append(slices.Clone(plain), p.dnsAddrs()...))
	g, err := s.upstreams(cfg, d, own)
	if errors.Is(err, errNobody) { // the network may come later
		s.log.Warn("there is nobody yet who could be asked for names", "err", err)
		g, err = upstream.New(upstream.Options{Own: own, Log: s.log, Home: true})
	}
	if err != nil {
		return nil, err
	}
	d.switched.Use(g)
	if cfg.DNS.QueryLog {
		if d.queries, err = openQueryLog(s.dir, s.log); err != nil {
			return nil, errors.Join(err, g.Close())
		}
	}
	o := s.dnsOptions(cfg, d)
	o.Plain, o.TCP, o.UDP, o.Secure = plain, p.tcp, p.udp, p.secure
	if len(p.secure.DoT) > 0 { // what systemd opened goes before what is configured
		o.DoT = nil
	}
	if len(p.secure.DoH)+len(p.secure.DoH3) > 0 {
		o.DoH = nil
	}
	if len(p.secure.DoQ) > 0 {
		o.DoQ = nil
	}
	if d.door, err = dnsfilter.New(o); err == nil {
		err = d.door.Listen()
	}
	if err != nil {
		d.queries.close()
		_ = g.Close()
		return nil, dnsPortError(err)
	}
	for _, l := range d.listeners() {
		s.adopt(l.Name, l.Address)
	}
	return d, nil
}

// dnsOptions are the door's, but for its plain sockets.
func (s *service) dnsOptions(cfg *config, d *dnsDoor) dnsfilter.Options {
	c := &cfg.DNS
	size, _ := parseSize(c.CacheSize) // all checked
	ttl, _ := parseSpan(c.BlockTTL)
	block, addrs, _ := parseBlock(c.Block)
	rate := c.RateLimit
	if rate == 0 {
		rate = -1
	}
	o := dnsfilter.Options{
		DoT: addresses(c.DoT), DoH: addresses(c.DoH), DoQ: addresses(c.DoQ), Name: c.Name,
		AllowFrom: c.allowFrom(), RateLimit: rate,
		Set: s.set, Clients: s.table, Upstream: &d.switched, Cache: cache.New(cache.Options{Bytes: size}),
		Policy: func(who *clients.Client, own *detect.Policy) *detect.Policy {
			s.arrivals.asked(who)
			return s.pauses.Apply(who.Label, s.force.Load().parties.join(own, s.mem.Policy(who.Label), who.Label), time.Now())
		},
		Bypass: s.arrivals.bypassed,
		Block:  block, BlockAddrs: addrs, BlockTTL: ttl, ListBlock: cfg.blockByList(s.configDir()),
		PrivateNames: c.PrivateNames, Log: s.log,
	}
	if s.ledger != nil {
		o.Record = func(x ledger.Sighting) { s.ledger.Record(x) }
	}
	if d.queries != nil {
		o.Query = d.queries.note
	}
	if cert := d.cert.Load(); cert != nil {
		o.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return d.cert.Load(), nil }}
		if o.Name == "" && len(cert.Leaf.DNSNames) > 0 && !strings.HasPrefix(cert.Leaf.DNSNames[0], "*") {
			o.Name = cert.Leaf.DNSNames[0]
		}
	}
	return o
}

// loadCert reads the certificate anew; without one nothing happens.
func (d *dnsDoor) loadCert(c *dnsConfig, dir string) error {
	if c.TLS == (tlsConfig{}) {
		return nil
	}
	cert, err := c.load(dir)
	if err != nil {
		return fmt.Errorf("dns.tls: %w", err)
	}
	d.cert.Store(cert)
	d.keyOpen.Store(c.keyOpen(dir))
	return nil
}

// listeners are the addresses of the door, by the names that status has for
// them. UDP and TCP of one port are one.
func (d *dnsDoor) listeners() []control.Listener {
	var out []control.Listener
	seen := map[control.Listener]bool{}
	all := d.door.Addrs()
	for _, v := range []dnsfilter.Via{dnsfilter.UDP, dnsfilter.TCP, dnsfilter.DoT, dnsfilter.DoH, dnsfilter.DoQ} {
		name := v.String()
		if v == dnsfilter.UDP || v == dnsfilter.TCP {
			name = "dns"
		}
		for _, ap := range all[v] {
			l := control.Listener{Name: name, Address: ap.String()}
			if !seen[l] {
				seen[l] = true
				out = append(out, l)
			}
		}
	}
	return out
}

// Times of the door's keeping.
const (
	checkTime  = 5 * time.Second // for upstreams to answer
	watchEvery = 5 * time.Second // the system's resolvers may change with the network
)

// serve answers until ctx ends.
func (d *dnsDoor) serve(ctx context.Context, s *service) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { d.examine(ctx, s) })
	wg.Go(func() { d.watch(ctx, s) })
	if d.queries != nil {
		wg.Go(func() { d.queries.serve(ctx) })
	}
	err := d.door.Serve(ctx)
	cancel()
	wg.Wait()
	if g := d.switched.Use(nil); g != nil {
		err = errors.Join(err, g.Close())
	}
	return err
}

// abandon closes a door that was opened and is not to be served.
func (d *dnsDoor) abandon() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := d.door.Serve(ctx)
	d.queries.close()
	if g := d.switched.Use(nil); g != nil {
		err = errors.Join(err, g.Close())
	}
	return err
}

// examine says who of the upstreams does not answer, and whether one asks us.
func (d *dnsDoor) examine(ctx context.Context, s *service) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	for _, h := range d.switched.Group().Check(ctx) {
		if h.Err != nil && ctx.Err() != context.Canceled {
			s.log.Warn("an upstream does not answer; it is tried again when it is needed", "upstream", h.Name, "err", upstreamText(h.Err))
		}
	}
	if d.looped(ctx) {
		s.log.Error("an upstream asks us what we ask it: a loop; name another under dns.upstreams")
	}
}

// upstreamText is what is wrong with an upstream, without the system's words
// where there are better ones.
func upstreamText(err error) string {
	var known *upstream.Error
	if errors.As(err, &known) && known.Text != "" {
		return known.Text
	}
	return oneLine(err)
}

func (d *dnsDoor) looped(ctx context.Context) bool {
	is := d.door.Looped(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loop = is
	return is
}

// asked are the upstreams, for people.
func (d *dnsDoor) asked() []string {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.servers)
}

// configDir is where files that the configuration names are relative to.
func (s *service) configDir() string {
	path, _, err := s.app.configPath()
	if err != nil {
		return ""
	}
	return filepath.Dir(path)
}

// where says on what it listens, for people; "off" of a nil door.
func (d *dnsDoor) where() string {
	if d == nil {
		return "off"
	}
	var out []string
	for _, l := range d.listeners() {
		text := l.Address
		if l.Name != "dns" {
			text += " (" + l.Name + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// resolvConf is the file that names the system's resolvers.
func (a *app) resolvConf() string { return resolvConf }
