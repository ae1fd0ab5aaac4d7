package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/control"
)

// background runs a command line until the returned function is called, which
// gives its exit code.
func background(t *testing.T, env map[string]string, out io.Writer, args ...string) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, args, strings.NewReader(""), out, io.Discard, func(k string) string { return env[k] })
		if c, ok := out.(io.Closer); ok {
			_ = c.Close()
		}
	}()
	return func() int { cancel(); return <-ended }
}

func TestFollow(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HOME": t.TempDir()}
	data := filepath.Join(env["HOME"], "d")
	stopServe := background(t, env, io.Discard, "--data-dir", data, "serve", "--proxy", "127.0.0.1:0", "--dns", "off")
	c := control.NewClient(data)
	var st control.Status
	eventually(t, "the service answers", func() bool {
		var err error
		st, err = c.Status(t.Context())
		return err == nil && len(st.Listeners) == 1
	})

	r, w := io.Pipe()
	stopFollow := background(t, env, w, "--data-dir", data, "log", "--follow", "--company", "meta")
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	proxy := &url.URL{Scheme: "http", Host: st.Listeners[0].Address}
	web := http.Client{Timeout: patience, Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	// Only an event that arrives shows that the follower listens, so hits, each
	// another event, are made until one does.
	line, n := "", 0
	eventually(t, "the follower prints", func() bool {
		n++
		req, _ := http.NewRequest("GET", "http://www.facebook.com/tr?id=1&ev=PageView&eid="+strings.Repeat("x", n), nil)
		req.Header.Set("Referer", "http://shop"+strings.Repeat("x", n)+".example/")
		resp, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		select {
		case line = <-lines:
			return true
		case <-time.After(300 * time.Millisecond):
			return false
		}
	})
	if !strings.Contains(line, "tried to tell Meta Pixel (Meta Platforms)") {
		t.Errorf("followed %q", line)
	}
	if code := stopFollow(); code != exitInterrupted {
		t.Errorf("log --follow ended with %d, want %d", code, exitInterrupted)
	}
	for range lines { // until the pipe is closed
	}
	r, w = io.Pipe()
	stopFollow = background(t, env, w, "--data-dir", data, "log", "--follow", "--since", "1h", "-n", "1")
	again := bufio.NewScanner(r)
	if !again.Scan() || !strings.Contains(again.Text(), "tried to tell Meta Pixel") {
		t.Errorf("a follower that asks for the newest gets %q", again.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	if code := stopFollow(); code != exitInterrupted {
		t.Errorf("log --follow --since ended with %d, want %d", code, exitInterrupted)
	}
	if code := stopServe(); code != exitDone {
		t.Errorf("serve ended with %d, want %d", code, exitDone)
	}
	if _, err := os.Stat(filepath.Join(data, control.SocketName)); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

// eventually asks until it holds; whoever calls it bounds each try.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
		<-again.C
	}
}

func TestServeEndsWhileABrowserUsesIt(t *testing.T) {
	t.Parallel()
	env := map[string]string{"HOME": t.TempDir()}
	data := filepath.Join(env["HOME"], "d")
	stop := background(t, env, io.Discard, "--data-dir", data, "serve", "--proxy", "off", "--dns", "off")
	c := control.NewClient(data)
	var lease *control.Lease
	eventually(t, "a listener is lent", func() (ok bool) {
		var err error
		lease, err = c.Browse(t.Context(), control.BrowseRequest{})
		return err == nil
	})
	st, err := c.Status(t.Context())
	if err != nil || len(st.Listeners) != 1 || st.Listeners[0].Address != lease.Address {
		t.Errorf("Status = %+v, %v; want the listener %s", st.Listeners, err, lease.Address)
	}
	// Our own listeners are never a target, not even of another one of ours.
	web := http.Client{Timeout: patience, Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: lease.Address})}}
	resp, err := web.Get("http://" + lease.Address + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 400 {
		t.Errorf("the proxy fetched from itself: %s", resp.Status)
	}
	if code := stop(); code != exitDone {
		t.Errorf("serve ended with %d, want %d", code, exitDone)
	}
	<-lease.Lost
	if conn, err := net.Dial("tcp", lease.Address); err == nil {
		_ = conn.Close()
		t.Error("the lent listener still accepts")
	}
}
