//go:build linux

package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/bench/proc"
)

const module = "github.com/quench-proxy/quench"

func (l *lab) direct(context.Context) (*peer, error) {
	roots, err := pool(l.files.Roots)
	return &peer{roots: roots, h2: true, version: "-"}, err
}

// build makes a program of ours; go is asked so that it is what is in the tree.
func build(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s: %w: %s", args[0], err, out)
	}
	return nil
}

func (l *lab) bare(ctx context.Context) (*peer, error) {
	bin := l.path("goproxy")
	if err := build(ctx, "test", "-c", "-o", bin, module+"/bench/bare"); err != nil {
		return nil, err
	}
	addr, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	p, err := l.launch(ctx, addr, l.files.CACert, []string{
		"BARE_LISTEN=" + addr, "BARE_CA_CERT=" + l.files.CACert, "BARE_CA_KEY=" + l.files.CAKey, "BARE_ROOTS=" + l.files.Roots,
	}, bin)
	if err != nil {
		return nil, err
	}
	p.h2, p.version = true, version(`\S+$`, "go", "list", "-m", "github.com/elazarl/goproxy")
	return p, nil
}

// quench runs it as a person would who trusts its certificate: detection and
// ledger on, all rules that ship.
func (l *lab) quench(ctx context.Context) (*peer, error) {
	bin := l.o.quench
	if bin == "" {
		bin = l.path("quench")
		if err := l.buildQuench(ctx, bin); err != nil {
			return nil, err
		}
	}
	addr, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	config, data, ca := l.path("quench.yaml"), l.path("quench-data"), l.path("quench-ca.pem")
	text := fmt.Sprintf("proxy: {listen: %q, intercept: always, allow_private: true}\ndns: {listen: \"off\"}\n", addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	env := []string{"SSL_CERT_FILE=" + l.files.Roots, "SSL_CERT_DIR=" + l.path("none"), "XDG_RUNTIME_DIR=" + l.dir, "BENCH_PROFILE=" + l.o.profile}
	export := exec.CommandContext(ctx, bin, "--config", config, "--data-dir", data, "ca", "export")
	pem, err := export.Output()
	if err != nil {
		return nil, fmt.Errorf("quench ca export: %w", err)
	}
	if err := os.WriteFile(ca, pem, 0o600); err != nil {
		return nil, err
	}
	p, err := l.launch(ctx, addr, ca, env, bin, "--config", config, "--data-dir", data, "serve")
	if err != nil {
		return nil, err
	}
	p.h2, p.version = true, revision(bin)
	return p, nil
}

// revision says what a Go program was built from, by its own word.
func revision(bin string) string {
	info, err := buildinfo.ReadFile(bin)
	if err != nil {
		return "of unknown origin"
	}
	rev, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			rev = s.Value[:min(len(s.Value), 7)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " with changes"
		}
	}
	if rev == "" {
		return "given binary, of no known revision"
	}
	return rev + changed
}

func (l *lab) buildQuench(ctx context.Context, bin string) error {
	args := []string{"build", "-o", bin}
	if l.o.profile != "" {
		dir, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", module).Output()
		if err != nil { // the module's root holds no package
			dir, err = exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
		}
		if err != nil {
			return err
		}
		root := strings.TrimSpace(string(dir))
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
			filepath.Join(root, "cmd/quench/profile_for_bench.go"): filepath.Join(root, "bench/proxies/testdata/profile.go.txt"),
		}})
		if err != nil {
			return err
		}
		file := l.path("overlay.json")
		if err := os.WriteFile(file, overlay, 0o600); err != nil {
			return err
		}
		args = append(args, "-overlay", file)
	}
	return build(ctx, append(args, module+"/cmd/quench")...)
}

// find looks where Debian puts programs that are not for everybody, too.
func find(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	return exec.LookPath("/usr/sbin/" + name)
}

