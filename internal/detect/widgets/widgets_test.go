package widgets

import (
	"os"
	"strings"
	"testing"
)

func shipped(t *testing.T) *Rules {
	t.Helper()
	data, err := os.ReadFile("../../../rules/widgets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse("rules/widgets.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return Compile(s)
}

func TestFind(t *testing.T) {
	t.Parallel()
	r := shipped(t)
	tests := []struct{ host, url, page, want string }{
		{"www.facebook.com", "https://www.facebook.com/plugins/post.php?href=x", "news.example", "facebook"},
		{"www.facebook.com", "https://www.facebook.com/v19.0/plugins/like.php?href=x", "news.example", "facebook"},
		{"www.facebook.com", "https://www.facebook.com/plugins/post.php?href=x", "www.instagram.com", ""},
		{"www.facebook.com", "https://www.facebook.com/dialog/oauth?x", "news.example", ""},
		{"www.facebook.com", "https://www.facebook.com/v19.0/dialog/oauth?x", "news.example", ""},
		{"www.facebook.com", "https://www.facebook.com/tr?id=1", "news.example", ""},
		{"platform.twitter.com", "https://platform.twitter.com/embed/Tweet.html?id=1", "news.example", "x"},
		{"platform.twitter.com", "https://platform.twitter.com/widgets.js", "news.example", ""},
		{"www.instagram.com", "https://www.instagram.com/p/abc/embed/captioned/", "news.example", "instagram"},
		{"www.instagram.com", "https://www.instagram.com/p/abc/", "news.example", ""},
		{"www.tiktok.com", "https://www.tiktok.com/embed/v2/123", "news.example", "tiktok"},
		{"disqus.com", "https://disqus.com/embed/comments/?f=x", "news.example", "disqus"},
		{"", "", "", ""},
	}
	for _, tt := range tests {
		got := ""
		if w := r.Find(tt.host, tt.url); w != nil && !w.Home(tt.page) {
			got = w.ID
		}
		if got != tt.want {
			t.Errorf("%s on %s: %q, want %q", tt.url, tt.page, got, tt.want)
		}
	}
	if w := (*Rules)(nil).Find("www.facebook.com", "https://www.facebook.com/plugins/"); w != nil {
		t.Errorf("nil rules know %v", w)
	}
}

func TestBegins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path, pattern string
		want          bool
	}{
		{"/plugins/x", "/plugins/", true}, {"/plugin", "/plugins/", false},
		{"/v1/plugins/x", "/*/plugins/", true}, {"/v1/v2/plugins/", "/*/plugins/", false}, {"//plugins/", "/*/plugins/", false},
		{"/p/abc/embed", "/p/*/embed", true}, {"/p/abc", "/p/*/embed", false}, {"/p/", "/p/*", false}, {"/p/a", "/p/*", true},
		{"", "/a", false},
	} {
		if got := begins(tt.path, tt.pattern); got != tt.want {
			t.Errorf("%q begins with %q: %t", tt.path, tt.pattern, got)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"key":  {"widgets:\n- {id: a, nam: b}\n", `w.yaml:2`},
		"lack": {"widgets:\n- {id: a, name: b}\n", "w.yaml:2: a widget needs"},
		"path": {"widgets:\n- {id: a, name: b, company: c, hosts: [d.example], paths: [/]}\n", `path "/"`},
		"host": {"widgets:\n- {id: a, name: b, company: c, hosts: [D.example], paths: [/e]}\n", `host "D.example"`},
		"id":   {"widgets:\n- {id: a, name: b, company: c, hosts: [d.example], paths: [/e]}\n- {id: a, name: b, company: c, hosts: [d.example], paths: [/e]}\n", "w.yaml:3: the id"},
		"many": {"widgets:\n" + strings.Repeat("- {id: a}\n", MaxWidgets+1), "at most 1000"},
	} {
		if _, err := Parse("w.yaml", []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	r := Compile(&Spec{Widgets: []Widget{{ID: "a", Hosts: []string{"w.example"}, Paths: []string{"/*/plugins/"}, Sites: []string{"w.example"}}}})
	b.ReportAllocs()
	for b.Loop() {
		r.Find("w.example", "https://w.example/v1/plugins/like")
	}
}
