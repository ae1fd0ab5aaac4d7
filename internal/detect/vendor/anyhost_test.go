package vendor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/need"
)

// walk is Match by comparing a request with every rule for any host.
func walk(r *Rules, q *detect.Request) Match { return unindexed(r).Match(q) }

// unindexed is r without the index of rules for any host.
func unindexed(r *Rules) *Rules {
	u := *r
	u.any = anyHost{}
	for n := range r.rules {
		if m := r.rules[n].spec(); slices.Contains(m.Hosts, "*") || m.HostRE != "" {
			u.any.rest = append(u.any.rest, int32(n))
		}
	}
	return &u
}

// exhaustive is unindexed whose regexps are all asked: no text that must be
// there, no linear stands before them.
func exhaustive(r *Rules) *Rules {
	u := unindexed(r)
	u.rules = slices.Clone(u.rules)
	bare := func(l *lazyRE) *lazyRE {
		if l == nil {
			return nil
		}
		b := &lazyRE{src: l.src}
		b.plain.Store(&linear{})
		return b
	}
	for i := range u.rules {
		ru := &u.rules[i]
		ru.pathRE, ru.hostRE = bare(ru.pathRE), bare(ru.hostRE)
		ru.query = slices.Clone(ru.query)
		for k := range ru.query {
			ru.query[k].re = bare(ru.query[k].re)
		}
	}
	return u
}

