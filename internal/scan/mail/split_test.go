package mail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shape is a message's parts: path, type and decoded body.
func shape(m *Message) []string {
	var out []string
	for _, p := range m.Parts {
		s := p.Path + " " + p.Type
		if !p.Container {
			s += " " + fmt.Sprintf("%q", p.Body)
		}
		out = append(out, s)
	}
	return out
}

func whatsOf(m *Message) []What {
	var out []What
	for _, p := range m.Problems {
		out = append(out, p.What)
	}
	return out
}

func TestRead(t *testing.T) {
	t.Parallel()
	multi := "Content-Type: multipart/mixed; boundary="
	for name, c := range map[string]struct {
		src   string
		parts []string
		whats []What
	}{
		"plain":             {"From: a\n\nhello", []string{`1 text/plain "hello"`}, nil},
		"empty":             {"", []string{`1 text/plain ""`}, nil},
		"header only":       {"From: a\nTo: b", []string{`1 text/plain ""`}, nil},
		"no header":         {"just text\nmore", []string{`1 text/plain "just text\nmore"`}, []What{NoHeader}},
		"no blank line":     {"Content-Type: text/html\n<p>x", []string{`1 text/html "<p>x"`}, []What{NoBlankLine}},
		"bad field":         {"From: a\nnonsense here\nContent-Type: text/html\n\nx", []string{`1 text/html "x"`}, []What{BadField}},
		"mbox line":         {"From a@b Mon Jan 1 00:00:00 2001\nContent-Type: text/html\n\nx", []string{`1 text/html "x"`}, nil},
		"blank lines first": {"\r\n\r\nContent-Type: text/html\r\n\r\nx", []string{`1 text/html "x"`}, nil},
		"bare cr":           {"From: a\rContent-Type: text/html\r\rx", []string{`1 text/html "x"`}, nil},
		"mixed line ends":   {"From: a\r\nContent-Type: text/html\n\r\nx\ry", []string{`1 text/html "x\ry"`}, nil},
		"folded boundary":   {multi + "\n \n \"b\"\n\n--b\n\nx\n--b--", []string{" multipart/mixed", `1 text/plain "x"`}, nil},
		"two":               {multi + "b\r\n\r\npre\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n\r\n--b\r\n\r\ny\r\n--b--\r\npost", []string{" multipart/mixed", `1 text/html "x\r\n"`, `2 text/plain "y"`}, nil},
		"no final":          {multi + "b\n\n--b\n\nx\n", []string{" multipart/mixed", `1 text/plain "x\n"`}, []What{Unterminated}},
		"equals sign":       {multi + "a=b=c\n\n--a=b=c\n\nx\n--a=b=c--", []string{" multipart/mixed", `1 text/plain "x"`}, nil},
		"trailing space":    {multi + "\"b \"\n\n--b \n\nx\n--b  \n\ny\n--b--", []string{" multipart/mixed", `1 text/plain "x"`, `2 text/plain "y"`}, nil},
		"no closing quote":  {multi + "\"b\n\n--b\n\nx\n--b--", []string{" multipart/mixed", `1 text/plain "x"`}, nil},
		"prefix boundary":   {multi + "b\n\n--bb\n\n--b\n\nx\n--bb\n--b--", []string{" multipart/mixed", `1 text/plain "x\n--bb"`}, nil},
		"no boundary":       {"Content-Type: multipart/mixed\n\n--guess\nContent-Type: text/html\n\nx\n--guess--", []string{" multipart/mixed", `1 text/html "x"`}, []What{NoBoundary}},
		"never starts":      {multi + "b\n\n<img src=x>", []string{` multipart/mixed "<img src=x>"`}, []What{NeverStarted}},
		"nested":            {multi + "b\n\n--b\n" + multi + "c\n\n--c\n\nx\n--b\n\ny\n--b--", []string{" multipart/mixed", "1 multipart/mixed", `1.1 text/plain "x"`, `2 text/plain "y"`}, []What{Unterminated}},
		"forwarded":         {multi + "b\n\n--b\nContent-Type: message/rfc822\n\nFrom: x\nContent-Type: text/html\n\nx\n--b--", []string{" multipart/mixed", "1 message/rfc822", `1.1 text/html "x"`}, nil},
		"forwarded multi":   {"Content-Type: message/rfc822\n\n" + multi + "c\n\n--c\n\nx\n--c--", []string{"1 message/rfc822", "1.TEXT multipart/mixed", `1.1 text/plain "x"`}, nil},
		"forwarded base64":  {"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQ29udGVudC1UeXBlOiB0ZXh0L2h0bWwKCng=", []string{"1 message/rfc822", `1/encoded.1 text/html "x"`}, nil},
		"digest":            {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nFrom: x\n\nx\n--b--", []string{" multipart/digest", "1 message/rfc822", `1.1 text/plain "x"`}, nil},
		"bad type":          {"Content-Type: ???\n\nx", []string{`1 text/plain "x"`}, []What{BadType}},
		"quoted":            {"Content-Transfer-Encoding: Quoted-Printable\n\na=3Db=\nc=zz=", []string{`1 text/plain "a=bc=zz"`}, []What{BadQuoted}},
		"base64":            {"Content-Transfer-Encoding: base64\n\naGVs\r\nbG8=\nIQ==", []string{`1 text/plain "hello!"`}, nil},
		"bad base64":        {"Content-Transfer-Encoding: base64\n\naGVs*bG8", []string{`1 text/plain "hello"`}, []What{BadBase64}},
		"odd encoding":      {"Content-Transfer-Encoding: x-odd\n\nx", []string{`1 text/plain "x"`}, []What{BadEncoding}},
		"utf-16":            {"Content-Type: text/html; charset=utf-16le\n\n<\x00p\x00>\x00\xe9\x00", []string{`1 text/html "<p>é"`}, nil},
		"says utf-16":       {"Content-Type: text/html; charset=utf-16\n\n<p>plain", []string{`1 text/html "<p>plain"`}, []What{CharsetLies}},
		"says ascii":        {"Content-Type: text/html; charset=us-ascii\n\ncaf\xe9", []string{`1 text/html "café"`}, []What{CharsetLies}},
		"says utf-8":        {"Content-Type: text/html; charset=utf-8\n\ncaf\xe9", []string{`1 text/html "caf\xe9"`}, []What{CharsetLies}},
		"silent":            {"Content-Type: text/html\n\ncaf\xe9", []string{`1 text/html "café"`}, nil},
		"meta":              {"Content-Type: text/html\n\n<meta charset=koi8-r>\xc1", []string{`1 text/html "<meta charset=koi8-r>а"`}, nil},
		"utf-7":             {"Content-Type: text/html; charset=utf-7\n\n+ADw-p+AD4- 1 +- 2", []string{`1 text/html "<p> 1 + 2"`}, nil},
		"iso-2022-jp":       {"Content-Type: text/html; charset=iso-2022-jp\n\na\x1b$B$\"\x1b(Bb", []string{`1 text/html "aあb"`}, nil},
		"no such charset":   {"Content-Type: text/html; charset=klingon\n\nx", []string{`1 text/html "x"`}, []What{BadCharset}},
		"partial":           {"Content-Type: message/partial; number=1; total=2; id=x\n\nContent-Type: text/html\n\nx", []string{"1 message/partial", `1.1 text/html "x"`}, []What{PartialMessage}},
		"uuencode":          {"From: a\n\nbegin 644 x\n#86)C\n`\nend\n", []string{`1 text/plain "begin 644 x\n#86)C\n` + "`" + `\nend\n"`}, []What{Encoded}},
		"encrypted":         {"Content-Type: multipart/encrypted; boundary=b\n\n--b\nContent-Type: application/octet-stream\n\nx\n--b--", []string{" multipart/encrypted", `1 application/octet-stream "x"`}, []What{EncryptedBody}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Read([]byte(c.src), RFC5322, Options{})
			if d := cmp.Diff(c.parts, shape(m)); d != "" {
				t.Errorf("parts (-want +got)\n%s", d)
			}
			if d := cmp.Diff(c.whats, whatsOf(m)); d != "" {
				t.Errorf("problems (-want +got)\n%s", d)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	src := "Subject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?_bar?=\r\nX-Odd : 1\r\nFrom: caf\xe9\r\nContent-Disposition: attachment; filename*0*=iso-8859-1''%e9; filename*1=x.html\r\nContent-Type: text/html; name=\"no.txt\"\r\n\r\nbody"
	m := Read([]byte(src), RFC5322, Options{})
	want := map[string]string{"subject": "café bar", "x-odd": "1", "FROM": "café"}
	for name, v := range want {
		if got := m.Header.Get(name); got != v {
			t.Errorf("%s: %q, want %q", name, got, v)
		}
	}
	if p := m.Parts[0]; p.Filename != "éx.html" || p.Disposition != "attachment" {
		t.Errorf("filename %q, disposition %q; want éx.html, attachment", p.Filename, p.Disposition)
	}
	for _, f := range m.Header {
		if got := src[f.NameAt.Start:f.NameAt.End]; got != f.Name {
			t.Errorf("range of name holds %q, want %q", got, f.Name)
		}
		if whole := src[f.At.Start:f.At.End]; !strings.HasPrefix(whole, f.Name) || !strings.HasSuffix(whole, "\n") || f.ValueAt.End > f.At.End {
			t.Errorf("range of field %s holds %q", f.Name, whole)
		}
	}
	if got := src[m.Parts[0].Content.Start:]; got != "body" {
		t.Errorf("content %q, want body", got)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	has := func(m *Message, w What) bool {
		for _, x := range m.Problems {
			if x.What == w {
				return true
			}
		}
		return false
	}
	nested := strings.Repeat("Content-Type: message/rfc822\n\n", 100_000) + "\nx"
	m := Read([]byte(nested), RFC5322, Options{})
	if len(m.Parts) != MaxDepth+1 || !has(m, TooDeep) {
		t.Errorf("100,000 forwarded: %d parts, problems %v; want %d and %v", len(m.Parts), m.Problems, MaxDepth+1, TooDeep)
	}
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	m = Read([]byte(b.String()), RFC5322, Options{})
	if len(m.Parts) != MaxDepth+1 || !has(m, TooDeep) {
		t.Errorf("2,000 multiparts: %d parts; want %d and %v", len(m.Parts), MaxDepth+1, TooDeep)
	}
	m = Read([]byte("Content-Type: multipart/mixed; boundary=b\n\n"+strings.Repeat("--b\n\nx\n", 100_000)), RFC5322, Options{})
	if len(m.Parts) != MaxParts || !has(m, TooManyParts) {
		t.Errorf("100,000 parts: %d parts, want %d and %v", len(m.Parts), MaxParts, TooManyParts)
	}
	m = Read([]byte(strings.Repeat("A: b\n", MaxFields+5)+"\nx"), RFC5322, Options{})
	if len(m.Header) != MaxFields || !has(m, TooManyFields) || string(m.Parts[0].Body) != "x" {
		t.Errorf("%d fields: %d kept, body %q; want %d, x", MaxFields+5, len(m.Header), m.Parts[0].Body, MaxFields)
	}
	m = Read([]byte("A: "+strings.Repeat("b", MaxHeader)+"\nContent-Type: text/html\n\nx"), RFC5322, Options{})
	if !has(m, TooManyFields) || len(m.Header.Get("A")) > MaxValue {
		t.Errorf("header of %d bytes: problems %v, value of %d bytes", MaxHeader, m.Problems, len(m.Header.Get("A")))
	}
	m = Read([]byte(strings.Repeat("Content-Transfer-Encoding: x\n\n--b\n", 1)+strings.Repeat("?", 10)), RFC5322, Options{})
	if !has(m, BadEncoding) {
		t.Errorf("problems %v, want %v", m.Problems, BadEncoding)
	}
	bad := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Transfer-Encoding: x\n\nx\n", MaxProblems+9)
	if m = Read([]byte(bad), RFC5322, Options{}); len(m.Problems) != MaxProblems || m.Lost == 0 {
		t.Errorf("%d problems kept, %d lost; want %d and some", len(m.Problems), m.Lost, MaxProblems)
	}
	m = Read(make([]byte, MaxMessage+5), RFC5322, Options{})
	if !has(m, TooLong) || len(m.Parts[0].Body) != MaxMessage {
		t.Errorf("%d bytes: body of %d, problems %v", MaxMessage+5, len(m.Parts[0].Body), m.Problems)
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	m := Read([]byte("From: S <s@s.example>\nTo: \"Ann, B\" <A.nn+news@Gmail.com>, undisclosed:;\nCc: b@b.example (B), a.nn+news@gmail.com\nDelivered-To: ann@mine.example.\nX-Original-To: rfc822;x@y.example\n\n"), RFC5322, Options{})
	var got []string
	for _, a := range m.Recipients() {
		got = append(got, a.Field+" "+a.Local+" "+a.Domain+" "+a.Same)
	}
	want := []string{"delivered-to ann mine.example ann@mine.example", "x-original-to x y.example x@y.example", "to a.nn+news gmail.com ann@gmail.com", "cc b b.example b@b.example"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := m.From().Address; got != "s@s.example" {
		t.Errorf("from %q, want s@s.example", got)
	}
	if n := len(ParseAddresses(strings.Repeat("a@b.example,", MaxAddresses+5))); n != MaxAddresses {
		t.Errorf("%d addresses, want %d", n, MaxAddresses)
	}
}

// TestReceivedFor: a blind copy names its reader only where a server took it.
func TestReceivedFor(t *testing.T) {
	t.Parallel()
	const by = "Received: from a.example (a.example [192.0.2.1])\n\tby mx.home.example with ESMTPS id 1\n\t"
	tests := []struct{ head, want string }{
		{by + "for <ann@home.example>; Mon, 23 Nov 2026 03:39:51 +0000\n", "ann@home.example"},
		{by + "FOR ann@home.example\n", "ann@home.example"},
		{by + "for <ann@home.example> (envelope-from <s@s.example>); now\n", "ann@home.example"},
		{by + "(for <x@y.example>); now\n", ""},
		{by + "id 2; for <late@y.example>\n", ""},
		{by + "id 2; now\n" + by + "for <ann@home.example>; now\n" + by + "for <other@list.example>; now\n", "ann@home.example"},
		{strings.Repeat(by+"id 2; now\n", maxHops) + by + "for <far@list.example>; now\n", ""},
		{by + "for <a@b.example>,<c@d.example>; now\n", ""},
		{by + "for\n", ""},
	}
	for _, tt := range tests {
		m := Read([]byte(tt.head+"From: s@s.example\nTo: undisclosed-recipients:;\n\n"), RFC5322, Options{})
		got := ""
		for _, a := range m.Recipients() {
			if a.Field != "received" {
				t.Errorf("%q: field %q", tt.head, a.Field)
			}
			got += a.Local + "@" + a.Domain
		}
		if got != tt.want {
			t.Errorf("%q: for %q, want %q", tt.head, got, tt.want)
		}
	}
}
