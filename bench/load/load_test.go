package load

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []float64
		q    float64
		want float64
	}{{nil, 0.5, 0}, {[]float64{7}, 0.99, 7}, {[]float64{1, 2, 3}, 0.5, 2}, {[]float64{1, 2, 3, 4}, 1, 4}} {
		if got := Quantile(c.in, c.q); got != c.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", c.in, c.q, got, c.want)
		}
	}
}

// TestRunCounts wants what is counted to have been served, and wrong answers
// to be errors.
func TestRunCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		size   int64
		h2, ok bool
	}{{"right", 10, false, true}, {"any size", -1, false, true}, {"wrong size", 11, false, false}, {"wrong protocol", 10, true, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var served atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				served.Add(1)
				_, _ = w.Write(make([]byte, 10))
			}))
			defer s.Close()
			// Long enough for a busy machine to answer at least one.
			r := Run(t.Context(), Job{URL: s.URL, Size: c.size, H2: c.h2, Workers: 2, For: 3 * time.Second})
			if got := r.Errors == 0 && r.Requests > 0; got != c.ok {
				t.Errorf("%d requests, %d errors (%v); want ok %v", r.Requests, r.Errors, r.First, c.ok)
			}
			if got := served.Load(); int64(r.Requests) > got {
				t.Errorf("%d counted, %d served", r.Requests, got)
			}
		})
	}
}
