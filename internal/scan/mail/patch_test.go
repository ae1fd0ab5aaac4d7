package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// wrap encodes body for transfer.
func wrap(kind Encoding, body []byte) string {
	var b strings.Builder
	switch kind {
	case QuotedPrintable:
		w := quotedprintable.NewWriter(&b)
		w.Binary = bytes.IndexByte(body, 0) >= 0
		_, _ = w.Write(body)
		_ = w.Close()
	case Base64:
		s := base64.StdEncoding.EncodeToString(body)
		for ; len(s) > 76; s = s[76:] {
			b.WriteString(s[:76] + "\r\n")
		}
		b.WriteString(s)
	default:
		b.Write(body)
	}
	return b.String()
}

// toUTF7 writes everything but letters shifted, as old clients did.
func toUTF7(s string) []byte {
	var b strings.Builder
	for _, r := range s {
		if r >= 0x80 || r == '<' || r == '>' || r == '"' {
			u, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().Bytes([]byte(string(r)))
			b.WriteString("+" + base64.RawStdEncoding.EncodeToString(u) + "-")
			continue
		}
		b.WriteRune(r)
	}
	return []byte(b.String())
}

// TestPatch cleans one page in every charset and encoding: nothing but the
// addresses changes, in the raw bytes and in what they decode to.
func TestPatch(t *testing.T) {
	t.Parallel()
	const page = "<p>%[1]s</p><img src=\"http://t.example/open.gif?u=a=b&very-long-token-that-is-folded-by-every-encoding=0123456789abcdef0123456789abcdef%[2]s\"><b>%[1]s</b>\r\n<img src='//h.example/2'>%[1]s<a href=http://h.example/%[2]s>x</a>end %[1]s"
	for name, c := range map[string]struct {
		enc         encoding.Encoding
		text, inURL string
	}{
		"utf-8":        {nil, "naïve あ", "é"},
		"us-ascii":     {nil, "plain", ""},
		"iso-8859-1":   {charmap.Windows1252, "naïve", "é"},
		"koi8-r":       {charmap.KOI8R, "почта", "ж"},
		"utf-16le":     {unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "あ€", "é"},
		"utf-16":       {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "あ€", "é"},
		"utf-32be":     {utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), "あ", "é"},
		"iso-2022-jp":  {japanese.ISO2022JP, "日本語", ""},
		"shift_jis":    {japanese.ShiftJIS, "表示ソ", "表"},
		"euc-jp":       {japanese.EUCJP, "日本語", "語"},
		"gb18030":      {simplifiedchinese.GB18030, "中文€", "文"},
		"hz-gb-2312":   {simplifiedchinese.HZGB2312, "中文", ""},
		"utf-7":        {nil, "é", ""},
		"windows-1252": {charmap.Windows1252, "“quoted”", "ß"},
	} {
		for _, kind := range []Encoding{Identity, QuotedPrintable, Base64} {
			t.Run(name+"/"+kind.String(), func(t *testing.T) {
				t.Parallel()
				text := fmt.Sprintf(page, c.text, c.inURL)
				body := []byte(text)
				if c.enc != nil {
					var err error
					if body, err = c.enc.NewEncoder().Bytes(body); err != nil {
						t.Fatal(err)
					}
				} else if name == "utf-7" {
					body = toUTF7(text)
				}
				head := "From: a@a.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=" + name + "\r\nContent-Transfer-Encoding: " + kind.String() + "\r\n\r\n"
				raw := []byte(head + wrap(kind, body) + "\r\n--b--\r\n")
				m := Read(raw, RFC5322, Options{})
				if got := strings.TrimPrefix(string(m.Parts[1].Body), "\ufeff"); got != text {
					t.Fatalf("decoded %q, want %q", got, text)
				}
				clean(t, m, 3)
			})
		}
	}
}

