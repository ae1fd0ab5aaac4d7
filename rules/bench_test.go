package rules_test

import (
	"net/textproto"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// examples gives a request for every example of every shipped rule.
func examples(b *testing.B, specs []*vendor.Spec) []*detect.Request {
	var out []*detect.Request
	for _, s := range specs {
		for _, t := range s.Trackers {
			for _, ex := range t.Examples {
				out = append(out, &detect.Request{
					URL: ex.URL, Host: detect.HostOf(ex.URL), Method: ex.Method, Page: ex.Page, PageFrom: detect.PageReferer,
					Header: textproto.MIMEHeader{}, Body: []byte(ex.Body), Type: detect.TypeImage,
				})
			}
		}
	}
	if len(out) == 0 {
		b.Fatal("no examples")
	}
	return out
}

// BenchmarkDecide decides about the shipped examples, one an operation.
func BenchmarkDecide(b *testing.B) {
	set, specs := load(b)
	reqs := examples(b, specs)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		set.Request(reqs[i%len(reqs)], nil)
	}
}

// BenchmarkDecideMiss decides about a request that no rule is about.
func BenchmarkDecideMiss(b *testing.B) {
	set, _ := load(b)
	r := &detect.Request{URL: "https://cdn.shop.example/assets/app.4f3a.js?v=1", Host: "cdn.shop.example", Page: "https://news.example/", PageFrom: detect.PageReferer}
	b.ReportAllocs()
	for b.Loop() {
		set.Request(r, nil)
	}
}

// BenchmarkExplain explains the shipped examples, one an operation.
func BenchmarkExplain(b *testing.B) {
	set, specs := load(b)
	reqs := examples(b, specs)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r := reqs[i%len(reqs)]
		set.Explain(detect.Seen{Request: r}, set.Request(r, nil))
	}
}
