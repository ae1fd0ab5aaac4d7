package filterlist

import (
	"maps"
	"slices"
	"testing"

	"github.com/quench-proxy/quench/internal/need"
)

// publicLists are the lists of the public data, and how many lines of each may
// be rejected, by reason: everything here has been looked at.
var publicLists = []string{
	"filter/easylist.txt", "filter/easyprivacy.txt", "filter/ubo-filters.txt", "filter/ubo-privacy.txt",
	"filter/ubo-unbreak.txt", "hosts/hagezi-light-2022.adblock.txt", "hosts/stevenblack-2022.domains.txt",
	"hosts/cname-targets.txt",
}

func TestParsePublicLists(t *testing.T) {
	for _, name := range publicLists {
		text := need.File(t, name)
		emitted := 0
		report := Parse(Source{Name: name, Text: text}, 1, func(r *Rule) { emitted++ })
		if report.Err != nil {
			t.Errorf("%s: %v", name, report.Err)
		}
		t.Logf("%s (%v): %d rules %v, %d exceptions, %d important, %d badfilter, %d cosmetic, %d comments, %d idle, %d skipped, %d rejected of %d lines",
			name, report.Format, emitted, report.Rules, report.Exceptions, report.Important, report.BadFilter,
			report.Cosmetic, report.Comments, report.Idle, report.Skipped, report.Rejected, report.Lines)
		t.Logf("  %+v", report.Meta)
		for _, reason := range slices.Sorted(maps.Keys(report.Reasons)) {
			t.Logf("  %4d %s", report.Reasons[reason], reason)
		}
		for i, p := range report.Problems {
			if i < 400 {
				t.Logf("    %v: %.120s", p, p.Text)
			}
		}
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
