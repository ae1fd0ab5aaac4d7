package proxy

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/elazarl/goproxy"

	"github.com/quench-proxy/quench/internal/proxy/filter"
)

// serveFront serves what arrives at the listener itself.
func (s *server) serveFront(w http.ResponseWriter, r *http.Request) {
	c, ok := s.clientOf(r)
	switch {
	case !ok:
		plain(w, http.StatusForbidden, "This is a Quench proxy. It does not serve your address.")
	case !r.URL.IsAbs() && pacAsked(r):
		s.servePAC(w, r)
	case r.Method != http.MethodConnect && !r.URL.IsAbs():
		s.chain.NonproxyHandler.ServeHTTP(w, r)
	case !s.admit(w, r):
	case r.Method == http.MethodConnect:
		s.connect(w, r, c)
	case r.URL.Scheme != "http" && r.URL.Scheme != "https" || r.URL.Host == "":
		plain(w, http.StatusBadRequest, "Quench carries http and https only.")
	default:
		c.Key = clientKey(c.Addr, "plain", r.UserAgent(), "")
		s.exchange(w, r, c, nil)
	}
}

// notProxied answers a request that was not made to a proxy.
func notProxied(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusBadRequest, "This port is a Quench proxy: set it as the HTTP proxy of your browser or system. "+
		"There is no page to see here.")
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// clientOf says who made a request; ok is false for who may not.
func (s *server) clientOf(r *http.Request) (c filter.Client, ok bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return c, false
	}
	c.Addr = ap.Addr().Unmap().WithZone("")
	c.Loopback = c.Addr.IsLoopback()
	if !c.Loopback {
		c.Label = "another device"
		if s.p.Label != nil {
			c.Label = s.p.Label(c.Addr)
		}
	}
	if len(s.p.AllowFrom) == 0 {
		return c, c.Loopback
	}
	for _, p := range s.p.AllowFrom {
		if p.Contains(c.Addr) {
			return c, true
		}
	}
	return c, false
}

const loopText = "This request came back to the proxy that sent it: a loop."

// exchange serves one plain or intercepted request, whose URL is absolute.
func (s *server) exchange(w http.ResponseWriter, r *http.Request, c filter.Client, t *tunnel) {
	if s.core.looped(r) {
		plain(w, http.StatusLoopDetected, loopText)
		return
	}
	x := s.newExchange(r, c, t)
	socket := wantsWebSocket(r)
	dropHopByHop(r.Header)
	r.URL.User = nil
	r.URL.Fragment, r.URL.RawFragment = "", ""
	r = x.into(r)
	if socket {
		s.upgrade(w, r, x)
		return
	}
	x.out = newWriter(w, r)
	x.out.stall = orDefault(s.p.StallTimeout, defaultStall)
	x.out.crowded = s.core.pools.enter(c.Addr)
	defer s.core.pools.leave(c.Addr)
	// Of a body with a length and a coding net/http shows us the coding alone;
	// RFC 9112 §6.1 has such a connection end, so all with a coding do.
	// Of HTTP/1.0, where a coding means nothing, it hides even that.
	x.out.final = x.out.h1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0)
	defer x.out.close()
	if r.ContentLength == 0 {
		r.Body = http.NoBody
	} else {
		up := &upload{body: r.Body, stall: x.out.stall, rc: x.out.f, gone: x.out.gone}
		x.out.up = up
		r.Body, r.GetBody = up.first(), up.again
		defer up.end(x.out.f)
	}
	s.chain.ServeHTTP(x.out, r)
}

// newChain returns goproxy set up as a handler chain and nothing else: its own
// dialling, interception, certificates and error texts are never reached.
func (s *server) newChain() *goproxy.ProxyHttpServer {
	g := goproxy.NewProxyHttpServer()
	g.Logger = quiet{s.log}
	g.NonproxyHandler = http.HandlerFunc(notProxied)
	g.KeepAcceptEncoding = true
	g.KeepHeader = false
	g.ConnectDial = nil
	g.ConnectDialWithReq = nil
	g.Tr = &http.Transport{Proxy: nil, DialContext: nowhere}
	g.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		x, ok := r.Context().Value(exchangeKey{}).(*exchange)
		if !ok {
			return r, refusal(r)
		}
		ctx.UserData = x
		ctx.RoundTripper = goproxy.RoundTripperFunc(func(r *http.Request, _ *goproxy.ProxyCtx) (*http.Response, error) {
			return x.roundTrip(r), nil
		})
		return x.request(r)
	})
	g.OnResponse().DoFunc(func(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
		x, ok := ctx.UserData.(*exchange)
		if !ok || resp == nil {
			return resp
		}
		came, _ := resp.Body.(*body)
		return x.finish(x.respond(resp), came)
	})
	g.OnRequest().HandleConnectFunc(func(host string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		t, ok := ctx.Req.Context().Value(tunnelKey{}).(*tunnel)
		if !ok {
			return goproxy.RejectConnect, host
		}
		return &goproxy.ConnectAction{Action: goproxy.ConnectHijack, Hijack: t.hijacked}, host
	})
	return g
}

// refusal answers a request that reached the chain by another way than ours.
func refusal(r *http.Request) *http.Response {
	return &http.Response{StatusCode: http.StatusBadGateway, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Length": {"0"}}, Body: http.NoBody, Request: r}
}

// hostPort splits a request's host as URLs write it; port is def if none is
// given, 0 if it is no port.
func hostPort(s string, def uint16) (host string, port uint16) {
	host, p, found := cutPort(s)
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !found || p == "" {
		return host, def
	}
	return host, parsePort(p)
}

func cutPort(s string) (host, port string, found bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return s, "", false
		}
		host = s[1:end]
		port, found = strings.CutPrefix(s[end+1:], ":")
		return host, port, found
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func parsePort(s string) uint16 {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > 65535 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	if n > 65535 {
		return 0
	}
	return uint16(n)
}
