package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy"
)

// policyPage is a shop as its own policy wants it: scripts run by their nonce
// only, and Google's one snippet serves two of its products.
const policyPage = `<!doctype html><title>Thanks</title><link rel=icon href=data:,>
<script nonce=r4nd0m>var back=[]</script>
<script nonce=r4nd0m async src="https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE001"></script>
<script nonce=r4nd0m>
window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}
gtag('js',new Date());gtag('config','G-EXAMPLE001');gtag('config','AW-123456789');
gtag('event','conversion',{send_to:'AW-123456789/AbCdEfGh',value:72.05,currency:'EUR',event_callback:()=>back.push('bought')});
gtag('get','G-EXAMPLE001','client_id',id=>back.push(id.split('.').length));
!function(f,b,e,v,n,t,s){if(f.fbq)return;n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):n.queue.push(arguments)};if(!f._fbq)f._fbq=n;
n.push=n;n.loaded=!0;n.version='2.0';n.queue=[];t=b.createElement(e);t.async=!0;t.nonce='r4nd0m';t.src=v;s=b.getElementsByTagName(e)[0];s.parentNode.insertBefore(t,s)}(window,document,'script','https://connect.facebook.net/en_US/fbevents.js');
fbq('init','123456789012345');fbq('track','Lead');
</script><p>Thank you`

// TestStubsByNonce: stand-ins report on a page that lets scripts run by nonce
// only, and nobody hears of it: no error, no report of a violation.
func TestStubsByNonce(t *testing.T) {
	t.Parallel()
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			w := newWorld(t, n, proxy.Always)
			n.Handle("nonce.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Security-Policy", "script-src 'nonce-r4nd0m'; report-uri /violation")
				_, _ = w.Write([]byte(policyPage))
			}))
			b := w.open(name, w.CA)
			b.navigate("https://nonce.example/")
			b.await("back.sort().join()", `"2,bought"`)
			want := []string{
				"nonce.example tried to tell Google Analytics 4 (Google) that you opened a page",
				"nonce.example tried to tell Google Ads (Google) that you did what the site counts as a result of its advertising for 72.05 EUR",
				"nonce.example tried to tell Meta Pixel (Meta Platforms) that you left your details",
			}
			said := func(e []ledger.Event) string { return strings.Join(sentences(e, "nonce.example"), "\n") }
			// What the page is told back may come before its reports have come in.
			w.events.poll(func(e []ledger.Event) bool {
				return !slices.ContainsFunc(want, func(s string) bool { return !strings.Contains(said(e), s) })
			})
			w.settle(t)
			b.quiet()
			for _, s := range want {
				if got := said(w.events.list()); !strings.Contains(got, s) {
					t.Errorf("no %q in\n%s", s, got)
				}
			}
			for _, v := range n.Visits() {
				if v.Host != "nonce.example" && strings.Contains(v.Header.Get("Referer"), "nonce.example") || v.Path == "/violation" {
					t.Errorf("unwanted: %s", v)
				}
			}
		})
	}
}
