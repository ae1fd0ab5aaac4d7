package ledger

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/redact"
	"github.com/quench-proxy/quench/rules"
)

// TestSecretsThroughRealRules sends secrets the way pages leak them, through
// the rules that ship.
func TestSecretsThroughRealRules(t *testing.T) {
	t.Parallel()
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	const secret, card, session = "hunter2planted", "4111111111111111", "plantedsession0123"
	page := "https://shop.example/pay?password=" + secret + "&card=" + card + "#sessionid=" + session
	in := url.QueryEscape(page)
	hits := []struct{ tracker, method, url, body string }{
		{"meta-pixel", "GET", "https://www.facebook.com/tr/?id=1234567890&ev=Purchase&dl=" + in + "&rl=" + in + "&cd[value]=1&cd[password]=" + secret + "&cd[note]=" + card + "&udff[em]=" + card, ""},
		{"", "GET", "https://t.co/i/adsct?txn_id=abc12&events=%5B%5B%22pageview%22%2Cnull%5D%5D&tw_document_href=" + in, ""},
		{"", "POST", "https://www.google-analytics.com/g/collect?v=2&tid=G-ABC1234567&cid=1741737600.1234567890&en=page_view&dl=" + in + "&dt=card%20" + card + "&ep.password=" + secret, "en=login&ep.session_id_token=" + session + "\r\nen=scroll&ep.note=" + card},
		{"", "GET", "https://bat.bing.com/action/0?ti=123&evt=pageLoad&p=" + in + "&tl=password%3A%20" + secret + "&r=" + in, ""},
		{"", "GET", "https://ct.pinterest.com/v3/?tid=123&event=init&pd=" + url.QueryEscape(`{"em":"x","password":"`+secret+`"}`) + "&ad=" + url.QueryEscape(`{"loc":"`+page+`"}`), ""},
		{"", "POST", "https://analytics.tiktok.com/api/v2/pixel", `{"event":"Pageview","context":{"page":{"url":"` + page + `"},"user":{"password":"` + secret + `"}},"properties":{"note":"` + card + `"}}`},
	}
	for _, level := range []redact.Level{redact.Counts, redact.Redacted, redact.Full} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l, err := Open(t.Context(), Options{Dir: dir, Detail: level, Now: func() time.Time { return noon }})
			if err != nil {
				t.Fatal(err)
			}
			defer stop(t, l)
			for i, h := range hits {
				r := &detect.Request{URL: h.url, Host: detect.HostOf(h.url), Method: h.method, Page: page, PageFrom: detect.PageReferer,
					Type: detect.TypePing, Body: []byte(h.body), Header: http.Header{"Content-Type": {"text/plain"}, "Referer": {page},
						"Cookie": {"xs=" + session + "; c_user=100001234567890; sid=" + session}, "Authorization": {"Bearer " + session}}}
				d := set.Body(r, set.Request(r, nil), nil)
				l.Record(Sighting{Set: set, Decision: d, Door: "proxy", Seen: detect.Seen{Request: r, At: noon.Add(time.Duration(i) * time.Minute)}})
			}
			settle(t, l)
			trackers := map[string]bool{}
			for _, e := range all(t, l, Filter{}) {
				if e.Tracker != nil && e.Sentence != "" {
					trackers[e.Tracker.ID] = true
				}
				t.Log(e.Sentence)
			}
			if len(trackers) < len(hits)-1 || !trackers["meta-pixel"] {
				t.Errorf("only %v were recorded, want nearly all of %d", trackers, len(hits))
			}
			wants(t, dir, "written", []string{"meta-pixel"}, []string{secret, card, session})
		})
	}
}
