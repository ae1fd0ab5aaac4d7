package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elazarl/goproxy"

	"github.com/quench-proxy/quench/internal/detect/engine"
)

func gapsOfLife() []gap {
	return []gap{
		{n: 16, name: "a panic ends the process", check: gapPanic},
		{n: 18, name: "hosts in the log", check: gapLog},
		{n: 19, name: "tunnels outlive the stop", check: gapStop},
	}
}

// childOfGap16 makes TestGapPanicChild run.
const childOfGap16 = "QUENCH_TEST_GAP16"

func gapPanic(r *rig) error {
	if r.bare {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestGapPanicChild$")
		cmd.Env = append(os.Environ(), childOfGap16+"=1", "TMPDIR="+r.t.TempDir()) // it dies, so we clear up after it
		out, err := cmd.CombinedOutput()
		if err != nil && strings.Contains(string(out), "panic: a handler's own fault") {
			return fmt.Errorf("the process ended: %w", err)
		}
		return err
	}
	var armed atomic.Bool
	set := r.p.Filter.Set()
	r.p.Filter.Set = func() *engine.Set {
		if armed.Swap(false) {
			panic("a handler's own fault")
		}
		return set
	}
	r.site(http.HandlerFunc(greet), "site.example")
	for _, h2 := range []bool{false, true} {
		c := r.browser(h2)
		armed.Store(true)
		if _, _, err := r.ask(c, "GET", "https://site.example/"); err == nil {
			return errors.New("the handler did not panic")
		}
		_, body, err := r.ask(c, "GET", "https://site.example/")
		if err != nil || body != "hello from site.example" {
			return fmt.Errorf("after a panic: %q, %w", body, err)
		}
	}
	return nil
}

// TestGapPanicChild is bare goproxy with a handler that panics, in a process of
// its own: it does not survive.
func TestGapPanicChild(t *testing.T) {
	if os.Getenv(childOfGap16) == "" {
		t.Skip("runs as a child of TestGaps")
	}
	r := bareRig(t, rigOptions{bare: func(_ *world, _ string, g *goproxy.ProxyHttpServer) {
		g.OnRequest().DoFunc(func(*http.Request, *goproxy.ProxyCtx) (*http.Request, *http.Response) { panic("a handler's own fault") })
	}})
	_, _, err := r.ask(r.browser(false), "GET", "https://site.example/")
	t.Log(err)
}

func gapLog(r *rig) error {
	_, _, _ = r.ask(r.browser(false), "GET", "https://missing.example/private?q=1")
	_, _, _ = r.ask(r.browser(false), "GET", "http://missing.example/private?q=1")
	got := r.logs.String()
	for _, word := range []string{"missing.example", "/private", "q=1"} {
		if strings.Contains(got, word) {
			return fmt.Errorf("the log has %q", word)
		}
	}
	return nil
}

func gapStop(r *rig) error {
	r.site(http.HandlerFunc(greet), "site.example")
	c, err := r.inside("site.example:443", "site.example")
	if err != nil {
		return err
	}
	const request = "GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"
	if _, _, err := speak(c, request); err != nil {
		return err
	}
	r.quit()
	if _, err := io.WriteString(c, request); err != nil {
		return nil
	}
	if n, _ := c.Read(make([]byte, 1)); n > 0 {
		return errors.New("a tunnel answers after the stop")
	}
	return nil
}
