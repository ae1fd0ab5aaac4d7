package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// What a client does not read of an answer over HTTP/2 waits here, up to the
// window of its stream. One client's first answers get a wide one, for the sake
// of far sites; those past them, which share its line anyway, a narrow one, so
// that hundreds of answers that nobody reads stay small.
const (
	wideAnswers  = 16
	wideWindow   = 256 << 10
	narrowWindow = 24 << 10
)

// maxAnswerHeader bounds the header of an answer. It is less than that of a
// request, which holds a browser's cookies: of fields of six bytes each, 256 KB
// keep a processor busy for so long that other clients feel it.
const maxAnswerHeader = 64 << 10

// pools holds a transport for each class of client and target, so that a
// connection which one client may use is never found by another who may not,
// each with wide and with narrow windows.
type pools struct {
	wide, narrow [4]*http.Transport

	mu   sync.Mutex
	open map[netip.Addr]int // answers under way of a client
}

func newPools(c *core) *pools {
	p := &pools{open: map[netip.Addr]int{}}
	for i := range p.wide {
		p.wide[i] = newTransport(c, wideWindow)
		p.narrow[i] = newTransport(c, narrowWindow)
	}
	return p
}

// enter counts an answer of a client, and says whether it is one of a crowd.
func (p *pools) enter(a netip.Addr) (crowded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[a]++
	return p.open[a] > wideAnswers
}

func (p *pools) leave(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[a]--; p.open[a] <= 0 {
		delete(p.open, a)
	}
}

func (p *pools) pick(loopback, private bool) pool {
	i := 0
	if loopback {
		i = 1
	}
	if private {
		i += 2
	}
	return pool{p.wide[i], p.narrow[i]}
}

// pool is the transports that one request may use.
type pool struct{ wide, narrow *http.Transport }

// RoundTrip implements http.RoundTripper.
func (c pool) RoundTrip(r *http.Request) (*http.Response, error) {
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok && x.out != nil && x.out.crowded {
		return c.narrow.RoundTrip(r)
	}
	return c.wide.RoundTrip(r)
}

func (p *pools) closeIdle() {
	for i := range p.wide {
		p.wide[i].CloseIdleConnections()
		p.narrow[i].CloseIdleConnections()
	}
}

func newTransport(c *core, window int) *http.Transport {
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
		MaxResponseHeaderBytes: maxAnswerHeader,
		ReadBufferSize:         16 << 10,
		WriteBufferSize:        16 << 10,
		HTTP2: &http.HTTP2Config{
			// What a client does not read waits here, so that the window of the
			// whole connection must have room for as many streams as a site
			// allows: else a few stalled downloads hold up all others there.
			MaxReceiveBufferPerStream:     window,
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
