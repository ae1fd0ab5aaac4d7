package faults

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

const size = 1 << 20

func site(t *testing.T) (addr string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, size))
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func only(f Fault) (w Weights) {
	w[f] = 1
	return w
}

// TestFaults wants each fault to do what its name says to an answer of 1 MB.
func TestFaults(t *testing.T) {
	t.Parallel()
	target := site(t)
	whole := map[Fault]bool{None: true, Latency: true, Slicer: true}
	for f := range FaultsLen {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			l, err := Listen(Options{Target: target, Weights: only(f), Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			timeout := time.Minute
			if how[f] == "patience" {
				timeout = 5 * time.Second // in which these never give the whole
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
			if err == nil {
				n, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if got := err == nil && n == size; got != whole[f] {
				t.Errorf("%d bytes, %v; want whole = %v", n, err, whole[f])
			}
			if got, want := ended(err), how[f]; got != want {
				t.Errorf("it ended by %s (%v), want %s", got, err, want)
			}
			if got := l.Counts()[f]; got == 0 {
				t.Errorf("no connection was counted")
			}
		})
	}
}

// how an answer of 1 MB ends for a client that waits: five seconds where nothing
// else would end it.
var how = [FaultsLen]string{None: "whole", Latency: "whole", Slicer: "whole", Bandwidth: "patience",
	SlowClose: "cut", Limit: "cut", Reset: "reset", Timeout: "cut", HalfOpen: "patience"}

func ended(err error) string {
	switch {
	case err == nil:
		return "whole"
	case errors.Is(err, context.DeadlineExceeded):
		return "patience"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "cut"
	default:
		return "something else"
	}
}

// TestHalfOpenLetsGo wants a connection that is dead both ways to stay until
// its client leaves, and nothing of it after that.
func TestHalfOpenLetsGo(t *testing.T) {
	t.Parallel()
	l, err := Listen(Options{Target: site(t), Weights: only(HalfOpen), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(maxWait + time.Second))
	if n, err := io.Copy(io.Discard, c); !errors.Is(err, context.DeadlineExceeded) && !isTimeout(err) {
		t.Errorf("after %d bytes: %v, want silence", n, err)
	}
	if got := l.Open(); got != 1 {
		t.Errorf("%d connections are open, want 1", got)
	}
	_ = c.Close()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for l.Open() != 0 {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the connection is still open 30 s after its client left")
		}
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// TestCloseEndsAll wants Close to end connections whatever they met, with a
// client that does not read.
func TestCloseEndsAll(t *testing.T) {
	t.Parallel()
	var all Weights
	for f := range all {
		all[f] = 1
	}
	l, err := Listen(Options{Target: site(t), Weights: all, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		c, err := net.Dial("tcp", l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Close()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("Close does not return")
	}
	if got := l.Open(); got != 0 {
		t.Errorf("%d connections are open after Close", got)
	}
}

func TestNoWeight(t *testing.T) {
	t.Parallel()
	if _, err := Listen(Options{Target: "127.0.0.1:1"}); err == nil {
		t.Error("no weight at all: no error")
	}
}
