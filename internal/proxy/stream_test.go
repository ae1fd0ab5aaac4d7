package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	// Each chunk is sent only when the client has confirmed the one before, so a
	// proxy that holds anything back never ends.
	confirm := make(chan struct{})
	for _, kind := range []string{"text/event-stream", "application/x-ndjson", "text/plain"} {
		three(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			if kind == "text/plain" {
				w.Header().Set("Content-Length", "15")
			}
			w.WriteHeader(200)
			rc := http.NewResponseController(w)
			for range 3 {
				_ = rc.Flush()
				select {
				case <-confirm:
				case <-r.Context().Done():
					return
				}
				_, _ = io.WriteString(w, "tick\n")
			}
		}, func(t *testing.T, c *http.Client, base string) {
			resp, err := c.Get(base + "/stream") // returns when the header is there, before any byte
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			br := bufio.NewReader(resp.Body)
			for range 3 {
				confirm <- struct{}{}
				if line, err := br.ReadString('\n'); line != "tick\n" {
					t.Fatalf("got %q %v", line, err)
				}
			}
			if _, err := br.ReadByte(); err != io.EOF {
				t.Errorf("end: %v", err)
			}
		})
	}
}

func TestTrailersBothWays(t *testing.T) {
	t.Parallel()
	three(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		w.Header().Set("Content-Type", "application/grpc")
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-Sum"))
	}, func(t *testing.T, c *http.Client, base string) {
		r, _ := http.NewRequest("POST", base+"/svc", io.MultiReader(strings.NewReader("message")))
		r.Header.Set("Te", "trailers")
		r.Trailer = http.Header{"X-Sum": {"42"}}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if string(b) != "message" || err != nil {
			t.Errorf("body %q %v", b, err)
		}
		if resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("X-Sum") != "42" {
			t.Errorf("trailers %v", resp.Trailer)
		}
	})
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	three(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(413)
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	}, func(t *testing.T, c *http.Client, base string) {
		for path, want := range map[string]int{"/yes": 200, "/no": 413} {
			r, _ := http.NewRequest("PUT", base+path, strings.NewReader(strings.Repeat("x", 100_000)))
			r.Header.Set("Expect", "100-continue")
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != want || want == 200 && string(b) != "100000" {
				t.Errorf("%s: %d %q", path, resp.StatusCode, b)
			}
		}
	})
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	three(t, func(w http.ResponseWriter, r *http.Request) {
		for range 40 {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(103)
		}
		w.Header().Set("X-Final", "1")
		_, _ = io.WriteString(w, "ok")
	}, func(t *testing.T, c *http.Client, base string) {
		hints := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 && h.Get("Link") != "" {
				hints++
			}
			return nil
		}})
		r, _ := http.NewRequestWithContext(ctx, "GET", base, nil)
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if string(b) != "ok" || resp.Header.Get("X-Final") != "1" {
			t.Errorf("final %q %v", b, resp.Header)
		}
		if hints != maxInformational {
			t.Errorf("%d hints of 40, want %d", hints, maxInformational)
		}
	})
}

func TestTruncatedNeverLooksWhole(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text/plain", "text/event-stream"} {
		for _, length := range []string{"", "1000"} {
			three(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				_, _ = io.WriteString(w, "half of it")
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}, func(t *testing.T, c *http.Client, base string) {
				resp, err := c.Get(base)
				if err != nil {
					return // as good: the break was seen at once
				}
				defer resp.Body.Close()
				if b, err := io.ReadAll(resp.Body); err == nil {
					t.Errorf("%s, length %q: a broken body looked whole: %q", kind, length, b)
				}
			})
		}
	}
}
