package lists

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// world is a server of lists and a store that fetches from it.
type world struct {
	t     *testing.T
	srv   *httptest.Server
	store *Store
	dir   string
	log   *logLines

	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	asked []*http.Request
	clock time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "lists"), pages: map[string]http.HandlerFunc{}, log: &logLines{}}
	w.clock = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	w.srv = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.srv.Close)
	w.store = w.open(Options{})
	return w
}

// open opens a store on the world's directory, as another process would.
func (w *world) open(o Options) *Store {
	w.t.Helper()
	o.Dir, o.Now = w.dir, w.now
	o.Client = &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	o.Log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if o.Catalogue == nil {
		o.Catalogue = &Catalogue{}
	}
	s, err := Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	s.fetch.wait = time.Millisecond
	return s
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	page := w.pages[r.URL.Path]
	w.asked = append(w.asked, r)
	w.mu.Unlock()
	if page == nil {
		http.NotFound(rw, r)
		return
	}
	page(rw, r)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// page has the server answer at path with fn.
func (w *world) page(path string, fn http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = fn
}

// text has the server answer with a text, as most do: with an ETag.
func (w *world) text(path, text string) {
	w.page(path, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.Header().Set("ETag", fmt.Sprintf("%q", hexBytes([]byte(text[:min(len(text), 20)]))+fmt.Sprint(len(text))))
		http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(text))
	})
}

func (w *world) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*http.Request(nil), w.asked...)
}

// selected turns on the list at path and returns its Ref.
func (w *world) selected(path string) Ref {
	w.t.Helper()
	r, err := w.store.o.Catalogue.Resolve(w.srv.URL+path, "", FromConfig)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Select([]Ref{r}); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) update() error { return w.store.Update(w.t.Context(), UpdateOptions{}) }

func (w *world) mustUpdate() {
	w.t.Helper()
	if err := w.update(); err != nil {
		w.t.Fatal(err)
	}
}

// files lists the directory.
func (w *world) files() (names []string) {
	w.t.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// rules makes a list of n rules.
func rulesOf(n int) string {
	var b strings.Builder
	b.WriteString("! Title: Ours\n! Expires: 2 days\n")
	for i := range n {
		fmt.Fprintf(&b, "||tracker%d.example^\n", i)
	}
	return b.String()
}

// logLines keeps what was logged.
type logLines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func isBad(err error) bool {
	var b *BadListError
	return errors.As(err, &b)
}

// newTLS is a server with a certificate of its own making.
func newTLS(t *testing.T, fn http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(fn)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}
