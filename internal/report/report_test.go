package report

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/quench-proxy/quench/internal/ledger"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func stopped(n int64) ledger.Counts { return ledger.Counts{Requests: n, Stopped: n} }
func told(n int64) ledger.Counts    { return ledger.Counts{Requests: n, Told: n} }

func sites(names ...string) []ledger.SiteSeen {
	var out []ledger.SiteSeen
	for _, n := range names {
		out = append(out, ledger.SiteSeen{Site: n, Counts: stopped(1), Linked: true})
	}
	return out
}

func company(name string, c ledger.Counts, linked int, on ...string) ledger.Company {
	out := ledger.Company{Company: name, Counts: c, Linked: linked, Sites: sites(on...), First: noon, Last: noon,
		Trackers: []ledger.TrackerSeen{{ID: "x", Name: name + " Pixel"}}}
	if linked > 0 {
		out.Identifiers = []ledger.Identifier{{Field: "visitor_id", Label: "the number", Value: "ab…yz", Sites: linked, Made: "2025-03-12"}}
	}
	return out
}

func profile(sites int, list ...ledger.Company) *ledger.Profile {
	p := &ledger.Profile{First: noon, Last: noon, Sites: sites, Devices: 1, Companies: list}
	for i := range list {
		p.Requests += list[i].Requests
		p.Stopped += list[i].Stopped
		p.Stripped += list[i].Stripped
		p.Told += list[i].Told
	}
	return p
}

