package origin

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Files are paths of PEM files.
type Files struct {
	// Roots is what proxies trust sites by; Cert and Key are the origin's.
	Roots, Cert, Key string
	// CACert and CAKey are for a proxy that signs with P-256, RSACert and
	// RSAKey for those that only know RSA.
	CACert, CAKey, RSACert, RSAKey string
}

// WriteCerts makes keys and certificates for one run in dir.
func WriteCerts(dir string) (Files, error) {
	f := Files{
		Roots: filepath.Join(dir, "roots.pem"),
		Cert:  filepath.Join(dir, "origin.pem"), Key: filepath.Join(dir, "origin.key"),
		CACert: filepath.Join(dir, "ca.pem"), CAKey: filepath.Join(dir, "ca.key"),
		RSACert: filepath.Join(dir, "rsa-ca.pem"), RSAKey: filepath.Join(dir, "rsa-ca.key"),
	}
	root, rootKey, err := writeCA(f.Roots, "", "Bench Root", false)
	if err != nil {
		return f, err
	}
	if _, _, err := writeCA(f.CACert, f.CAKey, "Bench Proxy", false); err != nil {
		return f, err
	}
	// The underscore makes the name a UTF8String, as Privoxy writes issuers.
	if _, _, err := writeCA(f.RSACert, f.RSAKey, "Bench_RSA_Proxy", true); err != nil {
		return f, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return f, err
	}
	leaf := template("localhost")
	leaf.DNSNames = []string{"localhost"}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return f, write(leaf, root, key, rootKey, f.Cert, f.Key)
}

func writeCA(cert, key, name string, useRSA bool) (*x509.Certificate, crypto.Signer, error) {
	var k crypto.Signer
	var err error
	if useRSA {
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		return nil, nil, err
	}
	c := template(name)
	c.IsCA = true
	c.KeyUsage |= x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return c, k, write(c, c, k, k, cert, key)
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// write signs c and writes it and, unless keyPath is "", its key.
func write(c, parent *x509.Certificate, key, parentKey crypto.Signer, certPath, keyPath string) error {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), parentKey)
	if err != nil {
		return fmt.Errorf("sign %s: %w", c.Subject.CommonName, err)
	}
	// Squid reads its files as another user.
	if err := os.WriteFile(certPath, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil || keyPath == "" {
		return err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(keyPath, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o644)
}
