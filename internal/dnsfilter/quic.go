package dnsfilter

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// The error codes of DNS over QUIC (RFC 9250 §8.4).
const (
	doqNoError       = 0
	doqInternalError = 1
	doqProtocolError = 2
	doqExcessiveLoad = 4
)

// maxDoQStreams bounds the questions of one connection that wait.
const maxDoQStreams = 64

var errStranger = errors.New("not of this network")

// quicConfig bounds what a connection may cost, and refuses strangers before
// anything is computed for them.
func (d *Door) quicConfig(streams int64) *quic.Config {
	c := &quic.Config{
		HandshakeIdleTimeout: shakeTime, MaxIdleTimeout: 3 * idleTime,
		InitialStreamReceiveWindow: MaxQuery + 2, MaxStreamReceiveWindow: 2 * MaxQuery,
		InitialConnectionReceiveWindow: 16 * MaxQuery, MaxConnectionReceiveWindow: 64 * MaxQuery,
		MaxIncomingStreams: streams, MaxIncomingUniStreams: -1,
	}
	c.GetConfigForClient = func(i *quic.ClientInfo) (*quic.Config, error) {
		if !d.home(peer(i.RemoteAddr)) {
			d.count.refusedConns.Add(1)
			return nil, errStranger
		}
		return c, nil
	}
	return c
}

// transport wraps a socket for QUIC. A client must prove that it is where it
// says it is (RFC 9000 §8.1).
func transport(u *net.UDPConn) *quic.Transport {
	return &quic.Transport{Conn: u, VerifySourceAddress: func(a net.Addr) bool { return !peer(a).IsLoopback() }}
}

// serveQUIC answers DNS over QUIC (RFC 9250).
func (d *Door) serveQUIC(ctx context.Context, u *net.UDPConn) error {
	tr := transport(u)
	defer tr.Close()
	l, err := tr.Listen(serverTLS(d.o.TLS, "doq"), d.quicConfig(maxDoQStreams))
	if err != nil {
		return ended(ctx, "serve DNS over QUIC", err)
	}
	open := gate{most: maxConns, each: maxClientConns}
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept(ctx)
		if err != nil {
			_ = l.Close()
			return ended(ctx, "accept DNS over QUIC", err)
		}
		from := peer(c.RemoteAddr())
		if !open.enter(from) {
			d.count.refusedConns.Add(1)
			_ = c.CloseWithError(doqExcessiveLoad, "")
			continue
		}
		d.count.connections.Add(1)
		all.Go(func() {
			defer open.leave(from)
			d.serveDoQ(ctx, c, from)
		})
	}
}

// serveDoQ answers the questions of one connection, one a stream.
func (d *Door) serveDoQ(ctx context.Context, c *quic.Conn, from netip.Addr) {
	var all sync.WaitGroup
	defer all.Wait()
	defer func() { _ = c.CloseWithError(doqNoError, "") }()
	for {
		s, err := c.AcceptStream(ctx)
		if err != nil {
			return
		}
		all.Go(func() {
			if !d.doqStream(c.Context(), s, from) {
				_ = c.CloseWithError(doqProtocolError, "")
			}
		})
	}
}

// doqStream answers one question. It reports false if the client broke the
// protocol, which ends the connection (RFC 9250 §4.3.3).
func (d *Door) doqStream(ctx context.Context, s *quic.Stream, from netip.Addr) bool {
	_ = s.SetReadDeadline(time.Now().Add(frameTime))
	b, err := io.ReadAll(io.LimitReader(s, MaxQuery+3))
	if err != nil {
		s.CancelRead(doqNoError)
		s.CancelWrite(doqInternalError)
		return true // a client may think better of it
	}
	if len(b) < 2 || len(b) != 2+int(binary.BigEndian.Uint16(b)) || !doqClean(b[2:]) {
		return false
	}
	out := d.answer(ctx, b[2:], from, DoQ)
	if out == nil || len(out) > 0xffff {
		s.CancelWrite(doqInternalError)
		return out != nil
	}
	_ = s.SetWriteDeadline(time.Now().Add(writeTime))
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(out)), uint16(len(out)))
	if _, err = s.Write(append(frame, out...)); err == nil {
		_ = s.Close()
	}
	return true // who stops listening has broken nothing
}

// doqClean reports whether a message is fit for QUIC: id 0, and no option that
// concerns TCP (RFC 9250 §4.2.1, §5.5.2).
func doqClean(pkt []byte) bool {
	if len(pkt) < 2 || pkt[0] != 0 || pkt[1] != 0 {
		return false
	}
	var m dns.Msg
	if m.Unpack(pkt) != nil {
		return true // it will hear so
	}
	if o := m.IsEdns0(); o != nil {
		for _, x := range o.Option {
			if x.Option() == dns.EDNS0TCPKEEPALIVE {
				return false
			}
		}
	}
	return true
}

// serveHTTP3 answers DNS over HTTP/3.
func (d *Door) serveHTTP3(ctx context.Context, u *net.UDPConn) error {
	tr := transport(u)
	defer tr.Close()
	q := d.quicConfig(maxHTTPStreams)
	q.MaxIncomingUniStreams = 8                                        // control and QPACK streams
	q.InitialStreamReceiveWindow, q.MaxStreamReceiveWindow = 0, 64<<10 // headers and body
	l, err := tr.ListenEarly(http3.ConfigureTLSConfig(serverTLS(d.o.TLS)), q)
	if err != nil {
		return ended(ctx, "serve DNS over HTTP/3", err)
	}
	s := &http3.Server{Handler: d.dohHandler(""), QUICConfig: q, MaxHeaderBytes: maxHTTPHeader, IdleTimeout: 3 * idleTime}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	err = s.ServeListener(&gatedQUIC{EarlyListener: l, d: d, open: &gate{most: maxConns, each: maxClientConns}})
	_ = s.Close()
	return ended(ctx, "serve DNS over HTTP/3", err)
}

// gatedQUIC closes connections over a bound.
type gatedQUIC struct {
	*quic.EarlyListener
	d    *Door
	open *gate
}

// Accept implements http3.QUICListener.
func (g *gatedQUIC) Accept(ctx context.Context) (*quic.Conn, error) {
	for {
		c, err := g.EarlyListener.Accept(ctx)
		if err != nil {
			return nil, err
		}
		from := peer(c.RemoteAddr())
		if g.open.enter(from) {
			g.d.count.connections.Add(1)
			context.AfterFunc(c.Context(), func() { g.open.leave(from) })
			return c, nil
		}
		g.d.count.refusedConns.Add(1)
		_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "")
	}
}
