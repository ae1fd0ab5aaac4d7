package filterlist

import (
	"strings"
	"testing"
)

func TestTooWide(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"/./", "/.*/", "/^/", "/$/", "/http/", "/HTTP/", "/^https?:/", "/^http:/", "/[a-z]/", "/e/", "/a|somethinglonger/", "/(x?)*/", "/\\w+/", "/[^q]{3}/",
		"/\\./", "/\\/\\//", "/^https?:\\/\\/.{3}/", "|http", "|http:", "|https", "|https://", "|http://", "http", "HTTP", "://", "*://*", "|http*://", "^//*^", "*",
		"http*/", "|https://*.", "/[a-z]/$important", "://$match-case", "|http$redirect=noop.js", "://$important,csp=script-src 'none'",
	} {
		if got := reasonsOf(line); got[reasonWide] != 1 {
			t.Errorf("%s: reasons %v, want %q", line, got, reasonWide)
		}
	}
	for _, line := range []string{
		"/./$domain=a.example", "/.*/$third-party", "|http://$script", "://$~image", "|https://$denyallow=a.example", "/^/$method=post",
		"@@/./", "@@|http", "@@://", "|ws://", "|wss://", "/ads?/", "/[?&]id=\\d/", "/=$/", "/^https?:\\/\\/ads/", "|https://ads", "-ad-", ".gif?", "/http/$badfilter",
		"|https://t.me/", "http://x", "/[0-9a-f]{32}/", "||a.example^", ".com/", "://www.", "/^https?:\\/\\/[a-z]{12,}\\./", "/http/$removeparam=x", "://$removeparam=utm",
	} {
		if got := reasonsOf(line); len(got) != 0 {
			t.Errorf("%s: refused: %v", line, got)
		}
	}
}

// TestWideBounds proves that many expressions, each as large as may be, are
// looked at within the bounds of a list.
func TestWideBounds(t *testing.T) {
	t.Parallel()
	var p parser
	if !p.wideRegexp(".{3}") || p.tried == 0 {
		t.Error("a wide expression was not found out")
	}
	for n := 0; p.tried <= maxTried; n++ {
		if before := p.tried; p.wideRegexp(`(\pL{0,900}ab){0,1}cd`) || p.tried == before || n > maxTried {
			t.Fatalf("%d of %d spent after %d expressions", p.tried, maxTried, n)
		}
	}
	if p.wideRegexp(".{3}") {
		t.Error("past the bound expressions are compiled all the same")
	}
	var b strings.Builder
	for b.Len() < MaxRegexps+MaxRegexps/4 {
		b.WriteString("/^https?:.{8}[^a-q]{40}\\W(a|b|cd|[x-z0-9])+/\n")
	}
	report := Parse(Source{Name: "l", Text: []byte(b.String())}, 1, func(*Rule) {})
	if report.Total() == 0 || report.Reasons[reasonWide] != 0 || report.Reasons[reasonRegexps] == 0 {
		t.Errorf("%d rules, rejected for %v; want some of both", report.Total(), report.Reasons)
	}
}

func reasonsOf(line string) map[string]int {
	report := Parse(Source{Name: "l", Text: []byte(line), Format: FormatAdblock}, 1, func(*Rule) {})
	return report.Reasons
}
