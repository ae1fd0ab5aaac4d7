package e2e

import (
	"net/http"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy"
)

// pageWithPixels ends with a script that counts what is left of the page.
const pageWithPixels = `<!doctype html><html><head><meta charset=utf-8><title>News</title><link rel=icon href=data:,>
<link rel=preconnect href="https://www.facebook.com"></head><body><p id=words>Grüße</p>
<img height="1" width="1" style="display:none" src="https://www.facebook.com/tr?id=1234567890123456&ev=PageView">
<noscript><img src="https://www.facebook.com/tr?id=1234567890123456&ev=ViewContent&noscript=1"></noscript>
<img src="/own.gif" width=1 height=1><script nonce=abc>var left = document.images.length + " " + document.scripts.length</script></body></html>`

// TestPagesAreRewritten has browsers open pages whose hidden pixels are taken
// out on the way, under policies that let our script run and that do not.
func TestPagesAreRewritten(t *testing.T) {
	tests := []struct{ host, csp, gpc string }{
		{"free.example", "", "true"},
		{"nonce.example", "script-src 'nonce-abc'; img-src * data:", "true"},
		{"strict.example", "script-src 'self'", "undefined"},
	}
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			tiny, _ := pictures(t)
			for _, tt := range tests {
				n.Handle(tt.host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/own.gif" {
						tiny["gif"].ServeHTTP(w, r)
						return
					}
					w.Header().Set("Content-Type", "text/html")
					if tt.csp != "" {
						w.Header().Set("Content-Security-Policy", tt.csp)
					}
					_, _ = w.Write([]byte(pageWithPixels))
				}))
			}
			w := newWorld(t, n, proxy.Always)
			b := w.open(name, w.CA)
			for _, tt := range tests {
				b.navigate("https://" + tt.host + "/")
				b.want(`document.getElementById("words").textContent`, `"Grüße"`)
				b.want(`document.images.length`, `1`)
				if name != "firefox" || tt.gpc == "true" { // Firefox has the property of its own
					b.want(`String(navigator.globalPrivacyControl)`, `"`+tt.gpc+`"`)
				}
				if tt.gpc == "true" {
					b.want(`left`, `"1 1"`)
					b.quiet()
				}
				w.wantSentences(t, tt.host, tt.host+" tried to tell Meta Pixel (Meta Platforms) that you opened a page. Your IP address and browser go with every request. Blocked.")
			}
			for _, e := range w.events.list() {
				if e.Request.Host == "www.facebook.com" && !removed(e) {
					t.Errorf("replied %q, told %v: %s", e.Reply, e.Told, e.Sentence)
				}
			}
			if v := n.Visits("www.facebook.com"); len(v) != 0 || n.Shakes("www.facebook.com") != 0 {
				t.Errorf("reached the vendor: %v", v)
			}
		})
	}
}

func removed(e ledger.Event) bool { return e.Reply == detect.ReplyRemoved && !e.Told }
