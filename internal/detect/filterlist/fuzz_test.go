package filterlist_test

import (
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/detect/filterlist/reference"
)

// FuzzMatch holds the index against the slow matcher for any list, URL and
// page.
func FuzzMatch(f *testing.F) {
	f.Add("||ads.example^$third-party\n@@/ok.js", "https://ads.example/ok.js", "https://page.example/", uint8(4))
	f.Add("/a*b^c|\n|https://x\n*$image,domain=a.*|~b.a.com", "https://x/ab/c", "https://b.a.com/", uint8(5))
	f.Add(`/^https?:\/\/[a-z]+\/ads/$match-case`+"\n||x^$important\n@@||x^$document", "https://x/ads", "https://x/", uint8(1))
	f.Add(variety, "https://t.example/banner/x", "https://p1.example/", uint8(3))
	f.Add("ab|\n*b^|\n-ab-$domain=/a/", "http://a.b/ab", "http://a/", uint8(8))
	f.Fuzz(func(t *testing.T, list, url, page string, kind uint8) {
		if len(url) > 2000 || len(list) > 4000 || len(page) > 300 {
			return
		}
		// Letters beyond ASCII never reach a proxy unescaped, and fold oddly.
		for _, s := range []string{list, url, page} {
			for i := range len(s) {
				if s[i] >= 0x80 || s[i] == '\\' && s != list || s[i] == '@' && s != list {
					return
				}
			}
		}
		source := filterlist.Source{Name: "fuzz", Text: []byte(list), Format: filterlist.FormatAdblock}
		r := detect.Request{URL: url, Host: detect.HostOf(url), Page: page, PageFrom: detect.PageReferer, Type: detect.Type(kind % 12)}
		if r.Host == "" || !web(url) || page != "" && !web(page) {
			return
		}
		set, _ := filterlist.Compile([]filterlist.Source{source}, filterlist.Options{Seed: 5})
		got := set.Match(&r, []uint64{1}, filterlist.Want{Exceptions: true})
		if why := differs(set, got, reference.New(source).Match(&r, []uint64{1})); why != "" {
			t.Errorf("%s: %q, %q on %q\n%s", why, list, url, page, explain(set, got))
		}
		set.Clean(url, set.Modifiers(&r, []uint64{1}, nil))
	})
}

// web reports whether a URL is one that a browser asks for: of a scheme of the
// web and of a host that can exist. Where a name ends at another byte is
// nothing that the index, which goes by labels, and a pattern have to agree on.
func web(url string) bool {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return false
	}
	return strings.Trim(detect.HostOf(url), "abcdefghijklmnopqrstuvwxyz0123456789-._:") == ""
}
