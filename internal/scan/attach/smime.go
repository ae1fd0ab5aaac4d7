package attach

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/smallstep/pkcs7"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// MaxCertificates is how many certificates of one signature are looked at.
const MaxCertificates = 100

// ErrEncrypted is wrapped for enveloped data, which needs a key.
var ErrEncrypted = errors.New("encrypted")

// SMIME opens PKCS #7 signed data: what is signed, if it is inside, and the
// addresses that a client which checks the signature asks (V165): of the
// certificates' issuers, OCSP responders and revocation lists.
func SMIME(der []byte) (content []byte, refs []Ref, err error) {
	// The library reads what a stranger wrote; what it trips over costs this
	// attachment, not the run.
	defer func() {
		if r := recover(); r != nil {
			content, refs, err = nil, nil, fmt.Errorf("open S/MIME: %v: %w", r, ErrFormat)
		}
	}()
	p, err := pkcs7.Parse(der)
	if err != nil {
		return nil, nil, fmt.Errorf("open S/MIME: %w: %w", err, ErrFormat)
	}
	var l list
	for i, c := range p.Certificates {
		if i == MaxCertificates {
			l.cut = true
			break
		}
		l.certificate(c)
	}
	refs, err = l.done("S/MIME", nil)
	if len(p.Certificates) == 0 && len(p.Signers) == 0 {
		err = fmt.Errorf("open S/MIME: %w", ErrEncrypted)
		return nil, refs, err
	}
	return p.Content, refs, err
}

func (l *list) certificate(c *x509.Certificate) {
	for _, u := range c.IssuingCertificateURL {
		l.add(Ref{165, markup.Opening, u, "certificate: caIssuers"})
	}
	for _, u := range c.OCSPServer {
		l.add(Ref{165, markup.Opening, u, "certificate: OCSP"})
	}
	for _, u := range c.CRLDistributionPoints {
		l.add(Ref{165, markup.Opening, u, "certificate: revocation list"})
	}
}
