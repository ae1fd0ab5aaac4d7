package lists

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// TestCodings fetches one list in every coding.
func TestCodings(t *testing.T) {
	t.Parallel()
	good := rulesOf(500)
	var br, zs bytes.Buffer
	b := brotli.NewWriter(&br)
	_, _ = io.WriteString(b, good)
	_ = b.Close()
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(z, good)
	_ = z.Close()
	for coding, body := range map[string][]byte{"": []byte(good), "identity": []byte(good), "gzip": gzipped(good), "br": br.Bytes(), "zstd": zs.Bytes()} {
		t.Run("coding "+coding, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.page("/l", coded(coding, body))
			w.selected("/l")
			w.mustUpdate()
			if st := w.store.Lists()[0]; st.Rules != 500 || st.Size != int64(len(good)) {
				t.Errorf("%d rules in %d bytes, want 500 in %d", st.Rules, st.Size, len(good))
			}
			if coding == "" || coding == "identity" {
				return
			}
			w.page("/l", coded(coding, body[:len(body)-3]))
			if err := w.update(); err == nil {
				t.Error("three bytes less were taken for the whole")
			}
		})
	}
}

// TestBoundedMemory downloads for ever and looks at what that costs.
func TestBoundedMemory(t *testing.T) {
	w := newWorld(t)
	w.page("/l", endless([]byte(strings.Repeat("||tracker.example^\n", 4000))))
	w.selected("/l")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if err := w.update(); !errors.Is(err, errTooLarge) {
		t.Fatalf("error %v, want %v", err, errTooLarge)
	}
	runtime.ReadMemStats(&after)
	// The server of the test allocates too; 64 MB were sent.
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 24<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(50))
	r := w.selected("/l")
	w.mustUpdate()
	first := *w.store.known(r.Key)
	w.pass(3 * time.Hour)
	w.mustUpdate() // 304
	reqs := w.requests()
	if len(reqs) != 2 || reqs[0].Header.Get("If-None-Match") != "" || reqs[1].Header.Get("If-None-Match") != first.Parts[0].ETag || first.Parts[0].ETag == "" {
		t.Fatalf("asked with %q, kept %q", reqs[1].Header.Get("If-None-Match"), first.Parts[0].ETag)
	}
	second := *w.store.known(r.Key)
	if !second.Fetched.Equal(first.Fetched) || !second.Checked.Equal(w.now()) || second.Hash != first.Hash {
		t.Errorf("after a 304: %+v, before %+v", second, first)
	}
	// Between two and two and a fifth days, as the list wishes.
	if d := second.Next.Sub(w.now()); d < 48*time.Hour || d > 48*time.Hour*11/10+time.Second {
		t.Errorf("next in %v, want about 48h", d)
	}
	for _, h := range []string{"Cookie", "Referer", "Authorization", "Via", "X-Forwarded-For"} {
		if v := reqs[1].Header.Get(h); v != "" {
			t.Errorf("%s: %s was sent", h, v)
		}
	}
	if ua := reqs[0].Header.Get("User-Agent"); ua != "Quench" {
		t.Errorf("User-Agent %q", ua)
	}

	w.text("/l", rulesOf(60)) // a new ETag
	w.mustUpdate()
	third := w.store.known(r.Key)
	if third.Counts.Rules != 60 || third.Hash == first.Hash || !third.Fetched.Equal(w.now()) {
		t.Errorf("after a change: %+v", third)
	}
	if n := len(w.textFiles()); n != 1 {
		t.Errorf("%d copies, want the last alone: %v", n, w.files())
	}
}

func (w *world) textFiles() []string {
	names, err := filepath.Glob(filepath.Join(w.dir, "*"+textSuffix))
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// TestSameTextNewTag is a server whose ETag changes with every answer.
func TestSameTextNewTag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	w.page("/l", func(rw http.ResponseWriter, _ *http.Request) {
		n++
		rw.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
		_, _ = io.WriteString(rw, rulesOf(50))
	})
	r := w.selected("/l")
	w.mustUpdate()
	before := w.store.Current()
	w.pass(time.Hour)
	w.mustUpdate()
	if w.store.Current() != before {
		t.Error("the same text made a new Snapshot")
	}
	k := w.store.known(r.Key)
	if k.Parts[0].ETag != `"2"` || k.Fetched.Equal(w.now()) || !k.Checked.Equal(w.now()) {
		t.Errorf("kept %+v", k)
	}
	if len(w.files()) != 5 { // lock, state and its copy, text, compiled copy
		t.Errorf("files %v", w.files())
	}
}

