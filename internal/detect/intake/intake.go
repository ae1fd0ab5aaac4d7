// Package intake turns what a client said into a detect.Request: the host, the
// type, the page and how it is known. The proxy and `quench check` both use
// it, so that both judge alike.
//
// A browser's own words (Sec-Fetch-*, which no page can set) come before what
// a page can choose (Accept, X-Requested-With), and that before guesses from
// the URL. A word that is unknown or contradicts itself counts as not said.
package intake

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// maxPage bounds the page URL that is kept: of a longer Referer only the
// origin counts.
const maxPage = 8 << 10

// Request makes a Request of a method ("" means GET), an absolute URL and the
// request header, which may be nil. The header is kept in the result, not
// copied. The body is left for the caller to fill in. Nothing is allocated for
// well-formed input.
func Request(method, url string, h detect.Header) detect.Request {
	r := detect.Request{URL: url, Host: detect.HostOf(url), Method: strings.ToUpper(method), Header: h}
	if h == nil {
		h = noHeader{}
	}
	f := fetchOf(h)
	r.Type = typeOf(r.Method, url, h, f)
	setPage(&r, h, f)
	return r
}

type noHeader struct{}

func (noHeader) Get(string) string      { return "" }
func (noHeader) Values(string) []string { return nil }

// fetch is the browser's own word about a request (Fetch Metadata).
type fetch struct{ dest, mode, site string }

func fetchOf(h detect.Header) fetch {
	return fetch{dest: single(h, "Sec-Fetch-Dest"), mode: single(h, "Sec-Fetch-Mode"), site: single(h, "Sec-Fetch-Site")}
}

// single returns the value of a field that may occur only once: a repeated one
// was not written by a browser, and is not believed.
func single(h detect.Header, name string) string {
	v := h.Values(name)
	if len(v) != 1 {
		return ""
	}
	return strings.TrimSpace(v[0])
}

// setPage fills in Page, PageFrom and Site.
func setPage(r *detect.Request, h detect.Header, f fetch) {
	if r.Type == detect.TypeDocument {
		r.Page, r.PageFrom, r.Site = cut(r.URL), detect.PageDocument, detect.FirstParty
		return
	}
	switch f.site {
	case "cross-site":
		r.Site = detect.ThirdParty
	case "same-origin", "same-site":
		r.Site = detect.FirstParty
	}
	r.Page, r.PageFrom = namedPage(h)
	if r.Page == "" && f.site == "same-origin" {
		r.Page, r.PageFrom = origin(r.URL), detect.PageFetchSite
	}
	if r.Page == "" && f.site == "same-site" {
		r.Page, r.PageFrom = siteOf(r), detect.PageGuess
	}
}

// namedPage reads Referer and Origin. Where they name different hosts Origin
// is the page: the Referer of a font is the style sheet that asked for it.
func namedPage(h detect.Header) (string, detect.PageFrom) {
	ref, org := webURL(single(h, "Referer")), webURL(single(h, "Origin"))
	switch {
	case org != "" && detect.HostOf(org) != detect.HostOf(ref):
		return org, detect.PageOrigin
	case ref != "":
		return cut(ref), detect.PageReferer
	}
	return "", detect.PageUnknown
}

// webURL returns url if it is an http(s) URL with a host, else "".
func webURL(url string) string {
	if scheme(url) == "" || detect.HostOf(url) == "" {
		return ""
	}
	return url
}

// scheme returns "http://" or "https://" if url begins so, in any case.
func scheme(url string) string {
	for _, s := range [...]string{"https://", "http://"} {
		if len(url) >= len(s) && strings.EqualFold(url[:len(s)], s) {
			return s
		}
	}
	return ""
}

// cut drops the fragment and the userinfo, and all but the origin of a URL
// that is too long.
func cut(url string) string {
	if i := strings.IndexByte(url, '#'); i >= 0 {
		url = url[:i]
	}
	if len(url) > maxPage {
		return origin(url)
	}
	start, end := authority(url)
	if i := strings.LastIndexByte(url[start:end], '@'); i >= 0 {
		return url[:start] + url[start+i+1:]
	}
	return url
}

// origin returns scheme, host and port of url, without userinfo.
func origin(url string) string {
	start, end := authority(url)
	if i := strings.LastIndexByte(url[start:end], '@'); i >= 0 {
		return url[:start] + url[start+i+1:end]
	}
	return url[:end]
}

// authority returns where the authority of url starts and ends.
func authority(url string) (start, end int) {
	i := strings.Index(url, "//")
	if i < 0 {
		return 0, 0
	}
	start = i + 2
	if n := strings.IndexAny(url[start:], `/?#\`); n >= 0 {
		return start, start + n
	}
	return start, len(url)
}

// siteOf guesses the page of a same-site request as the site's own name.
func siteOf(r *detect.Request) string {
	s := scheme(r.URL)
	if s == "" || r.Host == "" {
		return ""
	}
	return s + detect.Registrable(r.Host)
}
