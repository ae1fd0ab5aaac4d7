package upstream

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestCloseEndsEverything leaves no goroutine and no question behind.
func TestCloseEndsEverything(t *testing.T) {
	conf, pool := certificate(t, "dns.example", time.Hour)
	silent := func(c *call) {
		if strings.HasPrefix(strings.ToLower(c.q.Question[0].Name), "never") {
			return
		}
		c.reply()
	}
	texts := []string{}
	plain := newFake(t, nil, silent)
	texts = append(texts, plain.addr.String(), "tcp://"+plain.addr.String())
	for _, s := range secureSchemes {
		_, spec := secureFake(t, s, conf, silent)
		texts = append(texts, spec)
	}
	for _, text := range texts { // the goroutines of the fakes and libraries exist from now on
		g := newGroup(t, Options{RootCAs: pool}, text)
		want(t, g, "a.example", theAddress)
		closes(t, g)
	}
	eventually(t, "the fakes have noticed", steady)
	before := runtime.NumGoroutine()
	for _, text := range texts {
		g, err := New(Options{RootCAs: pool, Servers: specs(t, text)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- g.Serve(ctx) }()
		want(t, g, "a.example", theAddress)
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if got, _, _ := ask(g, fmt.Sprintf("never%d.example", i)); got == theAddress {
					t.Errorf("%s: got an answer that nobody gave", text)
				}
			})
		}
		eventually(t, "they wait", func() bool { return g.Stats()[0].Asked == 6 })
		cancel()
		start := time.Now()
		all.Wait()
		if err := <-served; err != nil || time.Since(start) > soon {
			t.Errorf("%s: Serve ended with %v after %v, want at once", text, err, time.Since(start))
		}
		want(t, g, "a.example", "14 the resolver is stopping")
		_ = g.Close()
	}
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
	if n := runtime.NumGoroutine(); n > before {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, before %d:\n%s", n, before, buf[:runtime.Stack(buf, true)])
	}
}

// steady reports whether the number of goroutines has stopped falling.
func steady() bool {
	n := runtime.NumGoroutine()
	time.Sleep(100 * time.Millisecond)
	return runtime.NumGoroutine() >= n
}
