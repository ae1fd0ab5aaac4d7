package rules_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/rules"
)

// dataFile opens a file of the public data that QUENCH_DATA names; without it
// the test is skipped, with it the file must be there.
func dataFile(t testing.TB, name string) *os.File {
	t.Helper()
	dir := os.Getenv("QUENCH_DATA")
	if dir == "" {
		t.Skip("QUENCH_DATA is not set")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// rightAlone are the rules that stop what general lists let pass, each looked
// at: all are endpoints or code of the vendor that do nothing but report.
var rightAlone = map[string]string{
	"google-ads/conversion":      "the conversion hit itself, loaded as a script",
	"google-ads/own-conversion":  "the same hit on the country's google domain",
	"linkedin-insight/sync":      "hands LinkedIn's number for the browser on",
	"pinterest-tag/parts":        "the second half of Pinterest's tag",
	"trade-desk/tag":             "the tag's script, which has no other use",
	"trade-desk/page":            "tells that a page was opened",
	"trade-desk/sync":            "matches the numbers of two companies",
	"trade-desk/number":          "asks for a number for the browser",
	"criteo-onetag/event":        "what people looked at and bought, to follow them with advertisements of it",
	"criteo-onetag/onetag":       "the tag itself, which does nothing else",
	"criteo-onetag/sync":         "matches Criteo's number for the browser with other companies'",
	"criteo-onetag/sync-display": "the same from a frame",
	"outbrain-pixel/sync":        "hands a number for the browser on",
	"taboola-pixel/event":        "what an advertiser's visitors do, and how long they stay",
	"taboola-pixel/sync":         "hands a number for the browser on",
	"taboola-pixel/tfa":          "the advertiser's tag, not the widget with articles",
	"comscore/event":             "counts a reader",
	"comscore/beacon":            "the script that counts readers",
	"parsely/event":              "counts a reader",
	"quantcast-measure/event":    "counts a reader, with a number for the browser",
	"quantcast-measure/named":    "the same hit under a label that the site chose",
	"quantcast-measure/rules":    "the second half of Quantcast's tag",
	"quantcast-measure/sync":     "matches the numbers of two companies",
	"zemanta-pixel/sync":         "matches the numbers of two companies",
	"crazy-egg/script":           "the script that draws maps of people's clicks and films visits",
	"fullstory/fs":               "the script that films visits",
	"fullstory/page":             "opens a film and tells which page",
	"tealium-collect/gif":        "tells the tag manager's company what people did",
	"mparticle/event":            "what people did, to be handed on",
	"mparticle/identity":         "tells who somebody is",
	"mparticle/forwarding":       "tells to whom it was handed on",
	"new-relic-browser/report":   "tells which page was opened, and what was done on it",
	"chartbeat/test":             "reports which headline was shown",
	"hotjar/hotjar":              "the script that films visits",
	"hotjar/modules":             "its second half",
	"hotjar/storage":             "the frame in which it keeps its number for the browser",
	"epsilon/open":               "what was looked at, to follow people with advertisements of it",
	"acxiom/open":                "matches the numbers of two companies",
	"hotjar/visit":               "tells that a page was opened",
	"infonline/page":             "counts a reader, with a number for the browser",
	"infonline/test":             "tries whether a cookie can be kept",
	"infonline/survey":           "chooses by the number for the browser whom to ask questions",
	"6sense/tag":                 "the script that finds out which company people come from",
	"6sense/beacon":              "what people of which company read",
	"6sense/number":              "asks for a number for the browser",
	"demandbase/company":         "finds out which company people come from",
	"doubleverify/script":        "the script that watches advertisements, and nothing else",
	"gemius/other":               "the frame in which it keeps its number for the browser",
	"rakuten-advertising/page":   "tells that a page was opened, with a number for the browser",
	"marketo-munchkin/visit":     "tells that a page was opened, to those who send mail",
}

// TestRealRequests decides about requests recorded from real browsing. What we
// stop and a general blocker's lists let pass must be known and right.
func TestRealRequests(t *testing.T) {
	requests := bufio.NewScanner(dataFile(t, "filter/requests.tsv"))
	requests.Buffer(nil, 1<<20)
	verdicts := bufio.NewScanner(dataFile(t, "filter/verdicts.txt"))
	verdicts.Split(bufio.ScanRunes)
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	var total, stopped int
	only := map[string]int{}
	example := map[string]string{}
	for requests.Scan() {
		parts := strings.SplitN(requests.Text(), "\t", 3)
		if len(parts) != 3 {
			t.Fatalf("line %d: %q", total+1, requests.Text())
		}
		verdict := "\n"
		for verdict == "\n" && verdicts.Scan() {
			verdict = verdicts.Text()
		}
		total++
		ty, _ := detect.ParseType(parts[0])
		r := &detect.Request{URL: parts[2], Host: detect.HostOf(parts[2]), Page: parts[1], PageFrom: detect.PageReferer, Type: ty}
		d := set.Request(r, nil)
		if d.Action < detect.Block {
			continue
		}
		stopped++
		if verdict == "0" {
			name := set.RuleName(d.Rule)
			only[name]++
			example[name] = parts[0] + " " + parts[2] + " on " + parts[1]
		}
	}
	if err := requests.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d requests, %d stopped", total, stopped)
	if total < 27_000 || stopped < 1_000 {
		t.Errorf("too little was decided about: %d requests, %d stopped", total, stopped)
	}
	for name, n := range only {
		if rightAlone[name] == "" {
			t.Errorf("%s stops %d requests that the lists let pass, such as %.300s", name, n, example[name])
		}
	}
}
