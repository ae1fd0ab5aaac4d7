package scan_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// TestBase64ThatIsNone: clients differ in what they make of a body that is said
// to be base64 and is not; nothing in either reading goes by unsaid.
func TestBase64ThatIsNone(t *testing.T) {
	t.Parallel()
	const page = `<html><body><p>Hello</p><img src="https://trk.example/o.gif?e=ann@home.example" width="1" height="1"></body></html>`
	packed := base64.StdEncoding.EncodeToString([]byte(page))
	for name, c := range map[string]struct {
		body   string
		proven bool
		unread bool // not all was looked at
	}{
		"in clear":              {page, true, false},
		"lines in clear":        {"\n" + strings.ReplaceAll(page, "><", ">\r\n<"), true, false},
		"base64":                {packed, true, false},
		"base64 with a footer":  {packed + "\n-- \nlist footer: http://list.example/\n", true, false},
		"base64, then in clear": {packed + "\n" + page, true, true},
		"in clear, then base64": {"<>\n" + packed, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := "From: a@s.example\nTo: ann@home.example\nMIME-Version: 1.0\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n" + c.body
			s := &scan.Scanner{Cleaning: &scan.Cleaning{}}
			r := s.Message(&source.Message{File: "f", Kind: source.Mail, Raw: []byte(raw), Length: int64(len(raw))})
			if got := r.Summary.Rungs[0] > 0; got != c.proven || (len(r.Unread) > 0) != c.unread {
				t.Errorf("proven %v, unread %v; want %v, %v: %s", got, r.Unread, c.proven, c.unread, r.Words())
			}
			if strings.Contains(r.Words(), "Nothing in this mail reports back") {
				t.Errorf("said to report nothing: %s", r.Words())
			}
			if c.proven && (r.Clean.Inert != 1 || r.Clean.Left != 0 || len(r.Clean.Edits) == 0) {
				t.Errorf("clean: %s", r.Clean.Words())
			}
		})
	}
}
