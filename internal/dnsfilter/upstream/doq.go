package upstream

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const (
	// quicIdle is how long a connection without questions is kept.
	quicIdle = 30 * time.Second
	// The error codes of DNS over QUIC (RFC 9250 §8.4).
	doqNoError   = 0
	doqCancelled = 3
)

func quicConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout: dialTime, MaxIdleTimeout: quicIdle,
		InitialStreamReceiveWindow: dns.MaxMsgSize + 2, MaxStreamReceiveWindow: 2 * dns.MaxMsgSize,
		InitialConnectionReceiveWindow: 4 * dns.MaxMsgSize, MaxConnectionReceiveWindow: 16 * dns.MaxMsgSize,
		MaxIncomingStreams: -1, MaxIncomingUniStreams: -1, TokenStore: quic.NewLRUTokenStore(1, 4),
	}
}

// dialQUIC connects from a port of its own. No early data: it could be replayed.
func dialQUIC(ctx context.Context, r *reach, t *tls.Config, conf *quic.Config) (c *quic.Conn, err error) {
	err = r.try(ctx, func(ctx context.Context, ap netip.AddrPort) (err error) {
		c, err = quic.DialAddr(ctx, ap.String(), t, conf)
		return err
	})
	return c, err
}

// doq asks over QUIC (RFC 9250): one connection, a stream for each question.
type doq struct {
	reach *reach
	tls   *tls.Config
	conf  *quic.Config
	ctx   context.Context // ends with close
	stop  context.CancelFunc
	all   crowd // dialers

	mu   sync.Mutex
	conn *quicConn
	dial *dialing
}

type quicConn struct {
	*quic.Conn
	last atomic.Int64 // when it last brought an answer
}

func (g *Group) doq(r *reach) transport {
	d := &doq{reach: r, tls: g.tls(r, "doq"), conf: quicConfig()}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

// ask implements transport.
func (d *doq) ask(ctx context.Context, q *question, edns bool) (*dns.Msg, error) {
	sent, err := q.pack(form{edns: edns, padded: true}) // id 0 (RFC 9250 §4.2.1)
	if err != nil {
		return nil, err
	}
	for range maxLost {
		var c *quicConn
		var fresh bool
		if c, fresh, err = d.take(ctx); err != nil {
			return nil, err
		}
		start := time.Now()
		var got []byte
		if got, err = exchangeQUIC(ctx, c.Conn, sent); err == nil {
			c.last.Store(time.Now().UnixNano())
			return answerOn(sent, got)
		}
		if ctx.Err() != nil {
			if time.Since(start) > pipeStall && time.Unix(0, c.last.Load()).Before(start) {
				d.drop(c)
			}
			return nil, ctx.Err()
		}
		if fresh || streamFailed(err) {
			break
		}
		d.drop(c) // it is dying, whether it knows it yet or not
	}
	return nil, quicFault(err)
}

// streamFailed reports whether err is of one stream only, so that the
// connection is as good as before.
func streamFailed(err error) bool {
	var stream *quic.StreamError
	var ours *fault
	return errors.As(err, &stream) || errors.As(err, &ours)
}

// quicFault tells what a certificate or a silence made fail from what else may.
func quicFault(err error) error {
	var idle *quic.IdleTimeoutError
	var f *fault
	switch {
	case errors.As(err, &f), certText(err) != "", errors.Is(err, context.DeadlineExceeded), errors.As(err, &idle):
		return err
	}
	var te *quic.TransportError
	if errors.As(err, &te) && te.ErrorCode.IsCryptoError() {
		return &fault{kind: kindNetwork, text: "does not agree on TLS", err: err}
	}
	return &fault{kind: kindDied, err: err}
}

// exchangeQUIC asks one question on a stream of its own.
func exchangeQUIC(ctx context.Context, c *quic.Conn, sent []byte) ([]byte, error) {
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { s.CancelRead(doqCancelled); s.CancelWrite(doqCancelled) })
	defer stop()
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(sent)), uint16(len(sent)))
	if _, err = s.Write(append(frame, sent...)); err != nil {
		return nil, err
	}
	_ = s.Close() // nothing more is asked on it
	got, err := io.ReadAll(io.LimitReader(s, dns.MaxMsgSize+3))
	if err != nil {
		return nil, err
	}
	switch {
	case len(got) < 2 || len(got) < 2+int(binary.BigEndian.Uint16(got)):
		return nil, &fault{kind: kindDied, err: io.ErrUnexpectedEOF}
	case len(got) > 2+int(binary.BigEndian.Uint16(got)):
		s.CancelRead(doqCancelled)
		return nil, &fault{kind: kindMalformed}
	}
	return got[2:], nil
}

