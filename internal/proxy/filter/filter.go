// Package filter is the proxy's judgement: it puts every request and response
// before the engine and carries out what the engine decides.
//
// In flow requests whose URL is absolute, names of CNAME chains and responses;
// out flow the request to send (perhaps with less in it), or the answer that
// takes its place, and Sightings for the ledger. It opens no connection, and
// it buffers nothing that no decision needs: whoever owns the connections
// calls Request, then for what is sent Chain, then Response or Failed.
package filter

import (
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/answer"
	"github.com/quench-proxy/quench/internal/proxy/coding"
)

// Client is who made a request, as far as it is known.
type Client struct {
	// Label is the name for people, "" for this machine.
	Label string
	// Addr is the address the connection came from; Loopback says that it is
	// this machine.
	Addr     netip.Addr
	Loopback bool
	// Key is the same for all requests of one client and differs between
	// clients; "" means that Addr is the key.
	Key string
}

// key tells clients apart.
func (c Client) key() string {
	if c.Key != "" {
		return c.Key
	}
	return c.Addr.String()
}

// AllowRequest is what a person asked for on a block page.
type AllowRequest struct {
	detect.Override
	// For is how long, 0 for always.
	For    time.Duration
	Client Client
}

// Filter decides about and changes what passes through the proxy. The zero
// value lets everything pass. All fields are set before the first call and
// not changed afterwards; the methods are safe for concurrent use. A Filter
// must not be copied after its first use.
type Filter struct {
	// Set returns the rules in force; nil, or a nil Set, lets everything pass.
	Set func() *engine.Set
	// Policy returns what is in force for a client; nil means the zero Policy.
	Policy func(Client) *detect.Policy
	// Recorder takes what was seen; nil means that nothing is recorded.
	Recorder ledger.Recorder
	// Learn is called for an endpoint whose answer proved to be a pixel that
	// had been told; nil means that nothing is learned.
	Learn func(host, url string, at time.Time)
	// Unlearn is called for a learned endpoint that answered with content.
	Unlearn func(host, url string)
	// History remembers what helps to judge requests that no rule knows; nil
	// means nothing is.
	History *memory.History
	// Allow carries out what a person chose on a block page. If it is nil the
	// page offers no choice.
	Allow func(AllowRequest) error
	// GPC says that requests carry "Sec-GPC: 1": pages are told so too.
	GPC bool
	// KeepPages lets documents pass byte for byte, KeepLinks lets people follow
	// links as they were written, KeepWidgets loads social networks' frames
	// without being asked.
	KeepPages, KeepLinks, KeepWidgets bool
	// Secret keys the marks by which our own tokens are known again, also
	// after a restart. Empty means a key that lasts as long as the Filter.
	Secret []byte
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log takes operations messages; nil means none. It never gets a path,
	// query, cookie or body.
	Log *slog.Logger

	marks   marks
	reports reports
	pages   pages
	grants  grants
	cleaned cleaned
	offers  offers
	coders  coding.Coders
}

// Request decides about r, whose URL must be absolute. If the response is not
// nil it is the answer: nothing may be forwarded, and the exchange is over.
// Otherwise the returned request is to be sent in place of r, and Response or
// Failed is to be called once for the Exchange, which is never nil.
//
// r belongs to the caller again when the exchange is over; until then fields
// may be added to its header, but none may go that says something about the
// person (Cookie, Referer).
func (f *Filter) Request(r *http.Request, c Client) (*http.Request, *http.Response, *Exchange) {
	ex := &Exchange{r: r, out: r, client: c, set: f.set()}
	if resp := f.own(r, c); resp != nil {
		return r, resp, ex
	}
	if ex.set == nil {
		return r, nil, ex
	}
	if f.Policy != nil {
		ex.policy = f.Policy(c)
	}
	ex.req = intake.Request(r.Method, absolute(r.URL), r.Header)
	if answer.IsPreflight(r) {
		return r, f.preflight(ex), ex
	}
	if resp := f.granted(ex); resp != nil {
		return r, resp, ex
	}
	f.recall(ex)
	ex.d = ex.set.Request(&ex.req, ex.policy)
	if resp := f.link(ex); resp != nil {
		return r, resp, ex
	}
	if resp := f.widget(ex); resp != nil {
		return r, resp, ex
	}
	f.look(ex)
	f.remember(ex)
	if ex.d.Action == detect.Block {
		return r, f.block(ex), ex
	}
	d, changes := ex.set.Modify(&ex.req, ex.d, ex.policy)
	ex.d = d
	ex.change(changes) // first, for it writes the query anew
	switch d.Action {
	case detect.Strip:
		ex.own()
		ex.strip(d)
	case detect.Observe:
		ex.own()
	}
	return ex.out, nil, ex
}

// look holds the body if the decision needs it, and decides again.
func (f *Filter) look(ex *Exchange) {
	if !ex.hasBody() {
		if ex.d.Need&detect.NeedBody != 0 && ex.d.Action < detect.Block {
			ex.d = ex.set.Body(&ex.req, ex.d, ex.policy)
		}
		return
	}
	ex.req.BodyCut = true
	if ex.d.Action == detect.Block {
		ex.drain(&f.coders)
		return
	}
	if ex.d.Need&detect.NeedBody == 0 {
		return
	}
	ex.hold(&f.coders)
	ex.d = ex.set.Body(&ex.req, ex.d, ex.policy)
}

// Chain decides about the names that the host's name led to (nearest first).
// It is called before the request is sent, at most once. If the response is
// not nil it is the answer, nothing may be forwarded and the exchange is over.
// It may take cookies and parameters out of the request that Request returned,
// in place.
func (f *Filter) Chain(ex *Exchange, chain []string) *http.Response {
	if ex == nil || ex.set == nil || ex.over || ex.req.Host == "" || len(chain) == 0 {
		return nil
	}
	d := ex.set.Chain(&ex.req, chain, ex.policy)
	if d.Step == detect.StepNone || ex.d.Step != detect.StepNone && d.Action <= ex.d.Action {
		return nil
	}
	ex.own()
	ex.chain = append([]string(nil), chain...)
	switch d.Action {
	case detect.Block:
		if ex.hasBody() && !ex.read {
			ex.drain(&f.coders)
		}
		ex.d = d
		return f.block(ex)
	case detect.Strip:
		ex.stripSent(d)
	}
	ex.d = d
	return nil
}

// Failed ends an exchange that got no response. What was to pass is recorded;
// it counts as told unless err shows that nobody was reached.
func (f *Filter) Failed(ex *Exchange, err error) {
	if ex == nil || ex.over {
		return
	}
	if ex.d.Told || ex.bodyTold() {
		ex.d.Told = reached(err)
	}
	f.record(ex, detect.ReplyAuto, nil)
}

func (f *Filter) set() *engine.Set {
	if f.Set == nil {
		return nil
	}
	return f.Set()
}

func (f *Filter) now() time.Time {
	if f.Now == nil {
		return time.Now()
	}
	return f.Now()
}

// absolute is the URL that will be sent, as the rules want it. Userinfo and
// fragment are not sent as part of it.
func absolute(u *url.URL) string {
	if u.User != nil || u.Fragment != "" {
		c := *u
		c.User, c.Fragment, c.RawFragment = nil, "", ""
		u = &c
	}
	return u.String()
}
