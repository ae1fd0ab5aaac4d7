package attach

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/smallstep/pkcs7"
)

func said(refs []Ref) (out []string) {
	for _, r := range refs {
		out = append(out, fmt.Sprintf("%v %v %s %s", r.Vector, r.When, r.URL, r.Field))
	}
	return out
}

// archive is a zip file of these files.
func archive(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const rels = `<?xml version="1.0"?><Relationships xmlns="x">
<Relationship Id="r1" Type="http://schemas/relationships/image" Target="http://h/a.gif?x=1&amp;y=2" TargetMode="External"/>
<Relationship Id="r2" Type="http://schemas/relationships/attachedTemplate" Target="http://h/t.dotm" TargetMode="External"/>
<Relationship Id="r3" Type="http://schemas/relationships/hyperlink" Target="http://h/l" TargetMode="External"/>
<Relationship Id="r4" Type="http://schemas/relationships/image" Target="media/image1.png"/></Relationships>`

func TestOffice(t *testing.T) {
	t.Parallel()
	refs, err := Office(archive(t, "word/document.xml", "<x/>", "word/_rels/document.xml.rels", rels))
	want := []string{"V140 opening http://h/a.gif?x=1&y=2 word/_rels/document.xml.rels (image)", "V140 opening http://h/t.dotm word/_rels/document.xml.rels (attachedTemplate)", "V140 click http://h/l word/_rels/document.xml.rels (hyperlink)"}
	if d := cmp.Diff(want, said(refs)); d != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, d)
	}
	if _, err := Office([]byte("PK\x03\x04")); !errors.Is(err, ErrFormat) {
		t.Errorf("no zip: error %v, want %v", err, ErrFormat)
	}
	bomb := archive(t, "a.rels", strings.Repeat(" ", MaxInflated+5), "b.rels", rels)
	if refs, err := Office(bomb); !errors.Is(err, ErrCut) || len(refs) != 0 {
		t.Errorf("%d bytes inflated: %d references, error %v; want none and %v", MaxInflated+5, len(refs), err, ErrCut)
	}
	var many strings.Builder
	for i := range MaxRefs + 5 {
		fmt.Fprintf(&many, `<Relationship Type="image" Target="http://h/%d" TargetMode="External"/>`, i)
	}
	if refs, err := Office(archive(t, "a.rels", many.String())); !errors.Is(err, ErrCut) || len(refs) != MaxRefs {
		t.Errorf("%d references kept, error %v; want %d and %v", len(refs), err, MaxRefs, ErrCut)
	}
}

// TestMaxFiles: what an archive holds past the bound is not looked at.
func TestMaxFiles(t *testing.T) {
	t.Parallel()
	for _, n := range []int{MaxFiles - 1, MaxFiles} {
		var files []string
		for i := range n {
			files = append(files, fmt.Sprint(i), "")
		}
		refs, err := Office(archive(t, append(files, "z.rels", rels)...))
		if past := n == MaxFiles; errors.Is(err, ErrCut) != past || (len(refs) == 0) != past {
			t.Errorf("%d files before it: %d references, error %v", n, len(refs), err)
		}
	}
}

// TestMaxCertificates: so with a signature that brings too many certificates.
func TestMaxCertificates(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := func(ocsp string) []byte {
		cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), OCSPServer: []string{ocsp}}
		der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	many := bytes.Repeat(made("http://h/many"), MaxCertificates-1)
	last := made("http://h/last")
	for n, want := range map[int]int{MaxCertificates: 2, MaxCertificates + 1: 1} {
		all := append(bytes.Clone(many), last...)
		if n > MaxCertificates {
			all = append(append(bytes.Clone(many), made("http://h/many")...), last...)
		}
		der, err := pkcs7.DegenerateCertificate(all)
		if err != nil {
			t.Fatal(err)
		}
		if _, refs, err := SMIME(der); len(refs) != want || errors.Is(err, ErrCut) != (want == 1) {
			t.Errorf("%d certificates: %d addresses, error %v; want %d", n, len(refs), err, want)
		}
	}
}

