package lists

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestRealLists keeps and compiles EasyList and EasyPrivacy, if QUENCH_DATA
// names the folder of public data, and says what it took.
func TestRealLists(t *testing.T) {
	dir := os.Getenv("QUENCH_DATA")
	if dir == "" {
		t.Skip("QUENCH_DATA is not set")
	}
	w := newWorld(t)
	var refs []Ref
	for _, name := range []string{"easylist.txt", "easyprivacy.txt"} {
		path := filepath.Join(dir, "filter", name)
		w.page("/"+name, func(rw http.ResponseWriter, _ *http.Request) {
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			_, _ = io.Copy(rw, f)
		})
		r, err := w.store.o.Catalogue.Resolve(w.srv.URL+"/"+name, "", FromConfig)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, r)
	}
	if err := w.store.Select(refs); err != nil {
		t.Fatal(err)
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	start := time.Now()
	w.mustUpdate()
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&m)
	for _, st := range w.store.Lists() {
		t.Logf("%s: %s, %d rules, %d cosmetic, %d faults, expires in %v", st.Title, st.Version, st.Rules, st.Cosmetic, st.Faults, st.Next.Sub(w.now()))
		if st.Rules < 30_000 || st.Version == "" || st.Faults > 100 {
			t.Errorf("%+v", st)
		}
	}
	t.Logf("fetched and compiled in %v, %d kB live after it, the Set says %d kB", took, (m.HeapAlloc-before)>>10, w.store.Current().Set.Size()>>10)

	again := w.open(Options{})
	if err := again.Select(refs); err != nil {
		t.Fatal(err)
	}
	start = time.Now()
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("the next start took %v (from the compiled copy: %v)", time.Since(start), again.Current().Cached)
	if got, want := again.Current().Set.Len(), w.store.Current().Set.Len(); got != want {
		t.Errorf("%d rules after a restart, %d before", got, want)
	}
}