func TestSays(t *testing.T) {
	t.Parallel()
	meta := company("Meta Platforms", stopped(5), 2, "a.example", "b.example")
	acme := company("Acme", told(3), 2, "a.example", "b.example")
	acme.LinkedTold = 2
	looks := company("Tally", stopped(2), 0, "a.example")
	looks.Likely, looks.Refused = 2, 1
	named := company("Named", stopped(1), 0)
	mailed := meta
	mailed.Identifiers = []ledger.Identifier{{Field: "email_hash", Label: "a fingerprint of your e-mail address"}}
	week := Options{Since: noon.Add(-7 * 24 * time.Hour), Now: noon}
	for _, tt := range []struct {
		name string
		p    *ledger.Profile
		o    Options
		want []string // the first sentences, without the last note
	}{
		{"nothing at all", &ledger.Profile{}, Options{Now: noon}, []string{"Nothing has been recorded yet. Open some pages with quench browse, or through quench serve, and come back."}},
		{"nothing of it", &ledger.Profile{}, week, []string{"Nothing that was recorded fits this: no company was asked for anything."}},
		{"stopped", profile(2, meta), week, []string{
			"Without Quench, Meta Platforms would have followed you across 2 sites this week; it would have linked 2 of them by one number that it has kept since 12 March 2025.",
			"Of 5 requests, 5 were stopped before anything left, and none told anything."}},
		{"by a fingerprint", profile(2, mailed, looks), Options{Now: noon}, []string{
			"Without Quench, 2 companies would have followed you across 2 sites since 22 November 2026; Meta Platforms would have linked 2 of them by a fingerprint of your e-mail address.",
			"Of 7 requests, 7 were stopped before anything left, and none told anything.",
			"1 company is known by looks alone: what was seen looks like Tally.",
			"1 request was made although it said itself that you had refused."}},
		{"some was told", profile(2, meta, acme), week, []string{
			"Without Quench, 2 companies would have followed you across 2 sites this week; Meta Platforms would have linked 2 of them by one number that it has kept since 12 March 2025.",
			"Of 8 requests, 5 were stopped before anything left, and 3 had told something: let through, or known too late.",
			"Told all the same: Acme (3). Acme has linked 2 sites."}},
		{"all was told", profile(2, acme), week, []string{
			"Acme has followed you across 2 sites this week; it has linked 2 of them by one number that it has kept since 12 March 2025.",
			"Of 3 requests, 0 were stopped before anything left, and 3 had told something: let through, or known too late."}},
		{"only looks", profile(1, looks), Options{Since: noon.Add(-24 * time.Hour), Now: noon}, []string{
			"Without Quench, what looks like Tally would have learned of what you do on a.example in the last 24 hours."}},
		{"only names", profile(0, named), Options{Since: noon.Add(-72 * time.Hour), Now: noon}, []string{
			"Without Quench, Named would have learned that you are there in the last 3 days."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := New(tt.p, tt.o).Says
			for i, want := range tt.want {
				if i >= len(got) || got[i] != want {
					t.Errorf("sentence %d of %q\nwant %q", i+1, got, want)
				}
			}
		})
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	id := func(label, value string, sites int) ledger.Identifier {
		return ledger.Identifier{Label: label, Value: value, Sites: sites}
	}
	got := strings.Join(idsSay([]ledger.Identifier{id("a number", "ab…yz", 3), id("a cookie", "1…2", 1), id("a cookie", "3…4", 1), id("a hash", "…", 1)}), "; ")
	if want := "a number ab…yz: 3 sites; a cookie, another on each site; a hash: 1 site"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOtherSentences(t *testing.T) {
	t.Parallel()
	p := profile(1, company("Acme", ledger.Counts{Requests: 4, Stopped: 3, Stripped: 1}, 0, "a.example"))
	p.Unknown = []ledger.Unknown{{Host: "x.example", Counts: stopped(1)}, {Host: "y.example", Listed: true, Counts: stopped(1)}}
	p.Links, p.Devices, p.Partial, p.Banners = 2, 3, true, 7
	got := strings.Join(New(p, Options{Now: noon}).Says, "\n")
	for _, want := range []string{
		"Of 4 requests, 3 were stopped before anything left, 1 went on without what tells people apart, and none told anything.",
		"1 place that no rule knows looked like a tracker and 1 place that no rule knows is named by public lists; nobody here knows whose they are.",
		"2 links that you followed were freed of what marks you, or led past a recorder of clicks.",
		"7 requests of consent banners passed: they carry what you refuse, so nothing of them is ever stopped.",
		"This is of 3 devices together, and of all who use them.", "the least that it was", addressNote,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant in it %q", got, want)
		}
	}
	chain := ledger.Chain{Company: "Acme", Site: "shop.example", Says: "you looked at a product", What: "Red shoes", Label: "the number",
		Later: []string{"a.example", "b.example"}, Count: 4}
	if got, want := chainSays(&chain), "On shop.example you looked at a product (“Red shoes”). Acme could have shown it to you again on "+
		"a.example, b.example and 2 more sites, where it would have met the same browser by the number."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sync := ledger.Sync{From: "Acme", To: "24", Sites: 2, Counts: ledger.Counts{Requests: 3, Told: 1, Stopped: 2}}
	if got, want := syncSays(&sync), "Acme tried to tell its partner number 24 which number it uses for you, 3 times, and did 1 time, from 2 sites."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sync = ledger.Sync{From: "Acme", To: "exchange", Both: true, Counts: told(1)}
	if got, want := syncSays(&sync), "Acme has matched its number for you with that of exchange."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	sync = ledger.Sync{To: "px.example", Counts: stopped(1)}
	if got, want := syncSays(&sync), "Another company tried to tell px.example which number it uses for you."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// hostile is a text of a stranger's, with markup and what steers terminals.
const hostile = "<script>alert(1)</script>\x1b[31m|`x`\u202e"

func hostileReport() *Report {
	c := company(hostile, ledger.Counts{Requests: 3, Stopped: 2, Told: 1}, 2, hostile, "b.example")
	c.Activities = []ledger.ActivityCount{{Says: hostile, Counts: stopped(1)}}
	c.Sensitive = []ledger.FieldCount{{Label: hostile, Counts: stopped(1)}}
	c.Identifiers[0].Label = hostile
	p := profile(2, c, company("Acme", stopped(1), 0, "b.example"))
	p.Days = []ledger.Day{{Day: "2026-11-01", Counts: stopped(5)}, {Day: "2026-11-22", Counts: told(1)}}
	p.Chains = []ledger.Chain{{Company: hostile, Site: hostile, Says: hostile, What: hostile, Later: []string{hostile}, Count: 1}}
	p.Syncs = []ledger.Sync{{From: hostile, To: hostile, Counts: stopped(1)}}
	p.Unknown = []ledger.Unknown{{Host: hostile, Counts: stopped(1)}}
	return New(p, Options{Now: noon})
}

// reaching are attributes by which a page asks for something.
var reaching = regexp.MustCompile(`^(src|srcset|href|xlink:href|data|action|poster|background|on.*|style)$`)

// standsAlone fails if a page has a script, asks for anything, or names things
// twice; it returns how often each element is there.
func standsAlone(t *testing.T, text string) map[string]int {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	elements, ids := map[string]int{}, map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		elements[n.Data]++
		for _, a := range n.Attr {
			if reaching.MatchString(a.Key) && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("<%s %s=%q> reaches out", n.Data, a.Key, a.Val)
			}
			if a.Key == "id" {
				if ids[a.Val] {
					t.Errorf("id %q twice", a.Val)
				}
				ids[a.Val] = true
			}
		}
	}
	for _, bad := range []string{"script", "link", "img", "iframe", "object", "form", "base"} {
		if elements[bad] > 0 {
			t.Errorf("%d elements <%s>", elements[bad], bad)
		}
	}
	if strings.Contains(text, "url(") || strings.Contains(text, "@import") {
		t.Error("the style asks for something")
	}
	return elements
}

