package rules_test

import (
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

// BenchmarkUnknown decides about requests of pages that no rule knows, with and
// without a score.
func BenchmarkUnknown(b *testing.B) {
	set, _ := load(b)
	var all []*detect.Request
	eachOrdinary(b, 8, false, func(_, _, _ string, r detect.Request) {
		r.Body = nil // it comes after the decision to wait for it
		all = append(all, &r)
	})
	for _, bb := range []struct {
		name string
		p    *detect.Policy
	}{{"score", &detect.Policy{}}, {"off", &detect.Policy{Unknown: detect.UnknownOff}}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				set.Request(all[i%len(all)], bb.p)
				i++
			}
		})
	}
}
