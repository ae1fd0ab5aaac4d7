package scan_test

import (
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// TestScriptsAreTold: what is not run is not said to report nothing.
func TestScriptsAreTold(t *testing.T) {
	t.Parallel()
	mail := "From: a@s.example\nMIME-Version: 1.0\nContent-Type: "
	for name, c := range map[string]struct {
		kind       source.Kind
		src        string
		want, kept int // scripts, and those that stay though all was to be inert
	}{
		"inline":       {source.HTML, `<html><p>hi</p><script>new Image().src="http://"+h</script>`, 1, 1},
		"handler":      {source.HTML, `<html><img src=x onerror="go()">`, 1, 1},
		"external":     {source.HTML, `<html><script src="http://h.example/a.js"></script>`, 1, 0},
		"svg":          {source.HTML, `<html><svg><script>go()</script></svg>`, 1, 1},
		"frame":        {source.HTML, `<html><iframe src="javascript:go()"></iframe>`, 1, 1},
		"srcdoc":       {source.HTML, `<html><iframe srcdoc="<script>go()</script>"></iframe>`, 1, 1},
		"data":         {source.HTML, `<html><script type="application/ld+json">{}</script><script> </script>`, 0, 0},
		"in a comment": {source.HTML, `<html><!-- <script>go()</script> --><p title="onclick=x">on</p>`, 0, 0},
		"mail":         {source.Mail, mail + "text/html\n\n<html><script>go()</script>", 0, 0},
		"attached":     {source.Mail, mail + "multipart/mixed; boundary=b\n\n--b\nContent-Type: application/octet-stream; name=x.html\n\n<html><script>go()</script>\n--b--\n", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scan.Scanner{Cleaning: &scan.Cleaning{All: true}}
			r := s.Message(&source.Message{File: "f", Kind: c.kind, Raw: []byte(c.src), Length: int64(len(c.src))})
			if r.Scripts != c.want || r.Clean.Scripts != c.kept {
				t.Errorf("%d scripts, %d kept; want %d and %d", r.Scripts, r.Clean.Scripts, c.want, c.kept)
			}
			if got := strings.Contains(r.Words(), "not run: what they would send is not known"); got != (c.want > 0) {
				t.Errorf("said to have scripts: %v: %s", got, r.Words())
			}
			if strings.Contains(r.Words(), "reports back.") && c.want > 0 {
				t.Errorf("said to report nothing: %s", r.Words())
			}
			if got := strings.Contains(r.Clean.Words(), "kept: a browser"); got != (c.kept > 0) || r.Clean.Whole() == got {
				t.Errorf("said to stay: %v, whole: %v: %s", got, r.Clean.Whole(), r.Clean.Words())
			}
			var total scan.Total
			total.Add(r)
			if got := strings.Contains(total.String(), "not run"); got != (c.want > 0) {
				t.Errorf("the sum: %s", total.String())
			}
		})
	}
}
