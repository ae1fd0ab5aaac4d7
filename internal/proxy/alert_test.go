package proxy

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// curl is a real client of another kind: it sends its refusal in the clear,
// which crypto/tls cannot read.
func TestCurlRefuses(t *testing.T) {
	t.Parallel()
	path := need(t, "curl")
	w := newChoice(t, nil)
	addr := w.serve(Always)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pemOf(w.roots.cert), 0o600); err != nil {
		t.Fatal(err)
	}
	fetch := func(url string) (string, error) {
		cmd := exec.Command(path, "-sS", "--max-time", "20", "-x", "http://"+addr, "--cacert", roots, "--noproxy", "", url)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
		out, err := cmd.Output()
		return string(out), err
	}
	if _, err := fetch("https://site.example/"); err == nil {
		t.Fatal("curl took a certificate it cannot know")
	}
	eventually(t, "the refusal is counted", func() bool { return w.p.Stats().Refusals == 1 })
	auto := w.serve(Auto)
	addr = auto
	if out, err := fetch("https://other.example/"); err != nil || out != "hello from other.example" {
		t.Errorf("curl that does not trust us, auto: %q %v", out, err)
	}
}

func TestEndsAreNoRefusals(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	addr := w.serve(Always)
	hello := clientHello(t)
	for _, after := range []func(net.Conn){
		func(c net.Conn) { c.Close() },
		func(c net.Conn) { _ = c.(*replayed).Conn.(*net.TCPConn).SetLinger(0); c.Close() },
		func(c net.Conn) { _, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 80}); c.Close() }, // internal_error
		func(c net.Conn) { _, _ = c.Write([]byte{21, 3, 3, 0, 2, 1, 0}); c.Close() },  // close_notify
	} {
		c, _ := tunnelTo(t, addr, "site.example:443")
		_, _ = c.Write(hello)
		one := make([]byte, 1)
		_, _ = io.ReadFull(c, one) // our flight has begun
		after(c)
	}
	c, _ := tunnelTo(t, addr, "site.example:443")
	_, _ = c.Write(hello)
	_, _ = io.ReadFull(c, make([]byte, 1))
	_, _ = c.Write([]byte{20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 2, 48}) // as OpenSSL does it
	eventually(t, "the last is a refusal", func() bool { return w.p.Stats().Refusals > 0 })
	if n := w.p.Stats().Refusals; n != 1 {
		t.Errorf("%d refusals, want 1", n)
	}
}

func clientHello(t *testing.T) []byte {
	t.Helper()
	a, b := net.Pipe()
	go func() { _ = tls.Client(a, &tls.Config{ServerName: "site.example"}).Handshake() }()
	defer a.Close()
	buf := make([]byte, 8<<10)
	n, err := b.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	rest := buf[:n]
	for want := 5 + (int(rest[3])<<8 | int(rest[4])); len(rest) < want; {
		m, err := b.Read(buf[len(rest):])
		if err != nil {
			t.Fatal(err)
		}
		rest = buf[:len(rest)+m]
	}
	return bytes.Clone(rest)
}

func TestAlertWatch(t *testing.T) {
	t.Parallel()
	stream := []byte{22, 3, 1, 0, 3, 1, 2, 3, 20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 2, 46}
	for cut := range stream {
		var w alertWatch
		w.see(stream[:cut])
		if _, ok := w.code(); ok {
			t.Errorf("after %d bytes: an alert", cut)
		}
		w.see(stream[cut:])
		if code, ok := w.code(); !ok || code != 46 {
			t.Errorf("cut at %d: %d %v", cut, code, ok)
		}
	}
	var enc alertWatch
	enc.see([]byte{21, 3, 3, 0, 26, 2, 46})
	enc.see(make([]byte, 24))
	if _, ok := enc.code(); ok {
		t.Error("an encrypted alert was read")
	}
}

func TestOwnersAreTold(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c := raw(t, ln.Addr().String())
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var o owners
	var busy crowd
	mine := <-o.find(s.RemoteAddr(), s.LocalAddr(), &busy)
	again := <-o.find(s.RemoteAddr(), s.LocalAddr(), &busy)
	busy.wait()
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no /proc here")
	}
	if !strings.HasPrefix(mine, strings.TrimSpace(pid())+"@") || again != mine {
		t.Errorf("owner %q, then %q, want process %s", mine, again, pid())
	}
	if got := <-o.find(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, c.RemoteAddr(), &busy); got != "" {
		t.Errorf("a socket that is not there belongs to %q", got)
	}
}

func TestClientKey(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr("127.0.0.1")
	keys := map[string]bool{}
	for _, k := range []string{clientKey(a, "s", "ua", "1"), clientKey(a, "s", "ua", "2"), clientKey(a, "s", "ua2", "1"), clientKey(a, "s2", "ua", "1"),
		clientKey(netip.MustParseAddr("127.0.0.2"), "s", "ua", "1"), clientKey(a, "", "sua", "1")} {
		keys[k] = true
	}
	if len(keys) != 6 || strings.Contains(clientKey(a, "s", "ua", ""), "ua") {
		t.Errorf("%d keys, want 6: %v", len(keys), keys)
	}
}
