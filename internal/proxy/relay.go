package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// halfIdle is how long a tunnel may be silent once one direction has ended.
const halfIdle = 30 * time.Second

type relayOptions struct {
	idle time.Duration // silence after which both sides are closed
	// farEnds: when the far side ends the near one is closed too, as for a
	// WebSocket, of which half is of no use.
	farEnds bool
}

// relay copies both ways until both sides have ended, or nothing moved for too
// long. It returns when no goroutine of it is left; both sides are closed.
func relay(near net.Conn, far io.ReadWriteCloser, o relayOptions) {
	var moved, limit atomic.Int64
	start := time.Now()
	limit.Store(int64(o.idle))
	shut := sync.OnceFunc(func() {
		_ = near.Close()
		_ = far.Close()
	})
	touch := func() { moved.Store(int64(time.Since(start))) }
	stop := watchIdle(start, &moved, &limit, shut)
	defer stop()

	var wg sync.WaitGroup
	half := func(dst io.Writer, src io.Reader, ends bool) func() {
		return func() {
			err := pump(dst, src, touch)
			if err != nil || ends || closeWrite(dst) != nil {
				shut()
			}
			limit.Store(int64(min(o.idle, halfIdle)))
		}
	}
	wg.Go(half(far, near, false))
	wg.Go(half(near, far, o.farEnds))
	wg.Wait()
	shut()
}

// watchIdle calls shut once nothing moved for limit; the result ends the watch.
func watchIdle(start time.Time, moved, limit *atomic.Int64, shut func()) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			silent := time.Since(start) - time.Duration(moved.Load())
			left := time.Duration(limit.Load()) - silent
			if left <= 0 {
				shut()
				return
			}
			// The limit can fall while we sleep.
			t := time.NewTimer(min(left, halfIdle))
			select {
			case <-t.C:
			case <-done:
				t.Stop()
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

func pump(dst io.Writer, src io.Reader, touch func()) error {
	buf := buffers.Get().(*[copyBuffer]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			touch()
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return werr
			}
			touch()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// closeWrite ends one direction; an error says that w cannot do so.
func closeWrite(w any) error {
	if c, ok := w.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// tracker knows the connections that no http.Server looks after.
type tracker struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// add reports whether c may go on; if not, the listener is being stopped.
func (t *tracker) add(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if t.conns == nil {
		t.conns = map[net.Conn]struct{}{}
	}
	t.conns[c] = struct{}{}
	return true
}

func (t *tracker) remove(c net.Conn) {
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
}

func (t *tracker) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for c := range t.conns {
		_ = c.Close()
	}
}
