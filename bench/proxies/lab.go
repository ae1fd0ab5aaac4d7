//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/quench-proxy/quench/bench/load"
	"github.com/quench-proxy/quench/bench/origin"
	"github.com/quench-proxy/quench/bench/proc"
)

// lab is one run: the origin, the proxies, and a directory for their files.
type lab struct {
	o       *options
	dir     string
	files   origin.Files
	site    origin.Addrs
	origin  *proc.Proc
	peers   []*peer
	missing []string // name and reason
}

// peer is a proxy that is running, or, without a process, none at all.
type peer struct {
	name    string
	version string
	proxy   *url.URL
	roots   *x509.CertPool
	h2      bool // it intercepts HTTP/2
	proc    *proc.Proc
}

const startTime = 20 * time.Second // for a process to listen

func openLab(ctx context.Context, o *options) (_ *lab, err error) {
	dir, err := os.MkdirTemp("", "bench-proxies-")
	if err != nil {
		return nil, err
	}
	l := &lab{o: o, dir: dir}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if err := os.Chmod(dir, 0o755); err != nil { // Squid is another user
		return nil, err
	}
	if l.files, err = origin.WriteCerts(dir); err != nil {
		return nil, err
	}
	return l, l.startOrigin(ctx)
}

func (l *lab) startOrigin(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	files, err := json.Marshal(l.files)
	if err != nil {
		return err
	}
	log := l.path("origin.log")
	if l.origin, err = proc.Start(l.dir, log, []string{"BENCH_FILES=" + string(files)}, self, "-origin"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		data, _ := os.ReadFile(log)
		if bytes.HasSuffix(data, []byte("\n")) {
			return json.Unmarshal(data, &l.site)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the origin did not start: %s", data)
		}
	}
}

// startPeers starts all proxies that are wanted; one that does not start is
// missing, and said to be.
func (l *lab) startPeers(ctx context.Context) {
	for _, p := range []struct {
		name  string
		start func(context.Context) (*peer, error)
	}{
		{"direct", l.direct}, {"goproxy", l.bare}, {"quench", l.quench},
		{"squid", l.squid}, {"privoxy", l.privoxy}, {"mitmdump", l.mitmdump},
	} {
		if !wanted(l.o.only, p.name) {
			continue
		}
		peer, err := p.start(ctx)
		if err == nil {
			peer.name = p.name
			l.peers = append(l.peers, peer)
			err = l.works(ctx, peer)
		}
		if err != nil {
			if peer != nil {
				peer.stop()
				l.peers = l.peers[:len(l.peers)-1]
			}
			fmt.Fprintf(os.Stderr, "%s is missing: %v\n", p.name, err)
			l.missing = append(l.missing, fmt.Sprintf("%s: %v", p.name, err))
		}
	}
}

// works sends one request a protocol through p.
func (l *lab) works(ctx context.Context, p *peer) error {
	for _, proto := range []string{"plain", "h1", "h2"} {
		if proto == "h2" && !p.h2 {
			continue
		}
		j := l.job(p, scenario{proto: proto, size: "1k", workers: 1})
		c := j.Client.New()
		err := load.Get(ctx, c, &j, make([]byte, 4096))
		c.CloseIdleConnections()
		if err != nil {
			return fmt.Errorf("%s: %w", proto, err)
		}
	}
	return nil
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// launch starts a proxy on addr and waits for it. roots is the PEM file, or
// files, that the proxy's certificates are trusted by; the first that is there
// when it listens counts.
func (l *lab) launch(ctx context.Context, addr, roots string, env []string, name string, args ...string) (*peer, error) {
	p, err := proc.Start(l.dir, l.path(filepath.Base(name)+".log"), env, name, args...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	out := &peer{proc: p, proxy: &url.URL{Scheme: "http", Host: addr}}
	if err = p.Ready(ctx, addr); err == nil {
		out.roots, err = pool(roots)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return out, nil
}

func pool(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(data) {
		return nil, errors.New(file + " holds no certificate")
	}
	return p, nil
}

func (p *peer) stop() {
	if p.proc != nil {
		p.proc.Stop()
	}
}

func (l *lab) close() {
	for _, p := range l.peers {
		p.stop()
	}
	if l.origin != nil {
		l.origin.Stop()
	}
	_ = os.RemoveAll(l.dir)
}
