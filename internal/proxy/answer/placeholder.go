package answer

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

// framePolicy is the content security policy of what stands in a frame's place:
// nothing is loaded, anybody may show it.
const framePolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"

// Stand is what a person sees in place of a frame that was not loaded.
type Stand struct {
	// Name is what the frame is, with an article; Company would have learned of
	// the visit to Page, a host, "" if unknown.
	Name, Company, Page string
	// Show is where a click loads the frame, Always where one does so for all
	// visits; "" offers no such click.
	Show, Always string
}

//go:embed placeholder.html
var placeholderHTML string

var placeholderTemplate = template.Must(template.New("placeholder").Parse(placeholderHTML))

// Placeholder answers r, a frame's request, with a box that says what was not
// loaded. It works without scripts, in a sandbox, and in isolated pages.
func Placeholder(r *http.Request, s Stand) *http.Response {
	var b bytes.Buffer
	if err := placeholderTemplate.Execute(&b, s); err != nil {
		b.Reset()
	}
	resp := build(r, content{http.StatusOK, typeHTML, b.Bytes()})
	h := resp.Header
	h.Set("Content-Security-Policy", framePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Referrer-Policy", "no-referrer")
	return resp
}
