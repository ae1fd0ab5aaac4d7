package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/need"
)

// activate has sh do what systemd does: the sockets are descriptors 3 and up,
// and LISTEN_PID is the process that gets them.
func activate(names string, files ...*os.File) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		quench, args := cmd.Path, strings.Join(cmd.Args[1:], " ")
		cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", `LISTEN_PID=$$ exec "$0" ` + args, quench}
		cmd.ExtraFiles = files
		cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", len(files)), "LISTEN_FDNAMES="+names)
	}
}

func tcpFile(t *testing.T, addr string) (*os.File, string) {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return fileOf(t, ln), ln.Addr().String()
}

func fileOf(t *testing.T, ln net.Listener) *os.File {
	t.Helper()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); ln.Close() })
	return f
}

// pairFiles are sockets for UDP and TCP of one port. A port that is free for
// the one may be somebody's connection by the other: then it is another.
func pairFiles(t *testing.T) (udp, tcp *os.File, addr string) {
	t.Helper()
	for range 50 {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", c.LocalAddr().String())
		if err != nil {
			_ = c.Close()
			continue
		}
		return packetFile(t, c), fileOf(t, ln), c.LocalAddr().String()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil, ""
}

// manager hears what a service tells systemd.
func manager(t *testing.T) (path string, heard func(want string)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "n") // paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path = filepath.Join(dir, "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return path, func(want string) {
		t.Helper()
		buf := make([]byte, 512)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		n, err := conn.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), want) {
			t.Fatalf("told systemd %q (%v), want %q", buf[:n], err, want)
		}
	}
}

func TestSocketActivation(t *testing.T) {
	t.Parallel()
	one, addr1 := tcpFile(t, "127.0.0.1:0")
	two, addr2 := tcpFile(t, "127.0.0.1:0")
	path, heard := manager(t)
	c := startServed(t, "mode: block\n", func(cmd *exec.Cmd) {
		activate("proxy:quench.socket", one, two)(cmd)
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+path)
	})
	heard("READY=1")
	for _, addr := range []string{addr1, addr2} {
		c.proxy = addr
		resp, err := c.client().Get("http://www.facebook.com/tr?id=1")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Content-Type"); got != "image/gif" {
			t.Errorf("through %s: %d %q, want our GIF", addr, resp.StatusCode, got)
		}
	}
	if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	heard("RELOADING=1\nMONOTONIC_USEC=")
	heard("READY=1")
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	heard("STOPPING=1")
	if err := <-c.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	// The socket is systemd's: whoever connects now waits for the next start.
	conn, err := net.Dial("tcp", addr1)
	if err != nil {
		t.Errorf("the socket has gone with the service: %v", err)
	} else {
		conn.Close()
	}
}

// TestSocketActivationForDNS hands over UDP and TCP of one port, as
// quench-dns.socket does.
func TestSocketActivationForDNS(t *testing.T) {
	t.Parallel()
	packets, streams, addr := pairFiles(t)
	path, heard := manager(t)
	c := startServed(t, "proxy: {listen: \"127.0.0.1:0\"}\ndns: {upstreams: [\"udp://127.0.0.1:9\"]}\n", func(cmd *exec.Cmd) {
		cmd.Args = []string{"quench", "serve"}
		activate("dns:quench-dns.socket", packets, streams)(cmd)
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+path)
	})
	heard("READY=1")
	for _, network := range []string{"udp", "tcp"} {
		m := new(dns.Msg).SetQuestion("google-analytics.com.", dns.TypeA)
		in, _, err := (&dns.Client{Net: network, Timeout: patience}).Exchange(m, addr)
		if err != nil || answerText(in) != "NOERROR 0.0.0.0" {
			t.Errorf("%s: %v, %v; want the null address", network, in, err)
		}
	}
	resp, err := c.client().Get("http://www.facebook.com/tr?id=1")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the proxy beside it: %v, %v", resp, err)
	}
	resp.Body.Close()
}

