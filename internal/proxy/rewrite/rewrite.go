// Package rewrite changes HTML documents as they flow from a site to a browser.
//
// In flows a response, out flows the same response whose body, where the
// document is one that can be read byte by byte, has references taken out and
// at most one script put in; every other byte is the site's, in the content
// coding the site chose. Nothing is held back but the token that is just
// coming. What cannot be changed safely passes untouched: parts, encodings that
// are no superset of ASCII, codings that are not known, downloads, and whatever
// the site marked no-transform.
package rewrite

import (
	"mime"
	"net/http"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/proxy/coding"
)

// Options say what is changed. The zero value changes nothing.
type Options struct {
	// Base is the document's own URL.
	Base string
	// Decide is asked about every reference of the vectors of Only (empty for
	// all); nil keeps all.
	Decide func(*markup.Ref) markup.Action
	Only   markup.Vectors
	// Script is markup that is put before the first script; "" puts in none.
	Script string
	// Coders undo and do the codings; nil means some of its own.
	Coders *coding.Coders
}

// Document wraps the body of resp if it is a document that can be changed,
// amends its header, and reports whether it did. A body that breaks off, or
// whose coding is faulty, ends with that error, after all that came before.
func Document(resp *http.Response, o Options) bool {
	kind, ok := Changeable(resp)
	if !ok || o.Decide == nil && o.Script == "" {
		return false
	}
	if o.Coders == nil {
		o.Coders = new(coding.Coders)
	}
	resp.Body = &body{src: resp.Body, coding: kind, o: o, placed: o.Script == ""}
	resp.ContentLength = -1
	resp.Uncompressed = false
	resp.Header.Del("Content-Length")
	for _, name := range digests {
		resp.Header.Del(name)
	}
	Weaken(resp.Header)
	return true
}

// digests speak of the very bytes (RFC 9530, and its forerunners), and of
// parts of them.
var digests = [...]string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"}

// Weaken makes a strong validator a weak one (RFC 9110, 8.8.1): the document
// means the same, its bytes may differ.
func Weaken(h http.Header) {
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
		h.Set("Etag", "W/"+tag)
	}
}

// Changeable reports whether resp is a whole HTML document that may be changed,
// and its content coding.
func Changeable(resp *http.Response) (k coding.Kind, ok bool) {
	switch h := resp.Header; {
	case resp.StatusCode < 200, resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusResetContent,
		resp.StatusCode == http.StatusPartialContent, resp.StatusCode == http.StatusNotModified:
		return coding.None, false
	case resp.Body == nil, resp.Body == http.NoBody, resp.ContentLength == 0:
		return coding.None, false
	case h.Get("Content-Range") != "", fixed(h), attached(h), !html(h):
		return coding.None, false
	default:
		return known(h.Values("Content-Encoding"))
	}
}

// fixed reports whether nobody on the way may change the bytes.
func fixed(h http.Header) bool {
	for _, line := range h.Values("Cache-Control") {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), "no-transform") {
				return true
			}
		}
	}
	return false
}

func attached(h http.Header) bool {
	word, _, _ := strings.Cut(h.Get("Content-Disposition"), ";")
	word = strings.TrimSpace(word)
	return word != "" && !strings.EqualFold(word, "inline")
}

// html reports whether the type is HTML in an encoding whose bytes below 128
// are ASCII's.
func html(h http.Header) bool {
	typ, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && typ == "" || typ != "text/html" {
		return false
	}
	set := strings.ToLower(params["charset"])
	for _, odd := range [...]string{"utf-16", "utf16", "utf-32", "utf-7", "ucs-2", "unicode", "iso-2022-", "csiso2022", "hz-gb", "iso-10646", "scsu", "ebcdic", "ibm0", "cp037"} {
		if strings.HasPrefix(set, odd) {
			return false
		}
	}
	return true
}

// known returns the one content coding of a body.
func known(values []string) (k coding.Kind, ok bool) {
	for _, line := range values {
		for word := range strings.SplitSeq(line, ",") {
			kind, ok := coding.Named(word)
			if !ok || kind != coding.None && k != coding.None {
				return coding.None, false
			}
			if kind != coding.None {
				k = kind
			}
		}
	}
	return k, true
}
