package proxy

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// flushDelay is how long bytes of an answer with a known length may wait
	// for more. Answers without one are streams, and never wait.
	flushDelay = 5 * time.Millisecond
	// maxInformational bounds the 1xx answers passed on for one request.
	maxInformational = 16
	copyBuffer       = 32 << 10
	crowdBuffer      = 8 << 10 // for each of many answers, which may all be waiting for their client
)

var (
	buffers      = sync.Pool{New: func() any { return new([copyBuffer]byte) }}
	crowdBuffers = sync.Pool{New: func() any { return new([crowdBuffer]byte) }}
)

// writer is the ResponseWriter that goproxy writes to. It flushes what nobody
// else would, passes 1xx on, and sets what goproxy removed. Hijack is not
// offered: tunnels have their own ways.
type writer struct {
	w http.ResponseWriter
	f *http.ResponseController

	// length is the length of the body if it is known though the header does
	// not say so, else -1; final says that this connection is to end. Both are
	// set before WriteHeader.
	length int64
	final  bool
	// crowded says that the client has many answers under way besides this.
	crowded bool
	h1      bool          // the client speaks HTTP/1.1, where trailers need a chunked body
	stall   time.Duration // how long a client over HTTP/2 may take nothing; 0 for any time
	set     time.Time     // when that deadline was moved last
	up      *upload       // the request's body, which may wait while we speak; nil if there is none
	gone    gone          // the client, over HTTP/2

	mu      sync.Mutex // for the timer and 1xx, which come from other goroutines
	early   int        // 1xx passed on
	settled bool       // no more 1xx: the header map is the handler's now
	wrote   bool
	stream  bool // flush each write
	timer   *time.Timer
	pending bool // the timer runs
	closed  bool
}

func newWriter(w http.ResponseWriter, r *http.Request) *writer {
	out := &writer{w: w, f: http.NewResponseController(w), length: -1, h1: r.ProtoMajor == 1}
	if !out.h1 {
		out.gone = r.Context().Done()
	}
	return out
}

// gone is closed when a client has ended its stream; nil never is. For a stream
// that has ended net/http still makes the timer of a deadline, which nobody
// stops, and which holds the stream and its whole connection until it runs out.
type gone <-chan struct{}

func (g gone) yes() bool {
	select {
	case <-g:
		return true
	default:
		return false
	}
}

func (w *writer) Header() http.Header { return w.w.Header() }

// informational passes a 1xx answer on, but for 100, which the server itself
// sends when the body is wanted, and 101.
func (w *writer) informational(code int, h http.Header) {
	if code <= http.StatusSwitchingProtocols || code > 199 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.settled || w.closed || w.early >= maxInformational {
		return
	}
	w.early++
	out := w.w.Header()
	for k, v := range h {
		out[k] = v
	}
	dropHopByHop(out)
	dropAltSvc(out)
	w.w.WriteHeader(code)
	clear(out)
}

// settle ends 1xx answers: the transport can still call informational after a
// RoundTrip that was cancelled.
func (w *writer) settle() {
	w.mu.Lock()
	w.settled = true
	w.mu.Unlock()
}

func (w *writer) WriteHeader(code int) {
	w.settle()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote {
		return
	}
	w.wrote = true
	h := w.w.Header()
	if w.length >= 0 && h.Get("Content-Length") == "" && len(h["Trailer"]) == 0 {
		h.Set("Content-Length", strconv.FormatInt(w.length, 10))
	}
	if w.h1 && len(h["Trailer"]) > 0 {
		h.Del("Content-Length")
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // or net/http guesses one that the site did not give
	}
	if w.final {
		h.Set("Connection", "close")
	}
	bodiless := code == http.StatusNoContent || code == http.StatusNotModified
	w.stream = h.Get("Content-Length") == "" && !bodiless
	if !bodiless {
		w.hurry()
	}
	w.w.WriteHeader(code)
	switch {
	case w.stream:
		_ = w.f.Flush()
	case !bodiless && h.Get("Content-Length") != "0":
		w.flushSoon()
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hurry()
	n, err := w.w.Write(b)
	if err != nil {
		return n, err
	}
	if w.stream {
		return n, w.f.Flush()
	}
	w.flushSoon()
	return n, nil
}

// hurry bounds the next write over HTTP/2, where the client holds up a stream
// and not the connection; that has its own bound. w.mu is held.
func (w *writer) hurry() {
	if w.h1 || w.stall == 0 {
		return
	}
	if now := time.Now(); now.Sub(w.set) > w.stall/8 && !w.gone.yes() {
		w.set = now
		_ = w.f.SetWriteDeadline(now.Add(w.stall))
		if w.up != nil {
			w.up.hurry()
		}
	}
}

// ReadFrom copies with a pooled buffer; io.Copy would make one each time.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if w.crowded {
		buf := crowdBuffers.Get().(*[crowdBuffer]byte)
		defer crowdBuffers.Put(buf)
		return io.CopyBuffer(struct{ io.Writer }{w}, r, buf[:])
	}
	buf := buffers.Get().(*[copyBuffer]byte)
	defer buffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, r, buf[:])
}

// Flush implements http.Flusher.
func (w *writer) Flush() {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.f.Flush()
}

// flushSoon sees to it that what was written leaves within flushDelay. w.mu is
// held.
func (w *writer) flushSoon() {
	if w.pending {
		return
	}
	w.pending = true
	if w.timer == nil {
		w.timer = time.AfterFunc(flushDelay, w.flushLate)
		return
	}
	w.timer.Reset(flushDelay)
}

func (w *writer) flushLate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = false
	if !w.closed {
		_ = w.f.Flush()
	}
}

// close ends the writer with the handler: nothing touches w.w afterwards.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	if !w.set.IsZero() && w.gone.yes() {
		_ = w.f.SetWriteDeadline(time.Time{})
	}
}

// body is an answer's body on its way to the client. While armed, a read that
// fails aborts the handler, so that a body that broke off never looks complete:
// goproxy only logs such an error.
type body struct {
	io.ReadCloser
	armed bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.armed {
		panic(http.ErrAbortHandler)
	}
	return n, err
}
