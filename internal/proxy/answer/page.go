package answer

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

// pagePolicy is the content security policy of our pages: nothing is loaded
// and only this host is sent anything.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// BlockPage is what a person sees in place of a document that was blocked.
type BlockPage struct {
	// Host is where the document would have come from.
	Host string
	// Tracker and Company say who; either may be "".
	Tracker, Company string
	// Sentence says what would have been told, Reasons how we know; both may
	// be empty.
	Sentence string
	Reasons  []string
	// Action is where the form goes, "" for a page without choices.
	Action string
}

//go:embed page.html
var pageHTML string

//go:embed notice.html
var noticeHTML string

// Both are parsed once and never changed.
var (
	pageTemplate   = template.Must(template.New("page").Parse(pageHTML))
	noticeTemplate = template.Must(template.New("notice").Parse(noticeHTML))
)

// Page answers r with the block page (403).
func Page(r *http.Request, p BlockPage) *http.Response {
	return html(r, http.StatusForbidden, pageTemplate, p)
}

// Notice answers r with a page that says one thing, in our own words.
func Notice(r *http.Request, status int, title, text string) *http.Response {
	return html(r, status, noticeTemplate, struct{ Title, Text string }{title, text})
}

// html never fails but for a template that does not fit its data, which the
// tests would show; the person then gets an empty page.
func html(r *http.Request, status int, t *template.Template, data any) *http.Response {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		b.Reset()
	}
	resp := build(r, content{status, typeHTML, b.Bytes()})
	h := resp.Header
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// The form's Origin must reach us, and nobody else may learn the address.
	h.Set("Referrer-Policy", "same-origin")
	h.Del("Timing-Allow-Origin")
	return resp
}

// SeeOther sends r on to another address with a GET (RFC 9110, 15.4.4).
func SeeOther(r *http.Request, location string) *http.Response {
	resp := build(r, content{status: http.StatusSeeOther})
	resp.Header.Set("Location", location)
	resp.Header.Set("Referrer-Policy", "no-referrer")
	return resp
}

// MovedTo sends a browser to the place it asked for under another address.
func MovedTo(r *http.Request, location string) *http.Response {
	resp := build(r, content{status: http.StatusTemporaryRedirect})
	resp.Header.Set("Location", location)
	return resp
}
