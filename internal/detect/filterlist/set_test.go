package filterlist_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// compile makes a Set of lists in EasyList's language.
func compile(t testing.TB, lists ...string) *filterlist.Set {
	t.Helper()
	var sources []filterlist.Source
	for _, l := range lists {
		sources = append(sources, filterlist.Source{Name: "test", Text: []byte(l), Format: filterlist.FormatAdblock})
	}
	set, reports := filterlist.Compile(sources, filterlist.Options{Seed: 1})
	for _, r := range reports {
		if r.Err != nil || r.Rejected > 0 {
			t.Fatalf("rejected: %v %v", r.Err, r.Problems)
		}
	}
	return set
}

// said is a Match in the rules' own words.
type said struct{ Important, Block, Exception, Redirect string }

func words(s *filterlist.Set, m filterlist.Match) said {
	return said{s.Info(m.Important).Text, s.Info(m.Block).Text, s.Info(m.Exception).Text, s.Info(m.Redirect).Text}
}

func script(url, page string) detect.Request {
	return detect.Request{URL: url, Host: detect.HostOf(url), Page: page, PageFrom: detect.PageReferer, Type: detect.TypeScript}
}

// TestTwoOfEach asks about two of everything, under every choice of lists.
func TestTwoOfEach(t *testing.T) {
	t.Parallel()
	const block, other, also = "||ads.example^", "/tracker.js", "@@||ads.example^$script"
	tests := []struct {
		name  string
		lists []string
		// want by the lists that are on: none, the first, the second, both.
		want [4]said
	}{
		{"two blocks", []string{block, other}, [4]said{{}, {Block: block}, {Block: other}, {Block: block}}},
		{"two exceptions", []string{block + "\n@@/tracker.js", also},
			[4]said{{}, {Block: block, Exception: "@@/tracker.js"}, {}, {Block: block, Exception: also}}},
		{"two badfilters do not cancel each other", []string{block + "\n" + block + "$badfilter", block + "$badfilter\n" + other},
			[4]said{{}, {}, {Block: other}, {Block: other}}},
		{"a badfilter acts where its list is on", []string{block, block + "$badfilter"}, [4]said{{}, {Block: block}, {}, {}}},
		{"a badfilter takes back an exception", []string{block + "\n" + also, also + ",badfilter"},
			[4]said{{}, {Block: block, Exception: also}, {}, {Block: block}}},
		{"the same rule in two lists", []string{block, block}, [4]said{{}, {Block: block}, {Block: block}, {Block: block}}},
		{"the same pattern in two lists", []string{other, other}, [4]said{{}, {Block: other}, {Block: other}, {Block: other}}},
		{"important against exception", []string{block + "$important", also},
			[4]said{{}, {Important: block + "$important"}, {}, {Important: block + "$important"}}},
		{"important against important exception", []string{block + "$important", also + ",important"},
			[4]said{{}, {Important: block + "$important"}, {}, {Block: block + "$important", Exception: also + ",important"}}},
		{"block against important exception", []string{block, also + ",important"},
			[4]said{{}, {Block: block}, {}, {Block: block, Exception: also + ",important"}}},
		{"one important of two", []string{block, other + "$important"},
			[4]said{{}, {Block: block}, {Important: other + "$important"}, {Important: other + "$important"}}},
		{"important taken back by badfilter", []string{block + "$important", block + "$badfilter,important"},
			[4]said{{}, {Important: block + "$important"}, {}, {}}},
		{"badfilter without important takes back only that", []string{block + "\n" + other + "$important", block + "$badfilter"},
			[4]said{{}, {Important: other + "$important"}, {}, {Important: other + "$important"}}},
		{"document exceptions", []string{block + "\n@@||page.example^$document", "@@||page.example^$document\n" + other},
			[4]said{{}, {Block: block, Exception: "@@||page.example^$document"}, {Block: other, Exception: "@@||page.example^$document"},
				{Block: block, Exception: "@@||page.example^$document"}}},
		{"genericblock", []string{block + "\n@@||page.example^$genericblock", other + "$domain=page.example"},
			[4]said{{}, {Block: block, Exception: "@@||page.example^$genericblock"}, {Block: other + "$domain=page.example"},
				{Block: other + "$domain=page.example"}}},
		{"genericblock leaves important alone", []string{block + "$important\n@@||page.example^$genericblock", other},
			[4]said{{}, {Important: block + "$important"}, {Block: other}, {Important: block + "$important"}}},
		{"two redirects", []string{block + "\n" + block + "$redirect-rule=a.js:1", "||ads.example^$redirect-rule=b.js:2"},
			[4]said{{}, {Block: block, Redirect: block + "$redirect-rule=a.js:1"}, {}, {Block: block, Redirect: "||ads.example^$redirect-rule=b.js:2"}}},
		{"redirect blocks", []string{block + "$redirect=a.js", "@@" + block + "$redirect-rule=a.js"},
			[4]said{{}, {Block: block + "$redirect=a.js", Redirect: block + "$redirect=a.js"}, {}, {Block: block + "$redirect=a.js"}}},
		{"no redirect of all", []string{block + "\n" + block + "$redirect-rule=a.js", "@@" + block + "$redirect-rule"},
			[4]said{{}, {Block: block, Redirect: block + "$redirect-rule=a.js"}, {}, {Block: block}}},
		{"redirect to none", []string{block + "\n" + block + "$redirect-rule=a.js", block + "$redirect-rule=none:9"},
			[4]said{{}, {Block: block, Redirect: block + "$redirect-rule=a.js"}, {}, {Block: block}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set := compile(t, tt.lists...)
			for on, want := range tt.want {
				r := script("https://cdn.ads.example/x/tracker.js", "https://www.page.example/")
				got := words(set, set.Match(&r, []uint64{uint64(on)}, filterlist.Want{}))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("lists %02b: -want +got\n%s", on, diff)
				}
			}
		})
	}
}

