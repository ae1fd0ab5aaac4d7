package scan_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/smallstep/pkcs7"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// fixture is one message with one reference by a vector, to a host of its own.
type fixture struct {
	name   string
	vector string
	host   string
	when   string
	kind   source.Kind
	raw    []byte
	// stays: the reference cannot be made inert in place, and the tool says so.
	stays bool
}

// unused are the ids that name nothing that could be found.
var unused = map[string]string{
	"V142": "", "V143": "", "V144": "", "V145": "", "V146": "", "V147": "", "V148": "", "V149": "", "V177": "", "V178": "", "V179": "",
	"V069": "a field of a response: TestArchive", "V180": "an entry of an archive: TestArchive",
}

// encodings are the ways a body of HTML is put into a mail.
var encodings = []func(doc []byte) []byte{
	func(doc []byte) []byte { return append([]byte("Content-Type: text/html; charset=utf-8\n\n"), doc...) },
	func(doc []byte) []byte {
		var b bytes.Buffer
		b.WriteString("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n")
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write(doc)
		_ = w.Close()
		return b.Bytes()
	},
	func(doc []byte) []byte { return based("text/html; charset=utf-8", doc) },
	func(doc []byte) []byte {
		var le []byte
		for _, u := range utf16.Encode([]rune(string(doc))) {
			le = binary.LittleEndian.AppendUint16(le, u)
		}
		return based("text/html; charset=utf-16le", le)
	},
}

// based is a part in base64.
func based(kind string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: %s\nContent-Transfer-Encoding: base64\n\n", kind)
	text := base64.StdEncoding.EncodeToString(body)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	b.WriteString(text + "\n")
	return b.Bytes()
}

