//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/origin"
	"github.com/quench-proxy/quench/bench/proc"
)

// service is the Quench under load.
type service struct {
	*proc.Proc
	bin, data, stats, log string
	env, global           []string
	proxy                 *url.URL
	roots                 *x509.CertPool
	api                   *http.Client
}

// reading is what one look at the service shows.
type reading struct {
	goroutines, fds census
	rss, heap       int64 // bytes; heap is what the last collection left
}

// beyond lists what r holds and base does not.
func (r reading) beyond(base reading) []string {
	return append(r.goroutines.beyond(base.goroutines), r.fds.beyond(base.fds)...)
}

func startService(ctx context.Context, dir string, files origin.Files, env []string) (*service, error) {
	s := &service{bin: filepath.Join(dir, "quench"), data: filepath.Join(dir, "data"), stats: filepath.Join(dir, "stats"), log: filepath.Join(dir, "quench.log")}
	if err := s.build(ctx, dir); err != nil {
		return nil, err
	}
	addr, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "quench.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "proxy: {listen: %q, intercept: always, allow_private: true}\ndns: {listen: \"off\"}\n", addr), 0o600); err != nil {
		return nil, err
	}
	s.global = []string{"--config", config, "--data-dir", s.data}
	s.env = []string{"SSL_CERT_FILE=" + files.Roots, "SSL_CERT_DIR=" + dir + "/none", "BENCH_STATS=" + s.stats}
	s.env = append(s.env, env...)
	pem, err := s.output(ctx, "ca", "export")
	if err != nil {
		return nil, err
	}
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(pem)
	s.proxy = &url.URL{Scheme: "http", Host: addr}
	s.api = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.data, "control.sock"))
	}, DisableKeepAlives: true}}
	if s.Proc, err = proc.Start(dir, s.log, s.env, s.bin, append(s.global, "serve")...); err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return s, s.Ready(ready, addr)
}

// build makes a quench that also says how many goroutines it has.
func (s *service) build(ctx context.Context, dir string) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return err
	}
	base := strings.TrimSpace(string(root))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(base, "cmd/quench/stats_for_soak.go"): filepath.Join(base, "bench/soak/testdata/stats.go.txt"),
	}})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-overlay", file, "-o", s.bin, "github.com/quench-proxy/quench/cmd/quench").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build quench: %w: %s", err, out)
	}
	return nil
}

func (s *service) output(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.bin, append(s.global, args...)...)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("quench %s: %w", args[0], err)
	}
	return out, nil
}

// read looks at the service.
func (s *service) read() (reading, error) { return s.ask(syscall.SIGUSR1) }

// collect looks at it after it has collected its garbage.
func (s *service) collect() (reading, error) { return s.ask(syscall.SIGUSR2) }

func (s *service) ask(sig os.Signal) (r reading, err error) {
	_ = os.Remove(s.stats)
	if err := s.Signal(sig); err != nil {
		return r, err
	}
	var data []byte
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); data == nil; {
		select {
		case <-tick.C:
			data, _ = os.ReadFile(s.stats)
		case <-late:
			return r, errors.New("the service does not answer a signal")
		}
	}
	heap, profile, _ := bytes.Cut(data, []byte("\n"))
	if r.heap, err = strconv.ParseInt(string(heap), 10, 64); err != nil {
		return r, err
	}
	if r.goroutines, err = goroutines(profile); err != nil {
		return r, err
	}
	if r.fds, err = descriptors(s.Pid()); err != nil {
		return r, err
	}
	r.rss, _, err = proc.RSS(s.Pid())
	return r, err
}

// said counts the lines of the service's log with text.
func (s *service) said(text string) (n int, err error) {
	data, err := os.ReadFile(s.log)
	if err != nil {
		return 0, err
	}
	return bytes.Count(data, []byte(text)), nil
}

// last is an error with the end of what the service said.
func (s *service) last() error {
	data, err := os.ReadFile(s.log)
	if err != nil {
		return err
	}
	return fmt.Errorf("its log ends: %s", bytes.TrimSpace(data[max(0, len(data)-2000):]))
}

// counters are the ledger's.
type counters struct {
	Queued, Written, Folded, Deduped int64
	Lost                             map[string]int64
}

func (c counters) lost() (n int64) {
	for _, v := range c.Lost {
		n += v
	}
	return n
}

func (s *service) counters(ctx context.Context) (c counters, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://quench/v1/status", nil)
	if err != nil {
		return c, err
	}
	resp, err := s.api.Do(req)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	var status struct {
		Stats struct {
			Ledger counters `json:"ledger"`
		} `json:"stats"`
	}
	err = json.NewDecoder(resp.Body).Decode(&status)
	return status.Stats.Ledger, err
}

// stored adds up the counts of all events in the store.
func (s *service) stored(ctx context.Context) (events, hits int64, err error) {
	out, err := s.output(ctx, "log", "--json")
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(out) {
		var e struct{ Count int64 }
		if err := json.Unmarshal(line, &e); err != nil {
			return events, hits, err
		}
		events++
		hits += e.Count
	}
	return events, hits, nil
}
