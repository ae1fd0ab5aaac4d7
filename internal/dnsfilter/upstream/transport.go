package upstream

import (
	"context"
	"crypto/tls"
	"net"
)

// sessions is how many TLS sessions are kept for resumption, of one upstream.
const sessions = 8

// transport makes what the scheme of an upstream asks for.
func (g *Group) transport(r *reach, c *counters) transport {
	tcp := func(ctx context.Context) (net.Conn, error) { return r.dial(ctx, "tcp") }
	switch r.spec.scheme {
	case schemeTCP:
		return newStreams(tcp, false)
	case schemeTLS:
		conf := g.tls(r, "dot")
		return newStreams(func(ctx context.Context) (net.Conn, error) { return secure(ctx, r, conf) }, true)
	case schemeHTTPS:
		return g.doh(r)
	case schemeQUIC:
		return g.doq(r)
	case schemeH3:
		return g.h3(r)
	}
	return &udp{reach: r, tcp: newStreams(tcp, false), count: c, now: g.o.Now}
}

// tls is how an upstream's certificate is verified: always.
func (g *Group) tls(r *reach, protocols ...string) *tls.Config {
	return &tls.Config{ServerName: r.spec.verify, RootCAs: g.o.RootCAs, NextProtos: protocols,
		MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(sessions)}
}

// secure connects over TLS (RFC 7858).
func secure(ctx context.Context, r *reach, conf *tls.Config) (net.Conn, error) {
	c, err := r.dial(ctx, "tcp")
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		r.failedAt(c.RemoteAddr())
		return nil, err
	}
	return t, nil
}
