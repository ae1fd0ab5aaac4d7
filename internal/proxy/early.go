package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// surelySpliced reports a tunnel of which the CONNECT alone says that it will
// not be intercepted, whoever asks. Its far side can be opened first, so that a
// site which is not there makes the CONNECT fail, and no TLS handshake die
// without a word. What the ClientHello says can still have it refused.
func (t *tunnel) surelySpliced() bool {
	if !slices.Contains(defaultPorts, t.port) || t.judge(t.host).Action == detect.Block {
		return false
	}
	if t.s.mode == Never {
		return true
	}
	if t.ip || t.s.p.Never == nil { // an address may turn out to be another host's
		return false
	}
	_, never := t.s.p.Never(t.host)
	return never
}

// openEarly opens the far side of a tunnel that surely needs it. If that fails
// the client has been told, and ok is false. A name that leads to a tracker is
// left to pass, which refuses in TLS.
func (t *tunnel) openEarly(conn net.Conn) (ok bool) {
	if !t.surelySpliced() {
		return true
	}
	far, err := t.dialFar()
	var tracker *trackerError
	if err == nil || errors.As(err, &tracker) {
		t.far = far
		return true
	}
	f := faultFor(err, t.host)
	t.s.log.Debug("tunnel not opened", "host", t.host, "why", f.who)
	sayFault(conn, f)
	return false
}

// dialFar opens the far side, or returns what openEarly has opened.
func (t *tunnel) dialFar() (net.Conn, error) {
	if far := t.far; far != nil {
		t.far = nil
		return far, nil
	}
	ctx, cancel := context.WithTimeout(t.s.ctx, 2*DialTimeout)
	defer cancel()
	return t.dial(ctx)
}

// closeFar closes a far side that nobody took.
func (t *tunnel) closeFar() {
	if t.far != nil {
		_ = t.far.Close()
	}
}

// sayFault answers a CONNECT with why there is no tunnel.
func sayFault(conn net.Conn, f fault) {
	text := f.title + ". " + f.text + "\n"
	_ = conn.SetDeadline(time.Now().Add(shakeTimeout))
	_, err := fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Cache-Control: no-store\r\nConnection: close\r\n\r\n%s", f.status, http.StatusText(f.status), len(text), text)
	// Closing with unread bytes would reset the connection and could take the
	// answer with it: clients may send their ClientHello along.
	if err == nil && closeWrite(conn) == nil {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.CopyN(io.Discard, conn, 64<<10)
	}
}
