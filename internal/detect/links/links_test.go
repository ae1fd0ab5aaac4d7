package links_test

import (
	"encoding/base64"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/links"
	"github.com/quench-proxy/quench/rules"
)

func shipped(t testing.TB) *links.Rules {
	t.Helper()
	data, err := fs.ReadFile(rules.FS, "links.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := links.Parse("links.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return links.Compile(spec)
}

func TestClean(t *testing.T) {
	t.Parallel()
	r := shipped(t)
	tests := []struct{ in, want, owners string }{
		{"https://shop.example/a?gclid=1&x=2", "https://shop.example/a?x=2", "Google"},
		{"https://shop.example/a?x=2&fbclid=1", "https://shop.example/a?x=2", "Meta Platforms"},
		{"https://shop.example/a?fbclid=1", "https://shop.example/a", "Meta Platforms"},
		{"https://shop.example/a?fbclid=1#top", "https://shop.example/a#top", "Meta Platforms"},
		{"https://shop.example/?mc_eid=a&&b=%2F+c&msclkid", "https://shop.example/?&b=%2F+c", "Mailchimp, Microsoft"},
		{"https://shop.example/?oft_id=1", "https://shop.example/", "an advertising network"},
		{"https://shop.example/?%67clid=1&a", "https://shop.example/?a", "Google"},
		{"https://shop.example/?GCLID=1", "", ""},
		{"https://shop.example/?utm_source=x&q=gclid", "", ""},
		{"https://shop.example/gclid=1", "", ""},
		{"https://www.axs.com/?gclid=1", "", ""},
		{"https://shop.example/?" + strings.Repeat("a", links.MaxURL) + "&gclid=1", "", ""},
	}
	for _, tt := range tests {
		got, taken := r.Clean(tt.in)
		var owners []string
		for _, p := range taken {
			owners = append(owners, p.Owner)
		}
		if tt.want == "" {
			tt.want = tt.in
		}
		if got != tt.want || strings.Join(owners, ", ") != tt.owners {
			t.Errorf("Clean(%.80s) = %.80s by %q, want %.80s by %q", tt.in, got, owners, tt.want, tt.owners)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	r := shipped(t)
	goal := "https://shop.example/a?b=c&d=%C3%BC#e"
	q := url.QueryEscape(goal)
	tests := []struct{ in, want, by string }{
		{"https://l.facebook.com/l.php?u=" + q + "&h=AT0", goal, "Facebook (Meta Platforms)"},
		{"https://www.google.com/url?sa=t&url=" + q, goal, "Google"},
		{"https://www.google.com/url?q=" + q, goal, "Google"},
		{"https://www.bing.com/ck/a?!&&p=1&u=a1" + base64.RawURLEncoding.EncodeToString([]byte(goal)) + "&ntb=1", goal, "Bing (Microsoft)"},
		{"https://out.reddit.com/t3_1abcde?url=" + q + "&token=AQ", goal, "Reddit"},
		{"https://out.reddit.com/?url=" + q, goal, "Reddit"},
		{"https://l.facebook.com/l.php/more?u=" + q, "", ""},
		{"https://www.bing.com/ck/a?u=a1%%%", "", ""},
		{"https://www.google.com/search?q=" + q, "", ""},
		{"https://l.facebook.com/l.php?u=javascript%3Aalert(1)", "", ""},
		{"https://l.facebook.com/l.php?u=https%3A%2F%2Fa%40b.example%2F", "", ""},
		{"https://l.facebook.com/l.php?u=https%3A%2F%2Flocalhost%2F", "", ""},
		{"https://l.facebook.com/l.php", "", ""},
		{"https://l.facebook.com.evil.example/l.php?u=" + q, "", ""},
		{"https://l.facebook.com/l.php?u=" + url.QueryEscape("https://www.youtube.com/redirect?q="+q), goal, "Facebook (Meta Platforms)"},
	}
	for _, tt := range tests {
		if got, by := r.Target(tt.in); got != tt.want || by != tt.by {
			t.Errorf("Target(%s) = %s by %s, want %s by %s", tt.in, got, by, tt.want, tt.by)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	_, err := links.Parse("x.yaml", []byte("params:\n  - {owner: A, what: b, names: [ok, 'a b']}\n  - {owner: A, names: [x]}\nredirects:\n  - {by: A, hosts: [a.example], path: x, param: y}\n"))
	for _, want := range []string{`x.yaml:2: name "a b"`, "x.yaml:3: a parameter needs", "x.yaml:5: a redirect needs"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := links.Parse("x.yaml", []byte("parms: []")); err == nil || !strings.Contains(err.Error(), `"params"`) {
		t.Errorf("%v does not name the nearest key", err)
	}
	if got, _ := (*links.Rules)(nil).Target("https://l.facebook.com/l.php?u=x"); got != "" {
		t.Error("nil rules know something")
	}
}

func FuzzLinks(f *testing.F) {
	r := shipped(f)
	f.Add("https://shop.example/a?gclid=1&x=2#y")
	f.Add("https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2F")
	f.Fuzz(func(t *testing.T, u string) {
		clean, taken := r.Clean(u)
		if again, more := r.Clean(clean); len(taken) > 0 && (len(more) > 0 || again != clean || len(clean) >= len(u)) {
			t.Errorf("%q became %q, which became %q", u, clean, again)
		}
		if goal, by := r.Target(u); goal != "" && (by == "" || !strings.HasPrefix(goal, "http")) {
			t.Errorf("%q leads to %q by %q", u, goal, by)
		}
	})
}
