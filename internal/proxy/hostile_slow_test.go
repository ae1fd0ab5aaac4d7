package proxy

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// slowHeader and slowMove are bounds that those who are slow on purpose go past,
// and neighbours on a busy machine do not.
const slowHeader, slowMove = 5 * time.Second, 4 * time.Second

// TestHostileSlowHeaders drips headers, plain, inside tunnels and before them.
func TestHostileSlowHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.HeaderTimeout = slowHeader })
	w.site(http.HandlerFunc(greet), "site.example", "calm.example")
	addr := w.serve(Always)
	const each = 20
	ended := make(chan error, 3*each)
	drip := func(c net.Conn, text string) {
		_ = c.SetDeadline(time.Now().Add(60 * time.Second))
		go func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for i := 0; ; i++ { // ends when c does
				if _, err := io.WriteString(c, text[i%len(text):i%len(text)+1]); err != nil {
					return
				}
				<-tick.C
			}
		}()
		_, err := io.Copy(io.Discard, c)
		c.Close()
		ended <- err
	}
	for range each {
		go drip(raw(t, addr), "XXXXXXXX")
		go drip(raw(t, addr), "GET http://site.example/")
		go drip(inTunnel(t, w, addr), "YYYYYYYY")
	}
	neighbour(t, w, addr)
	for range 3 * each {
		if err := <-ended; errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a header that drips was waited for")
		}
	}
	neighbour(t, w, addr)
}

// torrent answers with what never ends, and tells on gone when its client went.
func torrent(gone chan<- struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "calm.example" {
			greet(w, r)
			return
		}
		defer func() { gone <- struct{}{} }()
		block := make([]byte, 64<<10)
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
}

// smallWindow connects without room for much, so that not reading is felt.
func smallWindow(t *testing.T, addr string) net.Conn {
	c := raw(t, addr)
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	return c
}

func TestHostileSlowReaders(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{}, 8)
	w := newWorld(t, func(p *Proxy) { p.StallTimeout = slowMove; p.TunnelIdle = slowMove })
	w.site(torrent(gone), "site.example", "calm.example")
	addr, splicing := w.serve(Always), w.serve(Never)
	var open []net.Conn
	plain := smallWindow(t, addr)
	fmt.Fprint(plain, "GET http://site.example/ HTTP/1.1\r\nHost: site.example\r\n\r\n")
	open = append(open, plain)
	for _, to := range []string{addr, splicing} {
		c := smallWindow(t, to)
		early := &firstWrite{Conn: c, before: "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n"}
		tc := tls.Client(early, &tls.Config{ServerName: "site.example", InsecureSkipVerify: true})
		fmt.Fprint(tc, "GET / HTTP/1.1\r\nHost: site.example\r\n\r\n")
		open = append(open, tc)
	}
	// Over HTTP/2 the stream is not read, while its connection is in use.
	resp, err := w.client(addr, nil, true).Get("https://site.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	neighbour(t, w, addr)
	for i := range len(open) + 1 {
		select {
		case <-gone:
		case <-time.After(60 * time.Second):
			t.Fatalf("%d of %d downloads that nobody reads were ended", i, len(open)+1)
		}
	}
	neighbour(t, w, addr)
	for _, c := range open {
		c.Close()
	}
}

// TestSlowButSteady: what moves, however slowly, outlives the bound on stalls.
func TestSlowButSteady(t *testing.T) {
	t.Parallel()
	const stall = 3 * time.Second
	gone := make(chan struct{}, 8)
	w := newWorld(t, func(p *Proxy) { p.StallTimeout = stall; p.TunnelIdle = stall })
	w.site(torrent(gone), "site.example")
	addr := w.serve(Always)
	for _, tt := range []struct {
		base string
		h2   bool
	}{{"http", false}, {"https", false}, {"https", true}} {
		t.Run(fmt.Sprint(tt.base, " ", tt.h2), func(t *testing.T) {
			t.Parallel()
			resp, err := w.client(addr, nil, tt.h2).Get(tt.base + "://site.example/")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			buf := make([]byte, 256<<10)
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for start := time.Now(); time.Since(start) < 2*stall; <-tick.C {
				if _, err := io.ReadFull(resp.Body, buf); err != nil {
					t.Fatalf("after %v: %v", time.Since(start), err)
				}
			}
		})
	}
}

func TestHostileSlowUploads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.StallTimeout = slowMove })
	w.site(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }), "site.example", "calm.example")
	addr := w.serve(Always)
	for _, c := range []net.Conn{raw(t, addr), inTunnel(t, w, addr)} {
		target := "http://site.example/"
		if _, ok := c.(*tls.Conn); ok {
			target = "/"
		}
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: site.example\r\nContent-Length: 1000\r\n\r\n%s", target, strings.Repeat("x", 10))
		_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%T: an upload that stopped was waited for", c)
		}
	}
	body, more := io.Pipe()
	defer more.Close()
	r, _ := http.NewRequest("POST", "https://site.example/", body)
	ended := make(chan error, 1)
	go func() {
		resp, err := w.client(addr, nil, true).Do(r)
		if err == nil {
			resp.Body.Close()
			err = fmt.Errorf("%s: status %d", resp.Proto, resp.StatusCode)
		}
		ended <- err
	}()
	if _, err := io.WriteString(more, "xxxxxxxxxx"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Log(err)
	case <-time.After(60 * time.Second):
		t.Error("over HTTP/2: an upload that stopped was waited for")
	}
}

// TestSilentUploadWhileAnswered: over HTTP/2 a request may stay open and silent
// while its answer comes. A machine that is busy elsewhere can be as silent, so
// that there are three tries, each more patient.
func TestSilentUploadWhileAnswered(t *testing.T) {
	t.Parallel()
	var err error
	for _, stall := range []time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second} {
		if err = silentUpload(t, stall); err == nil {
			return
		}
		t.Log(stall, err)
	}
	t.Error(err)
}

func silentUpload(t *testing.T, stall time.Duration) error {
	const ticks = 14
	w := newWorld(t, func(p *Proxy) { p.StallTimeout = stall })
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(stall / 10)
		defer tick.Stop()
		for range ticks {
			fmt.Fprintln(rw, "tick")
			_ = http.NewResponseController(rw).Flush()
			<-tick.C
		}
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(rw, "read ", n, " ", err)
	}), "site.example")
	body, more := io.Pipe()
	defer more.Close()
	r, _ := http.NewRequest("POST", "https://site.example/", body)
	go func() { _, _ = io.WriteString(more, "xxxxxxxxxx") }()
	resp, err := w.client(w.serve(Always), nil, true).Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range ticks {
		if line, err := br.ReadString('\n'); line != "tick\n" {
			return fmt.Errorf("tick %d: %q, %w", i, line, err)
		}
	}
	more.Close()
	if rest, err := io.ReadAll(br); string(rest) != "read 10 <nil>" {
		return fmt.Errorf("%q, %w", rest, err)
	}
	return nil
}
