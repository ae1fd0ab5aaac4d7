//go:build unix

package rules_test

import (
	"bufio"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"time"

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

// recorded gives the requests recorded from real browsing.
func recorded(b *testing.B) []*detect.Request {
	lines := bufio.NewScanner(dataFile(b, "filter/requests.tsv"))
	lines.Buffer(nil, 1<<20)
	var out []*detect.Request
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), "\t", 3)
		ty, _ := detect.ParseType(parts[0])
		out = append(out, &detect.Request{URL: parts[2], Host: detect.HostOf(parts[2]), Page: parts[1], PageFrom: detect.PageReferer, Type: ty})
	}
	if err := lines.Err(); err != nil || len(out) == 0 {
		b.Fatalf("%d requests, %v", len(out), err)
	}
	return out
}

// each times do for the requests, one an operation. Beside the elapsed time it
// reports the processor time of the whole process, garbage collection
// included, which waiting for a processor does not lengthen.
func each(b *testing.B, reqs []*detect.Request, do func(*detect.Request)) {
	for _, r := range reqs { // compiles what compiles on first use
		do(r)
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime(b)
	for i := range b.N {
		do(reqs[i%len(reqs)])
	}
	b.StopTimer()
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkDecide decides about the shipped examples.
func BenchmarkDecide(b *testing.B) {
	set, specs := load(b)
	each(b, examples(b, specs), func(r *detect.Request) { set.Request(r, nil) })
}

// BenchmarkDecideReal decides about requests of real browsing, most of which no
// rule is about.
func BenchmarkDecideReal(b *testing.B) {
	set, _ := load(b)
	each(b, recorded(b), func(r *detect.Request) { set.Request(r, nil) })
}

// BenchmarkDecideMiss decides about a request that no rule is about.
func BenchmarkDecideMiss(b *testing.B) {
	set, _ := load(b)
	r := &detect.Request{URL: "https://cdn.shop.example/assets/app.4f3a.js?v=1", Host: "cdn.shop.example", Page: "https://news.example/", PageFrom: detect.PageReferer}
	each(b, []*detect.Request{r}, func(r *detect.Request) { set.Request(r, nil) })
}

// BenchmarkExplain decides about the shipped examples and explains them.
func BenchmarkExplain(b *testing.B) {
	set, specs := load(b)
	each(b, examples(b, specs), func(r *detect.Request) { set.Explain(detect.Seen{Request: r}, set.Request(r, nil)) })
}

// BenchmarkExplainReal does the same with those of the real requests that are
// stopped.
func BenchmarkExplainReal(b *testing.B) {
	set, _ := load(b)
	var stopped []*detect.Request
	for _, r := range recorded(b) {
		if set.Request(r, nil).Action == detect.Block {
			stopped = append(stopped, r)
		}
	}
	each(b, stopped, func(r *detect.Request) { set.Explain(detect.Seen{Request: r}, set.Request(r, nil)) })
}
