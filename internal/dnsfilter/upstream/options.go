package upstream

import (
	"crypto/x509"
	"log/slog"
	"net/netip"
	"time"
)

// Strategy is in what order the upstreams of one kind are asked. Whatever it
// is, one that fails or is slow makes the next be asked as well.
type Strategy uint8

const (
	// Parallel asks two of the fastest at once and takes the first good answer.
	Parallel Strategy = iota
	// Strict asks in the order given.
	Strict
	// Fastest asks the one that has been fastest.
	Fastest
)

// ParseStrategy reads "parallel", "strict" or "fastest"; "" is Parallel.
func ParseStrategy(s string) (Strategy, bool) {
	switch s {
	case "", "parallel":
		return Parallel, true
	case "strict":
		return Strict, true
	case "fastest":
		return Fastest, true
	}
	return 0, false
}

// Options say what a Group asks. All has a useful zero, but a Group without
// Servers answers only the domains that Specs name.
type Options struct {
	// Servers are asked, each for its Domains.
	Servers []Spec
	// Fallback is asked if none of the general Servers answered. Domains in it
	// are ignored: what has upstreams of its own never goes elsewhere.
	Fallback []Spec
	// Bootstrap finds the addresses of upstreams given by name. They must be
	// given by address themselves. nil takes those of Servers that are.
	Bootstrap []Spec
	Strategy  Strategy
	// Home says that the general Servers are the own network's, such as those that
	// the system was given: they are asked for names of devices there (HomeName)
	// too. It needs not be said of servers that are all at private addresses.
	Home bool
	// Own reports that an address is this resolver's: it is not asked. nil: none is.
	Own func(netip.AddrPort) bool
	// RootCAs verify encrypted upstreams; nil are the system's.
	RootCAs *x509.CertPool
	// Log gets operational messages, never a name that is asked for; nil discards.
	Log *slog.Logger
	// Now is the clock for what is remembered, nil is time.Now.
	Now func() time.Time
}

// Stat is what happened with one upstream since the Group was made.
type Stat struct {
	// Name is the upstream as the user wrote it, without user, path or query.
	Name string
	// Domains are its own; nil is general.
	Domains []string
	// Fallback says that it is asked last.
	Fallback bool
	// Asked counts questions, Answered usable answers, Failed the rest without
	// those that another upstream was faster with.
	Asked, Answered, Failed uint64
	// Refused counts answers that were no use (SERVFAIL, REFUSED, NOTIMP,
	// FORMERR); Bad packets that answered nothing we had asked; Truncated UDP
	// answers asked again over TCP.
	Refused, Bad, Truncated uint64
	// RTT is how long it takes of late; 0 is unknown.
	RTT time.Duration
	// Out says that it is left out, until a probe finds it healthy.
	Out bool
	// LastError is the last failure, fit for users; "" is none. LastErrorAt is when.
	LastError   string
	LastErrorAt time.Time
}

// Health is what Check found.
type Health struct {
	Name    string
	Domains []string
	RTT     time.Duration
	// Err is nil if it answered; else an *Error.
	Err error
}
