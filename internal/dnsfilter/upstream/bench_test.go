package upstream

import (
	"context"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// BenchmarkExchange is one question at a time, asked of a fake on this machine
// that costs as much itself.
func BenchmarkExchange(b *testing.B) {
	conf, pool := certificate(b, "dns.example", time.Hour)
	for _, scheme := range append([]string{"udp", "tcp"}, secureSchemes...) {
		b.Run(scheme, func(b *testing.B) {
			var spec string
			if scheme == "udp" || scheme == "tcp" {
				spec = scheme + "://" + newFake(b, nil, nil).addr.String()
			} else {
				_, spec = secureFake(b, scheme, conf, nil)
			}
			g := newGroup(b, Options{RootCAs: pool}, spec)
			q := query("www.example", dns.TypeA)
			b.ReportAllocs()
			for b.Loop() {
				if m, _, err := g.Exchange(context.Background(), q); outcome(m, err) != theAddress {
					b.Fatal(outcome(m, err))
				}
			}
		})
	}
}