// TestLastModified is a server without ETags.
func TestLastModified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mod := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	w.page("/l", func(rw http.ResponseWriter, r *http.Request) {
		http.ServeContent(rw, r, "", mod, strings.NewReader(rulesOf(50)))
	})
	w.selected("/l")
	w.mustUpdate()
	w.mustUpdate()
	if got, want := w.requests()[1].Header.Get("If-Modified-Since"), mod.Format(http.TimeFormat); got != want {
		t.Errorf("If-Modified-Since %q, want %q", got, want)
	}
}

// TestRetry is a server that answers at the third time.
func TestRetry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	w.page("/l", func(rw http.ResponseWriter, r *http.Request) {
		if n++; n < 3 {
			http.Error(rw, "busy", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(rw, rulesOf(50))
	})
	w.selected("/l")
	w.mustUpdate()
	if n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
	n = -100
	if err := w.update(); err == nil || n != -97 {
		t.Errorf("asked %d times until %v, want 3", n+100, err)
	}
	w.page("/l", say(404, "text/plain", "no"))
	before := len(w.requests())
	_ = w.update()
	if got := len(w.requests()) - before; got != 1 {
		t.Errorf("asked %d times for what is not there, want once", got)
	}
}

// TestStall is a server that falls silent in the middle.
func TestStall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.fetch.stall = 50 * time.Millisecond
	w.page("/l", func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, rulesOf(50))
		_ = http.NewResponseController(rw).Flush()
		<-r.Context().Done()
	})
	w.selected("/l")
	if err := w.update(); !errors.Is(err, errStall) {
		t.Errorf("error %v, want %v", err, errStall)
	}
	w.store.fetch.stall, w.store.fetch.total = time.Minute, 50*time.Millisecond
	if err := w.update(); !errors.Is(err, errSlow) {
		t.Errorf("error %v, want %v", err, errSlow)
	}
}

// TestInterrupted ends an update in the middle of a download.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reached := make(chan struct{}, 1)
	w.page("/l", func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, rulesOf(50))
		_ = http.NewResponseController(rw).Flush()
		reached <- struct{}{}
		<-r.Context().Done()
	})
	w.selected("/l")
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	if err := w.store.Update(ctx, UpdateOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if st := w.store.Lists()[0]; st.Failures != 0 || st.Have {
		t.Errorf("an interrupted update is noted as a failure: %+v", st)
	}
	if files := w.files(); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

// TestUntrusted is a server whose certificate nobody signed.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := 0
	srv := newTLS(t, func(http.ResponseWriter, *http.Request) { asked++ })
	r, err := w.store.o.Catalogue.Resolve(srv.URL+"/l", "", FromConfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Select([]Ref{r}); err != nil {
		t.Fatal(err)
	}
	if err := w.update(); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("error %v, want one about the certificate", err)
	}
	if asked != 0 {
		t.Error("the request was sent")
	}
}

// TestForce takes a list that is much shorter when somebody says so.
func TestForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(90))
	w.selected("/l")
	w.mustUpdate()
	w.text("/l", rulesOf(5))
	if err := w.update(); !isBad(err) {
		t.Fatalf("error %v, want a BadListError", err)
	}
	if err := w.store.Update(t.Context(), UpdateOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	if st := w.store.Lists()[0]; st.Rules != 5 || st.Failures != 0 || st.Error != "" {
		t.Errorf("status %+v", st)
	}
	// A third is still a list that was tidied up.
	w.text("/l", rulesOf(90))
	w.mustUpdate()
	w.text("/l", rulesOf(30))
	w.mustUpdate()
}

// TestMirror takes the second address when the first fails.
func TestMirror(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/mirror", rulesOf(50))
	r := Ref{Name: "two", Key: "two", URLs: []string{w.srv.URL + "/first", w.srv.URL + "/mirror"}, From: []string{FromConfig}}
	if err := w.store.Select([]Ref{r}); err != nil {
		t.Fatal(err)
	}
	w.mustUpdate()
	if got := w.store.known("two").Parts[0].Addr; got != r.URLs[1] {
		t.Errorf("taken from %s, want the mirror", got)
	}
	w.text("/first", rulesOf(50)) // back, with the same text
	w.mustUpdate()
	w.text("/first", rulesOf(51))
	w.mustUpdate()
	if got := w.store.known("two"); got.Parts[0].Addr != r.URLs[0] || got.Counts.Rules != 51 {
		t.Errorf("kept %+v", got)
	}
	w.page("/first", nil)
	w.page("/mirror", nil)
	if err := w.update(); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("error %v does not name the host", err)
	}
}

func TestPrivateFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("modes are those of unix")
	}
	w := newWorld(t)
	w.text("/l", rulesOf(50)+"||x^$nonsense\n")
	w.selected("/l")
	w.mustUpdate()
	if st, err := os.Stat(w.dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v %v", st.Mode(), err)
	}
	for _, name := range w.files() {
		if st, err := os.Stat(filepath.Join(w.dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
}
