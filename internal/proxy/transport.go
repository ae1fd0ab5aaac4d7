package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// pools holds a transport for each class of client and target, so that a
// connection which one client may use is never found by another who may not.
type pools struct{ tr [4]*http.Transport }

func newPools(c *core) *pools {
	p := &pools{}
	for i := range p.tr {
		p.tr[i] = newTransport(c)
	}
	return p
}

func (p *pools) pick(loopback, private bool) *http.Transport {
	i := 0
	if loopback {
		i = 1
	}
	if private {
		i += 2
	}
	return p.tr[i]
}

func (p *pools) closeIdle() {
	for _, t := range p.tr {
		t.CloseIdleConnections()
	}
}

func newTransport(c *core) *http.Transport {
	t := &http.Transport{
		DialContext:            c.dialVetted,
		TLSClientConfig:        c.siteTLS(),
		TLSHandshakeTimeout:    shakeTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // bodies pass as they are
		MaxIdleConns:           512,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         16 << 10,
		WriteBufferSize:        16 << 10,
		HTTP2: &http.HTTP2Config{
			// What a client does not read waits here, so that the window of the
			// whole connection must have room for as many streams as a site
			// allows: else a few stalled downloads hold up all others there.
			MaxReceiveBufferPerStream:     1 << 20,
			MaxReceiveBufferPerConnection: 256 << 20,
			SendPingTimeout:               30 * time.Second,
			PingTimeout:                   15 * time.Second,
		},
	}
	if c.upstream != nil {
		t.Proxy = http.ProxyURL(c.upstream)
		t.GetProxyConnectHeader = func(ctx context.Context, _ *url.URL, _ string) (http.Header, error) {
			v, _ := vettedFor(ctx)
			return c.connectHeader(v.via), nil
		}
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &upstreamError{status: resp.StatusCode}
			}
			return nil
		}
	}
	return t
}

// vetted is what the guard passed for one request. The dials that it leads to
// find it in the exchange, and may outlive that.
type vetted struct {
	host  string
	addrs []netip.Addr
	port  uint16
	via   []string // of the tunnel that the request came through
}

// vettedFor returns what was passed for the request that ctx is of.
func vettedFor(ctx context.Context) (v vetted, ok bool) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return v, false
	}
	return x.vetted, true
}

// dialVetted opens a connection for the pools to addresses that the guard has
// passed for the request at hand, and to nothing else.
func (c *core) dialVetted(ctx context.Context, _, addr string) (net.Conn, error) {
	c.dials.enter()
	defer c.dials.leave()
	// The transport lets a dial outlive its request; it may not outlive us.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(c.ctx, cancel)
	defer stop()
	if c.upstream != nil {
		conn, err := c.dial(ctx, c.upstream.Host)
		if err != nil {
			return nil, &upstreamError{err: err}
		}
		return conn, nil
	}
	v, ok := vettedFor(ctx)
	if !ok || len(v.addrs) == 0 {
		return nil, &net.AddrError{Err: "not vetted", Addr: addr}
	}
	return c.dialAddrs(ctx, v.addrs, v.port)
}

// nowhere is the dialler of transports that must never be used.
func nowhere(context.Context, string, string) (net.Conn, error) {
	return nil, net.ErrClosed
}

// siteTLS is how we meet sites.
func (c *core) siteTLS() *tls.Config {
	return &tls.Config{
		RootCAs:            c.p.RootCAs,
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(512),
		VerifyConnection:   strongEnough,
		// We have no certificate to show; but that one was asked for is why
		// what follows may fail.
		GetClientCertificate: func(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if v, ok := vettedFor(info.Context()); ok {
				c.asked.add(v.host)
			}
			return &tls.Certificate{}, nil
		},
	}
}
