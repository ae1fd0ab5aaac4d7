// Package upstream asks other resolvers: over UDP with fallback to TCP, over
// TLS, HTTPS and QUIC.
//
// In flow questions that the door could not answer itself; out flow checked
// answers and the name of who gave them. Groups, strategies (fastest, strict,
// parallel), fallback, bootstrap and conditional forwarding by domain are
// behind the one interface that the door knows. The package filters and
// caches nothing.
package upstream

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// Exchanger answers questions by asking others. It is safe for concurrent use.
type Exchanger interface {
	// Exchange asks query's one question and returns within ctx. Of query only
	// the question and the bits RD, CD, AD and DO count: id, port and the case of
	// the name are chosen anew for each packet sent, the OPT record is built anew,
	// and nothing of a client reaches an upstream. The answer belongs to the
	// caller; its question is query's, letter for letter, and its id means
	// nothing. Answers to other questions are never returned. Truncated ones were
	// asked again over TCP. SERVFAIL and REFUSED are returned only if no
	// upstream has better to say, or if by their extended error they are a verdict
	// about the name: bogus signatures, or filtered.
	//
	// An error means that nobody answered; it is a *Error where that is known.
	Exchange(ctx context.Context, query *dns.Msg) (*dns.Msg, From, error)
	// Covers reports whether the user named an upstream of its own for name
	// (lower case, no trailing dot), a conditional forward, or that it is a name of
	// the own network (HomeName) and the upstreams are that network's. Such names
	// may be special-use and may have private addresses.
	Covers(name string) bool
}

// From says who answered.
type From struct {
	// Name is the upstream as the user wrote it, without user, path or query;
	// "" if nobody answered.
	Name string
	// RTT is how long it took.
	RTT time.Duration
}

// Error says why nobody answered. Code is an extended error (RFC 8914) for the
// client: 22 (no reachable authority), 23 (network error, also a certificate
// that is wrong), 24 (invalid data), 14 (stopping); Text is fit to be shown to every client.
type Error struct {
	Code uint16
	Text string
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
