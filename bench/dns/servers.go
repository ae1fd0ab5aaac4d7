//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// server is one that is measured: how its files are written for a list, and how
// it is run.
type server struct {
	name    string
	version string
	filters bool // it has a list
	keeps   bool // a second start is another: it has a cache of its own
	// prepare writes what the server needs in dir, with the list of names, and
	// returns its command line, which serves at addr. It is not timed.
	prepare func(dir, addr string, names []string) (line []string, err error)
}

// servers returns those that are wanted and installed, and what is missing.
func (l *lab) servers(ctx context.Context) (found []server, missing []string) {
	for _, s := range []struct {
		name string
		find func(context.Context) (server, error)
	}{{"quench", l.quench}, {"dnsmasq", l.dnsmasq}, {"unbound", l.unbound}, {"coredns", l.coredns}, {"echo", l.echo}} {
		if !wanted(l.o.only, s.name) {
			continue
		}
		v, err := s.find(ctx)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s is missing: %v\n", s.name, err)
			missing = append(missing, fmt.Sprintf("%s: %v", s.name, err))
			continue
		}
		v.name = s.name
		found = append(found, v)
	}
	return found, missing
}

// firstLine runs a program that says its version.
func firstLine(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, line)
	}
	return strings.TrimSpace(line), nil
}

// quench runs as a person would run it, with the ledger and the metrics on; the
// proxy's door is closed, as the others have none.
func (l *lab) quench(ctx context.Context) (server, error) {
	bin, err := filepath.Abs(l.o.quench) // it runs in a directory of its own
	if err != nil {
		return server{}, err
	}
	if l.o.quench == "" {
		bin = l.path("quench")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "github.com/quench-proxy/quench/cmd/quench").CombinedOutput()
		if err != nil {
			return server{}, fmt.Errorf("go build: %w: %s", err, out)
		}
	}
	v, err := firstLine(ctx, bin, "version")
	return server{version: v, filters: true, keeps: true, prepare: func(dir, addr string, names []string) ([]string, error) {
		metrics, err := freePort()
		if err != nil {
			return nil, err
		}
		lists, list := "[]", dir+"/list.txt"
		if len(names) > 0 {
			lists = fmt.Sprintf("[%q]", list)
			if err := writeLines(list, "! Title: bench\n", names, "||%s^"); err != nil {
				return nil, err
			}
		}
		text := fmt.Sprintf("proxy: {listen: \"off\"}\ndns: {listen: %q, upstreams: [\"udp://%s\"]}\nlists: %s\nmetrics: {listen: %q}\n", addr, l.upstream, lists, metrics)
		config := dir + "/quench.yaml"
		return []string{bin, "--config", config, "--data-dir", dir + "/data", "serve"}, os.WriteFile(config, []byte(text), 0o600)
	}}, err
}

func (l *lab) dnsmasq(ctx context.Context) (server, error) {
	v, err := firstLine(ctx, "dnsmasq", "--version")
	v, _, _ = strings.Cut(v, "  ")
	return server{version: v, filters: true, prepare: func(dir, addr string, names []string) ([]string, error) {
		ip, port, _ := strings.Cut(addr, ":")
		head := fmt.Sprintf("port=%s\nlisten-address=%s\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\nuser=root\npid-file=\nserver=%s\ncache-size=10000\ndns-forward-max=10000\n",
			port, ip, strings.Replace(l.upstream, ":", "#", 1))
		config := dir + "/dnsmasq.conf"
		return []string{"dnsmasq", "--keep-in-foreground", "--conf-file=" + config}, writeLines(config, head, names, "address=/%s/#")
	}}, err
}

func (l *lab) unbound(ctx context.Context) (server, error) {
	v, err := firstLine(ctx, "unbound", "-V")
	return server{version: v, filters: true, prepare: func(dir, addr string, names []string) ([]string, error) {
		head := fmt.Sprintf(`forward-zone:
  name: "."
  forward-addr: %s
server:
  interface: %s
  chroot: ""
  username: ""
  pidfile: ""
  directory: %q
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
`, strings.Replace(l.upstream, ":", "@", 1), strings.Replace(addr, ":", "@", 1), dir)
		config := dir + "/unbound.conf"
		return []string{"unbound", "-d", "-c", config}, writeLines(config, head, names, `  local-zone: "%s." always_null`)
	}}, err
}

// coredns blocks with its hosts plugin, which knows the names themselves and
// none below them.
func (l *lab) coredns(ctx context.Context) (server, error) {
	bin, err := exec.LookPath(l.o.coredns)
	if err != nil {
		return server{}, err
	}
	if bin, err = filepath.Abs(bin); err != nil {
		return server{}, err
	}
	v, err := firstLine(ctx, bin, "-version")
	return server{version: v, filters: true, prepare: func(dir, addr string, names []string) ([]string, error) {
		ip, port, _ := strings.Cut(addr, ":")
		hosts, config := dir+"/hosts", dir+"/Corefile"
		if err := writeLines(hosts, "", names, "0.0.0.0 %[1]s\n:: %[1]s"); err != nil {
			return nil, err
		}
		text := fmt.Sprintf(".:%s {\n bind %s\n hosts %s {\n  reload 0\n  no_reverse\n  fallthrough\n }\n cache\n forward . %s\n}\n", port, ip, hosts, l.upstream)
		return []string{bin, "-conf", config}, os.WriteFile(config, []byte(text), 0o600)
	}}, err
}

// echo is a bare miekg/dns server, which answers without looking.
func (l *lab) echo(context.Context) (server, error) {
	return server{version: moduleVersion("github.com/miekg/dns"), prepare: func(_, addr string, _ []string) ([]string, error) {
		return []string{l.self, "-be", addr}, nil
	}}, nil
}
