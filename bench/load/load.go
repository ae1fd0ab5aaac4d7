// Package load is a client that loads a proxy with a fixed number of workers
// for a fixed time, and says how it went.
package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Client says how one worker speaks.
type Client struct {
	Proxy *url.URL // nil is direct
	Roots *x509.CertPool
	H2    bool
}

// New returns a client with connections of its own.
func (c Client) New() *http.Client {
	t := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: c.Roots},
		ForceAttemptHTTP2:   c.H2,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	if c.Proxy != nil {
		t.Proxy = http.ProxyURL(c.Proxy)
	}
	return &http.Client{
		Transport: t, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Job is one measurement.
type Job struct {
	Client  Client
	Header  http.Header // sent with each request; nil is none
	URL     string
	Size    int64 // of the body that must come; -1 takes any
	H2      bool  // the answer must come over HTTP/2; else it must not
	Workers int
	// Shared lets all workers use one client, so that over HTTP/2 they use
	// one connection.
	Shared bool
	// Warm is loaded but not counted, For is.
	Warm, For time.Duration
	// Begin and End are called at the start and the end of what is counted;
	// nil is nothing.
	Begin, End func()
}

// Result is what was seen in the time that counts.
type Result struct {
	Requests int
	Errors   int
	First    error // the first error
	Elapsed  time.Duration
	P50, P99 time.Duration
}

// Rate is requests in a second.
func (r Result) Rate() float64 {
	if r.Elapsed == 0 {
		return 0
	}
	return float64(r.Requests) / r.Elapsed.Seconds()
}

const (
	maxSamples = 1 << 20 // latencies one worker keeps
	maxErrors  = 100     // after which a worker gives up
)

type worker struct {
	took  []time.Duration
	errs  int
	first error
}

// Run does j. It returns when all workers have ended.
func Run(ctx context.Context, j Job) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var counting atomic.Bool
	workers := make([]worker, j.Workers)
	shared := j.Client.New()
	var wg sync.WaitGroup
	for i := range workers {
		c := shared
		if !j.Shared {
			c = j.Client.New()
		}
		wg.Go(func() {
			defer c.CloseIdleConnections()
			workers[i].loop(ctx, c, &j, &counting)
		})
	}
	sleep(ctx, j.Warm)
	if j.Begin != nil {
		j.Begin()
	}
	begin := time.Now()
	counting.Store(true)
	sleep(ctx, j.For)
	counting.Store(false)
	elapsed := time.Since(begin)
	if j.End != nil {
		j.End()
	}
	cancel()
	wg.Wait()
	return sum(workers, elapsed)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (w *worker) loop(ctx context.Context, c *http.Client, j *Job, counting *atomic.Bool) {
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil && w.errs < maxErrors && len(w.took) < maxSamples {
		start := time.Now()
		err := Get(ctx, c, j, buf)
		took := time.Since(start)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			w.errs++
			if w.first == nil {
				w.first = err
			}
		case counting.Load():
			w.took = append(w.took, took)
		}
	}
}

// Get does one request of j and checks its answer. buf is scratch.
func Get(ctx context.Context, c *http.Client, j *Job, buf []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.URL, nil)
	if err != nil {
		return err
	}
	for k, v := range j.Header {
		req.Header[k] = v
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := drain(resp.Body, buf)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d", resp.StatusCode)
	case j.Size >= 0 && n != j.Size:
		return fmt.Errorf("%d bytes, want %d", n, j.Size)
	case (resp.ProtoMajor == 2) != j.H2:
		return fmt.Errorf("answer over %s", resp.Proto)
	}
	return nil
}

func drain(r io.Reader, buf []byte) (n int64, err error) {
	for {
		m, err := r.Read(buf)
		n += int64(m)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func sum(workers []worker, elapsed time.Duration) Result {
	r := Result{Elapsed: elapsed}
	var all []time.Duration
	for i := range workers {
		w := &workers[i]
		all = append(all, w.took...)
		r.Errors += w.errs
		if r.First == nil {
			r.First = w.first
		}
	}
	slices.Sort(all)
	r.Requests = len(all)
	r.P50, r.P99 = Quantile(all, 0.5), Quantile(all, 0.99)
	return r
}

// Quantile returns the value below which the part q of sorted values lies; 0
// of none.
func Quantile[T ~int64 | ~float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// FirstChunk returns how long it takes from sending a request until the first
// bytes of its answer's body are there; the rest is read before it returns.
func FirstChunk(ctx context.Context, c *http.Client, url string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	start := time.Now()
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	buf := make([]byte, 4096)
	if _, err := resp.Body.Read(buf); err != nil {
		return 0, err
	}
	took := time.Since(start)
	_, err = drain(resp.Body, buf)
	return took, err
}
