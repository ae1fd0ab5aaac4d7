package lists

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestServe lets days pass: lists come when they are due, not before, and
// failures have them asked for again later and later.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		rt := &script{answers: map[string]func() (int, string){}}
		var good atomic.Bool
		rt.answers["/l"] = func() (int, string) {
			if good.Load() {
				return 200, rulesOf(50)
			}
			return 500, "no"
		}
		s, err := Open(Options{Dir: dir, Catalogue: &Catalogue{}, Client: &http.Client{Transport: rt}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.o.Catalogue.Resolve("https://lists.example/l", "", FromConfig)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Select([]Ref{r}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { ended <- s.Serve(ctx) }()
		time.Sleep(time.Minute) // what was never fetched does not wait
		synctest.Wait()
		if n := rt.count(); n != tries {
			t.Errorf("asked %d times in the first minute, want %d", n, tries)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		// 5, 10, 20 … minutes, then every six hours: about 10 times in a day.
		if n := rt.count() / tries; n < 8 || n > 12 {
			t.Errorf("asked %d times in a day without an answer", n)
		}
		good.Store(true)
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		n := rt.count()
		if s.Current().Set.Len() != 50 {
			t.Fatal("the list is not in force")
		}
		time.Sleep(47 * time.Hour) // it wishes to be left alone for two days
		synctest.Wait()
		if got := rt.count() - n; got > 1 {
			t.Errorf("asked %d times before it was due", got)
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if got := rt.count() - n; got < 1 || got > 2 {
			t.Errorf("asked %d times in 57 hours, want once", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// script answers requests without a network.
type script struct {
	mu      sync.Mutex
	asked   int
	answers map[string]func() (int, string)
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	code, text := s.answers[r.URL.Path]()
	return &http.Response{
		StatusCode: code, Status: fmt.Sprint(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}
