package filterlist_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/need"
)

func dataSources(t testing.TB, names ...string) []filterlist.Source {
	t.Helper()
	var out []filterlist.Source
	for _, n := range names {
		out = append(out, filterlist.Source{Name: n, Text: need.File(t, n)})
	}
	return out
}

var easy = []string{"filter/easylist.txt", "filter/easyprivacy.txt"}

// allLists enables the first n lists.
func allLists(n int) []uint64 {
	w := make([]uint64, n/64+1)
	for i := range n {
		w[i/64] |= 1 << (i % 64)
	}
	return w
}

var typeWords = map[string]detect.Type{
	"sub_frame": detect.TypeSubdocument, "subdocument": detect.TypeSubdocument, "main_frame": detect.TypeDocument,
	"document": detect.TypeDocument, "stylesheet": detect.TypeStylesheet, "script": detect.TypeScript,
	"image": detect.TypeImage, "font": detect.TypeFont, "media": detect.TypeMedia, "xmlhttprequest": detect.TypeXHR,
	"xhr": detect.TypeXHR, "fetch": detect.TypeXHR, "ping": detect.TypePing, "websocket": detect.TypeWebSocket,
	"object": detect.TypeObject, "other": detect.TypeOther, "beacon": detect.TypePing,
}

func request(t testing.TB, kind, page, url string) detect.Request {
	t.Helper()
	typ, ok := typeWords[kind]
	if !ok {
		t.Fatalf("unknown type %q", kind)
	}
	r := detect.Request{URL: url, Host: detect.HostOf(url), Page: page, Type: typ, Method: "GET"}
	if page != "" {
		r.PageFrom = detect.PageReferer
	}
	return r
}

// dataRequests are the real requests, dataVerdicts what another engine says of
// each: 0 passes, 1 is blocked, 2 would be but for an exception.
func dataRequests(t testing.TB) []detect.Request {
	t.Helper()
	var out []detect.Request
	sc := bufio.NewScanner(strings.NewReader(string(need.File(t, "filter/requests.tsv"))))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		f := strings.Split(sc.Text(), "\t")
		if len(f) != 3 {
			t.Fatalf("line %d has %d fields", len(out)+1, len(f))
		}
		out = append(out, request(t, f[0], f[1], f[2]))
	}
	return out
}

func dataVerdicts(t testing.TB) []string {
	t.Helper()
	return strings.Fields(string(need.File(t, "filter/verdicts.txt")))
}

// TestVerdicts holds EasyList and EasyPrivacy against another engine's answers.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	set, _ := filterlist.Compile(dataSources(t, easy...), filterlist.Options{})
	reqs, want := dataRequests(t), dataVerdicts(t)
	if len(reqs) != 27969 || len(want) != len(reqs) {
		t.Fatalf("%d requests, %d verdicts", len(reqs), len(want))
	}
	wrong := 0
	for i := range reqs {
		m := set.Match(&reqs[i], allLists(2), filterlist.Want{})
		if got := digit(m); got != want[i] {
			if wrong++; wrong < 20 {
				t.Errorf("request %d: got %s, want %s: %s %s on %s\n%s", i+1, got, want[i], reqs[i].Type, reqs[i].URL, reqs[i].Page, explain(set, m))
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d differ", wrong, len(reqs))
	}
}

func digit(m filterlist.Match) string {
	switch {
	case m.Blocked():
		return "1"
	case m.Exception != 0:
		return "2"
	}
	return "0"
}

func explain(s *filterlist.Set, m filterlist.Match) string {
	var out strings.Builder
	for _, id := range []filterlist.RuleID{m.Important, m.Block, m.Exception, m.Redirect} {
		if i := s.Info(id); i.List != 0 {
			out.WriteString("\t" + i.Text + "\n")
		}
	}
	return out.String()
}

// TestPairs holds each filter of a public collection against the request that
// it is known to match.
func TestPairs(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Filters              []string
		SourceURL, Type, URL string
	}
	if err := json.Unmarshal(need.File(t, "filter/matching-requests.json"), &cases); err != nil {
		t.Fatal(err)
	}
	pairs, wrong := 0, 0
	for _, c := range cases {
		r := request(t, c.Type, c.SourceURL, c.URL)
		// To the collection a document is any, frames too; to us a rule that
		// names no type leaves navigations alone.
		frame := r
		if frame.Type == detect.TypeDocument {
			frame.Type = detect.TypeSubdocument
		}
		for _, f := range c.Filters {
			pairs++
			if !matchesAlone(f, &r) && !matchesAlone(f, &frame) {
				if wrong++; wrong < 20 {
					t.Errorf("%s does not match %s %s on %s", f, c.Type, c.URL, c.SourceURL)
				}
			}
		}
	}
	if pairs != 9445 || wrong != 0 {
		t.Errorf("%d of %d pairs do not match", wrong, pairs)
	}
}

// matchesAlone reports whether a list of this one rule says anything of r.
func matchesAlone(rule string, r *detect.Request) bool {
	set, _ := filterlist.Compile([]filterlist.Source{{Name: "one", Text: []byte(rule), Format: filterlist.FormatAdblock}}, filterlist.Options{Seed: 1})
	m := set.Match(r, []uint64{1}, filterlist.Want{Exceptions: true})
	if m != (filterlist.Match{}) || len(set.Modifiers(r, []uint64{1}, nil)) > 0 {
		return true
	}
	// A rule that only names what answers needs one that blocks.
	two, _ := filterlist.Compile([]filterlist.Source{{Name: "two", Text: []byte(rule + "\n*$from=" + detect.HostOf(r.Page)), Format: filterlist.FormatAdblock}}, filterlist.Options{Seed: 1})
	return two.Match(r, []uint64{1}, filterlist.Want{}).Redirect != 0
}
