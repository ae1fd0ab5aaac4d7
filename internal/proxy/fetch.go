package proxy

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/guard"
)

// roundTrip sends r and always returns a response: the site's, the filter's if
// a name on the way is a tracker's, or our page that says why there is none.
func (x *exchange) roundTrip(r *http.Request) *http.Response {
	if x.out != nil {
		defer x.out.settle()
	}
	def := uint16(80)
	if r.URL.Scheme == "https" {
		def = 443
	}
	host, port := hostPort(r.URL.Host, def)
	pl, err := x.locate(r.Context(), guard.Target{Host: host, Port: port})
	if resp := x.chained(pl.chain); resp != nil {
		return tidy(resp, r)
	}
	if err != nil {
		x.failed(err)
		return x.page(r, err)
	}
	x.outbound(r, pl)
	x.vetted = vetted{host: host, addrs: pl.verdict.Addrs, port: port}
	if x.tun != nil {
		x.vetted.via = x.tun.via
	}
	out := r
	if u := asWritten(r.URL, x.s.core.upstream != nil); u != r.URL {
		out = r.WithContext(r.Context())
		out.URL = u
	}
	resp, err := x.s.core.pools.pick(x.client.Loopback, pl.verdict.Private).RoundTrip(out)
	if err != nil {
		x.failed(err)
		return x.fault(r, x.learnFailure(host, pl, err))
	}
	return x.inbound(r, host, resp)
}

// maxInterim bounds the 1xx answers that a site may give to one request.
const maxInterim = 64

// trace follows the request once it is sent.
func (x *exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		WroteHeaders: func() { x.sent.Store(true) },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			// With this hook net/http counts them no more.
			if x.interim.Add(1) > maxInterim {
				return errGarbled
			}
			if x.out != nil {
				x.out.informational(code, http.Header(h))
			}
			return nil
		},
	}
}

func (x *exchange) locate(ctx context.Context, t guard.Target) (place, error) {
	core := x.s.core
	if t.Port == 0 {
		return place{}, errNoName
	}
	if core.upstream != nil {
		return place{}, core.refusedByName(t, x.from)
	}
	return core.locate(ctx, t, x.from, x.client.Addr)
}

// asWritten returns u such that its path leaves byte for byte as it came: of a
// path with characters that net/url would escape ("|", "^") it makes another
// one, which a server that signed its address does not know.
func asWritten(u *url.URL, chained bool) *url.URL {
	raw := u.RawPath
	if raw == "" || raw[0] != '/' || strings.HasPrefix(raw, "//") || raw == u.EscapedPath() {
		return u
	}
	c := *u
	c.Opaque = raw
	if chained && u.Scheme == "http" { // such a proxy gets the absolute form
		c.Opaque = "//" + u.Host + raw
	}
	return &c
}

// outbound gives the request what it leaves with.
func (x *exchange) outbound(r *http.Request, pl place) {
	r.RequestURI = ""
	r.Close = false
	if x.s.p.GPC {
		r.Header.Set("Sec-Gpc", "1")
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = []string{""} // or net/http adds its own
	}
	if x.want.document {
		withoutDictionaries(r.Header)
	}
	// Public servers stop compressing for Via, and it would mark the user.
	if pl.verdict.Private || x.s.core.upstream != nil && r.URL.Scheme == "http" {
		r.Header.Add("Via", x.s.core.via(r))
	}
}

// inbound makes a site's response fit to be passed on.
func (x *exchange) inbound(r *http.Request, host string, resp *http.Response) *http.Response {
	switched := resp.StatusCode == http.StatusSwitchingProtocols
	socket := switched && x.raw && httpguts.HeaderValuesContainsToken(resp.Header["Upgrade"], "websocket")
	switch {
	case switched && !socket:
		_ = resp.Body.Close()
		x.failed(errGarbled)
		return x.fault(r, faultGarbled)
	case resp.StatusCode == http.StatusProxyAuthRequired:
		// Passed on it would make the browser ask for our password, and send it.
		_ = resp.Body.Close()
		x.failed(errGarbled)
		return x.fault(r, faultAuth)
	}
	x.learn(host, resp)
	dropHopByHop(resp.Header)
	dropAltSvc(resp.Header)
	if !socket {
		x.came.ReadCloser = resp.Body
		resp.Body = &x.came
	}
	return resp
}

// learn looks for what makes a site better left alone with this client.
func (x *exchange) learn(host string, resp *http.Response) {
	var why memory.Reason
	var words, kind string
	switch status := resp.StatusCode; {
	case turnedAway(resp):
		why, words, kind = memory.ReasonBotWall, "its bot wall turned Quench away", "header"
	case status == http.StatusUnauthorized && negotiates(resp.Header):
		why, words, kind = memory.ReasonNegotiate, "it signs in by NTLM or Negotiate, which binds to one connection", "header"
	case certStatus(status) && x.s.core.asked.has(host):
		why, words, kind = memory.ReasonClientCert, "it asks for a certificate that only your browser can show", "heuristic"
	default:
		return
	}
	if x.mayLeave(host) {
		x.leave(host, why, words, kind)
	}
}

// certStatus reports the codes by which sites refuse who shows no certificate;
// 495 and 496 are nginx's.
func certStatus(code int) bool {
	return code == 400 || code == 401 || code == 403 || code == 495 || code == 496
}

func negotiates(h http.Header) bool {
	for _, v := range h["Www-Authenticate"] {
		scheme, _, _ := strings.Cut(strings.TrimSpace(v), " ")
		if strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate") {
			return true
		}
	}
	return false
}

// learnFailure looks for the same in a failure; it returns the fault to show.
func (x *exchange) learnFailure(host string, pl place, err error) fault {
	f := faultFor(err, host)
	if x.tun == nil || x.tun.hello == nil {
		return f
	}
	if _, bad := certificateFault(err, host); bad {
		if pl.verdict.Private {
			x.leave(host, memory.ReasonPrivateCert, "its own certificate is not valid, and it is on your network", "heuristic")
			f.text = strings.TrimSuffix(f.text, noWayPast) + privateWay
		}
		return f
	}
	// A site that gets no certificate sends an alert or just hangs up, and which
	// of the two we see is a matter of timing.
	broke := f.id == faultTLS.id || f.id == faultClosed.id || f.id == faultOther.id
	if broke && x.s.core.asked.has(host) && x.mayLeave(host) {
		x.leave(host, memory.ReasonClientCert, "it asks for a certificate that only your browser can show", "heuristic")
		return faultStepAside
	}
	return f
}

// mayLeave reports whether this exchange can earn its host a splice: only what
// stands in the address bar can, or what no rule or list speaks of. A tracker
// must not be able to talk itself out of being seen.
func (x *exchange) mayLeave(host string) bool {
	if x.tun == nil || x.tun.hello == nil {
		return false
	}
	if x.want.top {
		return true
	}
	set := x.s.p.set()
	return set == nil || !set.Names(host, x.s.p.policy(x.client))
}

func (x *exchange) leave(host string, why memory.Reason, words, kind string) {
	if x.out != nil {
		x.out.final = true // so that the next request finds a new tunnel
	}
	if x.s.core.clients.Leave(x.client.Key, host, why) {
		x.tun.noteLeft(host, words, kind)
	}
}
