package proxy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// badSite is a site whose certificate is wrong in one way.
func badSite(t *testing.T, w *world, host string) *tls.Certificate {
	t.Helper()
	tmpl := leafTemplate(host)
	parent, signer := w.roots.cert, crypto.Signer(w.roots.key)
	var key crypto.Signer
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := func(bits int) crypto.Signer {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	switch strings.TrimSuffix(host, ".example") {
	case "expired":
		tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
	case "not-yet-valid":
		tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)
	case "wrong-host":
		tmpl.DNSNames = []string{"elsewhere.example"}
	case "self-signed":
		parent, signer = tmpl, key
	case "unknown-root":
		other := newAuthority(t, "Other Root")
		parent, signer = other.cert, other.key
	case "weak-key":
		key = rsaKey(1024)
	case "weak-ec":
		if key, err = ecdsa.GenerateKey(elliptic.P224(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	case "sha1":
		tmpl.SignatureAlgorithm = x509.ECDSAWithSHA1
	case "common-name":
		tmpl.DNSNames, tmpl.Subject.CommonName = nil, host
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		t.Fatalf("%s: %v", host, err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestBadCertificatesAreNeverReSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	kinds := []string{"expired", "not-yet-valid", "wrong-host", "self-signed", "unknown-root", "weak-key", "sha1", "common-name"}
	words := []string{"expired", "valid only from", "another site", "signed it itself", "nobody whom", "key is so short", "SHA-1", "old field"}
	reached := make(chan string, 100)
	for _, k := range kinds {
		host := k + ".example"
		w.siteTLS(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Host }),
			&tls.Config{Certificates: []tls.Certificate{*badSite(t, w, host)}}, host)
	}
	addr := w.serve(Always)
	for _, h2 := range []bool{false, true} {
		c := w.client(addr, nil, h2)
		for i, k := range kinds {
			url := "https://" + k + ".example/x.js"
			resp, body := get(t, c, url, "Accept", "text/html,*/*")
			if resp.StatusCode != 502 || !strings.Contains(body, `data-fault="certificate-`+k+`"`) || !strings.Contains(body, words[i]) {
				t.Errorf("%s: %d %s", k, resp.StatusCode, body)
			}
			if strings.Contains(body, "x509") || strings.Contains(body, "tls:") || !strings.Contains(body, "never puts its own certificate") {
				t.Errorf("%s: words: %s", k, body)
			}
			resp, body = get(t, c, url, "Sec-Fetch-Dest", "script", "Accept", "*/*")
			if resp.StatusCode != 502 || body != "" || resp.Header.Get("Content-Type") != "text/javascript" {
				t.Errorf("%s as a script: %d %q %q", k, resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
		}
	}
	select {
	case h := <-reached:
		t.Errorf("a request reached %s", h)
	default:
	}
	if s := w.p.Stats(); len(s.Spliced) != 0 {
		t.Errorf("spliced %v: a public site must not be", s.Spliced)
	}
}

func TestWeakCurve(t *testing.T) {
	t.Parallel()
	for bits, want := range map[int]bool{224: true, 256: false, 384: false} {
		curve := map[int]elliptic.Curve{224: elliptic.P224(), 256: elliptic.P256(), 384: elliptic.P384()}[bits]
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got := weakKey(&x509.Certificate{PublicKey: &k.PublicKey}); got != want {
			t.Errorf("P-%d: weak %v, want %v", bits, got, want)
		}
	}
	weak := &x509.Certificate{PublicKey: &ecdsa.PublicKey{Curve: elliptic.P224()}}
	strong := &x509.Certificate{PublicKey: &ecdsa.PublicKey{Curve: elliptic.P256()}}
	for name, tt := range map[string]struct {
		chains [][]*x509.Certificate
		ok     bool
	}{"strong": {[][]*x509.Certificate{{strong, strong}}, true}, "weak leaf": {[][]*x509.Certificate{{weak, strong}}, false},
		"weak above": {[][]*x509.Certificate{{strong, weak}}, false}, "one of two": {[][]*x509.Certificate{{strong, weak}, {strong}}, true},
		"none": {nil, false}} {
		if err := strongEnough(tls.ConnectionState{VerifiedChains: tt.chains}); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrivateSiteWithBadCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.siteTLS(http.HandlerFunc(greet), &tls.Config{Certificates: []tls.Certificate{*badSite(t, w, "self-signed.example")}}, "router")
	w.mu.Lock()
	a := netip.MustParseAddr("192.168.1.1")
	w.addrs[netip.AddrPortFrom(a, 443).String()] = w.addrs[netip.AddrPortFrom(w.names["router"].Addrs[0], 443).String()]
	w.names["router"] = Answer{Addrs: []netip.Addr{a}}
	w.mu.Unlock()
	c := w.client(w.serve(Always), nil, false)
	resp, body := get(t, c, "https://router/", "Accept", "text/html")
	if resp.StatusCode != 502 || !strings.Contains(body, "load it again") {
		t.Errorf("first: %d", resp.StatusCode)
	}
	_, err := c.Get("https://router/") // now the browser sees the router's own certificate, and warns
	if err == nil || !strings.Contains(err.Error(), "x509") {
		t.Errorf("second: %v, want the client's own refusal", err)
	}
	if _, notes := w.book.all(); len(notes) != 1 || !strings.Contains(notes[0].Sentence, "on your network") {
		t.Errorf("notes %+v", notes)
	}
}
