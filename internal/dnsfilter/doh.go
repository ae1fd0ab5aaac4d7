package dnsfilter

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

const (
	dohPath = "/dns-query"
	dohType = "application/dns-message"
	// maxHTTPHeader bounds a request's header: a question in a URL is a fraction.
	maxHTTPHeader = 16 << 10
	// maxHTTPStreams bounds the requests of one connection that wait.
	maxHTTPStreams = 100
)

// serveHTTPS answers DNS over HTTP/1.1 and HTTP/2 (RFC 8484).
func (d *Door) serveHTTPS(ctx context.Context, l net.Listener) error {
	gated := &gatedListener{Listener: l, d: d, open: gate{most: maxConns, each: maxClientConns}}
	s := &http.Server{
		Handler: d.dohHandler(""), TLSConfig: serverTLS(d.o.TLS, "h2", "http/1.1"),
		ReadHeaderTimeout: frameTime, ReadTimeout: 2 * frameTime, WriteTimeout: answerTime + writeTime, IdleTimeout: 3 * idleTime,
		MaxHeaderBytes: maxHTTPHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxHTTPStreams, MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 64 << 10},
		ErrorLog: log.New(quietLog{d.log}, "", 0),
	}
	if d.socks.h3(portOf(l.Addr())) {
		s.Handler = d.dohHandler(fmt.Sprintf(`h3=":%d"; ma=86400`, portOf(l.Addr())))
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if s.Shutdown(short) != nil {
			_ = s.Close()
		}
	})
	err := s.ServeTLS(gated, "", "")
	if !stop() {
		<-done
	}
	_ = s.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return ended(ctx, "serve DNS over HTTPS", err)
}

// quietLog keeps nothing of what net/http says: it names peers and raw input.
type quietLog struct{ log *slog.Logger }

func (q quietLog) Write(b []byte) (int, error) {
	q.log.Debug("a DNS over HTTPS connection failed")
	return len(b), nil
}

// gatedListener closes the connections of strangers and those over a bound.
type gatedListener struct {
	net.Listener
	d    *Door
	open gate
}

func (g *gatedListener) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := peer(c.RemoteAddr())
		if g.d.home(from) && g.open.enter(from) {
			g.d.count.connections.Add(1)
			return &gatedConn{Conn: c, leave: func() { g.open.leave(from) }}, nil
		}
		g.d.count.refusedConns.Add(1)
		_ = c.Close()
	}
}

// dohHandler answers questions over HTTP. It allows no other site to read
// answers (no CORS): a page could ask a home's resolver for the home's names.
func (d *Door) dohHandler(altSvc string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(dohPath, func(w http.ResponseWriter, r *http.Request) {
		if altSvc != "" {
			w.Header().Set("Alt-Svc", altSvc)
		}
		d.serveDoH(w, r)
	})
	return mux
}

func (d *Door) serveDoH(w http.ResponseWriter, r *http.Request) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !d.home(ap.Addr()) {
		http.Error(w, "this resolver serves its own network only", http.StatusForbidden)
		return
	}
	pkt, status := dohQuestion(w, r)
	if status != 0 {
		http.Error(w, http.StatusText(status), status)
		return
	}
	out := d.answerHTTP(r.Context(), pkt, ap.Addr().Unmap())
	if out == nil {
		http.Error(w, "not a DNS question", http.StatusBadRequest)
		return
	}
	h := w.Header()
	h.Set("Content-Type", dohType)
	h.Set("Content-Length", strconv.Itoa(len(out)))
	h.Set("Cache-Control", cacheControl(out))
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(out)
}

// answerHTTP answers one question; nil if it is none.
func (d *Door) answerHTTP(ctx context.Context, pkt []byte, from netip.Addr) []byte {
	return d.answer(ctx, pkt, from, DoH)
}

// answer answers one question and waits for it; nil if it is none.
func (d *Door) answer(ctx context.Context, pkt []byte, from netip.Addr, via Via) []byte {
	out, q := d.quick(pkt, from, via)
	if q == nil {
		return out
	}
	if !d.missing.enter(from) {
		return d.busy(q)
	}
	defer d.missing.leave(from)
	return d.slow(ctx, q)
}

// dohQuestion takes the question out of a request, or says what is wrong with it.
func dohQuestion(w http.ResponseWriter, r *http.Request) (pkt []byte, status int) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s := r.URL.Query().Get("dns")
		if s == "" {
			return nil, http.StatusBadRequest
		}
		if len(s) > base64.RawURLEncoding.EncodedLen(MaxQuery) {
			return nil, http.StatusRequestURITooLong
		}
		pkt, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return pkt, 0
	case http.MethodPost:
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != dohType {
			return nil, http.StatusUnsupportedMediaType
		}
		pkt, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxQuery))
		var long *http.MaxBytesError
		switch {
		case errors.As(err, &long):
			return nil, http.StatusRequestEntityTooLarge
		case err != nil:
			return nil, http.StatusBadRequest
		}
		return pkt, 0
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return nil, http.StatusMethodNotAllowed
}

// cacheControl lets HTTP keep an answer as long as DNS may (RFC 8484 §5.1).
func cacheControl(out []byte) string {
	var m dns.Msg
	if m.Unpack(out) != nil || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return "no-store"
	}
	least := ^uint32(0)
	for _, rr := range m.Answer {
		least = min(least, rr.Header().Ttl)
	}
	if len(m.Answer) == 0 {
		for _, rr := range m.Ns {
			if soa, ok := rr.(*dns.SOA); ok {
				least = min(soa.Hdr.Ttl, soa.Minttl)
			}
		}
	}
	if least == ^uint32(0) || least == 0 {
		return "no-store"
	}
	return "private, max-age=" + strconv.FormatUint(uint64(least), 10)
}