const squidConf = `
http_port %[1]s ssl-bump tls-cert=%[2]s tls-key=%[3]s generate-host-certificates=on dynamic_cert_mem_cache_size=4MB
sslcrtd_program %[4]s -s %[5]s/db -M 4MB
sslcrtd_children 2
tls_outgoing_options cafile=%[6]s
acl step1 at_step SslBump1
ssl_bump peek step1
ssl_bump bump all
http_access allow localhost
http_access deny all
cache deny all
access_log none
cache_log stdio:/dev/stderr
cache_store_log none
pid_filename %[5]s/pid
coredump_dir %[5]s
visible_hostname localhost
via off
forwarded_for delete
pinger_enable off
icp_port 0
shutdown_lifetime 1 second
max_filedescriptors 4096
`

func (l *lab) squid(ctx context.Context) (*peer, error) {
	bin, err := find("squid")
	if err != nil {
		return nil, err
	}
	certgen := "/usr/lib/squid/security_file_certgen"
	dir := l.path("squid")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, certgen, "-c", "-s", filepath.Join(dir, "db"), "-M", "4MB").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("security_file_certgen: %w: %s", err, out)
	}
	if err := giveTo("proxy", dir); err != nil {
		return nil, err
	}
	addr, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	conf := l.path("squid.conf")
	text := fmt.Sprintf(squidConf, addr, l.files.RSACert, l.files.RSAKey, certgen, dir, l.files.Roots)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := l.launch(ctx, addr, l.files.RSACert, nil, bin, "-N", "-f", conf)
	if err != nil {
		return nil, err
	}
	p.version = version(`Version (\S+)`, bin, "-v")
	return p, nil
}

// giveTo makes a tree another user's if we are root; else it is ours anyway.
func giveTo(name, dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
}

// Privoxy runs Debian's own filters and actions, and intercepts.
const privoxyConf = `
confdir /etc/privoxy
logdir %[2]s
actionsfile match-all.action
actionsfile default.action
actionsfile %[2]s/https.action
filterfile default.filter
listen-address %[1]s
toggle 1
keep-alive-timeout 60
default-server-timeout 60
tolerate-pipelining 1
socket-timeout 60
max-client-connections 256
buffer-limit 4096
ca-directory %[2]s
ca-cert-file ca.pem
ca-key-file ca.key
ca-password x
certificate-directory %[2]s/certs
trusted-cas-file %[3]s
`

func (l *lab) privoxy(ctx context.Context) (*peer, error) {
	bin, err := find("privoxy")
	if err != nil {
		return nil, err
	}
	dir := l.path("privoxy")
	if err := os.MkdirAll(filepath.Join(dir, "certs"), 0o755); err != nil {
		return nil, err
	}
	addr, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	for to, from := range map[string]string{"ca.pem": l.files.RSACert, "ca.key": l.files.RSAKey} {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o600); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "https.action"), []byte("{+https-inspection}\n/\n"), 0o644); err != nil {
		return nil, err
	}
	conf := filepath.Join(dir, "config")
	if err := os.WriteFile(conf, fmt.Appendf(nil, privoxyConf, addr, dir, l.files.Roots), 0o644); err != nil {
		return nil, err
	}
	p, err := l.launch(ctx, addr, l.files.RSACert, nil, bin, "--no-daemon", conf)
	if err != nil {
		return nil, err
	}
	p.version = version(`(\d\S+)`, bin, "--version")
	return p, nil
}

func (l *lab) mitmdump(ctx context.Context) (*peer, error) {
	bin, err := find("mitmdump")
	if err != nil {
		return nil, err
	}
	addr, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(addr)
	conf := l.path("mitmproxy")
	p, err := l.launch(ctx, addr, filepath.Join(conf, "mitmproxy-ca-cert.pem"), nil, bin, "-q", "--listen-host", host, "-p", port,
		"--set", "confdir="+conf, "--set", "ssl_verify_upstream_trusted_ca="+l.files.Roots, "--set", "flow_detail=0")
	if err != nil {
		return nil, err
	}
	p.h2, p.version = true, version(`Mitmproxy: (\S+)`, bin, "--version")
	return p, nil
}

// version takes a program's version from what it says of itself.
func version(pattern, name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	m := regexp.MustCompile(pattern).FindStringSubmatch(strings.TrimSpace(string(out)))
	if err != nil || m == nil {
		return "?"
	}
	return m[len(m)-1]
}
