package judge

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/rules"
)

func loaded(t testing.TB) *engine.Set {
	t.Helper()
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// refsOf walks a page as one part.
func refsOf(page string) []Ref {
	var refs []Ref
	markup.Walk([]byte(page), markup.Options{}, func(r *markup.Ref) {
		refs = append(refs, Ref{Ref: *r, Part: "1", At: r.Value})
	})
	return refs
}

// matrix counts references that clients fetch by themselves.
type matrix struct{ tp, fp, fn, tn, content int }

func (m matrix) precision() float64 { return float64(m.tp) / float64(m.tp+m.fp) }
func (m matrix) recall() float64    { return float64(m.tp) / float64(m.tp+m.fn) }
func (m matrix) String() string {
	return fmt.Sprintf("tracker: %d found, %d missed; ordinary: %d wrongly called, %d left alone (%d of them made for one reader): precision %.4f, recall %.4f",
		m.tp, m.fn, m.fp, m.tn, m.content, m.precision(), m.recall())
}

const letters = 1500

// TestNewsletters: the generated set, judged with rules, without them, and
// without knowing the reader's address.
func TestNewsletters(t *testing.T) {
	t.Parallel()
	set := loaded(t)
	all, refs := make([]*letter, letters), make([][]Ref, letters)
	for n := range all {
		all[n] = newLetter(n)
		refs[n] = refsOf(all[n].html)
	}
	for _, tt := range []struct {
		name string
		j    Judge
		me   bool
	}{
		{"rules and address", Judge{Rules: set}, true},
		{"rules alone", Judge{Rules: set}, false},
		{"address alone", Judge{}, true},
		{"structure alone", Judge{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var m matrix
			rungs, wrong := map[Ladder]int{}, map[string]int{}
			for n, l := range all {
				msg := Message{Sender: fmt.Sprintf("shop%d.example", n%97), Refs: refs[n]}
				if tt.me {
					msg.Me = identity.New([]string{l.me})
				}
				score(t, l, tt.j.Message(&msg), msg.Refs, &m, rungs, wrong)
			}
			t.Logf("%d messages; %s", letters, m)
			t.Logf("rungs: proven %d, vendor %d, likely %d, hidden %d, token %d, ordinary %d",
				rungs[Proven], rungs[Vendor], rungs[Likely], rungs[Hidden], rungs[Token], rungs[Ordinary])
			if m.precision() < 0.99 || m.recall() < 0.97 {
				t.Errorf("precision %.4f, recall %.4f; want at least 0.99 and 0.97\n%s", m.precision(), m.recall(), top(wrong))
			}
		})
	}
}

func score(t *testing.T, l *letter, r *Result, refs []Ref, m *matrix, rungs map[Ladder]int, wrong map[string]int) {
	seenURL := map[string]bool{}
	for i := range r.Findings {
		f, ref := &r.Findings[i], &refs[i]
		want, known := l.truth[ref.URL]
		if !known || ref.When == markup.Click || seenURL[ref.URL] {
			continue
		}
		seenURL[ref.URL] = true
		rungs[f.Ladder]++
		switch got := f.Ladder.Tracker(); {
		case want == tracker && got:
			m.tp++
		case want == tracker:
			m.fn++
			wrong[fmt.Sprintf("missed %s (%s) %.90s %+v", l.vendor, f.Ladder, ref.URL, f.Signs)]++
		case got && want == content && f.Content && f.Ladder <= Vendor:
			m.content++ // a picture that names its reader, shown apart
			m.tn++
		case got:
			m.fp++
			wrong[fmt.Sprintf("called %s: %.90s %+v", f.Ladder, ref.URL, f.Signs)]++
		default:
			if want == content {
				m.content++
			}
			m.tn++
		}
	}
	for u, want := range l.truth {
		if want == tracker && !seenURL[u] {
			t.Errorf("%s was not found in its message", u)
		}
	}
}

func top(wrong map[string]int) string {
	var lines []string
	for k, n := range wrong {
		lines = append(lines, fmt.Sprintf("%d %s", n, k))
	}
	sort.Strings(lines)
	return strings.Join(lines[:min(40, len(lines))], "\n")
}

// TestSetIsVaried: the set is worth measuring on, and the same each time.
func TestSetIsVaried(t *testing.T) {
	t.Parallel()
	vendors, counts := map[string]bool{}, map[truth]int{}
	for n := range letters {
		l := newLetter(n)
		if again := newLetter(n); again.html != l.html {
			t.Fatalf("message %d is not the same twice", n)
		}
		vendors[l.vendor] = true
		for _, w := range l.truth {
			counts[w]++
		}
	}
	if len(vendors) < 61 || counts[tracker] < 1000 || counts[ordinary] < 4*counts[tracker] || counts[content] < 100 {
		t.Errorf("got %d vendors and %v, want 60 vendors, 1000 counters, four times as many ordinary pictures, 100 personal ones", len(vendors), counts)
	}
}