// TestSameRuleTwice: off for one client and on for another, a rule is told from
// its twin by list and line.
func TestSameRuleTwice(t *testing.T) {
	t.Parallel()
	set := compile(t, "||a.example^\n||ads.example^", "||ads.example^")
	r := script("https://ads.example/", "https://page.example/")
	for lists, want := range map[uint64]filterlist.Info{
		1: {List: 1, Line: 2, Text: "||ads.example^"},
		2: {List: 2, Line: 1, Text: "||ads.example^"},
	} {
		m := set.Match(&r, []uint64{lists}, filterlist.Want{})
		if diff := cmp.Diff(want, set.Info(m.Block)); diff != "" || set.ListOf(m.Block) != want.List {
			t.Errorf("lists %b, list %d: -want +got\n%s", lists, set.ListOf(m.Block), diff)
		}
	}
}

// TestConditions holds one rule against one request each.
func TestConditions(t *testing.T) {
	t.Parallel()
	post := script("https://x.example/", "https://page.example/")
	post.Method = "POST"
	guess := script("https://ads.example/a", "https://page.example/")
	guess.PageFrom = detect.PageGuess
	document := script("https://ads.example/", "")
	document.Type = detect.TypeDocument
	long := "https://ads.example/start/" + strings.Repeat("x/", 4000) + "late-tracker"
	tests := []struct {
		rule string
		r    detect.Request
		want bool
	}{
		{"||x.example^$method=post", post, true},
		{"||x.example^$method=get", post, false},
		{"||x.example^$method=~post", post, false},
		{"||ads.example^$third-party", guess, false},
		{"||ads.example^", document, false},
		{"||ads.example^$document", document, true},
		{"||ads.example^$all", document, true},
		{"/Tracker.js$match-case", script("https://a.example/Tracker.js", ""), true},
		{"/Tracker.js$match-case", script("https://a.example/tracker.js", ""), false},
		{"/tracker.js", script("https://a.example/TRACKER.js", ""), true},
		{"/track.js$domain=page.*", script("https://a.example/track.js", "https://www.page.co.uk/"), true},
		{"/track.js$domain=page.*", script("https://a.example/track.js", "https://page.evil.co.uk/"), false},
		{"/track.js$domain=page.*|~page.de", script("https://a.example/track.js", "https://page.de/"), false},
		{"/track.js$domain=a.com|~b.a.com|c.b.a.com", script("https://x.example/track.js", "https://c.b.a.com/"), true},
		{"/track.js$domain=a.com|~b.a.com|c.b.a.com", script("https://x.example/track.js", "https://b.a.com/"), false},
		{"/track.js$domain=/^page[0-9]/", script("https://a.example/track.js", "https://page1.example/"), true},
		{"/track.js$domain=/^page[0-9]/", script("https://a.example/track.js", "https://pages.example/"), false},
		{"*$script,domain=page.example,denyallow=cdn.example", script("https://x.cdn.example/", "https://page.example/"), false},
		{"*$script,domain=page.example,denyallow=cdn.example", script("https://y.example/", "https://page.example/"), true},
		{"/track.js$to=ads.example", script("https://b.ads.example/track.js", ""), true},
		{"/track.js$to=~ads.example", script("https://b.ads.example/track.js", ""), false},
		{`/^https?:\/\/[a-z]{8}\.example\/bid\.js/`, script("https://abcdefgh.example/bid.js", ""), true},
		{`/^https?:\/\/[a-z]{8}\.example\/bid\.js/`, script("https://abcdefg.example/bid.js", ""), false},
		{`/ads[0-9]+x/`, script("https://a.example/fooads12xbar", ""), true},
		{"||ads.example^", script("https://ads.example.evil/", ""), false},
		{"||ads.example^", script("https://badads.example/", ""), false},
		{"||ads.example", script("https://ads.example.evil/", ""), true},
		{"||ads.example/a", script("https://user:pw@ads.example/a", ""), true},
		{"||ads.example/a", script("https://evil/?https://ads.example/a", ""), false},
		{"|https://ads.", script("https://ads.example/", ""), true},
		{"|https://ads.", script("https://x/https://ads.example/", ""), false},
		{"/end.gif|", script("https://x/end.gif", ""), true},
		{"/end.gif|", script("https://x/end.gif?", ""), false},
		{"/end^", script("https://x/end", ""), true},
		{"/end^|", script("https://x/end/", ""), true},
		{"/a*/b^c", script("https://x/a/q/b/b?c", ""), true},
		{"ab|", script("https://x/ab/ab", ""), true},
		{"*ab^|", script("https://x/ab/ab", ""), true},
		{"||ads.example^", script(long, ""), true},
		{"||ads.example/start/", script(long, ""), true},
		{"|https://ads.example/start/", script(long, ""), true},
		{"late-tracker", script(long, ""), false}, // past what is read
		{"x/x|", script(long, ""), false},
		{"|https:$script", script("https://x/", ""), true},
		{"://ads.example:8080/", script("https://ads.example:8080/", ""), true},
		{"||ads.example:8080^", script("https://ads.example:8080/", ""), true},
	}
	for _, tt := range tests {
		set := compile(t, tt.rule+"\n||unrelated.example^")
		m := set.Match(&tt.r, []uint64{1}, filterlist.Want{})
		if m.Blocked() != tt.want {
			t.Errorf("%s on %.60s (%s): blocked %v, want %v", tt.rule, tt.r.URL, tt.r.Page, m.Blocked(), tt.want)
		}
	}
}

