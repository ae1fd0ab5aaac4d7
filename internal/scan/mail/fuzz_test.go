package mail

import (
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// FuzzRead holds on any bytes what TestCleanKeepsTheRest does on real mail:
// nothing panics, ranges lie inside, cleaning keeps length and the rest.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"From: a@a.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nPABpAG0AZwAgAHMAcgBjAD0ALwAvAGgALwBhAD4A\r\n--b--",
		"Content-Type: text/html; charset=iso-2022-jp\nContent-Transfer-Encoding: quoted-printable\n\n<img src=3D\"http://h/=\nabc\">=1B$B$\"=1B(B",
		"Content-Type: text/html; charset=utf-7\n\n+ADw-img src=//h/a+AD4-",
		"Content-Type: text/calendar\n\nURL:http://h/\n a\nX-ALT-DESC:<img src=\"http\n ://h/\\,a\">",
		"Content-Type: message/rfc822\nDisposition-Notification-To: a@b.example\n\nSubject: =?utf-8?q?x?= http://h/\nContent-Type: multipart/x\n\n--x\nContent-Type: text/html\n\n<a href=//h>",
		"Content-Type: text/html; charset=shift_jis\nContent-Transfer-Encoding: base64\n\nPGltZyBzcmM9Ii8vaC+VXCI+",
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQ29udGVudC1UeXBlOiB0ZXh0L2h0bWwKCjxpbWcgc3JjPS8vaC8+",
		"From: x\rContent-Type: application/pdf\r\r%PDF-1.4 /URI (http://h/)",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > 64<<10 {
			return
		}
		m := Read(raw, RFC5322, Options{})
		var refs []Ref
		m.Walk(markup.Options{}, func(r *Ref) {
			refs = append(refs, *r)
			if r.Space == InBody && (r.Value.Start < 0 || r.Value.Start > r.Value.End || r.Value.End > len(r.Part.Body)) {
				t.Fatalf("%v at %v of a body of %d bytes", r.Vector, r.Value, len(r.Part.Body))
			}
			if at, _ := r.Place(); at.Start < 0 || at.Start > at.End || at.End > len(raw) {
				t.Fatalf("%v at %v of %d bytes", r.Vector, at, len(raw))
			}
		})
		for _, p := range m.Parts {
			if p.Inside == "" && (p.Head.Start > p.Head.End || p.Head.End > p.Content.Start || p.Content.Start > p.Content.End || p.Content.End > len(raw)) {
				t.Fatalf("part %s: header %v, content %v of %d bytes", p.Path, p.Head, p.Content, len(raw))
			}
		}
		edits, _ := m.Neutralise(refs, true)
		out := markup.Apply(raw, edits)
		if at := outside(raw, out, edits); len(out) != len(raw) || at >= 0 {
			t.Fatalf("%d bytes became %d, byte %d changed outside the edits", len(raw), len(out), at)
		}
	})
}

func benchmark(b *testing.B, head, line string, walk bool) {
	raw := []byte(head + strings.Repeat(line, 1<<20/len(line)))
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		m := Read(raw, RFC5322, Options{})
		if walk {
			m.Walk(markup.Options{}, func(*Ref) {})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const row = "<tr><td class=x style=\"color:#333\"><a href=\"http://h.example/c/abc\">words and words and words</a></td></tr>\r\n"
	const quoted = "<tr><td class=3Dx style=3D\"color:#333\"><a href=3D\"http://h.example/c/ab=\r\nc\">words and words and words</a></td></tr>\r\n"
	b.Run("html", func(b *testing.B) { benchmark(b, "Content-Type: text/html\r\n\r\n", row, true) })
	b.Run("html quoted-printable", func(b *testing.B) {
		benchmark(b, "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", quoted, true)
	})
	b.Run("plain", func(b *testing.B) {
		benchmark(b, "Content-Type: text/plain\r\n\r\n", "words and words and words, and then some more of them\r\n", true)
	})
	b.Run("attachment", func(b *testing.B) {
		benchmark(b, "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n", strings.Repeat("QUJD", 19)+"\r\n", true)
	})
	b.Run("split only", func(b *testing.B) { benchmark(b, "Content-Type: text/html\r\n\r\n", row, false) })
}
