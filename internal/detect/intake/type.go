package intake

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// typeOf says what the answer will be used for, by the most trustworthy sign
// there is.
func typeOf(method, url string, h detect.Header, f fetch) detect.Type {
	if isWebSocket(url, h, f) {
		return detect.TypeWebSocket
	}
	if h.Get("Ping-To") != "" || mediaType(h.Get("Content-Type")) == "text/ping" {
		return detect.TypePing
	}
	if t, ok := byFetch(method, f); ok {
		return t
	}
	if h.Get("X-Requested-With") == "XMLHttpRequest" {
		return detect.TypeXHR
	}
	if t, ok := byAccept(h.Get("Accept")); ok {
		return t
	}
	if t, ok := byExtension(url); ok {
		return t
	}
	if h.Get("Origin") != "" {
		return detect.TypeXHR
	}
	return detect.TypeOther
}

// isWebSocket reports whether an upgrade to WebSocket is asked for (RFC 6455,
// 4.1). The key stays when a proxy takes the fields of one connection out. An
// Upgrade field counts only if Connection names it (RFC 9110, 7.8): a page can
// set none of these, but an intermediary may leave one behind.
func isWebSocket(url string, h detect.Header, f fetch) bool {
	if f.mode == "websocket" || f.dest == "websocket" || h.Get("Sec-Websocket-Key") != "" ||
		strings.HasPrefix(url, "wss://") || strings.HasPrefix(url, "ws://") {
		return true
	}
	return hasToken(h.Values("Upgrade"), "websocket") && hasToken(h.Values("Connection"), "upgrade")
}

func hasToken(values []string, want string) bool {
	for _, v := range values {
		for v != "" {
			var item string
			item, v, _ = strings.Cut(v, ",")
			if strings.EqualFold(strings.TrimSpace(item), want) {
				return true
			}
		}
	}
	return false
}

// byFetch reads Fetch Metadata. Frames navigate too, so the destination comes
// before the mode; a navigation without one is a document.
func byFetch(method string, f fetch) (detect.Type, bool) {
	switch f.dest {
	case "document":
		return detect.TypeDocument, true
	case "iframe", "frame", "fencedframe":
		return detect.TypeSubdocument, true
	case "embed", "object":
		return detect.TypeObject, true
	case "image":
		return detect.TypeImage, true
	case "script", "worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet":
		return detect.TypeScript, true
	case "style", "xslt":
		return detect.TypeStylesheet, true
	case "font":
		return detect.TypeFont, true
	case "audio", "video", "track":
		return detect.TypeMedia, true
	case "report", "manifest", "webidentity":
		return detect.TypeOther, true
	case "empty", "json":
		return byMode(method, f.mode), true
	}
	if f.mode == "navigate" {
		return detect.TypeDocument, true
	}
	return detect.TypeOther, false
}

// byMode tells apart what has no destination. A POST whose answer nobody can
// read is what sendBeacon makes; fetch can make one too, but hardly ever does.
func byMode(method, mode string) detect.Type {
	switch {
	case mode == "navigate":
		return detect.TypeDocument
	case mode == "no-cors" && method == "POST":
		return detect.TypePing
	}
	return detect.TypeXHR
}

// byAccept reads the first, most wanted media range; "*/*" says nothing.
func byAccept(accept string) (detect.Type, bool) {
	first, _, _ := strings.Cut(accept, ",")
	mt := mediaType(first)
	major, minor, _ := strings.Cut(mt, "/")
	switch {
	case mt == "text/html" || mt == "application/xhtml+xml":
		return detect.TypeDocument, true
	case mt == "text/css":
		return detect.TypeStylesheet, true
	case mt == "text/event-stream" || minor == "json" || strings.HasSuffix(minor, "+json"):
		return detect.TypeXHR, true
	case minor == "javascript" || minor == "ecmascript" || minor == "x-javascript":
		return detect.TypeScript, true
	case major == "image":
		return detect.TypeImage, true
	case major == "font" || strings.HasPrefix(mt, "application/font") || strings.HasPrefix(mt, "application/x-font"):
		return detect.TypeFont, true
	case major == "audio" || major == "video":
		return detect.TypeMedia, true
	}
	return detect.TypeOther, false
}

// mediaType returns the type without parameters. Media types are matched in
// lower case; the few clients that write upper case cost an allocation.
func mediaType(s string) string {
	mt, _, _ := strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(mt))
}

// byExtension guesses from the last part of the path.
func byExtension(url string) (detect.Type, bool) {
	switch Extension(url) {
	case "gif", "png", "jpg", "jpeg", "webp", "avif", "bmp", "ico", "svg":
		return detect.TypeImage, true
	case "js", "mjs":
		return detect.TypeScript, true
	case "css":
		return detect.TypeStylesheet, true
	case "woff", "woff2", "ttf", "otf", "eot":
		return detect.TypeFont, true
	case "mp3", "mp4", "m4a", "m4v", "webm", "ogg", "oga", "ogv", "wav", "flac", "aac", "vtt":
		return detect.TypeMedia, true
	case "swf":
		return detect.TypeObject, true
	case "json", "xml":
		return detect.TypeXHR, true
	}
	return detect.TypeOther, false
}

// Extension returns the extension of a URL's path in lower case and without
// the dot, "" if there is none of at most five letters or digits.
func Extension(url string) string {
	const longest = 5
	path, _ := detect.Split(url)
	if i := strings.IndexByte(path, ';'); i >= 0 {
		path = path[:i]
	}
	i := strings.LastIndexByte(path, '.')
	if i < 0 || len(path)-i-1 > longest || strings.IndexByte(path[i:], '/') >= 0 {
		return ""
	}
	return strings.ToLower(strings.ToValidUTF8(path[i+1:], ""))
}