// take returns the connection, and makes it if need be.
func (d *doq) take(ctx context.Context) (c *quicConn, fresh bool, err error) {
	for {
		d.mu.Lock()
		if d.conn != nil && d.conn.Context().Err() == nil {
			defer d.mu.Unlock()
			return d.conn, fresh, nil
		}
		if d.dial == nil {
			d.dial = d.open()
		}
		wait := d.dial
		d.mu.Unlock()
		select {
		case <-wait.done:
			if fresh = true; wait.err != nil {
				return nil, false, quicFault(wait.err)
			}
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// open starts a connection. d.mu is held.
func (d *doq) open() *dialing {
	w := &dialing{done: make(chan struct{})}
	if !d.all.enter() {
		w.err = errClosed
		close(w.done)
		return w
	}
	go func() {
		defer d.all.leave()
		ctx, cancel := context.WithTimeout(d.ctx, dialTime)
		defer cancel()
		c, err := dialQUIC(ctx, d.reach, d.tls, d.conf)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.dial, w.err = nil, err; err == nil {
			d.conn = &quicConn{Conn: c}
		}
		close(w.done)
	}()
	return w
}

// drop ends a connection that brings nothing any more.
func (d *doq) drop(c *quicConn) {
	d.mu.Lock()
	if d.conn == c {
		d.conn = nil
	}
	d.mu.Unlock()
	_ = c.CloseWithError(doqNoError, "")
}

func (d *doq) close() {
	d.all.shut()
	d.stop()
	d.all.wg.Wait()
	d.mu.Lock()
	c := d.conn
	d.conn = nil
	d.mu.Unlock()
	if c != nil {
		_ = c.CloseWithError(doqNoError, "")
	}
}

// h3Conn lets a connSet end a connection of HTTP/3. Its library does not say
// when it brought something: a stalled one is any that is old enough.
type h3Conn struct{ *quic.Conn }

// Close implements io.Closer.
func (c h3Conn) Close() error {
	return c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// h3 makes what asks over HTTP/3.
func (g *Group) h3(r *reach) transport {
	set := newConnSet()
	conf := quicConfig()
	conf.MaxIncomingUniStreams = 8                                                     // control and QPACK streams
	conf.InitialStreamReceiveWindow, conf.MaxStreamReceiveWindow = 0, 2*dns.MaxMsgSize // headers and body
	tr := &http3.Transport{TLSClientConfig: g.tls(r, http3.NextProtoH3), QUICConfig: conf, DisableCompression: true, MaxResponseHeaderBytes: maxHTTPHeader}
	tr.Dial = func(ctx context.Context, _ string, t *tls.Config, conf *quic.Config) (*quic.Conn, error) {
		ctx, cancel := set.within(ctx)
		defer cancel()
		c, err := dialQUIC(ctx, r, t, conf)
		if err != nil {
			return nil, err
		}
		made := time.Now()
		if h := (h3Conn{c}); set.add(h, func() time.Time { return made }) {
			context.AfterFunc(c.Context(), func() { set.remove(h) })
			return c, nil
		}
		_ = c.CloseWithError(0, "")
		return nil, errClosed
	}
	return &doh{url: r.spec.url, get: r.spec.get, rt: quicErrors{tr}, conns: set, done: func() { _ = tr.Close() }}
}

// quicErrors words the errors of HTTP/3.
type quicErrors struct{ *http3.Transport }

// RoundTrip implements http.RoundTripper.
func (q quicErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := q.Transport.RoundTrip(r)
	if err != nil && r.Context().Err() == nil {
		err = quicFault(err)
	}
	return res, err
}
