package dnsfilter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/quench-proxy/quench/internal/detect"
)

// Door is a DNS server. Make it with New, bind it with Listen, run it with
// Serve. Lookup, Stats and Looped may be called from any goroutine at any time.
type Door struct {
	o       Options
	log     *slog.Logger
	now     func() time.Time
	own     string   // the resolver's name as rules know names
	private []string // names that may be private
	loop    string   // the name whose question proves a loop
	looped  atomic.Bool

	count   counters
	limits  limits
	missing gate
	fails   failures
	flight  singleflight.Group
	work    crowd // what outlives its question
	ctx     context.Context
	cancel  context.CancelFunc

	mu      sync.Mutex
	socks   sockets
	lanes   []*lane
	telling sync.Mutex    // held while sightings are handed on
	toTell  chan struct{} // has room for one: some wait
}

// New checks the options and makes a Door. It opens no sockets.
func New(o Options) (*Door, error) {
	if o.Set == nil || o.Upstream == nil {
		return nil, errors.New("the DNS door needs rules and an upstream")
	}
	if (len(o.DoT)+len(o.DoH)+len(o.DoQ) > 0 || !o.Secure.empty()) && o.TLS == nil {
		return nil, errors.New("encrypted DNS needs a certificate of your own (dns.tls)")
	}
	for _, p := range o.AllowFrom {
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%s would make this an open resolver, which others use for attacks: name your own networks", p)
		}
	}
	if err := answerable(o.Block, o.BlockAddrs); err != nil {
		return nil, err
	}
	for name, as := range o.ListBlock {
		if err := answerable(as.Reply, as.Addrs); err != nil {
			return nil, fmt.Errorf("list %q: %w", name, err)
		}
	}
	if o.Block == detect.ReplyAuto {
		o.Block = detect.ReplyNullAddress
	}
	if o.AllowFrom == nil {
		o.AllowFrom = home()
	}
	if o.BlockTTL == 0 {
		o.BlockTTL = DefaultBlockTTL
	}
	if o.RateLimit == 0 {
		o.RateLimit = DefaultRateLimit
	}
	return newDoor(o), nil
}

// answerable reports what is wrong with an answer for blocked names.
func answerable(r detect.Reply, addrs []netip.Addr) error {
	switch r {
	case detect.ReplyAuto, detect.ReplyNullAddress, detect.ReplyNoData, detect.ReplyNXDomain, detect.ReplyRefused:
		return nil
	case detect.ReplyAddress:
		if len(addrs) == 0 {
			return errors.New("blocked names are to get an address, but none is given")
		}
		return nil
	}
	return fmt.Errorf("a resolver cannot answer %q", r)
}

func newDoor(o Options) *Door {
	d := &Door{o: o, log: o.Log, now: o.Now, toTell: make(chan struct{}, 1), own: strings.ToLower(strings.TrimSuffix(o.Name, "."))}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	for _, n := range o.PrivateNames {
		d.private = append(d.private, strings.ToLower(strings.Trim(n, ".")))
	}
	var token [16]byte
	_, _ = rand.Read(token[:]) // it never fails
	d.loop = hex.EncodeToString(token[:]) + ".loop.quench.invalid"
	d.limits = limits{rate: float64(max(o.RateLimit, 0)), home: d.home}
	d.missing = gate{most: maxMisses, each: maxClientMisses}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// home reports whether an address is in a network that may ask.
func (d *Door) home(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return a.IsLoopback() || slices.ContainsFunc(d.o.AllowFrom, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (d *Door) mayAsk(a netip.Addr, via Via) bool { return via == Inside || d.home(a) }
