package proxy

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

const (
	minRSA = 2048 // bits
	minEC  = 256
)

// weakKeyError says that a certificate's key is too short. crypto/tls has no
// lower bound that browsers would accept.
type weakKeyError struct{}

func (weakKeyError) Error() string { return "the certificate's key is too short" }

// strongEnough wants one of the verified chains to have no short key.
func strongEnough(cs tls.ConnectionState) error {
	for _, chain := range cs.VerifiedChains {
		if !slices.ContainsFunc(chain, weakKey) {
			return nil
		}
	}
	return weakKeyError{}
}

func weakKey(c *x509.Certificate) bool {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() < minRSA
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize < minEC
	}
	return false
}

// certificateFault says in plain words what is wrong with a site's
// certificate; ok is false if err is about something else.
func certificateFault(err error, host string) (f fault, ok bool) {
	var weak weakKeyError
	if errors.As(err, &weak) {
		return certFault("weak-key", "Its key is so short that it can be broken."), true
	}
	var verify *tls.CertificateVerificationError
	if !errors.As(err, &verify) || len(verify.UnverifiedCertificates) == 0 {
		return f, false
	}
	leaf := verify.UnverifiedCertificates[0]
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return datedFault(invalid.Cert), true
	case errors.As(err, &name):
		if len(leaf.DNSNames)+len(leaf.IPAddresses) == 0 {
			return certFault("common-name", "It names the site only in an old field that browsers no longer read."), true
		}
		return certFault("wrong-host", "It was made for another site than "+host+"."), true
	case slices.ContainsFunc(verify.UnverifiedCertificates, signedBySHA1):
		return certFault("sha1", "It is signed with SHA-1, which can be forged."), true
	case errors.As(err, &unknown):
		if selfSigned(leaf) {
			return certFault("self-signed", "The site signed it itself, so that anybody could have made it."), true
		}
		return certFault("unknown-root", "It was signed by nobody whom this computer trusts."), true
	}
	return certFault("invalid", "It does not hold against the rules for certificates."), true
}

func datedFault(c *x509.Certificate) fault {
	if c != nil && time.Now().Before(c.NotBefore) {
		return certFault("not-yet-valid", "It is valid only from "+c.NotBefore.UTC().Format("2 January 2006")+
			" on. Perhaps the clock of this computer is slow.")
	}
	text := "It has expired."
	if c != nil {
		text = "It expired on " + c.NotAfter.UTC().Format("2 January 2006") + "."
	}
	return certFault("expired", text)
}

func signedBySHA1(c *x509.Certificate) bool {
	if selfSigned(c) {
		return false // a root's own signature proves nothing, so nobody looks
	}
	switch c.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return true
	}
	return false
}

func selfSigned(c *x509.Certificate) bool {
	return string(c.RawIssuer) == string(c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

func certFault(id, what string) fault {
	return fault{id: "certificate-" + id, who: "the site's certificate", status: 502,
		title: "The certificate of this site is not valid",
		text: what + " Somebody may be reading along, or the site made a mistake. Quench never puts its own certificate " +
			"in the place of one that your browser would refuse" + noWayPast}
}

// How a certificate's page ends: for a site, and for a thing on the user's own
// network, which is left to the browser from its second connection on.
const (
	noWayPast  = ", so there is no way past this page."
	privateWay = ". But this is on your own network: load it again, and your browser shows its own warning and lets you decide."
)
