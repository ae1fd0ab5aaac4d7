// Package answer makes the responses that the proxy gives in a tracker's
// place. They are chosen so that pages keep working: an image loads, a script
// runs, a fetch resolves, and nothing is kept in a cache, so that an allow
// works at once.
//
// In flow the client's request and the reply wanted (or none); out flow whole
// *http.Response values that need no connection. The caller may add header
// fields to them; a new one is made for each call.
package answer

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
)

// content is what a reply consists of.
type content struct {
	status int
	mime   string // "" for no body
	body   []byte
}

// Make answers r with reply, which should come from Choose. What needs content
// of its own (ReplyStub, ReplyPage, ReplyPreflight) is made by Script, Page
// and Preflight; here they become an empty script, an empty document and no
// content, and replies that HTTP does not have become a refusal.
func Make(r *http.Request, reply detect.Reply) *http.Response {
	c := contentOf(r, reply)
	resp := build(r, c)
	setCORS(resp.Header, r)
	if c.mime == typeHTML || isWorker(r) {
		// A page that is cross-origin isolated takes frames and workers only
		// if they are so too.
		resp.Header.Set("Cross-Origin-Embedder-Policy", "require-corp")
	}
	return resp
}

// Script answers r with a script of ours.
func Script(r *http.Request, script string) *http.Response {
	resp := build(r, content{http.StatusOK, typeJS, []byte(script)})
	setCORS(resp.Header, r)
	return resp
}

// Image answers r with a blank image of the format that the real answer had;
// browsers take a GIF in place of those that have no blank one.
func Image(r *http.Request, f pixel.Format) (*http.Response, detect.Reply) {
	c, reply := content{http.StatusOK, "image/gif", pixel.Blank(f)}, detect.ReplyGIF
	switch f {
	case pixel.PNG:
		c.mime, reply = "image/png", detect.ReplyPNG
	case pixel.SVG:
		c.mime, reply = "image/svg+xml", detect.ReplySVG
	case pixel.WebP:
		c.mime = "image/webp"
	default:
		c.body = pixel.Blank(pixel.GIF)
	}
	resp := build(r, c)
	setCORS(resp.Header, r)
	return resp, reply
}

// Resource answers r with a neutral body that a list names, and says what kind
// of reply it is.
func Resource(r *http.Request, mime string, body []byte) (*http.Response, detect.Reply) {
	resp := build(r, content{http.StatusOK, mime, body})
	setCORS(resp.Header, r)
	if strings.HasPrefix(mime, "text/html") || isWorker(r) {
		resp.Header.Set("Cross-Origin-Embedder-Policy", "require-corp")
	}
	return resp, kinds[strings.TrimSpace(strings.SplitN(mime, ";", 2)[0])]
}

// kinds maps the media types of resources to the words of replies.
var kinds = map[string]detect.Reply{
	"image/gif": detect.ReplyGIF, "image/png": detect.ReplyPNG, "image/svg+xml": detect.ReplySVG,
	"text/javascript": detect.ReplyEmptyJS, "text/css": detect.ReplyEmptyCSS, "text/html": detect.ReplyEmptyHTML,
	"text/plain": detect.ReplyText, "application/json": detect.ReplyJSON, "application/xml": detect.ReplyXML,
	"audio/mpeg": detect.ReplyMedia, "video/mp4": detect.ReplyMedia,
}

// Takes reports whether another body may stand in place of reply: not for what
// a person reads, nor where nothing or a refusal is the answer.
func Takes(reply detect.Reply) bool {
	switch reply {
	case detect.ReplyPage, detect.ReplyPreflight, detect.ReplyRefused:
		return false
	}
	return true
}

const (
	typeHTML = "text/html; charset=utf-8"
	typeJS   = "text/javascript; charset=utf-8"
)