// shipped compiles the rules as written.
func shipped(t testing.TB) (*Rules, []*Spec) {
	t.Helper()
	specs, err := ParseDir(os.DirFS("../../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	return r, specs
}

// sameMatch compares Match with walk, as a POST and a script too, and gives
// what was found in all.
func sameMatch(t testing.TB, r *Rules, q detect.Request) Match {
	t.Helper()
	var found Match
	for _, method := range []string{q.Method, "POST"} {
		for _, ty := range []detect.Type{q.Type, detect.TypeScript} {
			q.Method, q.Type = method, ty
			got, want := r.Match(&q), walk(r, &q)
			if got != want {
				t.Fatalf("%s %s as %v: got %+v, want %+v", method, q.URL, ty, got, want)
			}
			found.Hit, found.Maybe, found.Loader = max(found.Hit, got.Hit), max(found.Maybe, got.Maybe), max(found.Loader, got.Loader)
		}
	}
	return found
}

// notIndexed are the shipped rules for any host that every request is compared
// with: the last segment may be any number, and the first any folder.
var notIndexed = []string{"google-ads/gateway", "google-ads/gateway-consent"}

// TestShippedIndexed: a shipped rule that the index cannot tell costs every
// request a comparison. One with no fixed text in its path is not shipped.
func TestShippedIndexed(t *testing.T) {
	r, _ := shipped(t)
	for _, n := range r.any.rest {
		if re := r.rules[n].pathRE; slices.Contains(notIndexed, r.RuleName(n+1)) && re != nil && len(re.fixed().literal.text) >= 3 {
			continue
		}
		t.Errorf("%s is for any host, and neither the last nor the first segment of its path is known", r.RuleName(n+1))
	}
	if len(r.any.last) < 20 || len(r.any.first) == 0 {
		t.Errorf("%d last and %d first segments", len(r.any.last), len(r.any.first))
	}
}

// TestIndexExamples compares index and walk over the examples of all shipped
// rules, each at its own host and at one that no rule names.
func TestIndexExamples(t *testing.T) {
	r, specs := shipped(t)
	var matched int
	for _, s := range specs {
		for i := range s.Trackers {
			for _, ex := range s.Trackers[i].Examples {
				q := detect.Request{URL: ex.URL, Host: detect.HostOf(ex.URL), Method: ex.Method, Page: ex.Page, PageFrom: detect.PageReferer}
				sameMatch(t, r, q)
				path, query := detect.Split(ex.URL)
				for _, url := range []string{path, "/sub/dir" + path, path + "/", strings.TrimSuffix(path, "/"), path + "/x"} {
					q.Host, q.URL = "shop.example", "https://shop.example"+url+"?"+query
					if sameMatch(t, r, q) != (Match{}) {
						matched++
					}
				}
			}
		}
	}
	if matched < 100 {
		t.Errorf("only %d requests were found at any host", matched)
	}
}

// TestIndexReal does so over requests recorded from real browsing.
func TestIndexReal(t *testing.T) {
	r, _ := shipped(t)
	data, err := os.ReadFile(need.Data(t, "filter/requests.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var total int
	for line := range strings.Lines(string(data)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		ty, _ := detect.ParseType(parts[0])
		sameMatch(t, r, detect.Request{URL: parts[2], Host: detect.HostOf(parts[2]), Page: parts[1], PageFrom: detect.PageReferer, Type: ty})
		total++
	}
	if total < 27_000 {
		t.Errorf("only %d requests", total)
	}
}

// addresses gives every URL in the files that fit the pattern, as it stands and
// as quoted-printable decoded.
func addresses(t *testing.T, out map[string]bool, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	quoted := strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=", "=3d", "=")
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(data), quoted.Replace(string(data))} {
			for _, u := range addressRE.FindAllString(text, -1) {
				out[u] = true
			}
		}
	}
}

var addressRE = regexp.MustCompile(`https?://[^\s"'<>]+`)

// sameMail compares Match, of the rules for requests and of those for mail, with
// the exhaustive ones, for a URL as a picture and as a link.
func sameMail(t *testing.T, r *Rules, urls map[string]bool) (found int) {
	t.Helper()
	pairs := [][2]*Rules{{r, exhaustive(r)}, {&r.mail().rules, exhaustive(&r.mail().rules)}}
	for u := range urls {
		for _, ty := range []detect.Type{detect.TypeImage, detect.TypeDocument} {
			q := detect.Request{URL: u, Host: detect.HostOf(u), Type: ty, Site: detect.ThirdParty}
			for _, p := range pairs {
				got, want := p[0].Match(&q), p[1].Match(&q)
				if got != want {
					t.Fatalf("%s as %v: got %+v, want %+v", u, ty, got, want)
				}
				if got != (Match{}) {
					found++
				}
			}
		}
	}
	return found
}

// TestMailExhaustive does so for the examples of all rules.
func TestMailExhaustive(t *testing.T) {
	t.Parallel()
	r, _ := shipped(t)
	urls := map[string]bool{}
	addresses(t, urls, "../../../rules/vendors/*.yaml")
	addresses(t, urls, "../../../rules/examples/*.yaml")
	if found := sameMail(t, r, urls); found < len(urls)/2 {
		t.Errorf("of %d addresses %d were found", len(urls), found)
	}
}

// TestMailExhaustiveReal does so for all addresses of public mail.
func TestMailExhaustiveReal(t *testing.T) {
	t.Parallel()
	dir := need.Data(t, "mail")
	r, _ := shipped(t)
	urls := map[string]bool{}
	addresses(t, urls, filepath.Join(dir, "*", "*"))
	if sameMail(t, r, urls); len(urls) < 1500 {
		t.Errorf("only %d addresses", len(urls))
	}
}

// TestIndexOrder: the order of the file decides also between lists.
func TestIndexOrder(t *testing.T) {
	const rules = `
company: Acme
trackers:
  - id: acme
    name: Acme
    hits:
      - {id: payload, hosts: ["*"], path_re: '^/b/', payload: {a: ""}}
      - {id: middle, hosts: ["*"], paths: ["*/x/*"], query: {a: ""}}
      - {id: tail, hosts: ["*"], paths: ["*/c", "*/d"], path_re: '^/b/'}
      - {id: head, hosts: ["*"], path_re: '^/b/.*'}
      - {id: late, hosts: ["*"], paths: ["*/c"], payload: {b: ""}}
`
	r := compile(t, rules)
	for url, want := range map[string]Match{
		"/b/c":     {Hit: 3, Maybe: 1},
		"/b/x/c?a": {Hit: 2, Maybe: 1},
		"/a/x/c?a": {Hit: 2},
		"/a/d/":    {},
		"/a/d":     {Hit: 3},
		"/b/":      {Hit: 3, Maybe: 1},
		"/b":       {},
		"/":        {},
	} {
		q := &detect.Request{URL: "https://shop.example" + url, Host: "shop.example"}
		if got := r.Match(q); got != want {
			t.Errorf("%s: got %+v, want %+v", url, got, want)
		}
	}
	if want := []int32{1}; !cmp.Equal(r.any.rest, want) {
		t.Errorf("compared with all requests: got %v, want %v", r.any.rest, want)
	}
}

func TestTextsOf(t *testing.T) {
	for _, c := range []struct {
		re           string
		tails, heads []string
	}{
		{`/hit\.xiti$`, []string{"/hit.xiti"}, nil},
		{`^/cdn-cgi/rum$`, []string{"/cdn-cgi/rum"}, []string{"/cdn-cgi/rum"}},
		{`^/b/ss/(?P<a>[^/]+)/\d$`, []string{"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"}, []string{"/b/ss/"}},
		{`/(?:(?P<a>dcs\w+)/)?dcs\.gif$`, []string{"/dcs.gif", "/dcs.gif"}, nil},
		{`/(?:matomo|piwik)(?:\.min)?\.js$`, []string{"/matomo.min.js", "/piwik.min.js", "/matomo.js", "/piwik.js"}, nil},
		{`/(p|page)/?$`, []string{"/page/", "/p/", "/page", "/p"}, nil},
		{`^(?:/[\w-]+)*/s/$`, []string{"/s/"}, []string{""}},
		{`^/a(?:/b)+$`, []string{""}, []string{"/a"}},
		{`(?i)/track$`, []string{""}, nil},
		{`/a$|/b$`, []string{"/a", "/b"}, nil},
		{`/a$|/b`, nil, nil},
		{`(?m)/a$`, nil, nil},
		{`/[a-z]{3}$`, []string{""}, nil},
		{`/[^/]$`, []string{""}, nil},
		{`/é$`, []string{"/é"}, nil},
		{`/[é]x$`, []string{"/éx"}, nil},
		{"/\uFFFD$", []string{""}, nil},
		{`$`, []string{""}, nil},
		{`x`, nil, nil},
		{`/[a-f]?[a-f]?x$`, []string{"x", "ax", "bx", "cx", "dx", "ex", "fx"}, nil},
	} {
		tails, heads := textsOf(parsed(t, c.re), atEnd), textsOf(parsed(t, c.re), atStart)
		slices.Sort(tails)
		slices.Sort(c.tails)
		if !cmp.Equal(tails, c.tails) || !cmp.Equal(heads, c.heads) {
			t.Errorf("%s: got %q and %q, want %q and %q", c.re, tails, heads, c.tails, c.heads)
		}
	}
}

// FuzzIndex compares index and walk for a rule and a path that the fuzzer
// makes up: it may find no path that the rule fits and the index does not.
func FuzzIndex(f *testing.F) {
	r, _ := shipped(f)
	for n := range r.rules {
		if m := r.rules[n].spec(); slices.Contains(m.Hosts, "*") && m.PathRE != "" {
			f.Add(m.PathRE, "*/g/collect", "/s/c/dcs.gif")
		}
	}
	f.Add(`/\xff\x{fffd}$`, "/a/*", "/\xff\xff")
	f.Add(`(?:^|/)a/?$`, "/", "/a/")
	f.Fuzz(func(t *testing.T, re, glob, path string) {
		if _, err := regexp.Compile(re); err != nil || re == "" || glob == "" {
			return
		}
		ru := rule{pathRE: newRE(re)}
		compareIndex(t, &ru, re, path)
		ru = rule{paths: []pathPattern{newPathPattern(glob)}}
		compareIndex(t, &ru, glob, path)
	})
}

// compareIndex: the index must offer the rule for a path it matches.
func compareIndex(t *testing.T, ru *rule, what, path string) {
	t.Helper()
	a := anyHost{last: map[string][]int32{}, first: map[string][]int32{}}
	a.add(0, ru)
	offered := slices.Contains(a.rest, 0) || slices.Contains(a.last[lastSegment(path)], 0) || slices.Contains(a.first[firstSegment(path)], 0)
	if ru.matchPath(path) && !offered {
		t.Errorf("%q matches %q, but the index has it not: %+v", what, path, a)
	}
}

// TestIndexMadeUp compares index and walk over paths put together from the
// shipped rules' own words, and over rules put together from pieces of
// regexps.
func TestIndexMadeUp(t *testing.T) {
	r, _ := shipped(t)
	words := []string{"b", "ss", "ee", "v1", "s", "i", "e", "", "x", "ho.gif", "collect", "\xff"}
	for w := range r.any.last {
		words = append(words, w)
	}
	slices.Sort(words)
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	for range 4_000 {
		url := "https://shop.example"
		for range random.IntN(5) {
			url += "/" + pick(words)
		}
		url += pick([]string{"", "/", "//"}) + pick([]string{"", "?", "?idsite=1&rec=1", "?v=2&tid=G-1&gtm=1", "?gcd=1", "?mc=1", "?tv=js-1&p=web&e=pv"})
		sameMatch(t, r, detect.Request{URL: url, Host: "shop.example"})
	}
	pieces := []string{"^", "$", "/", "/a", "/b/", "(?:/a|/b)", "(?:/c)?", "[ab]", "/?", `\d`, "(?:x$|y)", "(a/)*", "(/b)+", "|", "c{2}", ".*", "(?i:/A)", "/a$"}
	paths := []string{"", "/", "/a", "/b/", "/a/b", "/a/b/", "/b/a/", "/c", "/b//", "//", "a", "b/", "/cc", "/a/1", "/x", "/A", "/b/x", "/a/c/b/"}
	for range 4_000 {
		var re strings.Builder
		for range 1 + random.IntN(6) {
			fmt.Fprint(&re, pick(pieces))
		}
		if _, err := regexp.Compile(re.String()); err != nil {
			continue
		}
		ru := &rule{pathRE: newRE(re.String())}
		for _, p := range paths {
			compareIndex(t, ru, re.String(), p)
		}
	}
}

func TestLengths(t *testing.T) {
	var l lengths
	for _, n := range []int{0, 5, 62, 100} {
		l.add(strings.Repeat("x", n))
	}
	for n, want := range map[int]bool{0: true, 1: false, 5: true, 61: false, 62: true, 63: true, 64: true, 100: true, 1000: true} {
		if got := l.has(strings.Repeat("x", n)); got != want {
			t.Errorf("length %d: got %v, want %v", n, got, want)
		}
	}
}

func parsed(t *testing.T, src string) *syntax.Regexp {
	t.Helper()
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	return re
}
