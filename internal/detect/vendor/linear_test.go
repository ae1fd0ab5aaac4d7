package vendor

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

// sameRE compares a regexp with what stands for it here.
func sameRE(t testing.TB, src, s string) {
	t.Helper()
	re := regexp.MustCompile(src)
	want := re.MatchString(s)
	l := newRE(src)
	if got := l.match(s); got != want {
		t.Fatalf("%s on %q: got %v, want %v", src, s, got, want)
	}
	if want && !l.can(s) {
		t.Fatalf("%s matches %q, which has none of %q", src, s, l.fixed().needs)
	}
	if lin := linearOf(src); lin != nil {
		if got, known := lin.match(s); known && got != want {
			t.Fatalf("%s on %q: got %v, want %v", src, s, got, want)
		}
	}
}

func TestLinear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		re    string
		plain bool
	}{
		{`^/b/ss/(?P<account>[\w,.-]+)/\d{1,2}(?:\.\d+)?/(?P<lib>[A-Z][A-Za-z]*-[\w.-]+|[A-Z]\.[\w.-]+)(?:/s?\d+)?$`, true},
		{`(?:^|\.)(?:sendibt\d|sendibtd|brevo)\w*\.(?:com|net)$`, true},
		{`^(?:/[\w-]+)*/s/$`, false}, // a group repeats
		{`^[a-z]+z`, false},          // the class could take the z
		{`^[a-z]*[a-f]$`, true},
		{`^[a-z]*[a-f]`, false},
		{`^[a-w]?[0-9]*x`, true},
		{`^[a-z]?[0-9]*x`, false},
		{`^a{2,3}b`, true},
		{`^/x[\w.-]+\.js$`, true}, // the end says where the class ends
		{`^/x[\w.-]+\d{2}[^/]$`, true},
		{`^a{0,1}[^x]$`, true},
		{`^a*[^x]{2}$`, true},
		{`^[\w.-]*\.js`, false},
		{`[a-z]+x`, false}, // may begin anywhere, with anything
		{`/[a-z]+1`, true},
		{`(?i)^abc`, true},
		{`(?m)^a$`, false},
		{`^a|b$`, true},
		{`^é`, false},
		{`^[é-ü]x`, true},
		{`^\bx`, false},
		{`^`, true},
		{`^$`, true},
		{`$`, false},
		{`a$b`, false},
	} {
		l := linearOf(c.re)
		if got := l != nil; got != c.plain {
			t.Errorf("%s: plain %v, want %v", c.re, got, c.plain)
		}
		for _, s := range []string{"", "a", "aé", "aéé", "éé", "ax", "aax", "/x.js", "/xa.js.js", "/xjs", "/x112é", "/x112", "/x12a", "x.js", "ab", "aab", "aaab", "aaaab", "abc", "AbC", "b", "xb", "x", "5x", "a55x", "az", "éx", "/é1", "/ab1", "//a1x", "/b/ss/a/1/JS-2.0/s1", "t.brevo.com"} {
			sameRE(t, c.re, s)
		}
	}
	if ok, known := linearOf(`/a[a-z]+1`).match("/a" + strings.Repeat("b", maxUnanchored) + "1"); ok || known {
		t.Errorf("past its bound: got %v %v, want nothing known", ok, known)
	}
	if _, known := linearOf(`^a[^/]+/`).match("aé/"); known {
		t.Error("beyond ASCII something is known")
	}
}

// allRE gives every regexp by which a rule of r matches.
func allRE(r *Rules) map[string]bool {
	out := map[string]bool{}
	add := func(l *lazyRE) {
		if l != nil {
			out[l.src] = true
		}
	}
	for _, rules := range []*Rules{r, &r.mail().rules} {
		for i := range rules.rules {
			ru := &rules.rules[i]
			add(ru.pathRE)
			add(ru.hostRE)
			for _, list := range [][]condition{ru.query, ru.payload, ru.auto} {
				for k := range list {
					add(list[k].re)
				}
			}
		}
	}
	return out
}

// TestLinearShipped compares the shipped regexps with what stands for them over
// the hosts, paths and parameters of all examples and of changed copies.
func TestLinearShipped(t *testing.T) {
	t.Parallel()
	r, specs := shipped(t)
	var texts []string
	for _, u := range exampleURLs(specs) {
		path, query := detect.Split(u)
		texts = append(texts, detect.HostOf(u), path)
		for kv := range strings.SplitSeq(query, "&") {
			_, v, _ := strings.Cut(kv, "=")
			texts = append(texts, v)
		}
	}
	random := rand.New(rand.NewPCG(3, 4))
	plain := 0
	for src := range allRE(r) {
		re, l := regexp.MustCompile(src), newRE(src)
		if l.fixed().literal.all || linearOf(src) != nil {
			plain++
		}
		for range 400 {
			s := texts[random.IntN(len(texts))]
			for range 2 {
				if got, want := l.match(s), re.MatchString(s); got != want {
					t.Fatalf("%s on %q: got %v, want %v", src, s, got, want)
				}
				s = changed(random, s)
			}
		}
	}
	if n := len(allRE(r)); plain < n*3/4 {
		t.Errorf("%d of %d regexps need no regexp; want three of four", plain, n)
	}
}

// changed is s with one byte other, or fewer.
func changed(random *rand.Rand, s string) string {
	if s == "" {
		return "x"
	}
	i := random.IntN(len(s))
	return s[:i] + []string{"", "x", "0", "/", "\xff", ".", "é"}[random.IntN(7)] + s[min(len(s), i+random.IntN(3)):]
}

// exampleURLs are the URLs of all examples.
func exampleURLs(specs []*Spec) (out []string) {
	for _, s := range specs {
		for i := range s.Trackers {
			for _, ex := range s.Trackers[i].Examples {
				out = append(out, ex.URL)
			}
		}
	}
	return out
}

func FuzzLinear(f *testing.F) {
	r, _ := shipped(f)
	for src := range allRE(r) {
		f.Add(src, "/b/ss/x/1/JS-2.0/s1")
	}
	f.Add(`^[^/]+é?$`, "\xffé")
	f.Add(`^(?i:k[a-s])+`, "\u212a\u017f")
	f.Fuzz(func(t *testing.T, src, s string) {
		if _, err := regexp.Compile(src); err != nil || src == "" || len(src) > 200 || len(s) > 1000 {
			return
		}
		sameRE(t, src, s)
	})
}