// TestManyTokens: no token is so late among the others that it is not seen.
func TestManyTokens(t *testing.T) {
	t.Parallel()
	set := compile(t, "/hidden-tracker.js")
	r := script("https://x.example/"+strings.Repeat("a1/", 1340)+"hidden-tracker.js", "")
	if len(r.URL) > 4096 {
		t.Fatal("the URL is longer than what is read")
	}
	if !set.Match(&r, []uint64{1}, filterlist.Want{}).Blocked() {
		t.Error("a rule missed its token after 1,340 others")
	}
}

type header map[string]string

func (h header) Get(name string) string { return h[name] }
func (h header) Values(name string) []string {
	if v, ok := h[name]; ok {
		return []string{v}
	}
	return nil
}

func TestResponseHeader(t *testing.T) {
	t.Parallel()
	set := compile(t, "||ads.example^$header=via:1.1 tracker")
	r := script("https://ads.example/", "")
	if !set.WantsResponse() {
		t.Error("the Set does not ask for the response")
	}
	for _, tt := range []struct {
		head detect.Header
		want bool
	}{{nil, false}, {header{"via": "1.1 tracker"}, true}, {header{"via": "1.1 other"}, false}, {header{}, false}} {
		if got := set.Match(&r, []uint64{1}, filterlist.Want{Response: tt.head}).Blocked(); got != tt.want {
			t.Errorf("%v: blocked %v, want %v", tt.head, got, tt.want)
		}
	}
}

