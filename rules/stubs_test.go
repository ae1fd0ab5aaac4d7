package rules_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/url"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/rules"
)

const reportPrefix = "https://loader.example/report/token/"

func TestStubs(t *testing.T) {
	set, _ := load(t)
	cases := stubCases()
	var in []pageInput
	for _, c := range cases {
		in = append(in, pageInput{Stub: stubText(t, c.stub), Src: c.src, Again: c.again, Before: c.before, After: c.after, Nonce: "r4nd0m"})
	}
	for i, out := range runPages(t, in) {
		c := cases[i]
		t.Run(c.name, func(t *testing.T) {
			if len(out.Errors) > 0 || len(out.Sync) > 0 || out.Left != 0 {
				t.Errorf("errors %q, called in line %q, elements left %d; want none", out.Errors, out.Sync, out.Left)
			}
			if d := cmp.Diff(c.calls, out.Calls); d != "" {
				t.Errorf("calls (-want +got):\n%s", d)
			}
			checkReports(t, set, c, reports(t, out))
			checkLoads(t, set, c, out)
		})
	}
}

func checkReports(t *testing.T, set *engine.Set, c stubCase, queries []string) {
	if len(queries) != len(c.want) {
		t.Fatalf("%d reports, want %d:\n%s", len(queries), len(c.want), strings.Join(queries, "\n"))
	}
	for i, want := range c.want {
		wantParams(t, queries[i], want)
		got := sentence(set, c.src, queries[i])
		if i < len(c.said) && c.said[i] != "" && got != c.said[i] {
			t.Errorf("report %d:\n got %s\nwant %s", i+1, got, c.said[i])
		}
		if !strings.HasPrefix(got, "shop.example tried to tell ") {
			t.Errorf("report %d is not understood: %s", i+1, got)
		}
	}
}

// checkLoads: what the stand-in loads itself is a loader that we answer, and
// tells of its own.
func checkLoads(t *testing.T, set *engine.Set, c stubCase, out pageOutput) {
	if d := cmp.Diff(c.loads, out.Loads, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("loaded (-want +got):\n%s", d)
	}
	var said []string
	for i, src := range out.More {
		rest, ok := strings.CutPrefix(src, strings.Replace(reportPrefix, "token", "more", 1)+strconv.Itoa(i+1)+"?")
		if !ok {
			t.Fatalf("report %d of what was loaded goes to %q", i+1, src)
		}
		said = append(said, sentence(set, out.Loads[0], rest))
	}
	if d := cmp.Diff(c.more, said, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("what was loaded tells (-want +got):\n%s", d)
	}
}

// TestRefusedReports: a page whose policy refuses a report is not bothered with
// more of them.
func TestRefusedReports(t *testing.T) {
	for name, in := range map[string]pageInput{
		"fbevents": {Before: metaSnippet + `fbq('init','1');fbq('track','A')`, After: `fbq('track','B');fbq('track','C')`},
		"gtag":     {Src: "https://www.googletagmanager.com/gtag/js?id=G-1", Before: gtagSnippet + `gtag('config','G-1')`, After: `gtag('event','b');gtag('event','c')`},
	} {
		in.Stub, in.Refuse = stubText(t, name), true
		out := runPages(t, []pageInput{in})[0]
		if len(out.Reports) != 1 || out.Left != 0 || len(out.Errors) > 0 {
			t.Errorf("%s: reports %q, elements left %d, errors %q; want one report and nothing else", name, out.Reports, out.Left, out.Errors)
		}
	}
}

// TestStubsBear runs every stand-in where there is nothing to stand on, where
// the page forbids its reports, where its names are taken, and twice on a page.
func TestStubsBear(t *testing.T) {
	const queues = metaSnippet + xSnippet + gtagSnippet + `fbq('init','1');fbq('track','A');twq('config','1');gtag('config','G-1');`
	const taken = `fbq=1;twq=1;dataLayer={};ga=1;_gaq=1;adroll=1;lintrk=1;ttq=1;uetq=1;pintrk=1;snaptr=1;rdt=1;qp=1;hj=1;clarity=1;FS=1;analytics=1;mixpanel=1;amplitude=1;heap=1;posthog=1;_paq=1;ym=1;` +
		`_cbq=1;COMSCORE=1;NOLCMB=1;wcs=1;piTracker=1;_satellite=1;adobe=1;Visitor=1;alloy=1;optimizely=1;VWO=1;_vwo_code=1;googletag=1;adsbygoogle=1;apstag=1;amznads=1;pbjs=1;FB=1;FingerprintJS=1;utag=1;Munchkin=1;`
	var in []pageInput
	var what []string
	for _, name := range stubNames(t) {
		stub := stubText(t, name)
		in = append(in, pageInput{Bare: true}, pageInput{CSP: true, Src: "https://host.example/x.js?id=G-1", Before: queues},
			pageInput{Before: taken}, pageInput{Before: queues, After: stub})
		what = append(what, name+" on a bare page", name+" forbidden", name+" with names taken", name+" twice")
		for i := len(in) - 4; i < len(in); i++ {
			in[i].Stub = stub
		}
	}
	for i, out := range runPages(t, in) {
		if len(out.Errors) > 0 {
			t.Errorf("%s: errors %q, want none", what[i], out.Errors)
		}
	}
}

