// Package proxy is the first door: an HTTP proxy that sees whole requests and
// answers, puts them before a filter, and leaves alone what it must not touch.
//
// In flow connections of browsers and programs: plain requests, and CONNECT
// tunnels, for each of which it chooses to refuse, splice or intercept. Plain
// and intercepted requests, over HTTP/1.1 and HTTP/2, meet in one handler
// chain: the filter decides, the guard checks the target of every request, and
// an own transport fetches it. Bodies stream; nothing is held here. The
// package keeps no request and writes no host, path or header to its log
// except where a field's comment says so.
package proxy

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/trust"
)

// Mode says which TLS tunnels are intercepted.
type Mode uint8

// The modes. Auto is the zero value.
const (
	Auto   Mode = iota // those of clients that proved to trust our certificate
	Always             // as Auto, without asking for the proof
	Never              // none: all are spliced, trackers refused by name
)

// ParseMode reads "auto", "always" or "never".
func ParseMode(s string) (Mode, error) {
	for m, name := range [...]string{"auto", "always", "never"} {
		if s == name {
			return Mode(m), nil
		}
	}
	return Auto, fmt.Errorf("intercept: %q is not auto, always or never", s)
}

// Proxy says how to serve. All fields are set before the first Serve and not
// changed afterwards; a Proxy must not be copied. Functions must be safe for
// concurrent use and quick: they run on the data path.
type Proxy struct {
	// Filter decides about requests and responses; nil lets everything pass.
	Filter *filter.Filter
	// Set returns the rules that decide about names; nil means none.
	Set func() *engine.Set
	// Policy returns what is in force for a client; nil means the zero Policy.
	Policy func(filter.Client) *detect.Policy
	// Label names a client beyond loopback for people; nil means "another device".
	Label func(netip.Addr) string
	// CA signs what intercepted clients see; without one nothing is intercepted.
	CA *trust.CA
	// Resolver resolves names; nil means the system's.
	Resolver Resolver
	// Clients remembers who accepts our certificate; nil means an own one.
	Clients *memory.Clients
	// Recorder takes what was seen; nil means that nothing is recorded.
	Recorder ledger.Recorder
	// Never reports hosts that are never intercepted, and the category why
	// ("bank"), by which they are counted; nil means none.
	Never func(host string) (why string, ok bool)
	// Intercept is the mode of listeners served by Serve.
	Intercept Mode

	// AllowFrom lists who may use the proxy; empty means loopback.
	AllowFrom []netip.Prefix
	// Passwords returns who may use the proxy by name and password, besides
	// AllowFrom. A nil function asks nobody; nil passwords let nobody in.
	Passwords func() *Passwords
	// FailOpen has the auto-configuration file (/proxy.pac) send clients out
	// directly when we do not answer; else they get nowhere then.
	FailOpen bool
	// ConnectPorts are the ports that clients beyond loopback may CONNECT to;
	// empty means 443 and 8443.
	ConnectPorts []uint16
	// AllowPrivate lets everyone reach private targets, but for our own
	// listeners and cloud metadata.
	AllowPrivate bool
	// PrivateNames reports names that may lead to private addresses; nil means
	// none but those that package guard knows.
	PrivateNames func(host string) bool
	// Own lists further listeners of this program, which are never a target.
	// Those being served are known. A wildcard address stands for all of this
	// machine's. nil means none.
	Own func() []netip.AddrPort

	// GPC adds "Sec-GPC: 1" to every request.
	GPC bool
	// Upstream is the URL of an HTTP proxy through which everything goes, ""
	// for none. Names are then resolved there, so that only literals and names
	// are guarded, and no CNAME chain is seen.
	Upstream string
	// Dial opens TCP connections to addresses that the guard passed; nil means
	// a net.Dialer with DialTimeout.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// RootCAs verifies sites; nil means the system's roots.
	RootCAs *x509.CertPool
	// Drain is how long Serve waits for answers under way when it is told to
	// stop; 0 means 5 s.
	Drain time.Duration
	// TunnelIdle closes tunnels in which nothing moves; 0 means 10 minutes.
	TunnelIdle time.Duration
	// HeaderTimeout bounds the reading of one request's header, also inside
	// tunnels; 0 means 15 s.
	HeaderTimeout time.Duration
	// StallTimeout ends an answer that its client does not take, and an upload
	// that does not go on, once nothing moved for so long; 0 means 10 minutes.
	// What moves, however slowly, goes on. Over HTTP/2 an answer that comes
	// while its request is still open counts as movement.
	StallTimeout time.Duration
	// MaxConns is how many connections one client address may hold at once, at
	// most half of MaxAllConns; those past it are closed unread. 0 means 1024.
	MaxConns int
	// MaxAllConns is how many connections all clients may hold at once, at most
	// a third of the descriptors that this process may have; those past it are
	// closed unread. The last eighth is for loopback alone. 0 means 8192.
	MaxAllConns int
	// Now is the clock of what is recorded; nil means time.Now.
	Now func() time.Time
	// Log takes operations messages, which name hosts but never a path, query,
	// cookie or body; nil discards.
	Log *slog.Logger

	mu      sync.Mutex
	core    *core // while at least one listener is served
	serving int
	stats   stats
	clients *memory.Clients
}

const (
	// DialTimeout bounds the opening of one TCP connection.
	DialTimeout    = 15 * time.Second
	defaultDrain   = 5 * time.Second
	defaultIdle    = 10 * time.Minute
	headerTimeout  = 15 * time.Second  // to read a request's header
	idleTimeout    = 120 * time.Second // between two requests
	maxHeaderBytes = 256 << 10
	helloTimeout   = 10 * time.Second // from CONNECT to the end of the ClientHello
	silentTimeout  = 2 * time.Second  // for servers that speak first, on ports not meant for TLS
	shakeTimeout   = 10 * time.Second
)

// ListenerOptions says how one listener differs from the others.
type ListenerOptions struct {
	Intercept Mode
	// NoPassword asks clients of this listener for no password.
	NoPassword bool
}

// Serve serves ln with p.Intercept. See ServeWith.
func (p *Proxy) Serve(ctx context.Context, ln net.Listener) error {
	return p.ServeWith(ctx, ln, ListenerOptions{Intercept: p.Intercept})
}

// ServeWith accepts connections of ln until ctx is done, then lets what is
// under way finish for at most Drain and closes the rest. It closes ln, and
// returns only when nothing that it started is left: nil after a stop, else
// why ln could not be served. It may be called for several listeners at once.
func (p *Proxy) ServeWith(ctx context.Context, ln net.Listener, o ListenerOptions) error {
	c, err := p.acquire(ln)
	if err != nil {
		_ = ln.Close()
		return err
	}
	defer p.release(c, ln)
	return newServer(p, c, o).run(ctx, ln)
}

// acquire returns the core that all listeners share, making it for the first.
func (p *Proxy) acquire(ln net.Listener) (*core, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.core == nil {
		c, err := newCore(p)
		if err != nil {
			return nil, err
		}
		p.core = c
	}
	p.serving++
	p.core.own.add(ln.Addr())
	return p.core, nil
}

func (p *Proxy) release(c *core, ln net.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.own.remove(ln.Addr())
	p.serving--
	if p.serving == 0 {
		c.close()
		p.core = nil
	}
}

func (p *Proxy) log() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

func (p *Proxy) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}

func (p *Proxy) policy(c filter.Client) *detect.Policy {
	if p.Policy == nil {
		return nil
	}
	return p.Policy(c)
}

func (p *Proxy) set() *engine.Set {
	if p.Set == nil {
		return nil
	}
	return p.Set()
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}
