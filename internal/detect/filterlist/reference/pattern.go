package reference

import (
	"regexp"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// optionWords are the options that may stand first after a "$".
const optionWords = `1p|3p|all|badfilter|beacon|client|css|csp|ctag|denyallow|dnsrewrite|dnstype|doc|document|` +
	`domain|ehide|elemhide|empty|fetch|first-party|font|frame|from|genericblock|generichide|ghide|header|image|important|` +
	`img|match-case|media|method|mp4|object|object-subrequest|other|ping|popunder|popup|queryprune|reason|redirect|` +
	`redirect-rule|removeparam|rewrite|script|shide|specifichide|strict1p|strict3p|strict-first-party|strict-third-party|` +
	`stylesheet|subdocument|third-party|to|websocket|xhr|xmlhttprequest|background|_+`

// optionsAt finds where options can begin; the last place counts.
var optionsAt = regexp.MustCompile(`(?i)\$~?(?:` + optionWords + `)(?:[=,]|$)`)

// Pattern makes of a rule's text the regular expression that URLs must match.
// A rule of a hosts file or domain list has none: it matches by host.
func Pattern(r *filterlist.Rule) *regexp.Regexp {
	text := strings.TrimPrefix(r.Text, "@@")
	optioned := false
	if all := optionsAt.FindAllStringIndex(text, -1); len(all) > 0 {
		text, optioned = text[:all[len(all)-1][0]], true
	}
	fold := "(?i)"
	if r.Pattern.MatchCase {
		fold = ""
	}
	if text == "|ws://" || text == "|wss://" {
		// Parse makes two rules of it: what is written so, and all WebSockets.
		if r.Where.Types == filterlist.BitWebSocket {
			return regexp.MustCompile("")
		}
		return regexp.MustCompile("^(?i)wss?://")
	}
	if len(text) > 2 && strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/") {
		return regexp.MustCompile(fold + text[1:len(text)-1])
	}
	if a, err := idna.Lookup.ToASCII(text); !optioned && err == nil && name.MatchString(a) {
		text = a
	}
	if !optioned && name.MatchString(text) {
		if _, icann := publicsuffix.PublicSuffix(strings.ToLower(text)); icann {
			text = "||" + text + "^"
		}
	}
	return regexp.MustCompile(fold + translate(text))
}

// name is a host name with nothing around it.
var name = regexp.MustCompile(`(?i)^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)+$`)

// What patterns are made of.
const (
	schemeAndLabels = `^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#]*\.)?`
	separator       = `(?-i:[^a-zA-Z0-9_.%\x{80}-\x{10ffff}-]|$)`
)

func translate(text string) string {
	begin, end := "", ""
	if rest, ok := strings.CutPrefix(text, "||"); ok {
		begin, text = schemeAndLabels, rest
	} else if rest, ok := strings.CutPrefix(text, "|"); ok {
		begin, text = "^", rest
	}
	if rest, ok := strings.CutSuffix(text, "|"); ok {
		end, text = "$", rest
	}
	if strings.HasPrefix(text, "*") {
		begin = ""
	}
	hostEnd := 0
	if begin == schemeAndLabels {
		if hostEnd = strings.IndexAny(text, "/^*?:|"); hostEnd < 0 {
			hostEnd = len(text)
		}
	}
	// A host has no case.
	return begin + "(?i:" + pieces(carried(text[:hostEnd], true)) + ")" + pieces(carried(text[hostEnd:], false)) + end
}

func pieces(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch r {
		case '*':
			b.WriteString(`.*`)
		case '^':
			b.WriteString(separator)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// carried writes text as a URL carries it.
func carried(text string, host bool) string {
	if host {
		if a, err := idna.Lookup.ToASCII(text); err == nil && a != strings.ToLower(text) {
			return a
		}
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < 0x80 {
			b.WriteByte(c)
		} else {
			const hex = "0123456789ABCDEF"
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return b.String()
}
