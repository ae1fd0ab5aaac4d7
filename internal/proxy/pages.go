package proxy

import (
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// page answers r with why it got no answer.
func (x *exchange) page(r *http.Request, err error) *http.Response {
	return x.fault(r, faultFor(err, r.URL.Hostname()))
}

// fault answers with a short page if a person will read it, else with nothing
// of the right type, so that no script finds HTML where it wanted data.
func (x *exchange) fault(r *http.Request, f fault) *http.Response {
	x.local = true
	h := http.Header{}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	text := ""
	switch {
	case x.want.document:
		text = faultPage(r.URL.Hostname(), f)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
		h.Set("Referrer-Policy", "no-referrer")
	case x.want.dest == "" && !x.from.Browser && strings.Trim(x.want.accept, "*/ ") == "":
		// A tool on the command line: its user reads what it prints.
		text = f.title + ". " + f.text + "\n"
		h.Set("Content-Type", "text/plain; charset=utf-8")
	default:
		h.Set("Content-Type", emptyType(x.want, r.URL.Path))
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	resp := &http.Response{
		Status: strconv.Itoa(f.status) + " " + http.StatusText(f.status), StatusCode: f.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		ContentLength: int64(len(text)), Body: io.NopCloser(strings.NewReader(text)), Request: r,
	}
	if r.Method == http.MethodHead || text == "" {
		resp.Body = http.NoBody
	}
	return resp
}

func faultPage(host string, f fault) string {
	return fmt.Sprintf(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%s</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.4rem}p.who{color:#666;font-size:.9rem}@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}p.who{color:#999}}</style>
</head><body data-fault="%s"><h1>%s</h1><p><strong>%s</strong></p><p>%s</p>
<p class="who">Who failed: %s. This page comes from Quench, the proxy on the way to the site.</p></body></html>
`, html.EscapeString(f.title), f.id, html.EscapeString(f.title), html.EscapeString(host), html.EscapeString(f.text), html.EscapeString(f.who))
}

var destTypes = map[string]string{
	"script": "text/javascript", "worker": "text/javascript", "serviceworker": "text/javascript", "sharedworker": "text/javascript",
	"style": "text/css", "image": "image/gif", "font": "font/woff2", "audio": "audio/mpeg", "video": "video/mp4",
	"manifest": "application/manifest+json", "track": "text/vtt",
}

// emptyType is the type of an empty answer: by Sec-Fetch-Dest, else by the
// first type that Accept names, else by the extension.
func emptyType(w want, urlPath string) string {
	if t, ok := destTypes[w.dest]; ok {
		return t
	}
	first, _, _ := strings.Cut(w.accept, ",")
	if t, _, err := mime.ParseMediaType(first); err == nil && !strings.Contains(t, "*") {
		return t
	}
	if t := mime.TypeByExtension(path.Ext(urlPath)); t != "" {
		return t
	}
	return "text/plain; charset=utf-8"
}
