package trust

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sync/singleflight"
)

// Names of the two files in the directory of a CA.
const (
	CertName = "ca.pem"
	KeyName  = "ca-key.pem"
)

// ErrNoCA says that the directory holds no CA yet. Only Load returns it.
var ErrNoCA = errors.New("no certificate authority has been made yet")

// CA is a loaded certificate authority. It is made by Open or Load only, does
// not change afterwards, and is safe for concurrent use.
type CA struct {
	dir     string
	cert    *x509.Certificate
	certPEM []byte
	key     *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey // shared by every leaf; lives as long as the process
	now     func() time.Time
	leaves  leafCache
	minting singleflight.Group
}

// Open loads the CA kept in dir, or makes one there when there is none. Any
// number of processes may call it at once on the same directory: all of them
// end with the same pair. Every error names the file at fault and what to do.
func Open(dir string) (*CA, error) {
	ca, err := Load(dir)
	if err == nil || !errors.Is(err, ErrNoCA) {
		return ca, err
	}
	if err := create(dir, time.Now()); err != nil {
		return nil, err
	}
	return Load(dir)
}

// Load loads the CA kept in dir and never writes. The error wraps ErrNoCA when
// dir holds none, or only the key of one whose making was cut short (Open
// completes that).
func Load(dir string) (*CA, error) {
	return loadAt(dir, time.Now)
}

func loadAt(dir string, now func() time.Time) (*CA, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	keyFile, certFile := filepath.Join(dir, KeyName), filepath.Join(dir, CertName)
	keyPEM, keyErr := readBounded(keyFile, true)
	certPEM, certErr := readBounded(certFile, false)
	switch {
	case errors.Is(keyErr, fs.ErrNotExist) && certErr == nil:
		return nil, fmt.Errorf("%s is missing though %s exists: restore the key from a backup, or remove %s to start with a new CA",
			keyFile, certFile, certFile)
	case keyErr != nil && !errors.Is(keyErr, fs.ErrNotExist):
		return nil, keyErr
	case errors.Is(keyErr, fs.ErrNotExist), errors.Is(certErr, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", dir, ErrNoCA)
	case certErr != nil:
		return nil, certErr
	}
	cert, key, err := parsePair(certFile, certPEM, keyFile, keyPEM)
	if err != nil {
		return nil, err
	}
	if err := checkRoot(certFile, cert, now()); err != nil {
		return nil, err
	}
	leafKey, err := newKey()
	if err != nil {
		return nil, err
	}
	return &CA{dir: dir, cert: cert, certPEM: encodeCert(cert.Raw), key: key, leafKey: leafKey, now: now}, nil
}

// Certificate returns the root. The caller must not change it.
func (ca *CA) Certificate() *x509.Certificate { return ca.cert }

// PEM returns a copy of the root certificate as one PEM block.
func (ca *CA) PEM() []byte { return append([]byte(nil), ca.certPEM...) }

// CertFile returns the path of the root certificate's PEM file.
func (ca *CA) CertFile() string { return filepath.Join(ca.dir, CertName) }

// Name returns the root's common name, which is also its nickname in NSS.
func (ca *CA) Name() string { return ca.cert.Subject.CommonName }

// Fingerprint returns the SHA-256 of the root certificate in lower-case hex
// without separators.
func (ca *CA) Fingerprint() string { return fingerprint(ca.cert) }

// SPKI returns the base64 SHA-256 of the root's public key, the form that
// Chromium's --ignore-certificate-errors-spki-list takes.
func (ca *CA) SPKI() string {
	sum := sha256.Sum256(ca.cert.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}