// clean neutralises all of m and holds what that promises.
func clean(t *testing.T, m *Message, want int) {
	t.Helper()
	var refs []Ref
	m.Walk(markup.Options{}, func(r *Ref) {
		if r.Active() && r.Space == InBody {
			refs = append(refs, *r)
		}
	})
	if len(refs) != want {
		t.Fatalf("%d references, want %d", len(refs), want)
	}
	for i := range refs {
		if at, ok := refs[i].Part.Raw(refs[i].Value); !ok || at.Len() < 3 || at.Start < refs[i].Part.Content.Start || at.End > refs[i].Part.Content.End {
			t.Errorf("reference %d lies at %v, %v", i, at, ok)
		}
	}
	edits, err := m.Neutralise(refs, false)
	if err != nil || len(edits) != want {
		t.Fatalf("%d edits, error %v; want %d", len(edits), err, want)
	}
	out := markup.Apply(m.Raw, edits)
	if at := outside(m.Raw, out, edits); len(out) != len(m.Raw) || at >= 0 {
		t.Fatalf("%d bytes became %d, byte %d changed outside the edits", len(m.Raw), len(out), at)
	}
	again := Read(out, RFC5322, Options{})
	again.Walk(markup.Options{}, func(r *Ref) {
		if r.Active() && r.Space == InBody {
			t.Errorf("%v %s is still active", r.Vector, r.URL)
		}
	})
	p := refs[0].Part
	for _, q := range again.Parts {
		if q.Path == p.Path {
			sameBut(t, p.Body, q.Body, refs)
		}
	}
}

// sameBut: before and after differ in the references only.
func sameBut(t *testing.T, before, after []byte, refs []Ref) {
	t.Helper()
	at := 0
	for i := range refs {
		text := before[at:refs[i].Value.Start]
		n := bytes.Index(after, text)
		if n < 0 || i == 0 && n != 0 {
			t.Fatalf("text %q is gone from %q", text, after)
		}
		after = after[n+len(text):]
		at = refs[i].Value.End
	}
	if !bytes.HasSuffix(after, before[at:]) {
		t.Errorf("text %q is gone from the end of %q", before[at:], after)
	}
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	m := Read([]byte("Content-Transfer-Encoding: quoted-printable\n\nabc=3Dd"), RFC5322, Options{})
	p := m.Parts[0]
	for name, e := range map[string]markup.Edit{
		"length":  {Range: markup.Range{Start: 0, End: 2}, Replacement: []byte("x")},
		"outside": {Range: markup.Range{Start: 4, End: 9}, Replacement: []byte("xxxxx")},
		"escape":  {Range: markup.Range{Start: 0, End: 2}, Replacement: []byte("==")},
		"empty":   {},
	} {
		if got, err := p.Patch([]markup.Edit{e}); err == nil || len(got) != 0 {
			t.Errorf("%s: %d edits, error %v; want an error", name, len(got), err)
		}
	}
	got, err := p.Patch([]markup.Edit{{Range: markup.Range{Start: 2, End: 4}, Replacement: []byte("x=")}})
	if err != nil || string(got[0].Replacement) != "x=3D" {
		t.Errorf("got %v, error %v; want x=3D", got, err)
	}
	got, err = p.Patch([]markup.Edit{{Range: markup.Range{Start: 2, End: 5}, Replacement: []byte("xyz")}})
	if err != nil || string(got[0].Replacement) != "x=79z" {
		t.Errorf("got %v, error %v; want x=79z", got, err)
	}
}

// TestSigned: what a signature covers is changed only by force.
func TestSigned(t *testing.T) {
	t.Parallel()
	src := "DKIM-Signature: v=1; s=sel; d=d.example\nDisposition-Notification-To: s@s.example\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=//h/1>\n--b--\n"
	m := Read([]byte(src), RFC5322, Options{})
	if got, want := m.Seals(), DKIM|SignedPGP; got != want {
		t.Errorf("seals %b, want %b", got, want)
	}
	var refs []Ref
	m.Walk(markup.Options{}, func(r *Ref) { refs = append(refs, *r) })
	edits, _ := m.Neutralise(refs, false)
	if out := string(markup.Apply(m.Raw, edits)); !strings.Contains(out, "//h/1") || !strings.Contains(out, "\nX-Was-") {
		t.Errorf("without force: %q", out)
	}
	edits, _ = m.Neutralise(refs, true)
	if out := string(markup.Apply(m.Raw, edits)); strings.Contains(out, "//h/1") {
		t.Errorf("with force: %q", out)
	}
}
