package filterlist

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/need"
)

// publicLists are the lists of the public data: how many rules each gives at
// least, and which lines do not compile. These have all been looked at: what a
// browser alone can do (urlskip, replace, cname …), two with look-around, and
// includes that are not there.
var publicLists = []struct {
	name     string
	format   Format
	rules    int
	rejected map[string]int
}{
	{"filter/easylist.txt", FormatAdblock, 50_000, nil},
	{"filter/easyprivacy.txt", FormatAdblock, 55_000, nil},
	{"filter/ubo-filters.txt", FormatAdblock, 1_700, map[string]int{reasonInclude: 9}},
	{"filter/ubo-privacy.txt", FormatAdblock, 1_140, map[string]int{reasonInclude: 1, reasonUnsupported: 222, reasonRegexp: 2}},
	{"filter/ubo-unbreak.txt", FormatAdblock, 1_660, map[string]int{reasonUnsupported: 30}},
	{"hosts/hagezi-light-2022.adblock.txt", FormatAdblock, 122_680, nil},
	{"hosts/stevenblack-2022.domains.txt", FormatDomains, 140_626, nil},
	{"hosts/cname-targets.txt", FormatDomains, 35, nil},
}

func TestParsePublicLists(t *testing.T) {
	for _, want := range publicLists {
		text := need.File(t, want.name)
		details := map[string]int{}
		report := Parse(Source{Name: want.name, Text: text}, 1, func(*Rule) {})
		for _, p := range report.Problems {
			details[p.Reason+": "+p.Detail]++
		}
		t.Logf("%s (%v), %d lines: %d rules %v, of them %d exceptions, %d important, %d badfilter; %d cosmetic, %d comments, %d idle, %d skipped, %d rejected",
			want.name, report.Format, report.Lines, report.Total(), report.Rules, report.Exceptions, report.Important, report.BadFilter,
			report.Cosmetic, report.Comments, report.Idle, report.Skipped, report.Rejected)
		for _, d := range slices.Sorted(maps.Keys(details)) {
			t.Logf("  %4d %.120s", details[d], d)
		}
		if report.Err != nil || report.Format != want.format || report.Total() < want.rules {
			t.Errorf("%s: %v, %v, %d rules; want %v, %d", want.name, report.Err, report.Format, report.Total(), want.format, want.rules)
		}
		if diff := cmp.Diff(want.rejected, report.Reasons); diff != "" {
			t.Errorf("%s: rejected (-want +got)\n%s", want.name, diff)
		}
		// Lines that make two rules are few, so the rest must add up.
		if missing := report.Lines - report.Comments - report.Cosmetic - report.Idle - report.Skipped - report.Rejected - report.Total(); missing > 0 {
			t.Errorf("%s: %d lines unaccounted for", want.name, missing)
		}
	}
}

// TestPublicListsAreStable checks that every rule of the lists in use survives
// being written and read again, which badfilter relies on.
func TestPublicListsAreStable(t *testing.T) {
	for _, list := range publicLists[:5] {
		text := need.File(t, list.name)
		bad := 0
		Parse(Source{Name: list.name, Text: text}, 1, func(r *Rule) {
			want, same := Canonical(r), false
			Parse(Source{Name: "again", Text: []byte("!\n" + want), Format: FormatAdblock}, 1, func(again *Rule) {
				same = same || Canonical(again) == want && again.Kind == r.Kind && again.Pattern == r.Pattern
			})
			if !same && bad < 10 {
				bad++
				t.Errorf("%s:%d: %s is %s", list.name, r.Line, r.Text, want)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	easylist, easyprivacy := need.File(b, "filter/easylist.txt"), need.File(b, "filter/easyprivacy.txt")
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		Parse(Source{Name: "easylist", Text: easylist}, 1, func(*Rule) { n++ })
		Parse(Source{Name: "easyprivacy", Text: easyprivacy}, 2, func(*Rule) { n++ })
		b.ReportMetric(float64(n), "rules")
	}
}
