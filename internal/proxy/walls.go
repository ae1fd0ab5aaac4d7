package proxy

import (
	"net/http"
	"strings"
)

// turnedAway reports an answer by which a bot wall turns its client away: what
// it sees of us is Go's handshake under a browser's name. Only headers are
// looked at, and only those that the walls' makers set at their edge.
func turnedAway(resp *http.Response) bool {
	h := resp.Header
	if strings.EqualFold(h.Get("Cf-Mitigated"), "challenge") {
		return true
	}
	if a := h.Get("X-Amzn-Waf-Action"); a != "" && resp.StatusCode != http.StatusOK {
		return strings.EqualFold(a, "challenge") || strings.EqualFold(a, "captcha")
	}
	switch resp.StatusCode {
	case http.StatusForbidden:
		// These stand on every answer of such a wall's site; with a 403 to a
		// page they are the wall's own.
		return h.Get("X-Datadome") != "" || h.Get("X-Iinfo") != "" || h.Get("Server") == "AkamaiGHost"
	case http.StatusTooManyRequests:
		return h.Get("X-Kpsdk-Ct") != ""
	}
	return false
}

// withoutDictionaries takes the codings out of an Accept-Encoding that only
// who has fetched the dictionary can undo (RFC 9842). Of a document, in which
// we may have to change something, they make a riddle.
func withoutDictionaries(h http.Header) {
	delete(h, "Available-Dictionary")
	delete(h, "Dictionary-Id")
	for i, v := range h["Accept-Encoding"] {
		if !strings.Contains(strings.ToLower(v), "dc") {
			continue
		}
		var kept []string
		for part := range strings.SplitSeq(v, ",") {
			name, _, _ := strings.Cut(part, ";")
			if name = strings.TrimSpace(name); !strings.EqualFold(name, "dcb") && !strings.EqualFold(name, "dcz") {
				kept = append(kept, strings.TrimSpace(part))
			}
		}
		h["Accept-Encoding"][i] = strings.Join(kept, ", ")
	}
}
