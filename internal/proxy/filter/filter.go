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
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
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

// AllowRequest is what a person asked for on a block page.
type AllowRequest struct {
	detect.Override
	// For is how long, 0 for always.
	For    time.Duration
	Client Client
}

// Filter decides about and changes what passes through the proxy. The zero
// value lets everything pass. All fields are set before the first call and
// not changed afterwards; the methods are safe for concurrent use.
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
	// Allow carries out what a person chose on a block page. If it is nil the
	// page offers no choice.
	Allow func(AllowRequest) error
	// Secret keys the marks by which our own tokens are known again, also
	// after a restart. Empty means a key that lasts as long as the Filter.
	Secret []byte
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log takes operations messages; nil means none. It never gets a path,
	// query, cookie or body.
	Log *slog.Logger
}

// Exchange is one request on its way, from Request to Response or Failed. The
// calls for one Exchange must not overlap. A nil Exchange is inert.
type Exchange struct {
	d detect.Decision
}

// Request decides about r, whose URL must be absolute. If the response is not
// nil it is the answer: nothing may be forwarded, and the exchange is over.
// Otherwise the returned request is to be sent in place of r, and Response or
// Failed is to be called once for the Exchange, which is never nil.
//
// r and its header belong to the Filter's caller again when the exchange is
// over; until then fields may be added, but Cookie and Referer must stay.
func (f *Filter) Request(r *http.Request, c Client) (*http.Request, *http.Response, *Exchange) {
	return r, nil, &Exchange{}
}

// Chain decides about the names that the host's name led to (nearest first).
// It is called before the request is sent, at most once. If the response is
// not nil it is the answer and nothing may be forwarded. It may take cookies
// and parameters out of the request that Request returned, in place.
func (f *Filter) Chain(ex *Exchange, chain []string) *http.Response { return nil }

// Response decides about the response to a request that was sent and returns
// the one to pass on; if that is another one, resp.Body has been closed.
func (f *Filter) Response(resp *http.Response, ex *Exchange) *http.Response { return resp }

// Failed ends an exchange that got no response.
func (f *Filter) Failed(ex *Exchange, err error) {}
