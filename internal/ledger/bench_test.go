package ledger

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// BenchmarkRecord is the cost on the data path.
func BenchmarkRecord(b *testing.B) {
	q := newQueue(DefaultQueue)
	l := &Ledger{queue: q}
	s := sighting(noon, "")
	s.Seen.Request.Header = http.Header{"Accept": {"image/*"}, "Cookie": {"_fbp=fb.1.2.3"}, "User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"}}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.Record(s)
		if n++; n%1024 == 0 { // the worker's part
			items := q.take()
			var bytes int64
			for i := range items {
				bytes += items[i].size
			}
			q.free(len(items), bytes)
			q.give(items)
		}
	}
}

// BenchmarkWrite is the whole way of an event into the store.
func BenchmarkWrite(b *testing.B) {
	l, err := open(b.Context(), Options{Dir: b.TempDir(), Queue: 1 << 30, Now: func() time.Time { return noon }}, func(s Sighting) []detect.Verdict {
		e := note("Meta", fmt.Sprint("s", s.Seen.At.Unix(), ".example"), s.Seen.At)
		for i := range 8 {
			e.Disclosed = append(e.Disclosed, detect.Field{Name: "screen", Label: "your screen size", Value: fmt.Sprint(i)})
		}
		return []detect.Verdict{e.Verdict}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer stop(b, l)
	const batch = 1024
	i := 0
	for b.Loop() { // a batch
		for range batch {
			l.Record(sighting(noon.Add(time.Duration(i)*time.Minute), ""))
			i++
		}
		if err := l.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "events/s")
}
