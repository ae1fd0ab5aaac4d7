package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/redact"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// explainBody takes the verdicts of a sighting from its request body.
func explainBody(s Sighting) []detect.Verdict {
	var v []struct {
		detect.Verdict
		Key string
		Saw *detect.Saying
	}
	if err := json.Unmarshal(s.Seen.Request.Body, &v); err != nil {
		panic(err)
	}
	out := make([]detect.Verdict, len(v))
	for i := range v {
		out[i] = v[i].Verdict
		out[i].Dedupe, out[i].Say = v[i].Key, v[i].Saw
	}
	return out
}

func start(t testing.TB, o Options) *Ledger {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	l, err := open(t.Context(), o, explainBody)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, l) })
	return l
}

func stop(t testing.TB, l *Ledger) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

func settle(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Flush(t.Context()); err != nil {
		t.Fatalf("not written: %v; %+v", err, l.Stats())
	}
}

func all(t testing.TB, l *Ledger, f Filter) []Event {
	t.Helper()
	var out []Event
	for e, err := range l.Events(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// note is an event of a company on a site at a time.
func note(company, site string, at time.Time) Event {
	host := "t." + strings.ToLower(company) + ".example"
	return Event{Time: at, Door: "proxy", Request: Request{Method: "GET", Host: host, URL: "https://" + host + "/p",
		Page: "https://www." + site + "/a", PageFrom: "referer", Type: "image"},
		Verdict: detect.Verdict{Action: detect.Block, Reply: detect.ReplyGIF, Sentence: site + " tried to tell " + company + ".",
			Tracker:   &detect.Tracker{ID: company + "-pixel", Name: company, Company: company},
			Disclosed: []detect.Field{{Name: "visitor_id", Label: "the number", Value: "number-of-" + company + "-0001"}}}}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	l := start(t, Options{Detail: redact.Full})
	e := Event{Time: noon.Add(123456789), Door: "proxy", Client: "laptop", Count: 3,
		Request: Request{Method: "POST", Host: "www.facebook.com", URL: "https://www.facebook.com/tr?id=7", Type: "ping",
			Page: "https://shop.example/thanks", PageFrom: "origin"},
		Verdict: detect.Verdict{Action: detect.Strip, Reply: detect.ReplyGIF, Told: true,
			Tracker: &detect.Tracker{ID: "meta-pixel", Name: "Meta Pixel", Company: "Meta Platforms",
				Category: "advertising", Purposes: []string{"conversion", "audiences"}},
			Evidence:  []detect.Evidence{{Kind: "vendor", Detail: "path /tr", Source: "rules/vendors/meta.yaml"}},
			Exception: &detect.Evidence{Kind: "user", Detail: "shop.example"},
			Activity:  &detect.Activity{Name: "Purchase", Says: "you bought something", Automatic: true},
			Consent:   &detect.Consent{State: "denied", Detail: "as sent"},
			Disclosed: []detect.Field{
				{Name: "page_url", Label: "the page you were on", Value: "https://shop.example/thanks"},
				{Name: "visitor_id", Label: "the number", Value: "fb.1.1741737600000.1234567890", Made: "2025-03-12", Sensitive: true},
				{Name: "value", Label: "the amount", Value: "49.90"},
			},
			Sentence: "shop.example has told Meta Pixel."},
	}
	l.Note(e)
	settle(t, l)
	want := e
	want.Schema, want.ID, want.Time = Schema, 1, noon.Add(123*time.Millisecond)
	want.Disclosed = append([]detect.Field(nil), e.Disclosed...)
	want.Disclosed[1].Value = "fb.1…890"
	got := all(t, l, Filter{})
	if len(got) != 1 {
		t.Fatalf("got %d events, want 1", len(got))
	}
	if got[0].Disclosed[1].Link == "" {
		t.Error("the number has no link")
	}
	want.Disclosed[1].Link = got[0].Disclosed[1].Link
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Errorf("event (-want +got):\n%s", d)
	}
	a, _ := json.Marshal(want)
	b, _ := json.Marshal(got[0])
	if string(a) != string(b) {
		t.Errorf("JSON\n got %s\nwant %s", b, a)
	}
	for _, word := range []string{`"told":true`, `"count":3`, `"page_from":"origin"`, `"made":"2025-03-12"`, `"exception":{`, `"automatic":true`} {
		if !strings.Contains(string(b), word) {
			t.Errorf("JSON lacks %s: %s", word, b)
		}
	}
}

func sighting(at time.Time, verdicts string) Sighting {
	return Sighting{Door: "proxy", Decision: detect.Decision{Action: detect.Block}, Seen: detect.Seen{At: at,
		Request: &detect.Request{URL: "https://t.example/p", Host: "t.example", Page: "https://shop.example", Body: []byte(verdicts)}}}
}

func TestFoldAndDedupe(t *testing.T) {
	t.Parallel()
	const a, b = `[{"action":"block","sentence":"a","tracker":{"id":"x"},"Key":"k1"}]`, `[{"action":"block","sentence":"b","tracker":{"id":"x"}}]`
	tests := []struct {
		name            string
		seen            []Sighting
		counts          []int
		folded, deduped int64
	}{
		{"one", []Sighting{sighting(noon, b)}, []int{1}, 0, 0},
		{"none: the zero decision", []Sighting{{Seen: detect.Seen{At: noon}}}, nil, 0, 0},
		{"none: no verdict", []Sighting{sighting(noon, `[]`)}, nil, 0, 0},
		{"same hit twice", []Sighting{sighting(noon, a), sighting(noon.Add(4*time.Second), a)}, []int{1}, 0, 1},
		{"same hit much later", []Sighting{sighting(noon, a), sighting(noon.Add(6*time.Second), a)}, []int{1, 1}, 0, 0},
		{"equal events", []Sighting{sighting(noon, b), sighting(noon.Add(time.Second), b), sighting(noon.Add(2*time.Second), b)}, []int{3}, 2, 0},
		{"equal events apart", []Sighting{sighting(noon, b), sighting(noon.Add(3*time.Second), b)}, []int{1, 1}, 0, 0},
		{"unequal events", []Sighting{sighting(noon, a), sighting(noon, b)}, []int{1, 1}, 0, 0},
		{"two of each in a batch", []Sighting{sighting(noon, `[{"sentence":"c"},{"sentence":"d"},{"sentence":"c"}]`)}, []int{2, 1}, 1, 0},
		{"blocked, then told", []Sighting{sighting(noon, a), sighting(noon, `[{"action":"strip","told":true,"sentence":"t","Key":"k1"}]`)}, []int{1, 1}, 0, 0},
	}
	for _, tt := range tests {
		for _, apart := range []bool{false, true} { // in one batch, and written in between
			t.Run(fmt.Sprint(tt.name, apart), func(t *testing.T) {
				t.Parallel()
				l := start(t, Options{})
				for _, s := range tt.seen {
					l.Record(s)
					if apart {
						settle(t, l)
					}
				}
				settle(t, l)
				var counts []int
				for _, e := range all(t, l, Filter{}) {
					counts = append(counts, e.Count)
				}
				if d := cmp.Diff(tt.counts, counts); d != "" {
					t.Errorf("counts (-want +got):\n%s", d)
				}
				if s := l.Stats(); s.Folded != tt.folded || s.Deduped != tt.deduped || s.Queued != 0 || s.QueuedBytes != 0 {
					t.Errorf("stats %+v, want folded %d, deduped %d, nothing queued", s, tt.folded, tt.deduped)
				}
			})
		}
	}
}

func TestWindowIsBounded(t *testing.T) {
	t.Parallel()
	w := newWindow[int](time.Hour)
	for i := range 3 * maxWindow {
		w.put(fmt.Sprint(i), noon, i)
	}
	if n := len(w.byKey); n > maxWindow || len(w.order)-w.head > maxWindow {
		t.Errorf("%d keys remembered, want at most %d", n, maxWindow)
	}
	if _, ok := w.get(fmt.Sprint(3*maxWindow-1), noon); !ok {
		t.Error("the newest key is forgotten")
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	l := start(t, Options{})
	for i := range 500 {
		at := noon.Add(time.Duration(i) * time.Minute)
		l.Note(note([]string{"Meta", "X"}[i%2], []string{"shop.example", "news.example", "my.shop.example"}[i%3], at))
	}
	settle(t, l)
	tests := []struct {
		name string
		f    Filter
		n    int
		id   int64 // of the first
	}{
		{"all", Filter{}, 500, 1},
		{"since", Filter{Since: noon.Add(490 * time.Minute)}, 10, 491},
		{"until", Filter{Until: noon.Add(10 * time.Minute)}, 10, 1},
		{"company", Filter{Company: "meta"}, 250, 1},
		{"tracker", Filter{Tracker: "x-pixel"}, 250, 2},
		{"site", Filter{Site: "www.shop.example"}, 333, 1},
		{"host", Filter{Host: "Meta.example"}, 250, 1},
		{"part of a host", Filter{Host: "eta.example"}, 0, 0},
		{"limit", Filter{Limit: 201}, 201, 1},
		{"newest", Filter{Limit: 300, Newest: true}, 300, 500},
		{"after", Filter{After: 450}, 50, 451},
		{"client", Filter{Client: "kids"}, 0, 0},
	}
	for _, tt := range tests {
		got := all(t, l, tt.f)
		if len(got) != tt.n || tt.n > 0 && got[0].ID != tt.id {
			t.Errorf("%s: %d events, first %v, want %d, first %d", tt.name, len(got), got[:min(1, len(got))], tt.n, tt.id)
		}
		for _, e := range got {
			if len(e.Disclosed) != 1 || e.Disclosed[0].Link == "" {
				t.Fatalf("%s: event %d has fields %v", tt.name, e.ID, e.Disclosed)
			}
		}
		if tt.f.Limit == 0 {
			if n, err := l.Count(t.Context(), tt.f); err != nil || n != int64(tt.n) {
				t.Errorf("%s: Count = %d, %v, want %d", tt.name, n, err, tt.n)
			}
		}
	}
	companies, err := l.Companies(t.Context(), Filter{})
	want := []CompanyCount{
		{"Meta", 250, 0, 2, noon, noon.Add(498 * time.Minute)}, {"X", 250, 0, 2, noon.Add(time.Minute), noon.Add(499 * time.Minute)}}
	if d := cmp.Diff(want, companies); err != nil || d != "" {
		t.Errorf("companies: %v (-want +got):\n%s", err, d)
	}
	links, err := l.Links(t.Context(), Filter{Company: "X"})
	if err != nil || len(links) != 1 || links[0].Sites != 2 || links[0].Events != 250 || links[0].Field != "visitor_id" {
		t.Errorf("links: %+v, %v, want one that links 2 sites by 250 events", links, err)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir, Now: func() time.Time { return noon }})
	l.Note(note("Old", "a.example", noon.Add(-91*24*time.Hour)))
	l.Note(note("New", "a.example", noon.Add(-89*24*time.Hour)))
	settle(t, l)
	stop(t, l)
	l = start(t, Options{Dir: dir, Now: func() time.Time { return noon }})
	settle(t, l)
	if got := all(t, l, Filter{}); len(got) != 1 || got[0].Tracker.Company != "New" {
		t.Errorf("after opening again: %v, want the new event alone", got)
	}
}

func TestSizeBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const bound = 1 << 20
	l := start(t, Options{Dir: dir, MaxSize: bound, Queue: 64 << 20})
	const n = 6000
	for i := range n {
		e := note("Meta", "shop.example", noon.Add(time.Duration(i)*time.Hour/100))
		e.Sentence = fmt.Sprint(i, strings.Repeat(" word", 100))
		l.Note(e)
		if i%1000 == 999 {
			settle(t, l)
		}
	}
	if err := l.do(t.Context(), func(ctx context.Context, w *worker) error { w.tidySize(ctx); return nil }); err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, f := range files(t, dir) {
		size += int64(len(f))
	}
	if size > bound+64<<10 { // the -shm file comes on top
		t.Errorf("the directory has %d bytes, want at most %d", size, bound)
	}
	got := all(t, l, Filter{})
	if len(got) < 100 || got[len(got)-1].ID != n || got[0].ID != int64(n-len(got)+1) {
		t.Errorf("%d events kept, from %d to %d, want the newest without a gap", len(got), got[0].ID, got[len(got)-1].ID)
	}
}

// files returns the content of every file below dir.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[filepath.Base(path)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