func TestRTF(t *testing.T) {
	t.Parallel()
	refs, err := RTF([]byte(`{\rtf1{\field{\*\fldinst HYPERLINK "http://h/l" }}{\field{\*\fldinst { INCLUDEPICTURE  "http://h/p?a\'3d1" \\d}}{\*\template http://h/t.dot}HYPERLINK "local"}`))
	want := []string{"V140 click http://h/l HYPERLINK", "V140 opening http://h/p?a=1 INCLUDEPICTURE", "V140 opening http://h/t.dot template"}
	if d := cmp.Diff(want, said(refs)); d != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, d)
	}
	if _, err := RTF([]byte("hello")); !errors.Is(err, ErrFormat) {
		t.Errorf("no RTF: error %v, want %v", err, ErrFormat)
	}
}

func deflate(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestPDF(t *testing.T) {
	t.Parallel()
	refs, err := PDF([]byte("%PDF-1.7\n1 0 obj <</A <</S /URI /URI (http://h/\\(a\\)\\057b) >> >>\n2 0 obj <</URI <687474703a2f2f682f63> >>" + strings.Repeat(" ", 400) +
		"3 0 obj <</S /SubmitForm /F <</FS /URL /F (http://h/d)>> >>" + strings.Repeat(" ", 400) + "4 0 obj <</F (file.txt)>>" + strings.Repeat(" ", 400) + "5 0 obj <</Filter /FlateDecode>> stream\r\n" +
		deflate("<</OpenAction <</S /URI /URI (http://h/e)>> >>") + "\nendstream"))
	want := []string{"V141 click http://h/(a)/b URI", "V141 click http://h/c URI", "V141 click http://h/d SubmitForm", "V141 opening http://h/e URI"}
	if d := cmp.Diff(want, said(refs)); d != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, d)
	}
	if _, err := PDF([]byte("hello")); !errors.Is(err, ErrFormat) {
		t.Errorf("no PDF: error %v, want %v", err, ErrFormat)
	}
	bomb := deflate(strings.Repeat(" ", MaxInflated/2))
	if _, err := PDF([]byte("%PDF-1.7\nstream\n" + bomb + "endstream stream\n" + bomb + "endstream stream\n" + bomb)); !errors.Is(err, ErrCut) {
		t.Errorf("streams past %d bytes: error %v, want %v", MaxInflated, err, ErrCut)
	}
}

func TestSMIME(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IssuingCertificateURL: []string{"http://h/ca"}, OCSPServer: []string{"http://h/ocsp"}, CRLDistributionPoints: []string{"http://h/crl"}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	body := "Content-Type: text/html\r\n\r\n<img src=//h/a>"
	d, err := pkcs7.NewSignedData([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.AddSigner(cert, key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	signed, err := d.Finish()
	if err != nil {
		t.Fatal(err)
	}
	content, refs, err := SMIME(signed)
	want := []string{"V165 opening http://h/ca certificate: caIssuers", "V165 opening http://h/ocsp certificate: OCSP", "V165 opening http://h/crl certificate: revocation list"}
	if diff := cmp.Diff(want, said(refs)); diff != "" || err != nil || string(content) != body {
		t.Errorf("content %q, error %v (-want +got)\n%s", content, err, diff)
	}
	if _, _, err := SMIME([]byte("hello")); !errors.Is(err, ErrFormat) {
		t.Errorf("no PKCS #7: error %v, want %v", err, ErrFormat)
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add(archive(f, "a.rels", rels))
	f.Add([]byte("%PDF-1.7 /URI (http://h/\\057) stream\n" + deflate("/URI <6162>")))
	f.Add([]byte(`{\rtf1 HYPERLINK "http://h/l"}`))
	f.Add([]byte("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, find := range []func([]byte) ([]Ref, error){Office, RTF, PDF, func(b []byte) ([]Ref, error) { _, r, err := SMIME(b); return r, err }} {
			refs, _ := find(b)
			for _, r := range refs {
				if r.URL == "" || len(r.URL) > MaxURL {
					t.Fatalf("URL of %d bytes", len(r.URL))
				}
			}
		}
	})
}
