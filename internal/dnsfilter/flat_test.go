package dnsfilter

import (
	"context"
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/ledger"
)

// heap is what is in use after a collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// numbered are packets that ask for 0.SUFFIX, 1.SUFFIX and so on; each call
// changes the same bytes.
func numbered(t *testing.T, suffix string) func(i int) []byte {
	t.Helper()
	pkt := pack(t, query("n00000000."+suffix, dns.TypeA, nil))
	digits := pkt[12+2 : 12+2+8]
	return func(i int) []byte {
		binary.BigEndian.PutUint16(pkt, uint16(i))
		for at := len(digits) - 1; at >= 0; at-- {
			digits[at] = '0' + byte(i%10)
			i /= 10
		}
		return pkt
	}
}

// TestMemoryIsFlat asks for a million names that are blocked, and for very many
// that are not and of which nobody has heard before, from many clients: nothing
// grows with names or clients once the cache is full. It runs alone.
func TestMemoryIsFlat(t *testing.T) {
	blocked, random := 1_000_000, 200_000
	if testing.Short() || underRace {
		blocked, random = 100_000, 40_000
	}
	up := &scripted{fn: func(_ context.Context, q *dns.Msg) (*dns.Msg, error) { return addressFor(q, 300), nil }}
	told := 0
	w := newTwin(t, func(o *Options) {
		o.Cache = cache.New(cache.Options{Bytes: 1 << 20}) // full before anything is measured
		o.Upstream, o.Query, o.Record, o.RateLimit = up, nil, func(ledger.Sighting) { told++ }, 1<<30
	})
	client := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	ask := func(pkt []byte, i int) {
		out, done := w.l.answer(pkt, client(i), w.Door.now(), nil)
		if !done {
			var r *request
			if out, r = w.general(pkt, client(i), UDP, &w.l.found); r != nil {
				out = w.slow(w.ctx, r)
			}
		}
		if len(out) <= len(pkt) || out[3]&15 != 0 {
			t.Fatalf("question %d got % x, want an address", i, out)
		}
		if i%1000 == 0 {
			w.tellAll()
		}
	}
	run := func(what, suffix string, n int) {
		name, warm := numbered(t, suffix), n/4
		var before int64
		for i := range n {
			if i == warm {
				before = heap()
			}
			ask(name(i), i)
		}
		w.tellAll()
		after := heap()
		t.Logf("%s: heap %d kB after %d names, %d kB after %d", what, before>>10, warm, after>>10, n)
		if after > before+before/10+(1<<20) {
			t.Errorf("%s: the heap grew from %d to %d bytes between %d and %d names", what, before, after, warm, n)
		}
	}
	run("blocked", "ads.example", blocked)
	run("random", "zone.example", random)
	if told != blocked {
		t.Errorf("%d of %d blocked questions were told of", told, blocked)
	}
	if n := len(w.l.clients); n > maxKnown {
		t.Errorf("%d clients remembered, want at most %d", n, maxKnown)
	}
	runtime.KeepAlive(w)
}
