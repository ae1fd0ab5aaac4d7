package scan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan/source"
)

// TestArchiveSaysWhatWasSent: what an archive shows to be answered has told,
// though the proxy would have stopped it; the proxy's own answer has not.
func TestArchiveSaysWhatWasSent(t *testing.T) {
	t.Parallel()
	const ours = `{"name":"Cache-Control","value":"no-store"},{"name":"cross-origin-resource-policy","value":"cross-origin"},{"name":"timing-allow-origin","value":"*"}`
	for name, tt := range map[string]struct {
		entry, response string
		told            bool
	}{
		"answered":                   {"", `"status":200,"headers":[{"name":"Cache-Control","value":"no-store"}]`, true},
		"not found":                  {"", `"status":404`, true},
		"never answered":             {"", `"status":0`, false},
		"answered by the proxy":      {"", `"status":200,"headers":[` + ours + `]`, false},
		"from the cache":             {`"_fromCache":"disk",`, `"status":200`, false},
		"answered by the browser":    {"", `"status":307,"headers":[{"name":"Non-Authoritative-Reason","value":"HSTS"}]`, false},
		"a cache that was not used":  {`"_fromCache":false,`, `"status":200`, true},
		"a cache of no name":         {`"_fromCache":null,`, `"status":200`, true},
		"no answer that can be read": {"", `"status":"?"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := fmt.Sprintf(`{"log":{"entries":[{"startedDateTime":"2026-06-01T10:00:00Z",%s"request":{"method":"GET",
				"url":"https://www.facebook.com/tr?id=123456789012345&ev=Purchase&dl=https%%3A%%2F%%2Fshop.example%%2Fthanks",
				"headers":[{"name":"Referer","value":"https://shop.example/"},{"name":"Sec-Fetch-Dest","value":"image"},{"name":"Sec-Fetch-Site","value":"cross-site"}]},
				"response":{%s}}]}}`, tt.entry, tt.response)
			r := builtin(t).Message(&source.Message{File: "s.har", Kind: source.HAR, Length: int64(len(doc)), Body: strings.NewReader(doc)})
			if len(r.Findings) != 1 {
				t.Fatalf("%d findings, %q", len(r.Findings), r.Unread)
			}
			f, want := r.Findings[0], "shop.example tried to tell Meta Pixel"
			if tt.told {
				want = "shop.example has told Meta Pixel"
			}
			if f.Told != tt.told || !strings.HasPrefix(f.Sentence, want) || !strings.Contains(f.Sentence, "Behind Quench such a request is blocked.") {
				t.Errorf("told %v, %q, want %v, %q…", f.Told, f.Sentence, tt.told, want)
			}
		})
	}
}
