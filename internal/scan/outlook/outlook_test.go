package outlook

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/need"
)

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// attr is one TNEF attribute.
func attr(level byte, id uint32, value []byte) []byte {
	b := append([]byte{level}, le32(id)...)
	b = append(append(b, le32(uint32(len(value)))...), value...)
	return append(b, 0, 0)
}

// prop is one MAPI property of variable length.
func prop(id, kind uint16, value []byte) []byte {
	b := append(le32(uint32(id)<<16|uint32(kind)), le32(1)...)
	b = append(append(b, le32(uint32(len(value)))...), value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func tnefOf(attrs ...[]byte) []byte {
	return append(append(le32(tnefMagic), 1, 0), bytes.Join(attrs, nil)...)
}

// packed is rtf as compressed RTF that is not compressed.
func packed(rtf string) []byte {
	return append(append(append(le32(uint32(len(rtf)+12)), le32(uint32(len(rtf)))...), "MELA\x00\x00\x00\x00"...), rtf...)
}

const fromHTML = `{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\htmltag64 <html>}\htmlrtf {\par hidden}\htmlrtf0 {\*\htmltag84 <img src="http://h/\{a\}?b=\'e9">}caf\'e9 \u8364?{\*\other gone}{\*\htmltag0 </html>}}`

const wantHTML = "<html><img src=\"http://h/{a}?b=é\">café €</html>"

func TestTNEF(t *testing.T) {
	t.Parallel()
	inner := tnefOf(attr(1, attProps, append(le32(1), prop(propHTML, typeBinary, []byte("<b>inner</b>"))...)))
	file := tnefOf(
		attr(1, attSubject, []byte("subject\x00")),
		attr(1, attProps, append(le32(3), bytes.Join([][]byte{append(le32(propCodepage<<16|typeInt32), le32(28592)...), prop(propRTF, typeBinary, packed(fromHTML)), prop(propBody, typeUnicode, []byte("h\x00i\x00\x00\x00"))}, nil)...)),
		attr(2, attRendData, make([]byte, 14)), attr(2, attTitle, []byte("a.html\x00")), attr(2, attData, []byte("<p>")),
		attr(2, attRendData, make([]byte, 14)), attr(2, attAttachment, append(le32(1), prop(propData, typeObject, append(make([]byte, 16), inner...))...)),
	)
	it, err := TNEF(file)
	if err != nil {
		t.Fatal(err)
	}
	if it.Subject != "subject" || string(it.Text) != "hi" || string(it.HTML) != wantHTML || it.Cut {
		t.Errorf("got %+v; HTML %q, want %q", it, it.HTML, wantHTML)
	}
	if len(it.Attachments) != 2 || it.Attachments[0].Name != "a.html" || string(it.Attachments[0].Data) != "<p>" || it.Attachments[1].Item == nil || string(it.Attachments[1].Item.HTML) != "<b>inner</b>" {
		t.Errorf("attachments %+v", it.Attachments)
	}
	for n := range file {
		if _, err := TNEF(file[:n]); n < 6 && !errors.Is(err, ErrFormat) {
			t.Errorf("cut at %d: error %v, want %v", n, err, ErrFormat)
		}
	}
	many := tnefOf(bytes.Repeat(attr(2, attRendData, nil), MaxAttachments+5))
	if it, _ := TNEF(many); len(it.Attachments) != MaxAttachments || !it.Cut {
		t.Errorf("%d attachments, cut %v; want %d and cut", len(it.Attachments), it.Cut, MaxAttachments)
	}
}

func TestDecompress(t *testing.T) {
	t.Parallel()
	// The example of MS-OXRTFCP 3.1.1.
	for in, want := range map[string]string{
		"LQAAACsAAABMWkZ18cXHpwMACgByY3BnMTI1QjIK8yBoZWwJACBidwWwbGR9CoAPoA==": "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
	} {
		b, err := base64.StdEncoding.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decompress(b); string(got) != want {
			t.Errorf("got %q, error %v; want %q", got, err, want)
		}
	}
	long := append(append(le32(9), le32(MaxRTF+1)...), "LZFu\x00\x00\x00\x00"...)
	if _, err := Decompress(long); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("RTF of %d bytes: error %v", MaxRTF+1, err)
	}
	if _, err := Decompress([]byte("short")); !errors.Is(err, ErrFormat) {
		t.Errorf("short: error %v, want %v", err, ErrFormat)
	}
	if _, ok := FromRTF([]byte(`{\rtf1 plain}`)); ok {
		t.Error("plain RTF taken for HTML")
	}
	if got, ok := FromRTF([]byte(strings.Repeat("{", maxGroups+10) + `\fromhtml1 x`)); ok || got != nil {
		t.Errorf("fromhtml past the beginning: %q", got)
	}
}

// TestRealMSG opens a file that Outlook wrote.
func TestRealMSG(t *testing.T) {
	t.Parallel()
	it, err := MSG(need.File(t, "mail/spamscope/mail_outlook_1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("subject %d bytes, header %d, HTML %d (%s), text %d, RTF %d, %d attachments, cut %v", len(it.Subject), len(it.Header), len(it.HTML), it.Charset, len(it.Text), len(it.RTF), len(it.Attachments), it.Cut)
	if len(it.Text)+len(it.HTML) == 0 || len(it.Header) == 0 {
		t.Error("no body or no header")
	}
	for _, a := range it.Attachments {
		t.Logf("attachment %s %s %d bytes", a.Name, a.Type, len(a.Data))
	}
}

func FuzzTNEF(f *testing.F) {
	f.Add(tnefOf(attr(1, attProps, append(le32(2), append(prop(propHTML, typeBinary, []byte("<b>")), prop(0x8001, typeUnicode, nil)...)...)), attr(2, attRendData, nil), attr(2, attData, []byte("x"))))
	f.Add(packed(fromHTML))
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := TNEF(b)
		if it == nil {
			t.Fatal("no item")
		}
		if err == nil && len(it.HTML) > 40*len(b)+1000 {
			t.Fatalf("%d bytes of HTML out of %d", len(it.HTML), len(b))
		}
		if rtf, _ := Decompress(b); len(rtf) > 10*len(b) {
			t.Fatalf("%d bytes of RTF out of %d", len(rtf), len(b))
		}
		if html, ok := FromRTF(b); ok && len(html) > 10*len(b) {
			t.Fatalf("%d bytes of HTML out of %d of RTF", len(html), len(b))
		}
	})
}

func FuzzMSG(f *testing.F) {
	f.Add([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
	head := make([]byte, 2048)
	copy(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	copy(head[24:], "\x3e\x00\x03\x00\xfe\xff\x09\x00\x06\x00")
	f.Add(head)
	f.Fuzz(func(t *testing.T, b []byte) {
		if it, err := MSG(b); it == nil || err == nil && it.Header == nil && it.HTML == nil && it.Text == nil && it.RTF == nil && len(it.Attachments) == 0 {
			t.Fatal("an empty item without an error")
		}
	})
}
