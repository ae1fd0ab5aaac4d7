package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxReplay is how much of a request's body is kept, so that the request can
// be sent again if its pooled connection turns out to have been closed.
const maxReplay = 64 << 10

var errNoReplay = errors.New("more of the body has left than was kept")

// upload is a request's body on its way to the site. The transport closes it,
// and may read it after RoundTrip has returned. Closing the server's own body
// would wait for the rest of it, which a client that was told 413 in answer to
// "Expect: 100-continue" never sends.
type upload struct {
	mu   sync.Mutex // readers of an attempt that failed can still be about
	body io.ReadCloser
	kept []byte
	lost bool // more was read than is kept
	read int  // from the client, in all
	over bool // the handler has ended
	err  error

	// stall is how long nothing may move, 0 for any time; only then rc is used.
	stall time.Duration
	rc    *http.ResponseController
	gone  gone       // the client, over HTTP/2
	pace  sync.Mutex // of what follows; rc may not be used once the handler has ended
	set   time.Time  // when the deadline was moved last
	done  bool       // the body or the handler has ended: no more deadlines
}

// at is one attempt's view of the body.
type at struct {
	u   *upload
	pos int
}

func (a *at) Read(p []byte) (int, error) {
	n, err := a.u.readAt(p, a.pos)
	a.pos += n
	return n, err
}

// Close implements io.Closer; the body itself is the server's to close.
func (a *at) Close() error { return nil }

// readAt reads at pos: from what is kept, else from the client.
func (u *upload) readAt(p []byte, pos int) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.over:
		return 0, http.ErrBodyReadAfterClose
	case pos < len(u.kept) && !u.lost:
		return copy(p, u.kept[pos:]), nil
	case pos != u.read: // another attempt has read on past what is kept
		return 0, errNoReplay
	case u.err != nil:
		return 0, u.err
	}
	u.hurry()
	n, err := u.body.Read(p)
	if err == io.EOF {
		u.relax(true) // what is read from now on is not the body
	}
	u.read += n
	u.err = err
	switch {
	case u.lost:
	case len(u.kept)+n > maxReplay:
		u.kept, u.lost = nil, true
	default:
		u.kept = append(u.kept, p[:n]...)
	}
	return n, err
}

// hurry bounds the read that is under way or comes next. The answer's writer
// calls it too over HTTP/2, where a stream may be open both ways: while one side
// speaks the other may be silent.
func (u *upload) hurry() {
	if u.stall == 0 {
		return
	}
	u.pace.Lock()
	defer u.pace.Unlock()
	if now := time.Now(); !u.done && now.Sub(u.set) > u.stall/8 && !u.gone.yes() {
		u.set = now
		_ = u.rc.SetReadDeadline(now.Add(u.stall))
	}
}

// relax ends the deadlines; if one is set, clear takes it back.
func (u *upload) relax(clear bool) {
	u.pace.Lock()
	defer u.pace.Unlock()
	if clear && !u.done && u.stall > 0 {
		_ = u.rc.SetReadDeadline(time.Time{})
	}
	u.done = true
}

// first returns the body for the first attempt.
func (u *upload) first() io.ReadCloser { return &at{u: u} }

// again returns it for another one. It is an http.Request's GetBody.
func (u *upload) again() (io.ReadCloser, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.lost {
		return nil, errNoReplay
	}
	return &at{u: u}, nil
}

// end is called when the handler ends. A transport that still reads gets an
// error from then on. If the handler panicked the server gives its buffers
// away without looking: then the body is closed first, without waiting.
func (u *upload) end(rc *http.ResponseController) {
	v := recover()
	u.relax(u.gone.yes())
	if v != nil {
		_ = rc.SetReadDeadline(time.Unix(1, 0))
		_ = u.body.Close()
		panic(v)
	}
	if u.mu.TryLock() { // else a read is under way, and the server ends it
		u.over = true
		u.mu.Unlock()
	}
}
