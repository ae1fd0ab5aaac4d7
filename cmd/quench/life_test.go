//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/ledger"
)

// established is what opens a tunnel, and no byte more.
const established = "HTTP/1.1 200 Connection established\r\n\r\n"

// maxStop is how long a stop may take: half of it is what the service gives its
// connections, and the rest is for a busy machine.
const maxStop = 4 * drainTime

// served is a "quench serve" of its own process.
type served struct {
	t     *testing.T
	cmd   *exec.Cmd
	dir   string
	proxy string
	mu    sync.Mutex
	said  strings.Builder
	ended chan error
}

func (c *served) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(b)
}

func (c *served) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

// startServed starts "quench serve" as services are started: without a home,
// told only where its state is. change may add to the command.
func startServed(t *testing.T, config string, change func(*exec.Cmd)) *served {
	t.Helper()
	dir := t.TempDir()
	etc, state := filepath.Join(dir, "etc"), filepath.Join(dir, "state")
	if err := os.Mkdir(etc, 0o700); err != nil {
		t.Fatal(err)
	}
	c := &served{t: t, dir: state, ended: make(chan error, 1)}
	c.configure(config)
	c.cmd = exec.Command("quench", "serve", "--dns", "off")
	c.cmd.Env = []string{"CONFIGURATION_DIRECTORY=" + etc, "STATE_DIRECTORY=" + state, "PATH=" + os.Getenv("PATH")}
	c.cmd.Dir = "/"
	c.cmd.Stderr = c
	if change != nil {
		change(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("it said: %s", c.text())
		}
	})
	c.until("it serves", func() bool {
		st, err := control.NewClient(state).Status(t.Context())
		if err != nil || len(st.Listeners) == 0 {
			return false
		}
		c.proxy = st.Listeners[0].Address
		return true
	})
	return c
}

func (c *served) configure(text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(filepath.Dir(c.dir), "etc", configName), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *served) until(what string, holds func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		select {
		case err := <-c.ended:
			c.t.Fatalf("%s: it ended: %v", what, err)
		case <-time.After(10 * time.Millisecond): // a poll, not a wait for a fixed time
		}
		if time.Now().After(end) {
			c.t.Fatalf("never: %s; it said: %s", what, c.text())
		}
	}
}

func (c *served) mode() string {
	st, err := control.NewClient(c.dir).Status(c.t.Context())
	if err != nil {
		return err.Error()
	}
	return st.Mode
}

func (c *served) client() *http.Client {
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: c.proxy}), DisableKeepAlives: true}
	return &http.Client{Transport: tr, Timeout: patience}
}

// tunnel opens a CONNECT to an echo server and proves that it is open.
func (c *served) tunnel(target string) net.Conn {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.proxy)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, int64(len(established)))), &http.Request{Method: "CONNECT"})
	if err != nil || resp.StatusCode != 200 {
		c.t.Fatalf("CONNECT: %v, %v", resp, err)
	}
	echo(c.t, conn, "\x00hello")
	return conn
}

func echo(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("the tunnel gave %q (%v), want %q", got, err, text)
	}
}

func echoServer(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); c.Close() }()
		}
	}()
	return ln.Addr().String()
}

// downloads serves /short, which ends when finish is closed, and /endless.
func downloads(t *testing.T) (base string, finish chan struct{}) {
	t.Helper()
	finish = make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first,")
		_ = http.NewResponseController(w).Flush()
		end := r.Context().Done()
		if r.URL.Path == "/short" {
			select {
			case <-finish:
			case <-end:
			}
			_, _ = io.WriteString(w, "last")
			return
		}
		<-end
	}))
	t.Cleanup(s.CloseClientConnections)
	return s.URL, finish
}

// TestStop stops a service that has work: what can be finished is, what cannot
// is seen to be cut off, and nothing that was seen is lost.
func TestStop(t *testing.T) {
	t.Parallel()
	base, finish := downloads(t)
	c := startServed(t, "proxy: {listen: \"127.0.0.1:0\"}\n", nil)
	begin := func(path string) io.ReadCloser {
		resp, err := c.client().Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		head := make([]byte, 6)
		if _, err := io.ReadFull(resp.Body, head); err != nil || string(head) != "first," {
			t.Fatalf("%s began with %q: %v", path, head, err)
		}
		return resp.Body
	}
	short, endless := begin("/short"), begin("/endless")
	idle := c.tunnel(echoServer(t))
	for i := range 20 {
		resp, err := c.client().Get(fmt.Sprintf("http://www.facebook.com/tr?id=%d&ev=PageView&dl=http://shop%d.example/", i, i))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	began := time.Now()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.until("no new connections", func() bool {
		conn, err := net.Dial("tcp", c.proxy)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(finish)
	if rest, err := io.ReadAll(short); err != nil || string(rest) != "last" {
		t.Errorf("the download that could end: %q, %v, want \"last\"", rest, err)
	}
	if err := <-c.ended; err != nil {
		t.Errorf("it ended with %v, want code 0", err)
	}
	if took := time.Since(began); took > maxStop {
		t.Errorf("it took %v, want at most %v", took, maxStop)
	}
	if _, err := io.ReadAll(endless); err == nil {
		t.Error("a download that was cut off looks whole")
	}
	_ = idle.SetDeadline(time.Now().Add(maxStop))
	if _, err := idle.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the idle tunnel: %v, want its end", err)
	}
	if got := storedEvents(t, c.dir); got != 20 {
		t.Errorf("%d events in the ledger, want 20", got)
	}
	if _, err := os.Stat(filepath.Join(c.dir, control.SocketName)); err == nil {
		t.Error("the control socket is still there")
	}
}

func storedEvents(t *testing.T, dir string) (n int) {
	t.Helper()
	l, err := ledger.Open(context.Background(), ledger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	for _, err := range l.Events(t.Context(), ledger.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestHangup reloads, well and badly, under a download and a tunnel.
func TestHangup(t *testing.T) {
	t.Parallel()
	base, finish := downloads(t)
	const listen = "proxy: {listen: \"127.0.0.1:0\"}\n"
	c := startServed(t, listen, nil)
	resp, err := c.client().Get(base + "/short")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	tun := c.tunnel(echoServer(t))
	hangup := func() {
		if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"observe", "block"} {
		c.configure(listen + "mode: " + mode + "\n")
		hangup()
		c.until("mode "+mode, func() bool { return c.mode() == mode })
		echo(t, tun, mode)
	}
	c.configure(listen + "mode: observ\n")
	hangup()
	c.until("it says what is wrong", func() bool { return strings.Contains(c.text(), `did you mean \"observe\"?`) })
	if got := c.mode(); got != "block" {
		t.Errorf("after a faulty reload the mode is %q, want block", got)
	}
	echo(t, tun, "still here")
	if r, err := c.client().Get("http://www.facebook.com/tr?id=1"); err != nil || r.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("after a faulty reload a pixel gets %v, %v", r, err)
	} else {
		r.Body.Close()
	}
	close(finish)
	if all, err := io.ReadAll(resp.Body); err != nil || string(all) != "first,last" {
		t.Errorf("the download gave %q, %v", all, err)
	}
}
