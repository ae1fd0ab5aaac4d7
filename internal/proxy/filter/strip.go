package filter

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
)

// strip takes out of the request to be sent what d says. The client's own
// request keeps it, for the explanation.
func (ex *Exchange) strip(d detect.Decision) {
	ex.fresh()
	ex.stripSent(d)
}

// change carries out what lists change.
func (ex *Exchange) change(c engine.Changes) {
	ex.csp = c.CSP
	if c.URL == "" {
		return
	}
	_, query := detect.Split(c.URL)
	ex.fresh()
	ex.out.URL.RawQuery, ex.out.URL.ForceQuery = query, false
}

// fresh makes the request to be sent another than the client's own.
func (ex *Exchange) fresh() {
	ex.own()
	if ex.changed {
		return
	}
	ex.changed = true
	out := ex.r.WithContext(ex.r.Context())
	out.Header = ex.r.Header.Clone()
	u := *ex.r.URL
	out.URL = &u
	if ex.out != ex.r { // it has a body that was held
		out.Body, out.GetBody = ex.out.Body, ex.out.GetBody
	}
	ex.out = out
}

// stripSent does it in the request that was handed out to be sent.
func (ex *Exchange) stripSent(d detect.Decision) {
	s := ex.set.Strip(d)
	stripCookies(ex.out.Header, s)
	stripParams(ex.out.URL, s)
	if s.Unknown {
		stripUnknown(ex.out)
	}
}

// stripCookies takes cookies out of a request header; the others stay as they
// were written.
func stripCookies(h http.Header, s engine.Strip) {
	if s.AllCookies {
		h.Del("Cookie")
		return
	}
	if len(s.Cookies) == 0 || len(h["Cookie"]) == 0 {
		return
	}
	var kept []string
	for _, line := range h["Cookie"] {
		var pairs []string
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, _, _ := strings.Cut(pair, "=")
			if pair != "" && !slices.Contains(s.Cookies, name) {
				pairs = append(pairs, pair)
			}
		}
		if len(pairs) > 0 {
			kept = append(kept, strings.Join(pairs, "; "))
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h["Cookie"] = kept
	}
}

// stripSetCookies takes the same cookies out of a response header: what may
// not be sent need not be kept.
func stripSetCookies(h http.Header, s engine.Strip) {
	if s.AllCookies {
		h.Del("Set-Cookie")
		return
	}
	if len(s.Cookies) == 0 || len(h["Set-Cookie"]) == 0 {
		return
	}
	var kept []string
	for _, line := range h["Set-Cookie"] {
		name, _, _ := strings.Cut(line, "=")
		if !slices.Contains(s.Cookies, strings.TrimSpace(name)) {
			kept = append(kept, line)
		}
	}
	h.Del("Set-Cookie")
	if len(kept) > 0 {
		h["Set-Cookie"] = kept
	}
}

// stripParams takes parameters out of a query; the others stay, byte for byte.
func stripParams(u *url.URL, s engine.Strip) {
	if s.AllParams {
		u.RawQuery, u.ForceQuery = "", false
		return
	}
	if len(s.Params) == 0 || u.RawQuery == "" {
		return
	}
	var kept []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if !slices.Contains(s.Params, name) {
			kept = append(kept, pair)
		}
	}
	u.RawQuery = strings.Join(kept, "&")
}
