package dnsfilter

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
)

// listedNames is how many names the lists of the benchmarks have.
const listedNames = 100_000

// benchTwin is a door with long lists and a ledger that costs nothing: what is
// measured is the door.
func benchTwin(b *testing.B) *twin {
	b.Helper()
	var text strings.Builder
	for i := range listedNames {
		fmt.Fprintf(&text, "0.0.0.0 host%d.ads%d.example\n", i, i%997)
	}
	s := withLists(b, "ads", text.String())
	return newTwin(b, func(o *Options) {
		o.Record, o.Query, o.Set = func(ledger.Sighting) {}, nil, func() *engine.Set { return s }
	})
}

// benchPackets are questions for n listed names, or for one that is kept.
func benchPackets(b *testing.B, n int, change func(*dns.Msg)) map[string][][]byte {
	out := map[string][][]byte{"kept": {pack(b, query("a.example", dns.TypeA, change))}}
	for i := range n {
		out["blocked"] = append(out["blocked"], pack(b, query(fmt.Sprintf("host%d.ads%d.example", i, i%997), dns.TypeA, change)))
	}
	for _, p := range out["blocked"] {
		q := append([]byte(nil), p...)
		q[2] = 0x20 | q[2] // NOTIFY
		out["refused"] = append(out["refused"], q)
	}
	return out
}

// BenchmarkAnswer is the time of one question without the system's share: the
// fast path, and the general path beside it.
func BenchmarkAnswer(b *testing.B) {
	for name, change := range map[string]func(*dns.Msg){"plain": nil, "edns": edns(1232, false)} {
		w := benchTwin(b)
		all := benchPackets(b, listedNames, change)
		w.fill(all["kept"])
		out := make([]byte, 0, MaxUDP)
		home := netip.MustParseAddr("192.168.1.3")
		for what, pkts := range all {
			b.Run("fast/"+what+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				now := w.Door.now()
				for i := range b.N {
					if _, done := w.l.answer(pkts[i%len(pkts)], home, now, out); !done {
						b.Fatal("left to the general path")
					}
					if i%1000 == 0 {
						w.tellAll()
					}
				}
			})
			b.Run("general/"+what+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for i := range b.N {
					if _, r := w.quick(pkts[i%len(pkts)], home, UDP); r != nil {
						b.Fatal("would ask upstream")
					}
				}
			})
		}
	}
}
