package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/elazarl/goproxy"
)

// server serves one listener.
type server struct {
	p    *Proxy
	core *core
	mode Mode
	log  *slog.Logger

	noPassword bool

	ctx    context.Context // of everything it does
	cancel context.CancelFunc
	chain  *goproxy.ProxyHttpServer
	outer  *http.Server // what clients connect to
	inner  *http.Server // what is inside tunnels
	hand   *handoff     // from outer to inner
	shake  *tls.Config
	shake2 *tls.Config // for clients that sent early data
	open   tracker     // tunnels
	busy   crowd       // connections and handlers
}

func newServer(p *Proxy, c *core, o ListenerOptions) *server {
	s := &server{p: p, core: c, mode: o.Intercept, noPassword: o.NoPassword, log: p.log(), hand: newHandoff()}
	if p.CA == nil {
		s.mode = Never
	}
	s.ctx, s.cancel = context.WithCancel(c.ctx)
	s.chain = s.newChain()
	s.shake, s.shake2 = s.tlsConfigs()
	s.outer = s.newHTTP(http.HandlerFunc(s.serveFront))
	s.inner = s.newHTTP(http.HandlerFunc(s.serveInner))
	s.inner.ConnContext = innerContext
	s.inner.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: 250,
		// What browsers send at most (RFC 9113 §4.2); net/http would take 1 MB,
		// more than any window here.
		MaxReadFrameSize: 16 << 10,
		// An upload's window, and room for 32 that their sites do not read on.
		MaxReceiveBufferPerStream:     256 << 10,
		MaxReceiveBufferPerConnection: 8 << 20,
	}
	return s
}

func (s *server) newHTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler: s.guarded(h), ReadHeaderTimeout: orDefault(s.p.HeaderTimeout, headerTimeout), IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ConnState: s.connState,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		ErrorLog:    log.New(quiet{s.log}, "", 0),
		// "OPTIONS *" inside a tunnel is for the site to answer.
		DisableGeneralOptionsHandler: true,
	}
}

// guarded counts the handler as busy and logs its panics without their values,
// which could hold anything.
func (s *server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.enter()
		defer s.busy.leave()
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				s.log.Error("handler panicked", "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler)
		}()
		h.ServeHTTP(w, r)
	})
}

// quiet is a log that keeps nothing of what it is told: net/http and goproxy
// put peers, hosts and raw errors into their messages.
type quiet struct{ log *slog.Logger }

func (q quiet) Write(b []byte) (int, error) {
	q.log.Debug("http server complained")
	return len(b), nil
}

// Printf implements goproxy.Logger.
func (q quiet) Printf(string, ...any) { q.log.Debug("goproxy complained") }

func (s *server) connState(_ net.Conn, st http.ConnState) {
	switch st {
	case http.StateNew:
		s.busy.enter()
	case http.StateClosed, http.StateHijacked:
		s.busy.leave()
	}
}

// run serves until ctx is done and ends only when all it started has ended.
func (s *server) run(ctx context.Context, ln net.Listener) error {
	defer s.cancel()
	inner := make(chan struct{})
	go func() {
		defer close(inner)
		_ = s.inner.Serve(s.hand)
	}()
	failed := make(chan error, 1)
	go func() { failed <- s.outer.Serve(newLimited(ln, s.core)) }()
	var err error
	select {
	case <-ctx.Done():
		s.stop()
		<-failed
	case err = <-failed:
		err = fmt.Errorf("serving %s: %w", ln.Addr(), err)
		s.stop()
	}
	<-inner
	s.busy.wait()
	return err
}

func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), orDefault(s.p.Drain, defaultDrain))
	defer cancel()
	var wg sync.WaitGroup
	for _, srv := range []*http.Server{s.outer, s.inner} {
		wg.Go(func() { _ = srv.Shutdown(ctx) })
	}
	wg.Wait()
	s.open.closeAll()
	_ = s.hand.Close()
	s.cancel()
	_ = s.outer.Close()
	_ = s.inner.Close()
}

// crowd counts what must have ended before Serve may return. Unlike a
// WaitGroup it may rise from zero while somebody waits.
type crowd struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // closed when n falls to zero; nil if nobody waits
	shut bool          // nobody is admitted any more
}

func (c *crowd) enter() {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
}

// admit is enter for those who may come too late: it counts the caller, or
// says that the crowd is shut.
func (c *crowd) admit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.shut {
		c.n++
	}
	return !c.shut
}

// disperse admits nobody any more and waits for those who are there.
func (c *crowd) disperse() {
	c.mu.Lock()
	c.shut = true
	c.mu.Unlock()
	c.wait()
}

func (c *crowd) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.n == 0 && c.zero != nil {
		close(c.zero)
		c.zero = nil
	}
}

func (c *crowd) wait() {
	c.mu.Lock()
	if c.n == 0 {
		c.mu.Unlock()
		return
	}
	if c.zero == nil {
		c.zero = make(chan struct{})
	}
	zero := c.zero
	c.mu.Unlock()
	<-zero
}

// handoff is the listener through which tunnels reach the inner server.
type handoff struct {
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newHandoff() *handoff { return &handoff{ch: make(chan net.Conn), done: make(chan struct{})} }

// give hands c over, or reports that the inner server takes no more.
func (h *handoff) give(c net.Conn) bool {
	select {
	case <-h.done:
		return false
	default:
	}
	select {
	case h.ch <- c:
		return true
	case <-h.done:
		return false
	}
}

func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.ch:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handoff) Addr() net.Addr { return &net.UnixAddr{Name: "tunnels", Net: "unix"} }
