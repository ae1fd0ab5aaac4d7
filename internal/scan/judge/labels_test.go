package judge

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan/identity"
)

// labels.tsv was written by hand by somebody who had not seen the judge's
// answers, from each picture's element, address, sizes, sender and repetition,
// and where that left a doubt from what stands around it; no picture was
// fetched, most no longer exist. Pictures that are plainly a flyer's share the
// wording of their reason. tracker: fetched so that somebody learns of it,
// nothing to see. content: something to see, whatever its address says.
// spacer: only keeps distance.
//
//go:embed testdata/labels.tsv
var labelled string

// handLabel is one line of labels.tsv.
type handLabel struct{ file, index, sum, label, reason string }

func handLabels(t testing.TB) (list []handLabel) {
	t.Helper()
	for n, line := range strings.Split(strings.TrimSpace(labelled), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 5 || f[3] != "tracker" && f[3] != "content" && f[3] != "spacer" || f[4] == "" {
			t.Fatalf("labels.tsv:%d: %q is no label", n+1, line)
		}
		list = append(list, handLabel{f[0], f[1], f[2], f[3], f[4]})
	}
	return list
}

// TestLabelsFollowTheRule: the pictures labelled are those that the rule of
// the sample gives, none chosen and none left out.
func TestLabelsFollowTheRule(t *testing.T) {
	t.Parallel()
	list, _ := sampleOf(t, sampled)
	labels := handLabels(t)
	if len(list) != sampled || len(labels) != sampled {
		t.Fatalf("got %d pictures and %d labels, want %d", len(list), len(labels), sampled)
	}
	for i, p := range list {
		if l := labels[i]; l.file != p.file || l.index != strconv.Itoa(p.index) || l.sum != p.sum {
			t.Errorf("label %d is of %s %s, the rule gives %s %d", i+1, l.file, l.index, p.file, p.index)
		}
	}
}

// verdicts counts the answers for each label: by rung, and what cleaning takes.
type verdicts struct {
	m     matrix
	rungs map[string]*[Ordinary + 1]int
}

func (v *verdicts) add(l *handLabel, f *Finding) (right bool) {
	if v.rungs[l.label] == nil {
		v.rungs[l.label] = &[Ordinary + 1]int{}
	}
	v.rungs[l.label][f.Ladder]++
	// A picture that is seen is shown apart and kept, whatever its rung.
	got := f.Ladder.Tracker() && !f.Content
	switch want := l.label == "tracker"; {
	case want && got:
		v.m.tp++
	case want:
		v.m.fn++
	case got:
		v.m.fp++
	default:
		v.m.tn++
		if f.Content && f.Ladder <= Token {
			v.m.content++
		}
	}
	return (l.label == "tracker") == got
}

func (v *verdicts) table() string {
	var b strings.Builder
	b.WriteString("| label | proven | vendor | likely | hidden | token | ordinary |\n|---|---|---|---|---|---|---|\n")
	for _, l := range []string{"tracker", "content", "spacer"} {
		fmt.Fprintf(&b, "| %s |", l)
		for _, n := range v.rungs[l] {
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestHandLabels: real pictures, labelled by hand, judged with rules and
// without, with the readers' addresses (of the headers) and without.
func TestHandLabels(t *testing.T) {
	t.Parallel()
	set := loaded(t)
	_, raw := sampleOf(t, 0)
	labels := handLabels(t)
	for _, tt := range []struct {
		name                string
		j                   Judge
		me                  bool
		falseCalls, missing int // at most: what was reached when the labels were new
	}{
		{"rules and address", Judge{Rules: set}, true, 0, 5},
		{"rules alone", Judge{Rules: set}, false, 0, 5},
		{"address alone", Judge{}, true, 0, 5},
		{"structure alone", Judge{}, false, 0, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := verdicts{rungs: map[string]*[Ordinary + 1]int{}}
			results := map[string]*Result{}
			for i := range labels {
				l := &labels[i]
				if results[l.file] == nil {
					results[l.file] = judged(&tt.j, raw[l.file], tt.me)
				}
				n, err := strconv.Atoi(l.index)
				if err != nil || n >= len(results[l.file].Findings) {
					t.Fatalf("%s has no reference %s", l.file, l.index)
				}
				f := &results[l.file].Findings[n]
				if !v.add(l, f) {
					t.Logf("%s of %s (%s) is called %s, content %v: %+v", l.label, l.file, l.reason, f.Ladder, f.Content, f.Signs)
				}
			}
			t.Logf("%d pictures; %s\n%s", len(labels), v.m, v.table())
			if v.m.fp > tt.falseCalls || v.m.fn > tt.missing {
				t.Errorf("%d wrongly called, %d missed; want at most %d and %d", v.m.fp, v.m.fn, tt.falseCalls, tt.missing)
			}
		})
	}
}

func judged(j *Judge, raw []byte, knownReader bool) *Result {
	m, refs := readMail(raw)
	msg := Message{Sender: m.From().Domain, Refs: refs}
	if knownReader {
		var me []string
		for _, a := range m.Recipients() {
			me = append(me, a.Address)
		}
		msg.Me = identity.New(me)
	}
	return j.Message(&msg)
}
