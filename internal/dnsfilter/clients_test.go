package dnsfilter

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/need"
)

// The tests of this file have programs that others wrote ask the door: what
// they accept is what is right.

// program runs an installed program within a minute and returns all it said.
func program(t *testing.T, stdin string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, need.Program(t, name), args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// pemFile writes the root that vouches for a door's certificate.
func pemFile(t *testing.T, root *x509.Certificate) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// root is the certificate of a secureRig, which vouches for itself.
func (g *rig) root() *x509.Certificate { return g.o.TLS.Certificates[0].Leaf }

func TestKdig(t *testing.T) {
	t.Parallel()
	need.Program(t, "kdig")
	g, _ := secureRig(t, bigZone("big.example.", 25)...)
	ca := pemFile(t, g.root())
	verified := []string{"+tls-ca=" + ca, "+tls-hostname=dns.home.example"}
	for _, c := range []struct {
		via  Via
		args string
		want []string // regular expressions
	}{
		{UDP, "a.example A", []string{`status: NOERROR`, `Flags: qr rd ra;`, `93\.184\.216\.34`, `\(UDP\)`}},
		{UDP, "bad.example A +bufsize=1232", []string{`0\.0\.0\.0`, `EDE: 17 \(Filtered\): 'blocked by your own rule'`}},
		{UDP, "bad.example AAAA", []string{`AAAA\s+::`}},
		{UDP, "bad.example HTTPS +bufsize=1232", []string{`status: NOERROR`, `SOA`, `EDE: 17 `}},
		{UDP, "big.example TXT", []string{`ANSWER: 25`, `\(TCP\)`}}, // by itself after TC
		{UDP, "big.example TXT +ignore", []string{`Flags: qr tc rd ra;`, `ANSWER: 0`}},
		{UDP, "a.example +edns=1", []string{`status: BADVERS|ext-rcode: BADVERS`}},
		{TCP, "a.example bad.example none.example +tcp +keepopen", []string{`93\.184\.216\.34`, `0\.0\.0\.0`, `status: NXDOMAIN`, `\(TCP\)`}},
		{DoT, "a.example +tls", []string{`93\.184\.216\.34`, `TLS session`, `Received 468 B`, `PADDING`}},
		{DoT, "bad.example +tls +padding=128", []string{`0\.0\.0\.0`, `EDE: 17 `, `Received 468 B`}},
		{DoT, "a.example +tls +nopadding", []string{`93\.184\.216\.34`, `Received \d{2,3} B`}},
		{DoH, "a.example +https", []string{`93\.184\.216\.34`, `HTTP session \(HTTP/2-POST\)`, `status: 200`, `Received 468 B`}},
		{DoH, "bad.example +https +https-get", []string{`0\.0\.0\.0`, `HTTP session \(HTTP/2-GET\)`, `EDE: 17 `}},
	} {
		a := g.Addrs()[c.via][0]
		args := []string{"@" + a.Addr().String(), "-p", strconv.Itoa(int(a.Port())), "+time=10", "+retry=0"}
		args = append(args, strings.Fields(c.args)...)
		if c.via == DoT || c.via == DoH {
			args = append(args, verified...)
		}
		out, err := program(t, "", "kdig", args...)
		if err != nil {
			t.Errorf("kdig %s: %v\n%s", c.args, err, out)
		}
		for _, w := range c.want {
			if !regexp.MustCompile(w).MatchString(out) {
				t.Errorf("kdig %s: no %s in\n%s", c.args, w, out)
			}
		}
		if strings.Contains(strings.ReplaceAll(out, "WARNING: truncated reply", ""), "WARNING") {
			t.Errorf("kdig %s warns:\n%s", c.args, out)
		}
	}
	// Another name in the certificate is refused, which shows that it is verified.
	a := g.Addrs()[DoT][0]
	out, _ := program(t, "", "kdig", "@"+a.Addr().String(), "-p", strconv.Itoa(int(a.Port())), "+time=5", "+retry=0", "+tls-ca="+ca, "+tls-hostname=other.example", "a.example")
	if strings.Contains(out, "93.184.216.34") {
		t.Errorf("kdig believes a certificate for another name:\n%s", out)
	}
}

// TestDnsperf sends a few thousand questions by each transport: all are
// answered, and as they should be.
func TestDnsperf(t *testing.T) {
	t.Parallel()
	need.Program(t, "dnsperf")
	cert, _ := certificate(t, "dns.home.example")
	any := []string{"127.0.0.1:0"}
	g := newRig(t, Options{DoT: any, DoH: any, DoQ: any, TLS: cert, Name: "dns.home.example", RateLimit: -1}, listed("bad.example"),
		"a.example. 300 IN A 93.184.216.34")
	for _, mode := range []struct {
		name string
		via  Via
		n    int
		more []string
	}{
		{"udp", UDP, 2000, []string{"-c", "4", "-q", "64"}}, {"tcp", TCP, 2000, []string{"-c", "4", "-q", "64"}}, {"dot", DoT, 2000, []string{"-c", "4", "-q", "64"}},
		// Of answers that come in one read dnsperf 2.10 counts only one: so, one
		// question at a time, after each of which it sleeps.
		{"doh", DoH, 100, []string{"-c", "1", "-q", "1", "-O", "doh-uri=https://localhost" + dohPath}},
	} {
		a, n := g.Addrs()[mode.via][0], mode.n
		args := append([]string{"-m", mode.name, "-s", a.Addr().String(), "-p", strconv.Itoa(int(a.Port())), "-n", "1", "-l", "40", "-t", "20"}, mode.more...)
		out, err := program(t, mixed(n), "dnsperf", args...)
		if err != nil {
			t.Errorf("dnsperf %s: %v\n%s", mode.name, err, out)
			continue
		}
		for _, w := range []string{fmt.Sprintf(`Queries sent:\s+%d\b`, n), fmt.Sprintf(`Queries completed:\s+%d \(100\.00%%\)`, n), `Queries lost:\s+0 `,
			fmt.Sprintf(`NOERROR %d \(75\.00%%\), NXDOMAIN %d \(25\.00%%\)`, n*3/4, n/4)} {
			if !regexp.MustCompile(w).MatchString(out) {
				t.Errorf("dnsperf %s: no %s in\n%s", mode.name, w, out)
			}
		}
		if m := regexp.MustCompile(`Queries per second:\s+([0-9.]+)`).FindStringSubmatch(out); m != nil {
			t.Logf("%s: %s questions a second", mode.name, m[1])
		}
	}
}

// mixed are n questions for dnsperf, a fourth of each kind: cached, blocked,
// blocked for the first time, unknown.
func mixed(n int) string {
	var qs strings.Builder
	for i := range n {
		fmt.Fprintf(&qs, "%s\n", []string{"a.example A", "bad.example A", fmt.Sprintf("x%d.bad.example AAAA", i), fmt.Sprintf("n%d.example A", i%50)}[i%4])
	}
	return qs.String()
}

// TestUnbound has unbound, which validates and checks what it is told more
// strictly than most, forward everything to the door, over UDP, TCP and TLS.
func TestUnbound(t *testing.T) {
	t.Parallel()
	need.Program(t, "unbound")
	g, _ := secureRig(t, append(bigZone("big.example.", 25), "alias.example. 300 IN CNAME a.example.", "cloak.example. 300 IN CNAME x.bad.example.",
		"x.bad.example. 300 IN A 93.184.216.34")...)
	ca := pemFile(t, g.root())
	port := func(v Via) uint16 { return g.Addrs()[v][0].Port() }
	for name, conf := range map[string]string{
		"udp": fmt.Sprintf("  forward-addr: 127.0.0.1@%d\n", port(UDP)),
		"tcp": fmt.Sprintf("  forward-tcp-upstream: yes\n  forward-addr: 127.0.0.1@%d\n", port(UDP)),
		"tls": fmt.Sprintf("  forward-tls-upstream: yes\n  forward-addr: 127.0.0.1@%d#dns.home.example\n", port(DoT)),
	} {
		t.Run(name, func(t *testing.T) {
			at := unboundOver(t, ca, conf)
			for _, c := range []struct {
				name  string
				qtype uint16
				rcode int
				want  string
			}{
				{"a.example.", dns.TypeA, 0, "a.example. A 93.184.216.34"},
				{"alias.example.", dns.TypeA, 0, "alias.example. CNAME a.example.; a.example. A 93.184.216.34"},
				{"bad.example.", dns.TypeA, 0, "bad.example. A 0.0.0.0"},
				{"sub.bad.example.", dns.TypeAAAA, 0, "sub.bad.example. AAAA ::"},
				{"cloak.example.", dns.TypeA, 0, "cloak.example. A 0.0.0.0"},
				{"bad.example.", dns.TypeHTTPS, 0, ""},
				{"none.example.", dns.TypeA, 3, ""},
				{"a.example.", dns.TypeMX, 0, ""},
			} {
				m, _, err := (&dns.Client{Timeout: patience}).Exchange(query(c.name, c.qtype, edns(1232, false)), at)
				if err != nil || m.Rcode != c.rcode || text(m.Answer) != c.want {
					t.Errorf("%s %s: got %v, %v; want %d %q", c.name, dns.TypeToString[c.qtype], m, err, c.rcode, c.want)
				}
			}
			m, _, err := (&dns.Client{Net: "tcp", Timeout: patience}).Exchange(query("big.example", dns.TypeTXT, nil), at)
			if err != nil || len(m.Answer) != 25 {
				t.Errorf("a big answer: got %v, %v; want 25 records", m, err)
			}
		})
	}
	if s := g.Stats(); s.Queries["udp"] == 0 || s.Queries["tcp"] == 0 || s.Queries["dot"] == 0 {
		t.Errorf("asked %v, want questions by udp, tcp and dot", s.Queries)
	}
}

// unboundOver starts unbound with a forward zone for everything and says where
// it answers.
func unboundOver(t *testing.T, ca, forward string) string {
	t.Helper()
	host := "127.0.0.1"
	if runtime.GOOS == "linux" { // where no other test listens, so that none gets the port before unbound has it
		host = "127.0.53.1"
	}
	u, l, err := pair(host + ":0") // free for both at this moment
	if err != nil {
		t.Fatal(err)
	}
	at := u.LocalAddr().String()
	_, port, _ := strings.Cut(at, ":")
	_, _ = u.Close(), l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "unbound.conf")
	body := fmt.Sprintf("server:\n  interface: %s\n  port: %s\n  do-daemonize: no\n  username: \"\"\n  chroot: \"\"\n  directory: %q\n  pidfile: \"\"\n"+
		"  use-syslog: no\n  logfile: \"\"\n  num-threads: 1\n  do-not-query-localhost: no\n  module-config: \"iterator\"\n  hide-identity: yes\n"+
		"  use-caps-for-id: yes\n  minimal-responses: yes\n  tls-cert-bundle: %q\n  outgoing-range: 64\nremote-control:\n  control-enable: no\nforward-zone:\n  name: \".\"\n%s", host, port, dir, ca, forward)
	if err := os.WriteFile(conf, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, need.Program(t, "unbound"), "-d", "-p", "-c", conf)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if _ = cmd.Wait(); t.Failed() {
			t.Logf("unbound said:\n%s", said.String())
		}
	})
	eventually(t, "unbound answers", func() bool {
		m, _, err := (&dns.Client{Timeout: time.Second}).Exchange(query("localhost", dns.TypeA, nil), at)
		return err == nil && len(m.Answer) == 1
	})
	return at
}
