package mail

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// forwarded is inner as a message/rfc822 part, or a multipart, under a transfer
// encoding.
func forwarded(kind Encoding, as, inner string) string {
	mark := fmt.Sprint("o", len(inner))
	return "From: o@o.example\r\nContent-Type: multipart/mixed; boundary=" + mark + "\r\n\r\n--" + mark + "\r\nContent-Type: " + as +
		"\r\nContent-Transfer-Encoding: " + kind.String() + "\r\n\r\n" + wrap(kind, []byte(inner)) + "\r\n--" + mark + "--\r\n"
}

// TestCleanInside cleans what transfer encodings hide, one in another too:
// only bytes inside the edits change, and the decoded text around the
// references stays.
func TestCleanInside(t *testing.T) {
	t.Parallel()
	const html = "<p>text =3D + é</p><img src=\"http://t.example/open.gif?u=a=b&very-long-token=0123456789abcdef0123456789abcdef0123456789\"><b>more</b><img src='//h.example/2'>end"
	for _, outer := range []Encoding{QuotedPrintable, Base64} {
		for _, inner := range []Encoding{Identity, QuotedPrintable, Base64} {
			for _, depth := range []int{1, 2} {
				t.Run(fmt.Sprint(outer, " around ", inner, " ", depth), func(t *testing.T) {
					t.Parallel()
					src := "Disposition-Notification-To: spy@s.example\r\nList-Unsubscribe: <http://u.example/x>\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: " + inner.String() + "\r\n\r\n" + wrap(inner, []byte(html))
					for range depth {
						src = forwarded(outer, "message/rfc822", src)
					}
					m := Read([]byte(src), RFC5322, Options{})
					again := cleanAll(t, m, 4)
					before, after := m.Parts[len(m.Parts)-1], again.Parts[len(again.Parts)-1]
					if !strings.HasPrefix(string(before.Body), "<p>text =3D + é</p>") || before.Inside == "" {
						t.Fatalf("body %q, inside %q", before.Body, before.Inside)
					}
					for _, text := range []string{"<p>text =3D + é</p><img src=\"", "\"><b>more</b><img src='", "'>end"} {
						if !bytes.Contains(after.Body, []byte(text)) {
							t.Errorf("%q is gone from %q", text, after.Body)
						}
					}
					if !after.Header.Has("X-Was-ition-Notification-To") || after.Header.Get("Content-Type") != "text/html; charset=utf-8" {
						t.Errorf("header %v", after.Header)
					}
				})
			}
		}
	}
}

// cleanAll neutralises everything in m and gives what is left of it.
func cleanAll(t *testing.T, m *Message, want int) *Message {
	t.Helper()
	var refs []Ref
	m.Walk(markup.Options{}, func(r *Ref) {
		if r.Active() && r.Writable(false) {
			refs = append(refs, *r)
		}
	})
	if len(refs) != want {
		t.Fatalf("%d references, want %d", len(refs), want)
	}
	edits, err := m.Neutralise(refs, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range refs {
		at, ok := refs[i].Place()
		if ok = ok && at.Len() > 0 && slices.ContainsFunc(edits, func(e markup.Edit) bool { return e.Range.Start <= at.End && at.Start <= e.Range.End }); !ok {
			t.Errorf("%s lies at %v, which no edit touches", refs[i].URL, at)
		}
	}
	out := markup.Apply(m.Raw, edits)
	if at := outside(m.Raw, out, edits); len(out) != len(m.Raw) || at >= 0 {
		t.Fatalf("%d bytes became %d, byte %d changed outside the edits", len(m.Raw), len(out), at)
	}
	again := Read(out, RFC5322, Options{})
	if len(again.Parts) != len(m.Parts) {
		t.Fatalf("%d parts became %d", len(m.Parts), len(again.Parts))
	}
	again.Walk(markup.Options{}, func(r *Ref) {
		if r.Active() && r.Writable(false) {
			t.Errorf("%v %s is still active", r.Vector, r.URL)
		}
	})
	return again
}

// TestCleanEncodedMultipart: a multipart must not be encoded, but some are.
func TestCleanEncodedMultipart(t *testing.T) {
	t.Parallel()
	inner := "--i\r\nContent-Type: text/html\r\n\r\n<img src=http://t.example/1>\r\n--i--\r\n"
	m := Read([]byte(forwarded(Base64, "multipart/mixed; boundary=i", inner)), RFC5322, Options{})
	cleanAll(t, m, 1)
}

// TestQuotedEqualSign: a "=" that is no escape does not become one by what is
// written behind it.
func TestQuotedEqualSign(t *testing.T) {
	t.Parallel()
	m := Read([]byte("Content-Transfer-Encoding: quoted-printable\n\na=zzzz"), RFC5322, Options{})
	got, err := m.Parts[0].Patch([]markup.Edit{{Range: markup.Range{Start: 2, End: 4}, Replacement: []byte("ab")}})
	if len(got) != 0 || !errors.Is(err, ErrUnpatchable) {
		t.Errorf("%v, %v, want no edit and %v", got, err, ErrUnpatchable)
	}
	cleanAll(t, Read([]byte("Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<a href=http://t.example/long/enough>a</a>"), RFC5322, Options{}), 1)
}

// TestClosedLayers: what stands inside a file format has no place, and Patch
// says so.
func TestClosedLayers(t *testing.T) {
	t.Parallel()
	l := &layer{raw: []byte("x"), closed: true}
	p := &Part{in: l, Body: l.raw, body: markup.Range{End: 1}}
	if at, ok := p.Raw(markup.Range{End: 1}); ok {
		t.Errorf("it lies at %v", at)
	}
	edits, err := p.Patch([]markup.Edit{{Range: markup.Range{End: 1}, Replacement: []byte("y")}})
	if len(edits) != 0 || !errors.Is(err, ErrUnpatchable) {
		t.Errorf("%v, %v, want no edit and %v", edits, err, ErrUnpatchable)
	}
}

// TestWideText reads UTF-16 and UTF-32 whatever the header says, with a byte
// order mark and without.
func TestWideText(t *testing.T) {
	t.Parallel()
	wide := func(unit int, big, mark bool, text string) []byte {
		var b []byte
		runes := []rune(text)
		if mark {
			runes = append([]rune{0xfeff}, runes...)
		}
		for _, r := range runes {
			one := make([]byte, unit)
			for i := range unit {
				at := i
				if big {
					at = unit - 1 - i
				}
				one[at] = byte(r >> (8 * i))
			}
			b = append(b, one...)
		}
		return b
	}
	const text = "<p>caf\u00e9 \u20ac<img src=\"http://t.example/o?u=1\">"
	for _, unit := range []int{2, 4} {
		for _, big := range []bool{false, true} {
			for _, mark := range []bool{false, true} {
				body := wide(unit, big, mark, text)
				for _, charset := range []string{"; charset=utf-32", "; charset=utf-16", "; charset=utf-8", ""} {
					src := "Content-Type: text/html" + charset + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + wrap(Base64, body)
					m := Read([]byte(src), RFC5322, Options{})
					if got := strings.TrimPrefix(string(m.Parts[0].Body), "\ufeff"); got != text {
						t.Errorf("%d bytes, big %v, mark %v, %q: body %q", unit, big, mark, charset, got)
						continue
					}
					cleanAll(t, m, 1)
				}
				m := Read(body, HTML, Options{})
				if got := strings.TrimPrefix(string(m.Parts[0].Body), "\ufeff"); got != text {
					t.Errorf("page: %d bytes, big %v, mark %v: body %q", unit, big, mark, got)
				}
			}
		}
	}
}
