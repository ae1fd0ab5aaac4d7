package filter

import (
	"io"
	"sync"
	"time"
)

// tap reads ahead on a stream so that its beginning can be looked at under a
// deadline, and is then the stream again, from the first byte. Reading ahead
// stops at the deadline: what is read then passes on at once, and nothing more
// is kept.
type tap struct {
	src   io.ReadCloser
	limit int

	mu       sync.Mutex
	changed  sync.Cond
	buf      []byte // read ahead and not yet passed on from off
	off      int
	err      error
	panicked any  // what src.Read panicked with
	stop     bool // no further read ahead
	idle     bool // the reader has ended
	done     chan struct{}
}

// newTap starts reading up to one byte more than limit. The goroutine ends
// with the read that reaches the limit, the end, or follows wait's deadline.
func newTap(src io.ReadCloser, limit int) *tap {
	t := &tap{src: src, limit: limit, done: make(chan struct{})}
	t.changed.L = &t.mu
	go t.ahead()
	return t
}

func (t *tap) ahead() {
	chunk := make([]byte, min(t.limit+1, 8<<10))
	for more := true; more; {
		more = t.once(chunk)
	}
	close(t.done)
}

// once reads once. A body may panic to break off its exchange; that must
// happen to whoever reads it, not here.
func (t *tap) once(chunk []byte) (more bool) {
	var n int
	var err error
	var panicked any
	func() {
		defer func() { panicked = recover() }()
		n, err = t.src.Read(chunk[:min(len(chunk), t.limit+1-len(t.buf))])
	}()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, chunk[:n]...)
	t.err, t.panicked = err, panicked
	t.idle = err != nil || panicked != nil || len(t.buf) > t.limit || t.stop
	t.changed.Broadcast()
	return !t.idle
}

// wait returns what arrived within d, at most limit bytes, and whether that is
// the whole stream. The bytes must not be changed.
func (t *tap) wait(d time.Duration) (data []byte, whole bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stop = true
	n := min(len(t.buf), t.limit)
	return t.buf[:n:n], t.idle && t.err == io.EOF && len(t.buf) <= t.limit
}

// Read passes on what was read ahead, then the stream.
func (t *tap) Read(p []byte) (int, error) {
	t.mu.Lock()
	for t.off == len(t.buf) && !t.idle {
		t.changed.Wait()
	}
	if t.off < len(t.buf) {
		n := copy(p, t.buf[t.off:])
		t.off += n
		t.mu.Unlock()
		return n, nil
	}
	err, panicked := t.err, t.panicked
	t.mu.Unlock()
	if panicked != nil {
		panic(panicked)
	}
	if err != nil {
		return 0, err
	}
	return t.src.Read(p)
}

// Close closes the stream.
func (t *tap) Close() error { return t.src.Close() }
