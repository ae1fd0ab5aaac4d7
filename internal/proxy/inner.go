package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// tlsConfigs returns what intercepted clients meet. The second is for those
// that sent early data on a ticket of the real site: crypto/tls fails them
// over TLS 1.3, while after an answer in TLS 1.2 browsers start again without.
func (s *server) tlsConfigs() (normal, early *tls.Config) {
	normal = &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			c, ok := h.Conn.(*peeked)
			if !ok || s.p.CA == nil {
				return nil, net.ErrClosed
			}
			return s.p.CA.Leaf(c.t.leafName())
		},
	}
	early = normal.Clone()
	early.MaxVersion = tls.VersionTLS12
	return normal, early
}

// intercept shakes hands in the site's place and hands the connection to the
// inner server; it reports whether that happened.
func (t *tunnel) intercept(c *peeked, name string, probe bool) (handed bool) {
	cfg := t.s.shake
	if t.hello.EarlyData {
		cfg = t.s.shake2
	}
	ctx, cancel := context.WithTimeout(t.s.ctx, shakeTimeout)
	defer cancel()
	conn := tls.Server(c, cfg)
	err := conn.HandshakeContext(ctx)
	c.past.Store(true)
	if err != nil {
		if _, ok := refusalOf(err, &c.watch); ok {
			t.refused(name, probe)
		}
		return false
	}
	t.s.p.stats.count(&t.s.p.stats.Intercepted)
	return t.s.hand.give(conn)
}

// refused remembers that the client does not accept our certificate.
func (t *tunnel) refused(name string, probe bool) {
	defer t.s.p.stats.count(&t.s.p.stats.Refusals) // last: who sees the count sees what came of it
	r := t.s.core.clients.Refuse(t.client.Key, name, probe)
	switch {
	case r.Client:
		t.noteClientLeft(name)
	case r.Host:
		t.noteLeft(name, "the program that asked does not accept Quench's certificate", "heuristic")
	}
}

type innerKey struct{}

// innerContext gives each connection of the inner server its tunnel.
func innerContext(ctx context.Context, c net.Conn) context.Context {
	if tc, ok := c.(*tls.Conn); ok {
		c = tc.NetConn()
	}
	p, ok := c.(*peeked)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, innerKey{}, p.t)
}

// serveInner serves what is inside a tunnel.
func (s *server) serveInner(w http.ResponseWriter, r *http.Request) {
	t, ok := r.Context().Value(innerKey{}).(*tunnel)
	if !ok {
		plain(w, http.StatusMisdirectedRequest, "This connection belongs to no tunnel.")
		return
	}
	if r.TLS != nil {
		s.core.clients.Proved(t.client.Key)
	}
	switch {
	case r.Method == http.MethodConnect:
		plain(w, http.StatusMethodNotAllowed, "There is no tunnel inside a tunnel.")
		return
	case r.ProtoMajor == 2 && strayOverH2(r.Header):
		plain(w, http.StatusBadRequest, "This request carries a header field that HTTP/2 forbids.")
		return
	case !t.holds(r):
		plain(w, http.StatusMisdirectedRequest, "This connection was opened to another host.")
		return
	}
	r.URL.Scheme = "http"
	if r.TLS != nil {
		r.URL.Scheme = "https"
	}
	r.URL.Host = r.Host
	s.exchange(w, r, t.client, t)
}

// holds reports whether a request belongs into the tunnel: its host and port
// are those of the CONNECT, and so is the name in the ClientHello.
func (t *tunnel) holds(r *http.Request) bool {
	def, scheme := uint16(80), "http"
	if r.TLS != nil {
		def, scheme = 443, "https"
	}
	if r.URL.IsAbs() && (r.URL.Scheme != scheme || !strings.EqualFold(r.URL.Host, r.Host)) {
		return false
	}
	if r.TLS != nil && t.sni != "" && !t.ip && t.sni != t.host {
		return false
	}
	host, port := hostPort(r.Host, def)
	if port != t.port {
		return false
	}
	return host == t.host || t.ip && t.sni != "" && host == t.sni || t.ip && sameIP(host, t.host)
}

// address is the CONNECT target as dialers write it.
func (t *tunnel) address() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }
