package rules_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/strictyaml"
	"github.com/quench-proxy/quench/rules"
)

// mailExamples reads the examples of what stands in mail.
func mailExamples(t *testing.T) []vendor.ExampleSpec {
	t.Helper()
	files, err := filepath.Glob("examples/m-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("examples/m-*.yaml: %d files, %v", len(files), err)
	}
	var all []vendor.ExampleSpec
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
		all = append(all, f.Examples...)
	}
	return all
}

func shipped(t testing.TB) *vendor.Rules {
	t.Helper()
	specs, err := engine.Specs(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	r, err := vendor.Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mailRows is how many kinds of address are known; one that is dropped by
// mistake shows here.
const mailRows = 184

// TestMailRows: each kind of address has a rule and an example of what it must
// not match, and each rule of mail has an example.
func TestMailRows(t *testing.T) {
	rows, near, reached := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, ex := range mailExamples(t) {
		if ex.Row == "" {
			t.Errorf("%s: no row", ex.Name)
		}
		if ex.Want.Rule == "" {
			near[ex.Row] = true
			continue
		}
		rows[ex.Row] = true
		reached[ex.Want.Rule] = true
	}
	if len(rows) != mailRows {
		t.Errorf("%d rows have a rule, want %d", len(rows), mailRows)
	}
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		if !near[row] {
			t.Errorf("%s: nothing shows what its rules must not match", row)
		}
	}
	_, specs := load(t)
	for _, s := range specs {
		for i := range s.Mail {
			for _, name := range s.Mail[i].Rules() {
				if !reached[name] {
					t.Errorf("%s: %s has no example", s.File, name)
				}
			}
		}
	}
}

// TestMailExamples holds the examples against the rules: openings against what
// decides about requests, the rest against what messages alone are asked.
func TestMailExamples(t *testing.T) {
	set, _ := load(t)
	r := shipped(t)
	for _, ex := range mailExamples(t) {
		t.Run(ex.Name, func(t *testing.T) {
			ty, _ := detect.ParseType(ex.Type)
			q := &detect.Request{URL: ex.URL, Host: detect.HostOf(ex.URL), Page: ex.Page, PageFrom: detect.PageReferer, Type: ty}
			hit, ok := r.Mail(q)
			switch {
			case ex.Want.Action == "block":
				_, d, verdicts := judge(t, set, ex)
				same(t, "rule", set.RuleName(d.Rule), ex.Want.Rule)
				mailSentence(t, verdicts[0], ex)
			case ex.Want.Rule == "" && ok:
				t.Errorf("found by %s, want nothing", hit.Rule)
			case ex.Want.Rule == "":
			case !ok:
				t.Errorf("not found, want %s", ex.Want.Rule)
			default:
				checkMail(t, &hit, ex)
			}
		})
	}
}

func mailSentence(t *testing.T, v detect.Verdict, ex vendor.ExampleSpec) {
	t.Helper()
	if ex.Want.Activity == "open" && !strings.Contains(v.Sentence, " that you opened a mail") {
		t.Errorf("sentence %q does not say that a mail was opened", v.Sentence)
	}
	if strings.Contains(ex.Want.Rule, "-own-host") {
		return // its shape holds what nobody else writes
	}
	if strings.HasPrefix(v.Evidence[0].Detail, "signature") && !strings.Contains(v.Sentence, "looks like") {
		t.Errorf("sentence %q is sure of what only a shape says", v.Sentence)
	}
}

func checkMail(t *testing.T, hit *vendor.MailHit, ex vendor.ExampleSpec) {
	t.Helper()
	same(t, "rule", hit.Rule, ex.Want.Rule)
	same(t, "goal", hit.Goal, ex.Want.Goal)
	if hit.Link != (ex.Type == "document") {
		t.Errorf("link is %v", hit.Link)
	}
	if hit.Signature && !hit.Likely {
		t.Error("is sure of what only a shape says")
	}
	for name, want := range ex.Want.Fields {
		got := ""
		for _, f := range hit.Disclosed {
			if f.Name == name {
				got = f.Value
			}
		}
		same(t, "field "+name, got, want)
	}
}

// TestMailNeverDecides: a link of mail and a common shape never stop a request.
func TestMailNeverDecides(t *testing.T) {
	set, _ := load(t)
	for _, ex := range mailExamples(t) {
		if ex.Want.Action != "allow" {
			continue
		}
		if _, d, _ := judge(t, set, ex); d.Step != detect.StepNone {
			t.Errorf("%s: decided at step %d by %s", ex.Name, d.Step, set.RuleName(d.Rule))
		}
	}
}
