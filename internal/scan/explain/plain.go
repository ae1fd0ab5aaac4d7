package explain

import (
	"fmt"
	"strings"

	"github.com/quench-proxy/quench/internal/scan/judge"
)

// plain is the sentence of what reports no more than any fetch does.
func plain(f *judge.Finding) string {
	switch kind(f) {
	case "click":
		if form(f) {
			return "A form that is sent to " + host(f) + "; nothing in its address tells your copy from others'."
		}
		return "A link to " + host(f) + "; nothing in its address tells your copy from others'."
	case "dns":
		return "Opening this mail may make your system look up " + host(f) + "; nothing in the name tells your copy from others'."
	case "inert", "header":
		return thing(f) + " at " + host(f) + ", which no known mail program fetches by itself."
	}
	if f.Signs.Repeated {
		return fmt.Sprintf("%s at %s, which stands here %d times: it holds the layout and tells nobody's copy from another's.", thing(f), host(f), f.Count)
	}
	return thing(f) + " at " + host(f) + "; nothing in its address tells your copy from others'. Whoever runs the host sees your IP address when it is fetched."
}

// unfetched is the sentence of what leads to no host: a mail to be written, a
// mark in the header, another part of the mail, half an address. "" for others.
func unfetched(f *judge.Finding) string {
	if host(f) != "" {
		return ""
	}
	scheme, rest, ok := strings.Cut(f.Request.URL, ":")
	switch scheme = strings.ToLower(scheme); {
	case scheme == "mailto" || scheme == "receipt":
		to, _, _ := strings.Cut(rest, "?")
		return "A link that begins a mail to " + short(to) + aboard(f) + ". Nothing goes out until you send that mail."
	case scheme == "id":
		return "A mark in the header by which the sender's systems can know this mail again" + aboard(f) +
			". Nothing fetches it, but a reply or an error message may carry it back."
	case scheme == "cid" || scheme == "mid":
		return thing(f) + " that is part of the mail itself; nothing is fetched."
	case scheme == "about" || scheme == "data":
		return thing(f) + " that holds its content itself; nothing is fetched."
	case ok && !strings.ContainsAny(scheme, "/?#.@\"'= "):
		return thing(f) + " that leads to no host (“" + short(f.Request.URL) + "”); nothing is fetched."
	}
	return thing(f) + " whose address is only half a one (“" + short(f.Request.URL) + "”): nothing in this mail completes it, so nothing is fetched."
}

// aboard says what a mark or mail address holds about the reader.
func aboard(f *judge.Finding) string {
	s := strings.TrimPrefix(carries(f), "; its address carries ")
	if s == "" {
		return ""
	}
	return "; it carries " + pathless.Replace(s)
}

// pathless takes out where in an address something stands: a mark has no parts.
var pathless = strings.NewReplacer(" (in the path)", "", ", in the path)", ")")

// maxShown is how much of an address a sentence holds.
const maxShown = 60

func short(s string) string {
	r := []rune(s)
	if len(r) <= maxShown {
		return s
	}
	return string(r[:maxShown-1]) + "…"
}