// fixtures are all of them: the documents of package markup as pages and as
// mail in turn of each encoding, and what only mail has.
func fixtures(t *testing.T) []fixture {
	t.Helper()
	dir := filepath.Join("..", "detect", "markup", "testdata", "vectors")
	index, err := os.ReadFile(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var out []fixture
	for i, line := range strings.Split(strings.TrimSpace(string(index)), "\n") {
		c := strings.Split(line, "\t")
		doc, err := os.ReadFile(filepath.Join(dir, c[0]))
		if err != nil {
			t.Fatal(err)
		}
		f := fixture{name: c[0], vector: c[1], host: c[2], when: c[3], kind: source.HTML, raw: doc}
		if c[0] == "V048.html" {
			f.when = "legacy" // a picture in a template: Firefox may read ahead and fetch it
		}
		out = append(out, f)
		k := i % len(encodings)
		f.name, f.kind = fmt.Sprintf("%s in mail, encoding %d", c[0], k), source.Mail
		f.raw = append([]byte("To: ann@home.example\nSubject: s\nMIME-Version: 1.0\n"), encodings[k](doc)...)
		out = append(out, f)
	}
	return append(out, mailFixtures(t)...)
}

// mailFixtures are the vectors that no page has.
func mailFixtures(t *testing.T) []fixture {
	t.Helper()
	html := "Content-Type: text/html\n\n"
	var out []fixture
	for _, c := range []struct {
		vector, when, raw string
		stays             bool
	}{
		{"V116", "opening", string(based("text/html; charset=utf-16be", []byte("\x00<\x00i\x00m\x00g\x00 \x00s\x00r\x00c\x00=\x00/\x00/\x00{\x00H\x00}\x00/\x00a\x00>"))), false},
		{"V140", "opening", string(based("application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx(t))), true},
		{"V141", "opening", string(based("application/pdf", []byte("%PDF-1.7\n1 0 obj <</OpenAction <</S /URI /URI (http://{H}/e)>> >>\n"))), true},
		{"V150", "header", "Disposition-Notification-To: <a@{H}>\n\n", false},
		{"V151", "header", "Return-Receipt-To: a@{H}\n\n", false},
		{"V152", "header", "X-Confirm-Reading-To: a@{H}\n\n", false},
		{"V153", "header", "Disposition-Notification-Options: x=required,{H}\n\n", false},
		{"V154", "header", "Read-Receipt-To: a@{H}\n\n", false},
		{"V155", "legacy", "Content-Type: message/external-body; access-type=URL; URL=\"http://{H}/x\"\n\nContent-Type: text/plain\n\n", false},
		{"V156", "opening", "Content-Base: http://{H}/d/\nContent-Type: text/html\n\n<img src=a.gif>", false},
		{"V157", "opening", "Content-Type: text/x-amp-html\n\n<amp-img src=//{H}/a>", false},
		{"V158", "opening", "Content-Type: text/watch-html\n\n<img src=//{H}/a>", false},
		{"V159", "opening", "Content-Type: text/calendar\n\nBEGIN:VEVENT\nATTACH:http://{H}/a\nEND:VEVENT\n", false},
		{"V160", "opening", "Content-Type: text/vcard\n\nBEGIN:VCARD\nPHOTO;VALUE=uri:http://{H}/a\nEND:VCARD\n", false},
		{"V161", "dns", "Content-Type: text/enriched\n\n<bold>http://{H}/a</bold>", false},
		{"V162", "opening", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment\n" + html + "<img src=//{H}/b>\n--b--\n", false},
		{"V163", "opening", "Content-Type: message/rfc822\n\n" + html + "<img src=http://{H}/a>", false},
		{"V164", "opening", string(based("application/ms-tnef", tnef("<img src=http://{H}/a>"))), true},
		{"V165", "opening", string(based("application/pkcs7-mime; smime-type=signed-data", signed(t))), true},
		{"V166", "legacy", "OpenPGP: id=0123456789ABCDEF; url=http://{H}/key.asc\n\n", false},
		{"V167", "dns", "DKIM-Signature: v=1; d={H}; s=sel\n\n", true},
		{"V168", "opening", "X-Image-URL: http://{H}/a\n\n", false},
		{"V169", "click", "List-Unsubscribe: <http://{H}/a>\n\n", false},
		{"V170", "click", "List-Help: <http://{H}/a>\n\n", false},
		{"V171", "dns", "From: a <a@{H}>\n\n", true},
		{"V172", "click", html + "<a href='https://urldefense.com/v3/__https://{H}/p__;!!AbC$'>x</a>", false},
		{"V173", "inert", "Message-ID: <1.a@{H}>\n\n", false},
		{"V175", "dns", "Subject: see http://{H}/a now\n\n", false},
		{"V176", "dns", "Subject: x\n\nsee http://{H}/a", false},
	} {
		host := strings.ToLower(c.vector) + ".marker.test"
		raw := strings.ReplaceAll(c.raw, "{H}", host)
		if strings.Contains(c.raw, "base64") {
			raw = reencoded(c.raw, host)
		}
		out = append(out, fixture{c.vector, c.vector, host, c.when, source.Mail, []byte("To: ann@home.example\nMIME-Version: 1.0\n" + raw), c.stays})
	}
	return out
}

// reencoded puts the host into a body of base64.
func reencoded(raw, host string) string {
	head, body, _ := strings.Cut(raw, "\n\n")
	b, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
	kind, _, _ := strings.Cut(strings.TrimPrefix(head, "Content-Type: "), "\n")
	wide := strings.ReplaceAll(fmt.Sprintf("%q", host), `"`, "")
	var be []byte
	for i := range len(wide) {
		be = append(be, 0, wide[i])
	}
	b = bytes.ReplaceAll(b, []byte("\x00{\x00H\x00}"), be)
	b = bytes.ReplaceAll(b, []byte("{H}"), []byte(host))
	return string(based(kind, b))
}

// docx is an Office document with a linked picture. Its host is written here:
// an archive cannot be changed afterwards.
func docx(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/_rels/document.xml.rels")
	if err == nil {
		_, err = w.Write([]byte(`<Relationships><Relationship Id="r1" Type="http://schemas/relationships/image" Target="http://v140.marker.test/a.gif" TargetMode="External"/></Relationships>`))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tnef is winmail.dat with a body of HTML of the same length whatever its host.
func tnef(html string) []byte {
	html = strings.ReplaceAll(html, "{H}", "v164.marker.test")
	le := binary.LittleEndian
	prop := le.AppendUint32(nil, 0x1013<<16|0x0102)
	prop = le.AppendUint32(prop, 1)
	prop = append(le.AppendUint32(prop, uint32(len(html))), html...)
	for len(prop)%4 != 0 {
		prop = append(prop, 0)
	}
	props := append(le.AppendUint32(nil, 1), prop...)
	out := append(le.AppendUint32(nil, 0x223e9f78), 1, 0, 1)
	out = le.AppendUint32(out, 0x00069003)
	out = append(le.AppendUint32(out, uint32(len(props))), props...)
	return append(out, 0, 0)
}

// signed is S/MIME whose certificate names an OCSP responder.
func signed(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), OCSPServer: []string{"http://v165.marker.test/ocsp"}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	d, err := pkcs7.NewSignedData([]byte("Content-Type: text/plain\r\n\r\nhello"))
	if err == nil {
		err = d.AddSigner(cert, key, pkcs7.SignerInfoConfig{})
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryVector scans a message for each vector, cleans it, and scans the
// copy: nothing is active but what the plan lists as beyond reach.
func TestEveryVector(t *testing.T) {
	t.Parallel()
	s := &scan.Scanner{Cleaning: &scan.Cleaning{All: true}}
	have := map[string]bool{}
	stay := map[string]bool{}
	for _, f := range fixtures(t) {
		have[f.vector] = true
		m := &source.Message{File: f.name, Kind: f.kind, Raw: f.raw, Length: int64(len(f.raw))}
		r := s.Message(m)
		if !found(r, &f) {
			t.Errorf("%s: no %s %s for %s in\n%s\nfound: %s", f.name, f.vector, f.when, f.host, f.raw, said(r.Findings))
		}
		if c := cleanedOf(t, s, m, r); len(c) > 0 {
			stay[f.vector] = true
			if !f.stays {
				t.Errorf("%s: still active after cleaning: %v", f.name, c)
			}
		} else if f.stays {
			t.Errorf("%s: want it listed as beyond reach", f.name)
		}
	}
	for v := markup.Vector(1); v <= markup.MaxVector; v++ {
		if _, not := unused[v.String()]; have[v.String()] == not {
			t.Errorf("%v (%s): fixture %v, unused %v", v, scan.Title(v), have[v.String()], not)
		}
		if scan.Title(v) == "" {
			t.Errorf("%v has no title", v)
		}
	}
	t.Logf("%d vectors found; beyond reach in place: %d", len(have), len(stay))
}

func found(r *scan.Report, f *fixture) bool {
	return slices.ContainsFunc(r.Findings, func(x judge.Finding) bool {
		return strings.Contains(x.Request.URL+x.Target, f.host) && x.When == f.when && (x.Vector == f.vector || slices.Contains(x.Tricks, f.vector)) ||
			f.vector == "V116" && strings.Contains(x.Request.URL, f.host) && x.When == f.when
	})
}

func said(list []judge.Finding) string {
	var out []string
	for i := range list {
		out = append(out, fmt.Sprint(list[i].Vector, list[i].Tricks, list[i].When, list[i].Request.URL))
	}
	return strings.Join(out, "\n")
}

// cleanedOf applies r's plan, holds what it promises, and gives what is active
// in the copy all the same, which the plan must have listed.
func cleanedOf(t *testing.T, s *scan.Scanner, m *source.Message, r *scan.Report) []string {
	t.Helper()
	p := r.Clean
	out := markup.Apply(m.Raw, p.Edits)
	if len(out) != len(m.Raw) {
		t.Fatalf("%s: %d bytes became %d", m.File, len(m.Raw), len(out))
	}
	if at := outside(m.Raw, out, p.Ranges); at >= 0 {
		t.Errorf("%s: byte %d changed outside the ranges reported", m.File, at)
	}
	if p.Left > 0 {
		t.Errorf("%s: %d left", m.File, p.Left)
	}
	copied := *m
	copied.Raw = out
	again := s.Message(&copied)
	if again.Clean.Inert > 0 {
		t.Errorf("%s: a second scan finds %d more to clean:\n%s\nin\n%s", m.File, again.Clean.Inert, said(again.Findings), out)
	}
	want, got := append(p.Names, p.Stuck...), append(again.Clean.Names, again.Clean.Stuck...)
	if !slices.Equal(got, want) {
		t.Errorf("%s: listed as beyond reach: %q, in the copy %q", m.File, want, got)
	}
	if p.Whole() != (len(p.Stuck) == 0 && p.Scripts == 0) {
		t.Errorf("%s: %d are stuck, %d scripts stay, but whole is %v", m.File, len(p.Stuck), p.Scripts, p.Whole())
	}
	return got
}

// outside gives the first byte that differs outside ranges, -1 if none does.
func outside(a, b []byte, ranges [][2]int64) int {
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		if !slices.ContainsFunc(ranges, func(r [2]int64) bool { return r[0] <= int64(i) && int64(i) < r[1] }) {
			return i
		}
	}
	return -1
}