func contentOf(r *http.Request, reply detect.Reply) content {
	switch reply {
	case detect.ReplyGIF:
		return content{http.StatusOK, "image/gif", pixel.Blank(pixel.GIF)}
	case detect.ReplyPNG:
		return content{http.StatusOK, "image/png", pixel.Blank(pixel.PNG)}
	case detect.ReplySVG:
		return content{http.StatusOK, "image/svg+xml", pixel.Blank(pixel.SVG)}
	case detect.ReplyEmptyJS, detect.ReplyStub:
		return content{http.StatusOK, typeJS, []byte("/**/")}
	case detect.ReplyEmptyCSS:
		return content{http.StatusOK, "text/css; charset=utf-8", []byte("/**/")}
	case detect.ReplyEmptyHTML, detect.ReplyPage:
		return content{http.StatusOK, typeHTML, []byte("<!doctype html><title></title>")}
	case detect.ReplyJSON:
		return content{http.StatusOK, "application/json", []byte("{}")}
	case detect.ReplyXML:
		return content{http.StatusOK, "application/xml; charset=utf-8", []byte(emptyXML(r))}
	case detect.ReplyText:
		return content{http.StatusOK, "text/plain; charset=utf-8", []byte{}}
	case detect.ReplyMedia:
		return mediaOf(r)
	case detect.ReplyNoContent, detect.ReplyPreflight:
		return content{status: http.StatusNoContent}
	}
	if isWebSocket(r) {
		return content{status: http.StatusForbidden}
	}
	return content{status: http.StatusNotFound}
}

// build makes the response. Range is ignored on purpose (RFC 9110, 14.2): the
// whole answer is smaller than any range of it.
func build(r *http.Request, c content) *http.Response {
	h := http.Header{
		"Cache-Control":                {"no-store"},
		"Cross-Origin-Resource-Policy": {"cross-origin"},
		"Timing-Allow-Origin":          {"*"},
	}
	resp := &http.Response{
		StatusCode: c.status, Status: strconv.Itoa(c.status) + " " + http.StatusText(c.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Request: r, Body: http.NoBody,
	}
	if c.mime != "" {
		h.Set("Content-Type", c.mime)
	}
	if c.status == http.StatusNoContent {
		return resp
	}
	h.Set("Content-Length", strconv.Itoa(len(c.body)))
	resp.ContentLength = int64(len(c.body))
	if r.Method != http.MethodHead && len(c.body) > 0 {
		resp.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	return resp
}

// setCORS lets a page read the answer to a CORS request, credentials included:
// otherwise its promise rejects, and code retries or hangs. A request that
// does not say its mode but has an Origin may be one.
func setCORS(h http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	mode := r.Header.Get("Sec-Fetch-Mode")
	if origin == "" || mode != "" && mode != "cors" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Vary", "Origin")
}

// emptyXML is what a reader of this request takes for "nothing": an ad answer
// without ads where the URL asks for one.
func emptyXML(r *http.Request) string {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	u := strings.ToLower(r.URL.RequestURI())
	switch {
	case strings.Contains(u, "vmap"):
		return head + `<vmap:VMAP xmlns:vmap="http://www.iab.net/videosuite/vmap" version="1.0"/>`
	case isVideoAd(u):
		return head + `<VAST version="4.0"/>`
	}
	return head + `<empty/>`
}

// isVideoAd reports whether a lower-case request URI asks for video ads (VAST).
func isVideoAd(uri string) bool {
	return strings.Contains(uri, "vast") || strings.Contains(uri, "vmap") || strings.Contains(uri, "/gampad/ads")
}

// mediaOf is a media answer: silence for a sound or a video (a video element
// plays it like any other file, and it ends), and captions without a word.
func mediaOf(r *http.Request) content {
	if r.Header.Get("Sec-Fetch-Dest") == "track" {
		return content{http.StatusOK, "text/vtt; charset=utf-8", []byte("WEBVTT\n")}
	}
	return content{http.StatusOK, "audio/wav", silence()}
}

// silence is a tenth of a second of nothing: RIFF/WAVE, PCM, one channel,
// 8 bits at 8 kHz, where 0x80 is the middle.
func silence() []byte {
	const rate, samples = 8000, 800
	b := make([]byte, 0, 44+samples)
	b = append(b, "RIFF"...)
	b = le32(b, 36+samples)
	b = append(b, "WAVEfmt "...)
	b = le32(b, 16)
	b = append(b, 1, 0, 1, 0) // PCM, one channel
	b = le32(b, rate)
	b = le32(b, rate)         // bytes a second
	b = append(b, 1, 0, 8, 0) // bytes a frame, bits a sample
	b = append(b, "data"...)
	b = le32(b, samples)
	return append(b, bytes.Repeat([]byte{0x80}, samples)...)
}

func le32(b []byte, n uint32) []byte {
	return append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}
