package e2e

import (
	"bytes"
	_ "embed"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

//go:embed testdata/intercept/page.html
var everything []byte

const (
	fileSize = 64 << 10
	bigSize  = 5 << 20
)

// pattern is what the page's bytes() makes.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func fnvSum(b []byte) string {
	h := fnv.New32a()
	_, _ = h.Write(b)
	return strconv.FormatUint(uint64(h.Sum32()), 16)
}

// gates hold a stream back until its reader says that it has the beginning.
type gates struct {
	mu sync.Mutex
	m  map[string]chan struct{}
}

func (g *gates) of(name string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m == nil {
		g.m = map[string]chan struct{}{}
	}
	if g.m[name] == nil {
		g.m[name] = make(chan struct{}, 16)
	}
	return g.m[name]
}

// wait reports whether the reader released the stream in time.
func (g *gates) wait(r *http.Request, name string) bool {
	select {
	case <-g.of(name):
		return true
	case <-r.Context().Done():
	case <-time.After(waitTime):
	}
	return false
}

// site serves testdata/intercept/page.html and all that it asks for.
func site(t testing.TB) http.Handler {
	g := &gates{}
	file, big := pattern(fileSize), pattern(bigSize)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(everything)
	})
	mux.HandleFunc("GET /small.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"n":7}`)
	})
	mux.HandleFunc("GET /file.bin", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="file.bin"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	})
	mux.HandleFunc("GET /big.bin", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(big) })
	mux.HandleFunc("POST /release", func(w http.ResponseWriter, r *http.Request) {
		g.of(r.URL.Query().Get("name")) <- struct{}{}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		chunk(w, "data: first\n\n")
		if g.wait(r, "events") {
			chunk(w, "data: second\n\n")
			chunk(w, "data: third\n\n")
		}
	})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		chunk(w, "first")
		if g.wait(r, "stream") {
			chunk(w, "second")
		}
	})
	mux.HandleFunc("POST /beacon", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%d %s %v", len(body), fnvSum(body), err)
	})
	mux.HandleFunc("POST /form", postForm)
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) { echo(t, w, r) })
	return mux
}

func chunk(w http.ResponseWriter, s string) {
	_, _ = io.WriteString(w, s)
	_ = http.NewResponseController(w).Flush()
}

func postForm(w http.ResponseWriter, r *http.Request) {
	f, _, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer f.Close()
	body, err := io.ReadAll(f)
	fmt.Fprintf(w, "%s %d %s %v", r.FormValue("name"), len(body), fnvSum(body), err)
}

func echo(t testing.TB, w http.ResponseWriter, r *http.Request) {
	// The Origin is that of the page; the host is the same.
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		t.Errorf("accepting a websocket: %v", err)
		return
	}
	defer func() { _ = c.CloseNow() }()
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, data); err != nil {
			return
		}
	}
}
