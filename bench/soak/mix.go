//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/bench/load"
)

// tally counts what the clients saw.
type tally struct {
	asked, whole, pages, broke, gaveUp atomic.Int64
	// wrong answers looked complete and were not what the origin sent. There
	// must be none.
	wrong atomic.Int64
	// hits sent, and those whose answer came.
	hitsSent, hitsAnswered atomic.Int64
	abandoned              atomic.Int64 // tunnels left half open by us
}

// mix is what the workers draw from.
type mix struct {
	svc   *service
	net   *network
	pause time.Duration
	t     *tally
}

const (
	giveUp    = 4 * time.Second // a client's patience
	dropAfter = 60 * time.Second
)

// worker asks until ctx ends, with a browser's patience and manners, good and
// bad.
func (m *mix) worker(ctx context.Context, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	h2 := seed%2 == 0
	fresh := func() *http.Client { return load.Client{Proxy: m.svc.proxy, Roots: m.svc.roots, H2: h2}.New() }
	c, since := fresh(), time.Now()
	for ctx.Err() == nil {
		m.one(ctx, c, rng)
		if time.Since(since) > dropAfter { // people close their browsers
			c.CloseIdleConnections()
			c, since = fresh(), time.Now()
		}
		select {
		case <-time.After(time.Duration(rng.Int64N(int64(2*m.pause) + 1))):
		case <-ctx.Done():
		}
	}
	c.CloseIdleConnections()
}

func (m *mix) one(ctx context.Context, c *http.Client, rng *rand.Rand) {
	bases := m.net.bases[protocols[rng.IntN(len(protocols))]]
	base := bases[rng.IntN(len(bases))]
	switch n := rng.IntN(100); {
	case n < 35:
		m.get(ctx, c, base+"/1k", 1<<10, giveUp)
	case n < 50:
		m.get(ctx, c, base+"/100k", 100<<10, giveUp)
	case n < 53:
		m.get(ctx, c, base+"/10m", 10<<20, giveUp)
	case n < 60: // gone before the answer
		m.get(ctx, c, base+"/10m", 10<<20, time.Duration(rng.Int64N(int64(100*time.Millisecond))))
	case n < 66:
		m.upload(ctx, c, base, 1+rng.IntN(300<<10))
	case n < 72:
		m.get(ctx, c, base+"/stream", 25, giveUp)
	case n < 74:
		m.abandon(ctx, base, rng)
	default:
		m.hit(ctx, c, rng)
	}
}

// get wants a whole body, or something that does not look like one.
func (m *mix) get(ctx context.Context, c *http.Client, url string, size int64, patience time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	m.do(c, req, func(r *http.Response) (bool, error) {
		n, err := io.Copy(io.Discard, r.Body)
		return n == size, err
	})
}

func (m *mix) upload(ctx context.Context, c *http.Client, base string, size int) {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/upload", bytes.NewReader(make([]byte, size)))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	m.do(c, req, func(r *http.Response) (bool, error) {
		b, err := io.ReadAll(io.LimitReader(r.Body, 100))
		return string(b) == strconv.Itoa(size), err
	})
}

func (m *mix) do(c *http.Client, req *http.Request, right func(*http.Response) (bool, error)) {
	m.t.asked.Add(1)
	resp, err := c.Do(req)
	if err != nil {
		m.failed(req.Context())
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK { // the page that says what is wrong
		_, _ = io.Copy(io.Discard, resp.Body)
		m.t.pages.Add(1)
		return
	}
	ok, err := right(resp)
	switch {
	case err != nil:
		m.failed(req.Context())
	case ok:
		m.t.whole.Add(1)
	default:
		m.t.wrong.Add(1)
	}
}

func (m *mix) failed(ctx context.Context) {
	if ctx.Err() != nil {
		m.t.gaveUp.Add(1)
		return
	}
	m.t.broke.Add(1)
}

// hit sends what a tracker's pixel would, each about another page.
func (m *mix) hit(ctx context.Context, c *http.Client, rng *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	page := "https://shop.example/thing/" + strconv.FormatUint(rng.Uint64(), 36)
	u := "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&dl=" + url.QueryEscape(page)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return
	}
	req.Header.Set("Sec-Fetch-Dest", "image")
	req.Header.Set("Referer", "https://shop.example/")
	m.t.hitsSent.Add(1)
	m.do(c, req, func(r *http.Response) (bool, error) {
		b, err := io.ReadAll(io.LimitReader(r.Body, 4096))
		if err == nil {
			m.t.hitsAnswered.Add(1)
		}
		return bytes.HasPrefix(b, []byte("GIF8")), err
	})
}

// abandon opens a tunnel and leaves it: without a word, in the middle of a
// ClientHello, or by reset.
func (m *mix) abandon(ctx context.Context, base string, rng *rand.Rand) {
	m.t.abandoned.Add(1)
	conn, err := (&net.Dialer{Timeout: giveUp}).DialContext(ctx, "tcp", m.svc.proxy.Host)
	if err != nil {
		return
	}
	defer conn.Close()
	u, err := url.Parse(base)
	if err != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(giveUp))
	fmt.Fprintf(conn, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", u.Host)
	_, _ = conn.Read(make([]byte, 256))
	switch rng.IntN(3) {
	case 0:
		_, _ = conn.Write([]byte{22, 3, 1, 2, 0, 1, 0})
	case 1:
		_ = conn.(*net.TCPConn).SetLinger(0)
	default:
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}
}
