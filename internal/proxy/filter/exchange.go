package filter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
)

// Exchange is one request on its way, from Request to Response or Failed. The
// calls for one Exchange must not overlap. A nil Exchange is inert.
type Exchange struct {
	r      *http.Request // as the client sent it
	out    *http.Request // as it is to be sent
	client Client
	set    *engine.Set
	policy *detect.Policy
	req    detect.Request
	d      detect.Decision
	chain  []string
	csp    []string // policies that the answer gets
	// changed: out is a request of its own, with URL and header
	changed bool
	owned   bool // req.Header is a copy of our own
	read    bool // the beginning of the body was read
	unread  bool // more of the body may come
	over    bool // recorded, or nothing to record
}

// Decision returns what was decided so far.
func (ex *Exchange) Decision() detect.Decision {
	if ex == nil {
		return detect.Decision{}
	}
	return ex.d
}

func (ex *Exchange) hasBody() bool { return ex.r.Body != nil && ex.r.Body != http.NoBody }

// told are the request fields that may be explained. What is not here is never
// handed on: credentials least of all.
var told = [...]string{
	"Accept", "Accept-Language", "Content-Encoding", "Content-Type", "Cookie", "Device-Memory", "Dnt",
	"Downlink", "Dpr", "Ect", "Etag", "If-Modified-Since", "If-None-Match", "Origin", "Ping-From", "Ping-To",
	"Referer", "Rtt", "Save-Data", "Sec-Ch-Ua", "Sec-Ch-Ua-Arch", "Sec-Ch-Ua-Bitness",
	"Sec-Ch-Ua-Full-Version-List", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Model", "Sec-Ch-Ua-Platform",
	"Sec-Ch-Ua-Platform-Version", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User",
	"Sec-Gpc", "User-Agent", "Viewport-Width", "X-Client-Data", "X-Requested-With",
}

// answered are the response fields that may be explained.
var answered = [...]string{
	"Cache-Control", "Content-Encoding", "Content-Length", "Content-Type", "Etag", "Last-Modified",
	"Location", "Set-Cookie",
}

// pick copies the named fields; values are not shared with h.
func pick(h http.Header, names []string) http.Header {
	c := make(http.Header, 8)
	for _, n := range names {
		if v := h[n]; len(v) > 0 {
			c[n] = append([]string(nil), v...)
		}
	}
	return c
}

// own makes the Request independent of the client's, which others may change.
func (ex *Exchange) own() {
	if ex.owned {
		return
	}
	ex.owned = true
	ex.req.Header = pick(ex.r.Header, told[:])
}

// record hands the exchange to the ledger, once, if there is something to say.
func (f *Filter) record(ex *Exchange, reply detect.Reply, resp *detect.ResponseHead) {
	if ex.over {
		return
	}
	ex.over = true
	if ex.d.Step == detect.StepNone || ex.set == nil {
		return
	}
	ex.own()
	f.note(ex, reply)
	if f.Recorder == nil {
		return
	}
	f.Recorder.Record(ledger.Sighting{
		Set: ex.set, Seen: f.seen(ex, reply, resp), Decision: ex.d, Door: "proxy", Client: ex.client.Label,
	})
}

// seen gives a copy of the Request away, which is not changed afterwards.
func (f *Filter) seen(ex *Exchange, reply detect.Reply, resp *detect.ResponseHead) detect.Seen {
	req := ex.req
	return detect.Seen{Request: &req, Policy: ex.policy, Chain: ex.chain, Response: resp, Reply: reply, At: f.now()}
}

func (f *Filter) note(ex *Exchange, reply detect.Reply) {
	if f.Log == nil || !f.Log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	f.Log.LogAttrs(context.Background(), slog.LevelDebug, "judged a request",
		slog.String("host", ex.req.Host), slog.String("action", ex.d.Action.String()),
		slog.String("rule", ex.set.RuleName(ex.d.Rule)), slog.String("reply", reply.String()))
}

// reached reports whether a server may have got something of the request.
func reached(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return !(errors.As(err, &op) && op.Op == "dial") && !errors.As(err, &dns)
}
