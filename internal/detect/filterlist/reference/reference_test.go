package reference_test

import (
	"encoding/json"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/detect/filterlist/reference"
	"github.com/quench-proxy/quench/internal/need"
)

// recorded is one request of the conformance data and the rules that matched
// it in a browser.
type recorded struct {
	Filters   []string
	SourceURL string `json:"sourceUrl"`
	Type, URL string
}

// recordedType reads the data's words: every "document" there is a frame of
// another page.
func recordedType(s string) detect.Type {
	switch s {
	case "document":
		return detect.TypeSubdocument
	case "xhr", "fetch":
		return detect.TypeXHR
	}
	t, _ := detect.ParseType(s)
	return t
}

func TestConformance(t *testing.T) {
	t.Parallel()
	var all []recorded
	if err := json.Unmarshal(need.File(t, "filter/matching-requests.json"), &all); err != nil {
		t.Fatal(err)
	}
	pairs, matched := 0, 0
	for _, c := range all {
		req := &detect.Request{
			URL: c.URL, Host: detect.HostOf(c.URL), Page: c.SourceURL,
			PageFrom: detect.PageReferer, Type: recordedType(c.Type),
		}
		for _, filter := range c.Filters {
			pairs++
			if holds(t, filter, req) {
				matched++
			} else {
				t.Errorf("%s does not match %s (%s) on %s", filter, c.URL, c.Type, c.SourceURL)
			}
		}
	}
	t.Logf("%d of %d pairs match", matched, pairs)
	if pairs < 9445 {
		t.Errorf("%d pairs, want 9445", pairs)
	}
}

func holds(t *testing.T, filter string, req *detect.Request) bool {
	m := reference.New(filterlist.Source{Name: "filter", Text: []byte(filter), Format: filterlist.FormatAdblock})
	if m.Reports[0].Rejected > 0 {
		t.Errorf("%s: %v", filter, m.Reports[0].Problems)
	}
	for _, r := range m.Rules {
		if r.Holds(req) {
			return true
		}
	}
	return false
}

// TestOtherSidesOfRules checks that the reference refuses too: it must not
// match whatever it is given.
func TestOtherSidesOfRules(t *testing.T) {
	t.Parallel()
	req := func(url, page string, typ detect.Type) *detect.Request {
		return &detect.Request{URL: url, Host: detect.HostOf(url), Page: page, PageFrom: detect.PageReferer, Type: typ}
	}
	script := req("https://cdn.ads.example.com/Path/ad.js?x=1", "https://news.example.org/", detect.TypeScript)
	own := req("https://cdn.example.org/ad.js", "https://news.example.org/", detect.TypeScript)
	document := req("https://ads.example.com/", "", detect.TypeDocument)
	for _, tt := range []struct {
		filter string
		req    *detect.Request
		want   bool
	}{
		{"||ads.example.com^", script, true},
		{"||ds.example.com^", script, false},
		{"||example.com/ad.js", script, false},
		{"||example.com^*/ad.js", script, true},
		{"|https://cdn.", script, true},
		{"|cdn.", script, false},
		{"x=1|", script, true},
		{"ad.js|", script, false},
		{"ad.js^", script, true},
		{"ad^js", script, false},
		{"/path/ad.js", script, true},
		{"/path/ad.js$match-case", script, false},
		{"/Path/ad.js$match-case", script, true},
		{"||ads.example.com^$image", script, false},
		{"||ads.example.com^$~script", script, false},
		{"||ads.example.com^$third-party", script, true},
		{"||ads.example.com^$1p", script, false},
		{"||example.org^$1p", own, true},
		{"||example.org^$strict3p", own, true},
		{"||example.org^$strict1p", own, false},
		{"||example.org^$1p,strict3p", own, true},
		{"||example.org^$3p,strict3p", own, false},
		{"ad.js$domain=example.org", script, true},
		{"ad.js$domain=example.org|~news.example.org", script, false},
		{"ad.js$domain=example.*", script, true},
		{"ad.js$domain=other.*", script, false},
		{"ad.js$domain=/^news\\./", script, true},
		{"ad.js$domain=~/^news\\./", script, false},
		{"ad.js$to=example.com", script, true},
		{"ad.js$denyallow=example.com", script, false},
		{"ad.js$method=post", script, false},
		{"ad.js$header=via", script, false},
		{"ad.js$popup", script, false},
		{"||ads.example.com^", document, false},
		{"||ads.example.com^$document", document, true},
		{"||ads.example.com^$all", document, true},
		{"||ads.example.com^$client=laptop", script, false},
		{"0.0.0.0 ads.example.com", document, true},
		{"0.0.0.0 ds.example.com", document, false},
		{"ads.example.com", script, true},
		{`/ad\.js\?x=\d$/`, script, true},
		{`/ad\.js$/`, script, false},
	} {
		if got := holds(t, tt.filter, tt.req); got != tt.want {
			t.Errorf("%s on %s: %v, want %v", tt.filter, tt.req.URL, got, tt.want)
		}
	}
}

func TestRealms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name               string
		lists              []string
		on                 uint64
		blocked, important bool
	}{
		{"nothing", []string{"||other.example^"}, 1, false, false},
		{"block", []string{"/ad.js"}, 1, true, false},
		{"its list is off", []string{"/ad.js"}, 0, false, false},
		{"exception of another list", []string{"/ad.js", "@@||t.example^"}, 3, false, false},
		{"exception off", []string{"/ad.js", "@@||t.example^"}, 1, true, false},
		{"two exceptions", []string{"/ad.js", "@@||t.example^\n@@/ad.js$script"}, 3, false, false},
		{"important", []string{"/ad.js$important", "@@||t.example^"}, 3, true, true},
		{"important exception", []string{"/ad.js$important", "@@||t.example^$important"}, 3, false, false},
		{"badfilter", []string{"/ad.js$script,3p", "/ad.js$third-party,script,badfilter"}, 3, false, false},
		{"badfilter off", []string{"/ad.js$script,3p", "/ad.js$third-party,script,badfilter"}, 1, true, false},
		{"two badfilters", []string{"/ad.js", "/ad.js$badfilter\n/ad.js$badfilter"}, 3, false, false},
		{"badfilter of an exception", []string{"/ad.js\n@@/ad.js", "@@/ad.js$badfilter"}, 3, true, false},
		{"the same rule in two lists, one cancelled with it", []string{"/ad.js", "/ad.js", "/ad.js$badfilter"}, 7, false, false},
		{"page exception", []string{"/ad.js", "@@||page.example^$document"}, 3, false, false},
		{"generic off", []string{"/ad.js", "@@||page.example^$genericblock"}, 3, false, false},
		{"specific stays", []string{"/ad.js\nad.js$domain=page.example", "@@||page.example^$genericblock"}, 3, true, false},
	} {
		var sources []filterlist.Source
		for _, text := range tt.lists {
			sources = append(sources, filterlist.Source{Name: tt.name, Text: []byte(text), Format: filterlist.FormatAdblock})
		}
		got := reference.New(sources...).Match(&detect.Request{
			URL: "https://t.example/ad.js", Host: "t.example", Page: "https://page.example/",
			PageFrom: detect.PageReferer, Type: detect.TypeScript,
		}, []uint64{tt.on})
		if got.Blocked != tt.blocked || got.ByImportant != tt.important {
			t.Errorf("%s: blocked %v, important %v, want %v, %v", tt.name, got.Blocked, got.ByImportant, tt.blocked, tt.important)
		}
	}
}
