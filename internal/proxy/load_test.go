//go:build linux

package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

func openFiles(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// various answers in as many ways as requests end.
func various(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/pixel":
		w.Header().Set("Content-Type", "image/gif")
		_, _ = w.Write([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"))
	case "/endless":
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	case "/silent":
		<-r.Context().Done()
	case "/abort":
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("half"))
		panic(http.ErrAbortHandler)
	default:
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "read ", n)
	}
}

// mixed makes request number i, and leaves some of them halfway.
func mixed(c *http.Client, i int) {
	paths := [...]string{"/", "/pixel?u=8f3a", "/endless", "/silent", "/abort", "/up"}
	hosts := [...]string{"site.example", "px.acme.example", "nowhere.example", "other.example"}
	scheme, path := "https://", paths[i%len(paths)]
	if i%3 == 0 {
		scheme = "http://"
	}
	wait := 10 * time.Second
	if path == "/endless" || path == "/silent" {
		wait = 20 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	method, body := "GET", io.Reader(nil)
	if path == "/up" {
		method, body = "POST", io.LimitReader(zeros{}, 200<<10)
	}
	r, _ := http.NewRequestWithContext(ctx, method, scheme+hosts[i%len(hosts)]+path, body)
	r.Header.Set("Sec-Fetch-Dest", "image")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := c.Do(r)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if i%5 != 0 { // the others are closed unread
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}

// Not parallel: it counts the goroutines and files of the whole process.
func TestMixedLoadLeavesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(various), "site.example", "other.example", "px.acme.example")
	addr := w.serve(Auto)
	strange := w.agent(addr, "distrusting", w.roots.pool)
	clients := []*http.Client{w.client(addr, nil, false), w.client(addr, nil, true), w.agent(addr, "trusting", bothRoots(w)), strange}
	runtime.GC()
	files, routines := openFiles(t), runtime.NumGoroutine()
	var wg sync.WaitGroup
	for worker := range 10 {
		wg.Go(func() {
			for i := range 50 {
				mixed(clients[(worker+i)%len(clients)], worker*50+i)
			}
		})
	}
	wg.Wait()
	for _, c := range clients {
		c.CloseIdleConnections()
	}
	eventually(t, "all of 500 requests is over", func() bool {
		w.p.mu.Lock()
		w.p.core.pools.closeIdle()
		w.p.mu.Unlock()
		for _, c := range clients {
			c.CloseIdleConnections()
		}
		// The servers of the test may keep an accept or two of their own.
		return openFiles(t) <= files+2 && runtime.NumGoroutine() <= routines+2
	})
}

// TestSlowReadersCostLittle: a hundred clients ask for 10 MB each, over
// HTTP/1.1 and HTTP/2, and stop reading. The site's bytes must wait at the site.
func TestSlowReadersCostLittle(t *testing.T) {
	const clients, size, most = 100, 10 << 20, 500 << 20 // half of what was asked for
	// A hundred handshakes at once may take a busy machine longer than a header has.
	w := newWorld(t, func(p *Proxy) { p.HeaderTimeout = 2 * time.Minute })
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		block := make([]byte, 32<<10)
		for range size / len(block) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}), "site.example")
	addr := w.serve(Always)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var open sync.WaitGroup
	for i := range clients {
		open.Add(1)
		wg.Go(func() {
			c := w.client(addr, nil, i%2 == 0)
			c.Timeout = 2 * time.Minute
			if i%2 == 1 {
				c.Transport.(*http.Transport).TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
			}
			resp, err := c.Get("https://site.example/")
			if err == nil {
				_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
			}
			open.Done()
			if err != nil {
				t.Error(err)
				return
			}
			<-stop
			resp.Body.Close()
			c.CloseIdleConnections()
		})
	}
	open.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	close(stop)
	wg.Wait()
	grown := int64(after.HeapInuse) - int64(before.HeapInuse)
	t.Logf("heap grew by %d MB for %d readers, client and site included", grown>>20, clients)
	if grown > most {
		t.Errorf("heap grew by %d MB, want at most %d", grown>>20, most>>20)
	}
}

// TestStalledReadersHoldNobodyUp: who stops reading must not use up what all
// streams to a site share.
func TestStalledReadersHoldNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	const size = 64 << 20 // more than the sockets on the way hold
	full := make(chan struct{}, 100)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/big" {
			fmt.Fprint(w, "small")
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(make([]byte, 512<<10)) // as much as leaves for sure
		full <- struct{}{}
		_, _ = w.Write(make([]byte, size-512<<10))
	}), "site.example")
	addr := w.serve(Always)
	for range 24 {
		c := w.client(addr, nil, false)
		resp, err := c.Get("https://site.example/big")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		select {
		case <-full:
		case <-time.After(10 * time.Second):
			t.Fatal("a reader was held up by those who stopped reading")
		}
	}
	c := w.client(addr, nil, true)
	c.Timeout = 10 * time.Second
	if _, body := get(t, c, "https://site.example/"); body != "small" {
		t.Errorf("got %q", body)
	}
}
