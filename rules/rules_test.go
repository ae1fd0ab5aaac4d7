package rules_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/strictyaml"
	"github.com/quench-proxy/quench/rules"
)

func load(t testing.TB) (*engine.Set, []*vendor.Spec) {
	t.Helper()
	specs, err := vendor.ParseDir(os.DirFS(".."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	return set, specs
}

// TestBuiltinEqualsYAML: what ships is what the YAML compiles to, to the byte,
// and what is read of it is what the YAML says of companies. That the rest is
// read as it was written is for the engine's tests.
func TestBuiltinEqualsYAML(t *testing.T) {
	_, specs := load(t)
	want, err := engine.Pack(os.DirFS(".."), "rules")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rules.FS.ReadFile(engine.PackedFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the YAML compiles to; run: go generate ./rules", engine.PackedFile)
	}
	read, err := engine.Specs(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != len(specs) {
		t.Fatalf("%d companies were read, want %d", len(read), len(specs))
	}
	for i, s := range specs {
		if got, want := compiled(t, read[i]), compiled(t, s); got != want {
			t.Errorf("%s is read as another:\n%s", s.File, cmp.Diff(want, got))
		}
	}
}

// compiled writes a spec as text, without its examples.
func compiled(t *testing.T, s *vendor.Spec) string {
	t.Helper()
	data, err := vendor.Marshal([]*vendor.Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestEveryRuleHasAnExample: a hit or loader that no example reaches has no proof.
func TestEveryRuleHasAnExample(t *testing.T) {
	set, specs := load(t)
	reached := map[string]bool{}
	for _, s := range specs {
		for _, tr := range s.Trackers {
			for _, ex := range tr.Examples {
				_, d, _ := judge(t, set, ex)
				reached[set.RuleName(d.Rule)] = true
			}
		}
	}
	for _, s := range specs {
		for _, tr := range s.Trackers {
			for _, h := range tr.Hits {
				if !reached[tr.ID+"/"+h.ID] {
					t.Errorf("%s: hit %s/%s has no example", s.File, tr.ID, h.ID)
				}
			}
			for _, l := range tr.Loaders {
				if !reached[tr.ID+"/"+l.ID] {
					t.Errorf("%s: loader %s/%s has no example", s.File, tr.ID, l.ID)
				}
			}
		}
	}
}

func TestExamples(t *testing.T) {
	set, specs := load(t)
	for _, s := range specs {
		for _, tr := range s.Trackers {
			for _, ex := range tr.Examples {
				t.Run(tr.ID+"/"+ex.Name, func(t *testing.T) {
					check(t, set, tr.ID, ex)
					if ex.Want.Action == "block" && ex.Want.Sentence == "" {
						t.Error("example wants no sentence")
					}
				})
			}
		}
	}
}

// TestSecondExamples are derived from the vendors' documents by someone who
// did not write the rule.
func TestSecondExamples(t *testing.T) {
	set, specs := load(t)
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, file := range files {
		var f struct {
			Examples []vendor.ExampleSpec `yaml:"examples"`
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := strictyaml.Decode(file, data, &f); err != nil {
			t.Fatal(err)
		}
		for _, ex := range f.Examples {
			seen[ex.Tracker]++
			t.Run(ex.Tracker+"/"+ex.Name, func(t *testing.T) { check(t, set, ex.Tracker, ex) })
		}
	}
	waiting := awaiting(t)
	for _, s := range specs {
		for _, tr := range s.Trackers {
			switch n := seen[tr.ID]; {
			case n < 2 && !waiting[tr.ID]:
				t.Errorf("tracker %s has %d second examples, want at least 2", tr.ID, n)
			case n >= 2 && waiting[tr.ID]:
				t.Errorf("tracker %s has its second examples: take it off examples/awaiting.txt", tr.ID)
			}
			delete(waiting, tr.ID)
		}
	}
	for id := range waiting {
		t.Errorf("examples/awaiting.txt names %s, which is no tracker", id)
	}
}

// awaiting returns the trackers whose second examples are still to be written.
func awaiting(t *testing.T) map[string]bool {
	t.Helper()
	data, err := os.ReadFile("examples/awaiting.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if id, _, _ := strings.Cut(line, "#"); strings.TrimSpace(id) != "" {
			out[strings.TrimSpace(id)] = true
		}
	}
	return out
}

// judge does what the doors do: intake, Request, Body, Explain.
func judge(t *testing.T, set *engine.Set, ex vendor.ExampleSpec) (detect.Request, detect.Decision, []detect.Verdict) {
	t.Helper()
	h := textproto.MIMEHeader{}
	if ex.Page != "" {
		h.Set("Referer", ex.Page)
	}
	for k, v := range ex.Headers {
		h.Set(k, v)
	}
	method := ex.Method
	if method == "" {
		method = "GET"
	}
	r := intake.Request(method, ex.URL, h)
	if ty, ok := detect.ParseType(ex.Type); ok && ex.Type != "" {
		r.Type = ty
	} else if ex.Type != "" {
		t.Fatalf("type %q is not known", ex.Type)
	}
	r.Body = body(t, ex)
	policy := &detect.Policy{Unknown: detect.UnknownOff} // it is about rules alone
	d := set.Request(&r, policy)
	if d.Need&detect.NeedBody != 0 && d.Action < detect.Block {
		d = set.Body(&r, d, policy)
	}
	seen := detect.Seen{Request: &r, Policy: policy, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	return r, d, set.Explain(seen, d)
}

func body(t testing.TB, ex vendor.ExampleSpec) []byte {
	switch {
	case ex.BodyBase64 != "":
		b, err := base64.StdEncoding.DecodeString(ex.BodyBase64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case ex.BodyGzipBase64JSON != "":
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(ex.BodyGzipBase64JSON)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return []byte(base64.StdEncoding.EncodeToString(b.Bytes()))
	}
	return []byte(ex.Body)
}

func check(t *testing.T, set *engine.Set, tracker string, ex vendor.ExampleSpec) {
	t.Helper()
	_, d, verdicts := judge(t, set, ex)
	if got := d.Action.String(); got != ex.Want.Action {
		t.Fatalf("action %s by %s, want %s", got, set.RuleName(d.Rule), ex.Want.Action)
	}
	if ex.Want.Action == "allow" {
		return
	}
	if len(verdicts) == 0 || verdicts[0].Tracker == nil {
		t.Fatalf("no verdict names a tracker: %+v", verdicts)
	}
	v, w := verdicts[0], ex.Want
	same(t, "tracker", v.Tracker.ID, tracker)
	if w.Reply != "" {
		same(t, "reply", v.Reply.String(), w.Reply)
	}
	if w.Activity != "" {
		if v.Activity == nil {
			t.Fatalf("no activity, want %s", w.Activity)
		}
		same(t, "activity", v.Activity.Name, w.Activity)
	}
	if w.Consent != "" {
		same(t, "consent", v.Consent.State, w.Consent)
	}
	if w.Sentence != "" {
		same(t, "sentence", v.Sentence, w.Sentence)
	}
	for name, want := range w.Fields {
		same(t, "field "+name, fieldOf(v, name).Value, want)
	}
	for name, want := range w.Made {
		same(t, "made of "+name, fieldOf(v, name).Made, want)
	}
	for i, want := range w.Also {
		if i+1 >= len(verdicts) {
			t.Errorf("no event %d, want %q", i+1, want)
			continue
		}
		same(t, "also", verdicts[i+1].Sentence, want)
	}
}

func fieldOf(v detect.Verdict, name string) detect.Field {
	for _, f := range v.Disclosed {
		if f.Name == name {
			return f
		}
	}
	return detect.Field{}
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s", what, cmp.Diff(want, got))
	}
}

// BenchmarkLoad shows that the shipped rules load fast: they are compiled, and
// regexps wait for their first use.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := engine.Load(engine.Sources{Builtin: rules.FS}); err != nil {
			b.Fatal(err)
		}
	}
}