func TestHTMLStandsAlone(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := hostileReport().HTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	elements := standsAlone(t, text)
	if elements["svg"] != 3 || elements["figure"] != 3 || elements["table"] != 2 || elements["main"] != 1 || elements["h1"] != 1 {
		t.Errorf("elements %v, want three plots, each with its figures as a table or a section", elements)
	}
	for _, want := range []string{`lang="en"`, "prefers-color-scheme: dark", "@media print", `<meta http-equiv="Content-Security-Policy" content="default-src 'none';`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(text, `<div class="wide" tabindex="0" role="region" aria-label="Companies"><table`) {
		t.Error("on a narrow screen the table of companies is wider than the page and does not scroll by itself")
	}
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Error("what steers terminals or turns text round is still there")
	}
	if n := strings.Count(text, `role="img" aria-label="`); n != 3 {
		t.Errorf("%d plots are described, want 3", n)
	}
}

func TestTextIsPlain(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := hostileReport().Text(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("steers a terminal: %q", b.String())
	}
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(line)); n > 140 {
			t.Errorf("%d characters in a line: %s", n, line)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := hostileReport().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema    int
		Says      []string
		Requests  int64
		Companies []struct{ Company string }
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != 1 || len(got.Says) == 0 || got.Requests != 4 || len(got.Companies) != 2 || got.Companies[0].Company == "" {
		t.Errorf("got %+v", got)
	}
}

// TestDocumentedJSON holds docs/report.md to the fields there are.
func TestDocumentedJSON(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	example = regexp.MustCompile(`"(first|last|time)":"…"`).ReplaceAllString(example, `"$1":"2026-11-22T12:00:00Z"`)
	dec := json.NewDecoder(strings.NewReader(example))
	dec.DisallowUnknownFields()
	var r Report
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%v in\n%s", err, example)
	}
	if r.Schema != Schema || len(r.Companies) != 1 || len(r.Chains) != 1 || len(r.Syncs) != 1 || len(r.Unknown) != 1 || len(r.Days) != 1 {
		t.Errorf("got %+v", r)
	}
}

// TestPlots holds the plots to the figures they show.
func TestPlots(t *testing.T) {
	t.Parallel()
	r := hostileReport()
	b := r.bars()
	if len(b.Rows) != 2 || b.Rows[0].Sites != 2 || b.Rows[1].Sites != 1 || b.Rows[0].Width != 2*b.Rows[1].Width || b.Rows[0].LinkedWidth != b.Rows[0].Width || b.Rows[1].LinkedWidth != 0 {
		t.Errorf("bars %+v", b.Rows)
	}
	d := r.days()
	if len(d.Columns) != 2 || d.Columns[0].StoppedH != daysHeight || d.Columns[0].ToldH != 0 || d.Columns[1].ToldH != daysHeight/5 || d.Columns[1].X <= d.Columns[0].X || d.Most != "5" {
		t.Errorf("days %+v", d)
	}
	m := r.matrix()
	if len(m.Rows) != 2 || len(m.Rows[0].Cells) != 2 || len(m.Rows[1].Cells) != 1 || len(m.Columns) != 2 || m.More != 0 {
		t.Errorf("matrix %+v", m)
	}
	if e := New(&ledger.Profile{}, Options{Now: noon}); e.bars() != nil || e.days() != nil || e.matrix() != nil {
		t.Error("plots of nothing")
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var list []ledger.Company
	for i := range pageCompanies + 5 {
		list = append(list, company("C"+big(int64(i)), stopped(1), 0, "a.example"))
	}
	r := New(profile(1, list...), Options{Now: noon})
	var h, x strings.Builder
	if err := errors.Join(r.HTML(&h), r.Text(&x)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(h.String(), "<article"); n != pageCompanies || !strings.Contains(h.String(), "5 more companies") {
		t.Errorf("%d companies on the page, want %d and a word of the rest", n, pageCompanies)
	}
	if !strings.Contains(x.String(), big(int64(len(list)-textDetails))+" more companies not detailed here") {
		t.Errorf("the text does not count the rest:\n%s", x.String())
	}
}
