package faults

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestFaults wants each fault to do what its name says to an answer of 1 MB.
func TestFaults(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, size))
	}))
	t.Cleanup(s.Close)
	for f := range FaultsLen {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			var weight [FaultsLen]int
			weight[f] = 1
			l, err := Listen(strings.TrimPrefix(s.URL, "http://"), weight, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			whole := f == None || f == Late
			timeout := time.Second // the others never end in time
			if whole {
				timeout = 30 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var n int64
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
			if err == nil {
				n, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if got := err == nil && n == size; got != whole {
				t.Errorf("%d bytes, %v; want whole = %v", n, err, whole)
			}
			if got := l.Counts()[f]; got == 0 {
				t.Errorf("no connection was counted")
			}
		})
	}
}

func TestNoWeight(t *testing.T) {
	t.Parallel()
	if _, err := Listen("127.0.0.1:1", [FaultsLen]int{}, 1); err == nil {
		t.Error("no weight at all: no error")
	}
}
