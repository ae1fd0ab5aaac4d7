package proxy

import (
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// hopByHop are the fields of one connection, RFC 9110 §7.6.1, with those that
// are so by custom.
var hopByHop = []string{"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Te", "Transfer-Encoding", "Upgrade", "Http2-Settings"}

// maxNamed bounds how many fields a Connection header may name.
const maxNamed = 64

// dropHopByHop removes the fields of one connection, those that Connection
// names included. "TE: trailers" stays: who wants trailers must be heard, or
// gRPC servers refuse to answer.
func dropHopByHop(h http.Header) {
	trailers := httpguts.HeaderValuesContainsToken(h["Te"], "trailers")
	named := 0
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if named++; named > maxNamed {
				break
			}
			h.Del(name)
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
	if trailers {
		h["Te"] = []string{"trailers"}
	}
}

// dropAltSvc removes invitations to protocols that would lead round the proxy.
func dropAltSvc(h http.Header) { delete(h, "Alt-Svc") }

// wantsWebSocket reports a WebSocket handshake over HTTP/1.1, RFC 6455 §4.1.
func wantsWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoAtLeast(1, 1) &&
		httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") &&
		len(r.Header["Upgrade"]) == 1 && strings.EqualFold(r.Header["Upgrade"][0], "websocket")
}

// strayOverH2 reports fields that no request over HTTP/2 may carry, RFC 9113
// §8.2.2; net/http lets them pass.
func strayOverH2(h http.Header) bool {
	for _, name := range [...]string{"Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade"} {
		if _, ok := h[name]; ok {
			return true
		}
	}
	te, ok := h["Te"]
	return ok && (len(te) != 1 || !strings.EqualFold(te[0], "trailers"))
}

// via returns our entry for a Via field, RFC 9110 §7.6.3.
func (c *core) via(r *http.Request) string {
	version := "1.1"
	if r.ProtoMajor == 2 {
		version = "2.0"
	}
	return version + " " + c.pseudo
}

// connectHeader is what we send with a CONNECT of our own: without our name in
// it, and those before us, a ring of proxies would turn until its files run out.
func (c *core) connectHeader(via []string) http.Header {
	return http.Header{
		"User-Agent": {""}, // or net/http adds its own
		"Via":        append(slices.Clone(via), "1.1 "+c.pseudo),
	}
}

// looped reports whether the request has passed through us before.
func (c *core) looped(r *http.Request) bool {
	for _, v := range r.Header["Via"] {
		if strings.Contains(v, c.pseudo) {
			return true
		}
	}
	return false
}
