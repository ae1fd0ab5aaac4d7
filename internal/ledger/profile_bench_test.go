package ledger

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/rules"
)

// templates are the events that the examples of all vendors give, whole.
func templates(t testing.TB) []Event {
	t.Helper()
	specs, err := vendor.ParseDir(os.DirFS("../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	var out []Event
	for _, s := range specs {
		for _, tr := range s.Trackers {
			for _, ex := range tr.Examples {
				h := http.Header{}
				h.Set("Referer", ex.Page)
				for k, v := range ex.Headers {
					h.Set(k, v)
				}
				r := intake.Request(orElse(ex.Method, "GET"), ex.URL, h)
				r.Body = []byte(ex.Body)
				d := set.Body(&r, set.Request(&r, nil), nil)
				sight := Sighting{Set: set, Decision: d, Door: "proxy", Seen: detect.Seen{Request: &r, At: noon}}
				for _, v := range set.Explain(sight.Seen, d) {
					out = append(out, eventOf(&sight, &v))
				}
			}
		}
	}
	return out
}

// fillBook writes n events of 90 days on 600 sites into the store of dir.
func fillBook(t testing.TB, dir string, n int) {
	t.Helper()
	s, err := openStore(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	all := templates(t)
	const batch = 2000
	rows := make([]*row, 0, batch)
	for i := range n {
		e := all[i*7919%len(all)]
		site := fmt.Sprintf("site%03d.example", i*31%600)
		e.Time = noon.Add(time.Duration(float64(90*24*time.Hour) * (float64(i)/float64(n) - 1)))
		e.Request.Page, e.Request.PageFrom = "https://"+site+"/page"+strconv.Itoa(i%37), "referer"
		e.Disclosed = append([]detect.Field(nil), e.Disclosed...)
		for k := range e.Disclosed {
			if f := &e.Disclosed[k]; f.Name == "page_url" {
				f.Value = e.Request.Page
			}
		}
		rows = append(rows, &row{event: redacted(0, s.key, e)})
		if len(rows) == batch || i == n-1 {
			if err := s.write(rows, nil); err != nil {
				t.Fatal(err)
			}
			rows = rows[:0]
		}
	}
}

// BenchmarkProfile sums up a whole ledger. QUENCH_BENCH_EVENTS says how large it
// is: a million take minutes to write.
func BenchmarkProfile(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("QUENCH_BENCH_EVENTS"))
	if err != nil {
		n = 20_000
	}
	dir := b.TempDir()
	fillBook(b, filepath.Join(dir, dirName), n)
	r, err := OpenReader(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for b.Loop() {
		p, err := r.Profile(b.Context(), ProfileQuery{})
		if err != nil || len(p.Companies) == 0 {
			b.Fatalf("%+v, %v", p, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
