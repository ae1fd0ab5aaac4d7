package dnsfilter

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxMisses bounds the questions that wait for an upstream, maxClientMisses
	// those of one client.
	maxMisses       = 1024
	maxClientMisses = maxMisses * 3 / 4
	// maxBuckets bounds how many clients are told apart for the rate limit.
	maxBuckets = 4096
	// burst is how many seconds' worth of answers a client may have at once.
	burst = 2
	// strangerRate is how many refusals a second all strangers together get.
	strangerRate = 20
)

// limits bounds how many answers leave for one client over UDP, where anybody
// can write any sender's address.
type limits struct {
	rate float64 // a second; 0 is no limit
	home func(netip.Addr) bool

	mu      sync.Mutex
	buckets map[netip.Addr]*bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// take reports whether a client may have one more answer. What cannot be
// forged, or costs nobody else anything, is not counted.
func (l *limits) take(from netip.Addr, via Via, now time.Time) bool {
	if via != UDP || from.IsLoopback() {
		return true
	}
	rate := l.rate
	// Each address of a home counts for itself, by IPv6 too: a whole home is one
	// network of 64 bits there.
	if from = from.WithZone(""); !l.home(from) {
		from, rate = netip.Addr{}, strangerRate
	}
	if rate <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[from]
	if !ok {
		l.room()
		b = &bucket{left: rate * burst, at: now}
		l.buckets[from] = b
	}
	b.left = min(rate*burst, b.left+max(0, now.Sub(b.at).Seconds())*rate)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// room forgets somebody if there are too many; whoever it is begins anew with
// a full bucket, which is no harm.
func (l *limits) room() {
	if l.buckets == nil {
		l.buckets = map[netip.Addr]*bucket{}
	}
	for a := range l.buckets {
		if len(l.buckets) < maxBuckets {
			return
		}
		delete(l.buckets, a)
	}
}

// crowd counts what has to end before Serve returns. Nothing enters once it
// is closed.
type crowd struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

func (c *crowd) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.wg.Add(1)
	return true
}

func (c *crowd) leave() { c.wg.Done() }

// close lets nobody in any more and waits for those inside.
func (c *crowd) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wg.Wait()
}

// gate bounds how many of something there are, of all clients and of one.
type gate struct {
	most, each int

	mu  sync.Mutex
	all int
	by  map[netip.Addr]int
}

const (
	// maxConns bounds the connections of each kind of listener, maxClientConns
	// those of one client.
	maxConns       = 1024
	maxClientConns = 128
)

// enter reports whether there is room for one more of this client; leave ends it.
func (g *gate) enter(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.most || g.by[a] >= g.each {
		return false
	}
	if g.by == nil {
		g.by = map[netip.Addr]int{}
	}
	g.all++
	g.by[a]++
	return true
}

func (g *gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.by[a]--; g.by[a] <= 0 {
		delete(g.by, a)
	}
}

// failures remembers for which questions nobody had an answer.
type failures struct {
	mu sync.Mutex
	m  map[string]*failure
}

func (f *failures) get(key []byte, now time.Time) *failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.m[string(key)]
	if x != nil && now.Sub(x.at) > staleFailTime {
		delete(f.m, string(key))
		return nil
	}
	return x
}

func (f *failures) put(key []byte, x *failure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.m == nil || len(f.m) >= maxFails {
		f.m = map[string]*failure{}
	}
	f.m[string(key)] = x
}

func (f *failures) clear(key []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.m, string(key))
}
