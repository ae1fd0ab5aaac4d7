package dnsfilter

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/ledger"
)

// Options say what a Door does. Set and Upstream are required and so is
// something to listen on; all else has a useful zero. Functions are called
// from many goroutines and must not wait.
type Options struct {
	// Plain, DoT, DoH and DoQ are addresses (host:port) to listen on; Plain
	// serves UDP and TCP, DoH both HTTP/1.1 and 2 over TCP and HTTP/3 over UDP.
	// Port 0 takes a free one. An address without a host takes all of them.
	Plain, DoT, DoH, DoQ []string
	// UDP and TCP are sockets that are open already (socket activation). The
	// Door closes them.
	UDP []*net.UDPConn
	TCP []net.Listener
	// Secure are open sockets for the encrypted transports.
	Secure Secure

	// TLS gives the user's own certificate, for DoT, DoH and DoQ; it is never the
	// interception CA's. Only Certificates and GetCertificate are used.
	TLS *tls.Config
	// Name is the name in that certificate, for clients that look for encrypted
	// resolvers (RFC 9462); "" tells them that there is none.
	Name string

	// AllowFrom are the networks that may ask; nil is loopback, private and
	// link-local ones. All of the internet is refused by New.
	AllowFrom []netip.Prefix
	// RateLimit is how many answers a second a client beyond loopback gets over
	// UDP, in the long run; 0 is DefaultRateLimit, negative is no limit.
	RateLimit int

	// Set is what decides at this moment; a reload returns another.
	Set func() *engine.Set
	// Clients is the table of groups at this moment; nil is none.
	Clients func() *clients.Table
	// Policy is what is in force for a client; base is its group's and may be
	// nil. nil: base.
	Policy func(c *clients.Client, base *detect.Policy) *detect.Policy
	// Upstream answers what the Door cannot.
	Upstream upstream.Exchanger
	// Cache keeps answers; nil keeps none.
	Cache *cache.Cache

	// Record takes sightings: blocked and tracker questions. nil drops them.
	Record func(ledger.Sighting)
	// Query takes every question, for those who turned a query log on.
	Query func(Query)
	// Bypass is told that a client asked for a resolver that would lead past us.
	Bypass func(client, host string)

	// Block is the answer for what is blocked, where no rule says otherwise:
	// ReplyNullAddress (also ReplyAuto), ReplyNoData, ReplyNXDomain,
	// ReplyRefused, ReplyAddress (then BlockAddrs).
	Block detect.Reply
	// BlockAddrs are the addresses of ReplyAddress.
	BlockAddrs []netip.Addr
	// ListBlock gives lists, by their names, an answer of their own.
	ListBlock map[string]BlockAs
	// BlockTTL is how long clients keep that answer; 0 is DefaultBlockTTL.
	BlockTTL time.Duration
	// Silent leaves list and rule out of answers (RFC 8914 text); the code stays.
	Silent bool
	// BlockNets blocks answers with an address in one of these networks.
	BlockNets []netip.Prefix
	// PrivateNames may have private addresses, and names below them.
	PrivateNames []string
	// AllowPrivate lets any public name have private addresses.
	AllowPrivate bool
	// PassRelay and PassCanary do not answer the names by which Apple's Private
	// Relay and Firefox's DoH ask whether they may go past us.
	PassRelay, PassCanary bool
	// InfoURL is given to clients that ask about the resolver (RFC 9606).
	InfoURL string

	// Log gets operational messages; nil discards them. It never gets names that
	// were asked for.
	Log *slog.Logger
	// Now is the clock, nil is time.Now.
	Now func() time.Time
}

// Secure are sockets that are open already, for encrypted transports: TCP for
// DoT and DoH, UDP for DoQ and for DoH's HTTP/3. The Door closes them.
type Secure struct {
	DoT, DoH  []net.Listener
	DoQ, DoH3 []*net.UDPConn
}

func (s Secure) empty() bool { return len(s.DoT)+len(s.DoH)+len(s.DoQ)+len(s.DoH3) == 0 }

// Defaults.
const (
	DefaultBlockTTL = 10 * time.Second
	// DefaultRateLimit lets every home through: pages that need 200 names at once
	// fit in its burst, floods do not.
	DefaultRateLimit = 500
)

// BlockAs is how blocked names are answered: Reply as Options.Block, Addrs as
// Options.BlockAddrs.
type BlockAs struct {
	Reply detect.Reply
	Addrs []netip.Addr
}

// Query is one answered question, for the query log.
type Query struct {
	At     time.Time
	Client string // label
	Host   string
	QType  uint16
	RCode  int
	Action detect.Action
	// From says where the answer came from: "local", "block", "cache", "stale",
	// or the upstream's name.
	From string
	// Via is the transport: "udp", "tcp", "dot", "doh", "doq", "proxy".
	Via  string
	Took time.Duration
}