// TestSocketActivationForEncryptedDNS hands over sockets for DoT, DoH with
// HTTP/3, and DoQ, which configuration then does not open.
func TestSocketActivationForEncryptedDNS(t *testing.T) {
	t.Parallel()
	cert, key, err := testCert("dns.home.arpa", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"c.pem": cert, "c.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	dot, dotAddr := tcpFile(t, "127.0.0.1:0")
	h3, doh, dohAddr := pairFiles(t)
	doq, doqAddr := udpFile(t)
	path, heard := manager(t)
	startServed(t, fmt.Sprintf("proxy: {listen: \"127.0.0.1:0\"}\ndns: {listen: \"127.0.0.1:0\", dot: %q, doh: %q, doq: %q, tls: {cert: %q, key: %q}, upstreams: [\"udp://127.0.0.1:9\"]}\n",
		dotAddr, dohAddr, doqAddr, filepath.Join(dir, "c.pem"), filepath.Join(dir, "c.key")), func(cmd *exec.Cmd) {
		activate("dot:doh:doh:quench-doq.socket", dot, doh, h3, doq)(cmd)
		cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+path)
	})
	heard("READY=1")
	for _, up := range []string{"tls://" + dotAddr + "#dns.home.arpa", "https://" + dohAddr + "/dns-query#dns.home.arpa", "h3://" + dohAddr + "/dns-query#dns.home.arpa", "quic://" + doqAddr + "#dns.home.arpa"} {
		specs, err := upstream.Parse([]string{up})
		if err != nil {
			t.Fatal(err)
		}
		g, err := upstream.New(upstream.Options{Servers: specs, RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := g.Exchange(t.Context(), new(dns.Msg).SetQuestion("google-analytics.com.", dns.TypeA))
		if err != nil || answerText(m) != "NOERROR 0.0.0.0" {
			t.Errorf("%s: %v, %v; want the null address", up, m, err)
		}
		_ = g.Close()
	}
}

func udpFile(t *testing.T) (*os.File, string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return packetFile(t, c), c.LocalAddr().String()
}

func packetFile(t *testing.T, c net.PacketConn) *os.File {
	t.Helper()
	f, err := c.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); c.Close() })
	return f
}

// TestWrongActivation starts services with sockets that will not do.
func TestWrongActivation(t *testing.T) {
	t.Parallel()
	out, _ := tcpFile(t, "0.0.0.0:0")
	near, _ := tcpFile(t, "127.0.0.1:0")
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	packets, err := udp.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	for _, tt := range []struct {
		name, fdname, fds string
		file              *os.File
		want              string
	}{
		{"beyond loopback", "proxy", "1", out, "can be reached from beyond this machine"},
		{"unknown name", "web", "1", near, "quench knows only sockets named proxy, dns, dot, doh and doq"},
		{"DoT by UDP", "dot", "1", packets, "is a UDP socket"},
		{"DoQ by TCP", "doq", "1", near, "QUIC goes by UDP"},
		{"DoT without a certificate", "dot", "1", near, "encrypted DNS needs a certificate of your own (dns.tls)"},
		{"DNS beyond loopback", "dns", "1", out, "dns.allow_from lets nobody in"},
		{"UDP", "proxy", "1", packets, "socket 1 (proxy)"},
		{"no such descriptor", "proxy", "9", near, "socket activation: socket 2"},
		{"no number", "proxy", "x", near, "LISTEN_FDS is \"x\""},
		{"too many", "proxy", "33", near, "want 1 to 32"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command("quench", "serve")
			cmd.Env = []string{"STATE_DIRECTORY=" + filepath.Join(t.TempDir(), "s"), "CONFIGURATION_DIRECTORY=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
			activate(tt.fdname, tt.file)(cmd)
			cmd.Env = append(cmd.Env, "LISTEN_FDS="+tt.fds)
			said, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(said), tt.want) {
				t.Errorf("%v, said %q, want %q", err, said, tt.want)
			}
		})
	}
}

// TestSocketsOfAnotherProcess: variables that were inherited by mistake mean nothing.
func TestSocketsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	c := startServed(t, "proxy: {listen: \"127.0.0.1:0\"}\n", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "LISTEN_PID=1", "LISTEN_FDS=1")
	})
	resp, err := c.client().Get("http://www.facebook.com/tr?id=1")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
}

// maxExposure is what "systemd-analyze security" may give the unit, times ten.
const maxExposure = "20"

func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	tool := need.Program(t, "systemd-analyze")
	said, err := exec.CommandContext(t.Context(), tool, "security", "--no-pager", "--offline=yes", "--threshold="+maxExposure,
		filepath.Join("..", "..", "deploy", "quench.service")).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	t.Log(lines[len(lines)-1])
	if err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
