package score_test

import (
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/score"
)

type header map[string]string

func (h header) Get(name string) string { return h[name] }
func (h header) Values(name string) []string {
	if v := h[name]; v != "" {
		return []string{v}
	}
	return nil
}

func BenchmarkOf(b *testing.B) {
	for _, bb := range []struct{ name, url, cookie string }{
		{"plain", "https://cdn.example/a/b/c.jpg", ""},
		{"picture", "https://images.example/red-shoes/0a1b2c3d-480x320.jpg?auto=format&fit=crop&w=480&h=320&q=80&dpr=2", ""},
		{"api", "https://api.example/v2/products?page=3&per_page=24&sort=price&locale=de_DE&currency=EUR", ""},
		{"tracker", "https://t.example/collect?v=2&cid=1234567890.1741737600&ul=de-de&sr=1920x1080&dl=https%3A%2F%2Fshop.example%2Fsale&dt=Sale&en=page_view&_p=1763805600000", "uid=0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"},
	} {
		h := header{"Referer": "https://shop.example/", "Cookie": bb.cookie}
		r := intake.Request("GET", bb.url, h)
		r.Type = detect.TypeImage
		for _, past := range []bool{false, true} {
			name := bb.name
			if past {
				name += "/remembered"
				key := &detect.PastKey{1, 2, 3}
				r.Past = &detect.Past{Key: key, Site: []uint64{1, 2, 3}, World: &detect.World{
					Hosts: map[uint64]detect.HostTraits{1: 1}, Crossed: map[uint64]struct{}{1: {}}}}
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if score.Worth(&r) {
						score.Of(&r)
					}
				}
			})
		}
	}
}
