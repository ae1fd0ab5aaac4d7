package scan_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// attachedIn is a mail to ann@home.example with one attachment.
func attachedIn(header, body string) string {
	return "From: a@s.example\nTo: ann@home.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nsee there\n--b\n" +
		header + "\n\n" + body + "\n--b--\n"
}

// TestAttachedPages: what fires when an attachment is opened is no link.
func TestAttachedPages(t *testing.T) {
	t.Parallel()
	const pixel = `<html><p>hi</p><img src="https://trk.example/o.gif?e=ann@home.example" width=1 height=1></html>`
	const svg = `<svg xmlns="http://www.w3.org/2000/svg"><image href="https://trk.example/o.gif?e=ann@home.example" width="1" height="1"/></svg>`
	octets := base64.StdEncoding.EncodeToString([]byte(pixel))
	pdf := "%PDF-1.7\n1 0 obj <</OpenAction <</S /URI /URI (http://trk.example/e?e=ann@home.example)>> >>\n"
	for name, c := range map[string]struct {
		src, file  string
		inert      int
		inPlace    bool // it can be made inert
		sumUp, say string
	}{
		"attached":    {attachedIn("Content-Type: text/html\nContent-Disposition: attachment; filename=i.html", pixel), "i.html", 1, true, "Opening an attachment tells trk.example (proven).", "Opening the attachment “i.html” tells trk.example"},
		"octets":      {attachedIn("Content-Type: application/octet-stream; name=o.html\nContent-Transfer-Encoding: base64", octets), "o.html", 1, true, "Opening an attachment tells trk.example (proven).", "Opening the attachment “o.html” tells trk.example"},
		"svg":         {attachedIn("Content-Type: image/svg+xml\nContent-Disposition: attachment; filename=i.svg", svg), "i.svg", 1, true, "Opening an attachment tells trk.example (proven).", "Opening the attachment “i.svg” tells trk.example"},
		"pdf":         {attachedIn("Content-Type: application/pdf; name=d.pdf", pdf), "d.pdf", 0, false, "Opening an attachment tells trk.example (proven).", "Opening the attachment “d.pdf” tells trk.example"},
		"not a file":  {attachedIn("Content-Type: text/html", pixel), "", 1, true, "Opening this mail tells trk.example (proven).", "Opening this mail tells trk.example"},
		"form inside": {attachedIn("Content-Type: text/html\nContent-Disposition: attachment; filename=i.html", `<html><form action="https://trk.example/f?e=ann@home.example"></form>`), "i.html", 0, true, "Sending a form in it tells trk.example (proven) what you fill in.", "Sending this form tells trk.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scan.Scanner{Cleaning: &scan.Cleaning{}}
			r := s.Message(&source.Message{File: "f", Kind: source.Mail, Raw: []byte(c.src), Length: int64(len(c.src))})
			var said string
			for i := range r.Findings {
				f := &r.Findings[i]
				if f.Request.Host != "trk.example" {
					continue
				}
				said += f.Sentence
				if f.Attachment != c.file {
					t.Errorf("in the attachment %q, want %q", f.Attachment, c.file)
				}
			}
			if !strings.HasPrefix(said, c.say) || strings.Contains(said, "clicked") {
				t.Errorf("got  %s\nwant %s…", said, c.say)
			}
			if r.Words() != c.sumUp {
				t.Errorf("summary %q, want %q", r.Words(), c.sumUp)
			}
			if r.Clean.Inert != c.inert || r.Clean.Links != 0 || (r.Clean.Active == 0) != c.inPlace {
				t.Errorf("%s\nwant %d inert, no links, all in reach %v", r.Clean.Words(), c.inert, c.inPlace)
			}
			if name == "form inside" && r.Clean.Forms != 1 {
				t.Errorf("%s\nwant one form kept", r.Clean.Words())
			}
		})
	}
}