func TestStubBounds(t *testing.T) {
	const maxReports, maxQuery = 20, 4000
	for name, in := range map[string]pageInput{
		"fbevents": {Before: metaSnippet + `fbq('init','1');`, After: `for(var i=0;i<50;i++)fbq('trackCustom','e'+i,{long:'x'.repeat(5000),short:'y'})`},
		"gtag": {Src: "https://www.googletagmanager.com/gtag/js?id=G-1", Before: gtagSnippet + `gtag('config','G-1',{send_page_view:false});`,
			After: `for(var i=0;i<50;i++)gtag('event','e'+i,{long:'x'.repeat(5000),short:'y'})`},
	} {
		in.Stub = stubText(t, name)
		queries := reports(t, runPages(t, []pageInput{in})[0])
		if len(queries) != maxReports {
			t.Errorf("%s: %d reports, want %d", name, len(queries), maxReports)
		}
		for _, q := range queries {
			if len(q) > maxQuery {
				t.Errorf("%s: a report of %d bytes, want at most %d", name, len(q), maxQuery)
			}
			if !strings.Contains(q, "short%5D=y") && !strings.Contains(q, "short=y") {
				t.Errorf("%s: the short field is missing in %s", name, q)
			}
		}
	}
}

type pageInput struct {
	Stub   string `json:"stub"`
	Src    string `json:"src"`
	Again  string `json:"again"`
	Before string `json:"before"`
	After  string `json:"after"`
	Bare   bool   `json:"bare"`
	CSP    bool   `json:"csp"`    // adding an element throws
	Nonce  string `json:"nonce"`  // of the page's scripts
	Refuse bool   `json:"refuse"` // reports are refused, as by a policy
}

type pageOutput struct {
	Errors  []string `json:"errors"`
	Reports []string `json:"reports"`
	Loads   []string `json:"loads"` // loaders that the stand-in asked for
	More    []string `json:"more"`  // and what those reported
	Calls   []string `json:"calls"`
	Sync    []string `json:"sync"` // callbacks that were called in line
	Left    int      `json:"left"` // elements never taken away
}

func findNode(t *testing.T) string {
	t.Helper()
	return need.Program(t, "node")
}

// runPages visits one page after the other in one process.
func runPages(t *testing.T, in []pageInput) []pageOutput {
	t.Helper()
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), findNode(t), "testdata/page.js")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("run the pages: %v\n%s", err, stderr.String())
	}
	var out []pageOutput
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		t.Fatalf("read what the pages did: %v\n%s", err, stdout.String())
	}
	if len(out) != len(in) {
		t.Fatalf("%d pages ran, want %d", len(out), len(in))
	}
	for i := range out {
		if len(out[i].Calls) == 0 {
			out[i].Calls = nil
		}
	}
	return out
}

func stubText(t *testing.T, name string) string {
	t.Helper()
	data, err := rules.FS.ReadFile("stubs/" + name + ".js")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "'"+engine.StubMark+"'"); n != 1 {
		t.Fatalf("%s has the mark %d times as a text of its own, want once", name, n)
	}
	return strings.Replace(string(data), engine.StubMark, reportPrefix, 1)
}

func stubNames(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(rules.FS, "stubs/*.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("list the stand-ins: %v, %d found", err, len(files))
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".js")
	}
	return files
}

// reports checks that reports are numbered from 1 and gives their queries.
func reports(t *testing.T, out pageOutput) []string {
	t.Helper()
	var queries []string
	for i, src := range out.Reports {
		rest, ok := strings.CutPrefix(src, reportPrefix+strconv.Itoa(i+1)+"?")
		if !ok {
			t.Fatalf("report %d goes to %q", i+1, src)
		}
		queries = append(queries, rest)
	}
	return queries
}

func wantParams(t *testing.T, query string, want map[string]string) {
	t.Helper()
	got, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range want {
		if got.Get(k) != v {
			t.Errorf("%s = %q, want %q in %s", k, got.Get(k), v, query)
		}
	}
}

// sentence explains a report as the proxy does when the loader was stubbed.
func sentence(set *engine.Set, src, query string) string {
	policy := &detect.Policy{Strict: true}
	r := detect.Request{URL: src, Host: detect.HostOf(src), Page: "https://shop.example/", PageFrom: detect.PageReferer, Type: detect.TypeScript, Method: "GET"}
	d := set.Request(&r, policy)
	v := set.Explain(detect.Seen{Request: &r, Policy: policy, Report: []byte(query), Reply: detect.ReplyStub}, d)
	if len(v) == 0 {
		return ""
	}
	return v[0].Sentence
}
