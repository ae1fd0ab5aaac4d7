package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
)

const serveLong = `Run the proxy and the DNS resolver until interrupted. Hosts that do nothing but track are
refused by name; HTTPS is looked into only for programs that trust the
certificate of this installation (quench ca install). SIGHUP reloads rules and
configuration.`

func (a *app) serveCmd() *cobra.Command {
	var o overrides
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the proxy and the resolver", Long: serveLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.proxy != "" {
				if err := checkListen(o.proxy); err != nil {
					return usagef("--proxy: %w", err)
				}
			}
			if o.dns != "" {
				if err := checkListens(o.dns); err != nil {
					return usagef("--dns: %w", err)
				}
			}
			return a.serve(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.proxy, "proxy", "", "listen for the proxy on `ADDR` (127.0.0.1:8118), or off")
	f.StringVar(&o.dns, "dns", "", "answer DNS on `ADDR` (127.0.0.1:5335), or off")
	f.BoolVar(&o.observe, "observe", false, "record, but touch nothing")
	f.BoolVar(&o.allowPrivate, "allow-private", false, "let every client reach private addresses")
	return cmd
}

func (a *app) serve(ctx context.Context, o overrides) (err error) {
	s, err := a.openService(ctx, serviceOptions{kind: "serve", over: o})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	defer runtime.KeepAlive(spare())
	list, err := s.openDoors(ctx)
	if err != nil {
		return err
	}
	var first net.Listener
	if len(list) > 0 {
		first = list[0]
	}
	s.greet(first)
	stop := s.reloadOnHangup(ctx)
	defer stop()
	a.notify(stateReady)
	defer context.AfterFunc(ctx, func() { a.notify(stateStopping) })()
	return s.run(ctx, list...)
}

// run serves the control socket and the proxy's listeners until ctx ends or one
// of them fails.
func (s *service) run(ctx context.Context, list ...net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, 3+len(list))
	wg.Go(func() { s.near.serve(ctx) })
	if s.figures != nil {
		wg.Go(func() {
			defer cancel()
			errs[2] = s.serveMetrics(ctx, s.figures)
		})
	}
	if d := s.dns.Load(); d != nil {
		wg.Go(func() {
			defer cancel()
			errs[1] = d.serve(ctx, s)
		})
	}
	wg.Go(func() { _ = s.lists.Serve(ctx) }) // ends with ctx alone
	wg.Go(func() { s.watchFiles(ctx) })
	wg.Go(func() {
		defer cancel()
		errs[0] = (&control.Server{Service: s.api(), Log: s.log}).Serve(ctx, s.sock)
	})
	for i, ln := range list {
		wg.Go(func() {
			defer cancel()
			errs[3+i] = s.proxy.Serve(ctx, ln)
		})
	}
	wg.Wait()
	s.leases.Wait()
	return errors.Join(errs...)
}

// openDoors opens both doors. On an error neither stays open.
func (s *service) openDoors(ctx context.Context) ([]net.Listener, error) {
	p, err := s.app.passedSockets()
	if err != nil {
		return nil, err
	}
	list, err := s.proxyListeners(p.proxy)
	if err != nil {
		p.closeDNS()
		return nil, err
	}
	d, err := s.openDNS(ctx, p)
	if err == nil {
		if s.figures, err = s.metricsListener(); err != nil && d != nil {
			err = errors.Join(err, d.abandon())
		}
	}
	if err != nil {
		for _, ln := range list {
			_ = ln.Close()
		}
		return nil, err
	}
	if d != nil {
		s.dns.Store(d)
	}
	return list, nil
}

// proxyListeners returns those that systemd opened for us, else opens the
// configured one.
func (s *service) proxyListeners(list []net.Listener) ([]net.Listener, error) {
	p := &s.cfg.Load().Proxy
	closeAll := func() {
		for _, ln := range list {
			_ = ln.Close()
		}
	}
	if p.Listen == "off" {
		closeAll()
		return nil, nil
	}
	for _, ln := range list {
		if err := checkReach(ln.Addr().String(), p); err != nil {
			closeAll()
			return nil, fmt.Errorf("socket activation: %w", err)
		}
		s.adopt("proxy", ln.Addr().String())
	}
	if len(list) > 0 {
		return list, nil
	}
	ln, err := s.listen("proxy", p.Listen)
	if err != nil {
		return nil, err
	}
	return []net.Listener{ln}, nil
}

// greet says in plain words what is on and what to do now.
func (s *service) greet(ln net.Listener) {
	a, cfg, about := s.app, s.cfg.Load(), s.rules.Load().about
	if a.logFormat == "json" { // who reads that reads nothing else
		addr := "off"
		if ln != nil {
			addr = ln.Addr().String()
		}
		s.log.Info("serving", "proxy", addr, "dns", s.dns.Load().where(), "upstreams", s.dns.Load().asked(), "mode", cfg.Mode, "trackers", about.Trackers, "rules", about.Source)
		return
	}
	verb := "Quench is on: it answers tracking pixels itself and tells you what they would have told."
	if cfg.Mode == "observe" {
		verb = "Quench is watching: it records what tracking pixels tell, and touches nothing."
	}
	a.say("%s", verb)
	a.say("  It knows %d trackers (rules: %s).", about.Trackers, about.Source)
	s.greetDNS()
	if ln == nil {
		a.say("  The proxy is off; only quench browse can use it.")
		return
	}
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		a.say("  In your browser set the HTTP and HTTPS proxy to an address of this machine, port %s;", port)
		a.say("  devices set themselves up from http://ADDRESS:%s/proxy.pac.", port)
	} else {
		a.say("  In your browser set the HTTP and HTTPS proxy to %s, port %s.", host, port)
	}
	a.say("  To let it look into HTTPS:   quench ca install")
	a.say("  To see what happens:         quench log --follow")
	a.say("  When something broke:        quench allow HOST --for 15m")
	if ip := net.ParseIP(host); ip != nil && !ip.IsLoopback() {
		a.say("  It listens beyond this machine, for: %v", cfg.Proxy.AllowFrom)
	}
}

// greetDNS says where DNS is answered, and who is asked.
func (s *service) greetDNS() {
	d := s.dns.Load()
	if d == nil {
		return
	}
	by := "it asks " + strings.Join(d.asked(), ", ")
	switch {
	case len(d.asked()) == 0:
		by = "it asks nobody yet, since this system names no resolver"
	case d.conf != "":
		by = "as the system does, " + by
	}
	s.app.say("  It answers DNS on %s; %s.", d.where(), by)
}

// reloadOnHangup reloads at each SIGHUP until stop is called.
func (s *service) reloadOnHangup(ctx context.Context) (stop func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hup:
				s.app.notify(stateReloading())
				_ = s.reload(ctx) // it says itself what is wrong
				s.app.notify(stateReady)
			}
		}
	})
	return func() {
		signal.Stop(hup)
		cancel()
		wg.Wait()
	}
}

// portError says who holds the port, or how to find out.
func portError(addr string, err error) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	if who := portHolder(addr); who != "" {
		return fmt.Errorf("listen on %s: the port is in use by %s; stop it, or choose another with --proxy", addr, who)
	}
	return fmt.Errorf("listen on %s: the port is in use; %s", addr, portHint)
}
