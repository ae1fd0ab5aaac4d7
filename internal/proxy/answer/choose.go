package answer

import (
	"net/http"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
)

// Choose returns the reply that breaks least: the rule's own (want) where it
// has one, else by what t says the answer is for, by Accept and by extension.
// An upgrade to WebSocket can only be refused and a document only be answered
// by a page, whatever a rule wants.
func Choose(r *http.Request, t detect.Type, want detect.Reply) detect.Reply {
	switch {
	case t == detect.TypeWebSocket:
		return detect.ReplyRefused
	case t == detect.TypeDocument:
		return detect.ReplyPage
	case want != detect.ReplyAuto:
		return want
	}
	switch t {
	case detect.TypeImage:
		return imageReply(r)
	case detect.TypeScript:
		return detect.ReplyEmptyJS
	case detect.TypeStylesheet:
		return detect.ReplyEmptyCSS
	case detect.TypeSubdocument, detect.TypeObject:
		return detect.ReplyEmptyHTML
	case detect.TypeMedia:
		return detect.ReplyMedia
	case detect.TypeFont:
		// Any success would be a broken font; without one the page falls back.
		return detect.ReplyRefused
	case detect.TypePing:
		return detect.ReplyNoContent
	case detect.TypeXHR:
		return xhrReply(r)
	}
	return otherReply(r)
}

// imageReply keeps the kind that the name promises, where we have it.
func imageReply(r *http.Request) detect.Reply {
	switch extension(r) {
	case "png":
		return detect.ReplyPNG
	case "svg":
		return detect.ReplySVG
	}
	return detect.ReplyGIF
}

// xhrReply answers a fetch or XMLHttpRequest. What is sent without CORS is
// never read, and any body would only be reported as blocked by the browser.
func xhrReply(r *http.Request) detect.Reply {
	if r.Header.Get("Sec-Fetch-Mode") == "no-cors" {
		return detect.ReplyNoContent
	}
	return readReply(r)
}

// readReply answers a request whose answer code reads.
func readReply(r *http.Request) detect.Reply {
	accept := strings.ToLower(r.Header.Get("Accept"))
	first, _, _ := strings.Cut(accept, ",")
	first, _, _ = strings.Cut(strings.TrimSpace(first), ";")
	switch {
	case first == "text/event-stream":
		// 204 is the one answer after which an EventSource does not return.
		return detect.ReplyNoContent
	case first == "text/xml" || first == "application/xml" || isVideoAd(strings.ToLower(r.URL.RequestURI())):
		return detect.ReplyXML
	case strings.Contains(accept, "json"):
		return detect.ReplyJSON
	case extension(r) == "xml":
		return detect.ReplyXML
	case first == "text/plain":
		return detect.ReplyText
	case first == "text/html":
		return detect.ReplyEmptyHTML
	case strings.HasPrefix(first, "image/"):
		return imageReply(r)
	case accept == "" || strings.Contains(accept, "*/*"):
		return detect.ReplyJSON
	}
	return detect.ReplyNoContent
}

// otherReply answers what does not say what it is for: programs other than
// browsers, reports and manifests.
func otherReply(r *http.Request) detect.Reply {
	switch {
	case r.Header.Get("Sec-Fetch-Dest") == "manifest":
		return detect.ReplyJSON
	case r.Header.Get("Sec-Fetch-Dest") == "report" || r.Method != http.MethodGet && r.Method != http.MethodHead:
		return detect.ReplyNoContent
	case strings.Contains(r.Header.Get("Accept"), "json"), strings.Contains(r.Header.Get("Accept"), "xml"):
		return readReply(r)
	}
	// A pixel without a word about itself, as mail programs fetch it.
	return detect.ReplyGIF
}

func isWebSocket(r *http.Request) bool {
	return intake.Request(r.Method, r.URL.String(), r.Header).Type == detect.TypeWebSocket
}

func isWorker(r *http.Request) bool {
	return strings.HasSuffix(r.Header.Get("Sec-Fetch-Dest"), "worker")
}

func extension(r *http.Request) string { return intake.Extension(r.URL.String()) }
