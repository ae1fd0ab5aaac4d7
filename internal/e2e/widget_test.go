package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/proxy"
)

// framePage shows a post of Facebook small enough that its placeholder is
// nothing but the link, and hears when the post itself has come.
const framePage = `<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>News</title>
<script>window.got = 0; addEventListener("message", e => { if (e.data === "post") got++ })</script>
<iframe id=f width=160 height=60 ATTR src="https://www.facebook.com/plugins/post.php?href=https%3A%2F%2Fx.example"></iframe>`

// TestWidgetsLoadAtAClick has people click where a post would be.
func TestWidgetsLoadAtAClick(t *testing.T) {
	sites := []struct{ host, attr, csp string }{
		{"plain.example", "", ""},
		{"sandbox.example", `sandbox="allow-scripts"`, ""},
		{"policy.example", "", "frame-src https://www.facebook.com/plugins/"},
	}
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			for _, s := range sites {
				n.Handle(s.host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/html")
					if s.csp != "" {
						w.Header().Set("Content-Security-Policy", s.csp)
					}
					_, _ = w.Write([]byte(strings.Replace(framePage, "ATTR", s.attr, 1)))
				}))
			}
			n.Handle("www.facebook.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte(`<!doctype html><link rel=icon href=data:,><script>parent.postMessage("post", "*")</script>`))
			}))
			w := newWorld(t, n, proxy.Always)
			b := w.open(name, w.CA)
			for i, s := range sites {
				b.navigate("https://" + s.host + "/")
				b.want("got", "0")
				if v := n.Visits("www.facebook.com"); len(v) != i {
					t.Fatalf("%s: before the click it was told: %v", s.host, v)
				}
				w.wantSentences(t, s.host, s.host+" shows a post, button or comments of Facebook. Loading it would have told Meta Platforms that you are there, whether you look at it or not. A click loads it.")
				b.click("#f")
				b.await("got", "1")
				for _, v := range n.Visits("www.facebook.com") {
					if strings.Contains(v.String(), "quench") {
						t.Errorf("%s: the site was told of us: %v", s.host, v)
					}
				}
			}
			b.quiet()
		})
	}
}
