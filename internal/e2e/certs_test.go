package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
)

// badCert makes a certificate of 2024 for host, signed by the fake internet's
// root or by itself.
func (n *fakenet) badCert(host string, expired, selfSigned bool) *tls.Certificate {
	n.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		n.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if expired {
		tmpl.NotBefore, tmpl.NotAfter = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)
	}
	parent, signer := n.CA.Certificate(), n.root.PrivateKey
	if selfSigned {
		parent, signer = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
	if err != nil {
		n.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestBadCertificates has browsers open sites whose certificate is no good:
// the page they see is ours and says why, and nothing was asked of the site.
func TestBadCertificates(t *testing.T) {
	const end = " Somebody may be reading along, or the site made a mistake. Quench never puts its own certificate " +
		"in the place of one that your browser would refuse, so there is no way past this page."
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			w := newWorld(t, n, proxy.Always)
			b := w.open(name, w.CA)
			for _, tt := range []struct {
				host string
				cert *tls.Certificate
				says string
			}{
				{"expired.example", n.badCert("expired.example", true, false), "It expired on 31 March 2024."},
				{"self.example", n.badCert("self.example", false, true), "The site signed it itself, so that anybody could have made it."},
				{"wrong.example", n.badCert("other.example", false, false), "It was made for another site than wrong.example."},
			} {
				n.SetCert(tt.host, tt.cert)
				b.navigate("https://" + tt.host + "/account?session=1")
				b.want("document.title", `"The certificate of this site is not valid"`)
				text := b.eval("document.body.innerText")
				for _, want := range []string{tt.host, tt.says + end, "This page comes from Quench"} {
					if !strings.Contains(text, want) {
						t.Errorf("the page of %s says %s, want %q in it", tt.host, text, want)
					}
				}
				if strings.Contains(text, "session") {
					t.Errorf("the page of %s repeats the address: %s", tt.host, text)
				}
				if v := n.Visits(tt.host); len(v) != 0 || n.Shakes(tt.host) == 0 {
					t.Errorf("%s was asked %v in %d connections, want nothing in one or more", tt.host, v, n.Shakes(tt.host))
				}
			}
		})
	}
}

// TestClientCertificate has a browser open a site that asks for a certificate
// of the browser's: from the second connection on it is left alone.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	n := newFakenet(t)
	w := newWorld(t, n, proxy.Always)
	n.client["members.example"] = true
	n.Handle("members.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("<title>members</title><link rel=icon href=data:,>Show your certificate."))
	}))
	b := w.open("chromium", w.CA, "--ignore-certificate-errors-spki-list="+n.CA.SPKI())
	b.navigate("https://members.example/")
	b.want("document.title", `"members"`)
	if got := w.Proxy.Stats().Spliced[string(memory.ReasonClientCert)]; got != 0 {
		t.Errorf("spliced %d times before anything was known", got)
	}
	w.wantSentences(t, "members.example",
		"members.example is left alone for a day: it asks for a certificate that only your browser can show.")
	// The browser may have had a second connection open before that.
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	await(t, ctx, "a splice for the certificate", func() bool {
		b.navigate("https://members.example/")
		b.want("document.title", `"members"`)
		return w.Proxy.Stats().Spliced[string(memory.ReasonClientCert)] > 0
	})
}
