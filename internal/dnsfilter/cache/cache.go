// Package cache keeps answers, bounded in bytes.
//
// In flow answers as wire bytes with their positions of TTLs; out flow copies
// of them with the TTLs counted down. It reads no clock and starts nothing:
// time comes in with each call. What may be kept, and how long, is said by who
// puts it in; the cache only adds how long stale answers may still be used.
// Every method is safe for concurrent use.
package cache

import (
	"container/list"
	"encoding/binary"
	"sync"
	"time"
)

// Defaults and bounds.
const (
	DefaultBytes = 8 << 20
	// DefaultStale is how long an answer may be used past its end, if nobody
	// upstream answers (RFC 8767 allows days; users complain of hours).
	DefaultStale = time.Hour
	// StaleTTL is the TTL of stale answers (RFC 8767 §4).
	StaleTTL = 30
	// MaxEntry is the largest answer kept.
	MaxEntry = 16 << 10
	// overhead is what an entry costs beside its bytes.
	overhead = 256
)

// Options are a Cache's bounds. The zero value is the defaults.
type Options struct {
	// Bytes bounds all entries together, overhead included; 0 is DefaultBytes.
	Bytes int64
	// Stale is how long past its end an answer may be used; 0 is DefaultStale,
	// negative is never.
	Stale time.Duration
}

// AppendKey appends the key of a question: its name in wire form and lower
// case, type, class, and the bits of the query that change answers (DO, CD).
func AppendKey(dst, name []byte, qtype, class uint16, do, cd bool) []byte {
	for _, c := range name { // the lengths of labels are below 'A'
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = binary.BigEndian.AppendUint16(dst, qtype)
	dst = binary.BigEndian.AppendUint16(dst, class)
	var flags byte
	if do {
		flags |= 1
	}
	if cd {
		flags |= 2
	}
	return append(dst, flags)
}

// Entry is one answer. The cache takes what it points to; nobody changes it
// afterwards.
type Entry struct {
	// Wire is the whole message as it is sent to a client without EDNS: no OPT,
	// id 0, the question as first asked, owner names pointing to it where they
	// are equal to it, so that each client gets its own letters back.
	Wire []byte
	// TTLs are the positions in Wire of all TTLs.
	TTLs []uint16
	// Lifetime is the least of the TTLs, or the negative TTL of RFC 2308.
	Lifetime time.Duration
	// Targets are the names that the answer leads to (CNAME and DNAME chain,
	// HTTPS and SVCB targets), as rules know them; each client's policy judges
	// them on each hit.
	Targets []string
	// Aliases is how many of Targets, from the first, are the CNAME chain.
	Aliases int
	// Look: more must be looked at than Targets; only the general path may
	// use the entry.
	Look bool
	// Code and Text are the upstream's extended error (RFC 8914); Code is -1 if
	// there is none.
	Code int
	Text string
}

// State says how good a hit is.
type State uint8

// The states. Due is fresh, and popular enough to be asked for again now, once.
const (
	Miss State = iota
	Fresh
	Due
	Stale
)

// Hit is a found entry.
type Hit struct {
	// Wire is a copy of the entry's bytes with TTLs counted down, appended to the
	// caller's buffer. The rest is shared and not to be changed.
	Wire    []byte
	TTL     uint32 // seconds left, StaleTTL if stale
	Targets []string
	Aliases int
	Look    bool
	Code    int
	Text    string
}

// Stats are a cache's counters.
type Stats struct {
	Entries, Bytes          int64
	Hits, Misses, StaleHits int64
	Evicted                 int64
}

// Cache holds answers.
type Cache struct {
	max   int64
	stale time.Duration

	mu    sync.Mutex
	m     map[string]*list.Element
	order *list.List // front: used last
	stats Stats
}

type kept struct {
	key    string
	e      Entry
	stored time.Time
	uses   int
	due    bool // asked for again already
}

// New returns an empty cache.
func New(o Options) *Cache {
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	if o.Stale == 0 {
		o.Stale = DefaultStale
	}
	return &Cache{max: o.Bytes, stale: max(o.Stale, 0), m: map[string]*list.Element{}, order: list.New()}
}

// Put keeps an answer, in place of any with the same key. What is larger than
// MaxEntry or ends at once is not kept. key is copied.
func (c *Cache) Put(key []byte, e Entry, now time.Time) {
	if e.Lifetime < time.Second || len(e.Wire) > MaxEntry {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.m[string(key)]; ok {
		c.drop(old)
	}
	k := &kept{key: string(key), e: e, stored: now}
	c.m[k.key] = c.order.PushFront(k)
	c.stats.Entries++
	c.stats.Bytes += k.size()
	for c.stats.Bytes > c.max {
		c.drop(c.order.Back())
		c.stats.Evicted++
	}
}

func (k *kept) size() int64 {
	n := overhead + len(k.key) + len(k.e.Wire) + 2*len(k.e.TTLs) + len(k.e.Text)
	for _, t := range k.e.Targets {
		n += len(t) + 16
	}
	return int64(n)
}

func (c *Cache) drop(el *list.Element) {
	k := c.order.Remove(el).(*kept)
	delete(c.m, k.key)
	c.stats.Entries--
	c.stats.Bytes -= k.size()
}

const (
	// popular is how often an entry was used that is worth asking for again
	// before it ends, dueAt the part of its life after which that is done.
	popular = 3
	dueAt   = 0.9
)

// Get looks for a key and appends the answer to buf. A stale hit is only for
// those whom nobody else answers.
func (c *Cache) Get(buf, key []byte, now time.Time) (Hit, State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.m[string(key)]
	if !ok {
		c.stats.Misses++
		return Hit{}, Miss
	}
	k := el.Value.(*kept)
	age := max(now.Sub(k.stored), 0)
	if age > k.e.Lifetime+c.stale {
		c.drop(el)
		c.stats.Misses++
		return Hit{}, Miss
	}
	h := Hit{Wire: append(buf, k.e.Wire...), Targets: k.e.Targets, Aliases: k.e.Aliases, Look: k.e.Look, Code: k.e.Code, Text: k.e.Text}
	if age >= k.e.Lifetime {
		c.stats.StaleHits++
		h.TTL = StaleTTL
		countDown(h.Wire[len(buf):], k.e.TTLs, 0, StaleTTL)
		return h, Stale
	}
	c.order.MoveToFront(el)
	c.stats.Hits++
	k.uses++
	h.TTL = uint32((k.e.Lifetime - age) / time.Second)
	countDown(h.Wire[len(buf):], k.e.TTLs, uint32(age/time.Second), 0)
	if k.uses > popular && !k.due && age > time.Duration(dueAt*float64(k.e.Lifetime)) {
		k.due = true
		return h, Due
	}
	return h, Fresh
}

// countDown takes age from all TTLs, or sets them to fixed if that is not 0.
func countDown(msg []byte, at []uint16, age, fixed uint32) {
	for _, p := range at {
		ttl := binary.BigEndian.Uint32(msg[p:])
		if ttl -= min(age, ttl); fixed != 0 {
			ttl = fixed
		}
		binary.BigEndian.PutUint32(msg[p:], ttl)
	}
}

// Flush forgets everything.
func (c *Cache) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m, c.order = map[string]*list.Element{}, list.New()
	c.stats.Entries, c.stats.Bytes = 0, 0
}

// Stats returns the counters as of now.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}