func TestExceptionWithoutBlock(t *testing.T) {
	t.Parallel()
	set := compile(t, "@@||vendor.example^$script")
	r := script("https://vendor.example/loader.js", "https://page.example/")
	if m := set.Match(&r, []uint64{1}, filterlist.Want{}); m != (filterlist.Match{}) {
		t.Errorf("unasked: %+v", m)
	}
	if m := set.Match(&r, []uint64{1}, filterlist.Want{Exceptions: true}); set.Info(m.Exception).Text != "@@||vendor.example^$script" {
		t.Errorf("asked for: %+v", m)
	}
}

func TestModifiers(t *testing.T) {
	t.Parallel()
	set := compile(t, strings.Join([]string{
		"$removeparam=utm_source", "||shop.example^$removeparam=ref", "||shop.example^$removeparam=/^fb_/",
		"@@||shop.example/keep^$removeparam=ref", "||shop.example^$csp=script-src 'none'", "@@||quiet.example^$removeparam",
		"||shop.example^$removeparam=gone",
	}, "\n"))
	tests := []struct {
		url, clean string
		want       []string
	}{
		{"https://shop.example/a?utm_source=x&q=1&ref=y&fb_id=2", "https://shop.example/a?q=1",
			[]string{"$removeparam=utm_source", "||shop.example^$csp=script-src 'none'", "||shop.example^$removeparam=/^fb_/", "||shop.example^$removeparam=ref"}},
		{"https://shop.example/keep?ref=y&UTM_source=1#f?utm_source=1", "https://shop.example/keep?ref=y&UTM_source=1#f?utm_source=1",
			[]string{"||shop.example^$csp=script-src 'none'", "||shop.example^$removeparam=/^fb_/"}},
		{"https://quiet.example/?utm_source=1", "https://quiet.example/?utm_source=1", nil},
		{"https://other.example/?utm_source", "https://other.example/", []string{"$removeparam=utm_source"}},
		{"https://other.example/?a&utm_source=1#x", "https://other.example/?a#x", []string{"$removeparam=utm_source"}},
		{"https://other.example/utm_source=1", "https://other.example/utm_source=1", nil},
	}
	for _, tt := range tests {
		r := script(tt.url, "")
		r.Type = detect.TypeDocument
		ids := set.Modifiers(&r, []uint64{1}, make([]filterlist.RuleID, 0, 8))
		var got []string
		for _, id := range ids {
			got = append(got, set.Info(id).Text)
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.url, diff)
		}
		if clean := set.Clean(tt.url, ids); clean != tt.clean {
			t.Errorf("%s: cleaned %s, want %s", tt.url, clean, tt.clean)
		}
	}
}
