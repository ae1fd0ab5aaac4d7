package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/proxy/guard"
)

// exchange is one request on its way through the chain.
type exchange struct {
	s       *server
	client  filter.Client
	tun     *tunnel // nil for plain requests
	from    guard.From
	want    want
	fx      *filter.Exchange
	vetted  vetted // set before the request is sent, and not changed after
	local   bool   // the answer is ours: the filter has no say in it
	out     *writer
	came    body         // what the site answered with
	raw     bool         // the answer may be a 101
	sent    atomic.Bool  // the header has left for the site
	interim atomic.Int32 // 1xx answers that came
}

// want is what the client expects, as far as our own pages care.
type want struct {
	document bool // a page that a person will read
	top      bool // the page in the address bar
	accept   string
	dest     string
}

type exchangeKey struct{}

// newExchange reads from r what filter and cleaning may take out of it.
func (s *server) newExchange(r *http.Request, c filter.Client, t *tunnel) *exchange {
	h := r.Header
	x := &exchange{s: s, client: c, tun: t}
	x.from = guard.From{
		Loopback: c.Loopback, Site: h.Get("Sec-Fetch-Site"), Mode: h.Get("Sec-Fetch-Mode"),
		Dest: h.Get("Sec-Fetch-Dest"), Origin: h.Get("Origin"), Referer: h.Get("Referer"),
		Method: r.Method, Accept: h.Get("Accept"), Browser: strings.HasPrefix(r.UserAgent(), "Mozilla/"),
	}
	html := strings.Contains(x.from.Accept, "text/html")
	x.want = want{accept: x.from.Accept, dest: x.from.Dest}
	switch x.from.Dest {
	case "":
		x.want.document, x.want.top = html, html
	case "document":
		x.want.document, x.want.top = true, true
	case "iframe", "frame", "embed", "object":
		x.want.document = true
	}
	return x
}

func (x *exchange) into(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), exchangeKey{}, x)
	return r.WithContext(httptrace.WithClientTrace(ctx, x.trace()))
}

// request puts r before the filter. The response is nil if r is to be sent.
func (x *exchange) request(r *http.Request) (*http.Request, *http.Response) {
	f := x.s.p.Filter
	if f == nil {
		return r, nil
	}
	req, resp, fx := f.Request(r, x.client)
	x.fx = fx
	if resp != nil {
		x.local = true
		return r, tidy(resp, r)
	}
	return req, nil
}

// respond puts an answer that came from outside before the filter.
func (x *exchange) respond(resp *http.Response) *http.Response {
	if x.local || x.s.p.Filter == nil || x.fx == nil {
		return resp
	}
	return tidy(x.s.p.Filter.Response(resp, x.fx), resp.Request)
}

// finish makes the body fit for goproxy, which copies it and drops its errors.
func (x *exchange) finish(resp *http.Response, came *body) *http.Response {
	if b, ok := resp.Body.(*body); ok && b == came {
		b.armed = true
		return resp
	}
	// Another body: goproxy takes its Content-Length away, we put it back.
	if x.out != nil {
		x.out.length = declared(resp)
	}
	resp.Body = &body{ReadCloser: resp.Body, armed: true}
	return resp
}

// declared returns the length that a response says its body has, else -1.
func declared(resp *http.Response) int64 {
	if resp.ContentLength > 0 {
		return resp.ContentLength
	}
	n, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// failed ends the exchange without an answer. What broke before anything was
// sent is told to the filter as a dial that failed: nobody has learned of it.
func (x *exchange) failed(err error) {
	if !x.sent.Load() {
		err = &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	if x.s.p.Filter != nil && x.fx != nil && !x.local {
		x.s.p.Filter.Failed(x.fx, err)
	}
	x.local = true
}

// chained puts the names that the host led to before the filter.
func (x *exchange) chained(names []string) *http.Response {
	if len(names) == 0 || x.s.p.Filter == nil || x.fx == nil {
		return nil
	}
	resp := x.s.p.Filter.Chain(x.fx, names)
	if resp != nil {
		x.local = true
	}
	return resp
}

// tidy fills what net/http and goproxy rely on.
func tidy(resp *http.Response, r *http.Request) *http.Response {
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	if resp.Request == nil {
		resp.Request = r
	}
	return resp
}
