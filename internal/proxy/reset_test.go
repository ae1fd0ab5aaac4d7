package proxy

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
)

// roll is a listener that knows how many of its connections are in memory.
type roll struct {
	net.Listener
	accepted, freed atomic.Int64
}

func (l *roll) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.accepted.Add(1)
	held := &struct{ net.Conn }{c}
	runtime.AddCleanup(held, func(n *atomic.Int64) { n.Add(1) }, &l.freed)
	return held, nil
}

// TestResetLetsGo wants a connection over HTTP/2 to be out of memory when it
// is closed after its client reset a stream, with an upload and without: no
// deadline of a stream that has ended may hold it.
func TestResetLetsGo(t *testing.T) {
	t.Parallel()
	const conns = 40
	w := newWorld(t, func(*Proxy) {})
	reached, left := make(chan struct{}), make(chan struct{})
	w.site(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, min(r.ContentLength, 1)))
		reached <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	}), "slow.example")
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := &roll{Listener: tcp}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.p.ServeWith(ctx, ln, ListenerOptions{Intercept: Always}) }()
	for i := range conns {
		one, reset := context.WithCancel(t.Context())
		body := io.Reader(http.NoBody)
		if i%2 == 0 {
			body = io.MultiReader(bytes.NewReader([]byte("x")), unfinished{one})
		}
		req, err := http.NewRequestWithContext(one, http.MethodPost, "https://slow.example/", body)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			req.ContentLength = 2
		}
		c := w.client(tcp.Addr().String(), nil, true)
		go func() {
			<-reached
			reset()
		}()
		if resp, err := c.Do(req); err == nil {
			resp.Body.Close()
			t.Fatal("an answer came")
		}
		<-left
		c.CloseIdleConnections()
	}
	// Timers that were stopped may hold some until the runtime tidies up.
	eventually(t, "most connections out of memory", func() bool {
		runtime.GC()
		return ln.freed.Load() >= ln.accepted.Load()/2
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// unfinished is a body of which no more comes.
type unfinished struct{ ctx context.Context }

func (p unfinished) Read([]byte) (int, error) {
	<-p.ctx.Done()
	return 0, p.ctx.Err()
}
