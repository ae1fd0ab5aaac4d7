package trust

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxPEM bounds what is read of a certificate or key file; a real one is
// under 4 KB.
const maxPEM = 64 << 10

// readBounded reads a PEM file. A private one must belong to this user and be
// closed to all others; that is judged on the open file, so it cannot be
// swapped in between.
func readBounded(path string, private bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%w: run as the user who owns it, or fix it with `chmod 600 %s`", err, path)
		}
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: move it away", path)
	}
	if private {
		if err := checkPrivate(path, info, "600"); err != nil {
			return nil, err
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPEM+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(data) > maxPEM {
		return nil, fmt.Errorf("%s is larger than %d bytes, so it is no certificate or key of ours: move it away", path, maxPEM)
	}
	return data, nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w", dir, ErrNoCA)
	case err != nil:
		return fmt.Errorf("looking for the local CA: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory: move it away", dir)
	}
	return checkPrivate(dir, info, "700")
}

func parsePair(certFile string, certPEM []byte, keyFile string, keyPEM []byte) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := parseKey(keyPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w; restore it from a backup, or remove it and %s to start with a new CA", keyFile, err, certFile)
	}
	cert, err := parseCert(certPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w; remove it, and it is made again from %s", certFile, err, keyFile)
	}
	if pub, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !pub.Equal(&key.PublicKey) {
		return nil, nil, fmt.Errorf("%s and %s do not belong together: restore the pair from a backup, or remove both to start with a new CA",
			certFile, keyFile)
	}
	return cert, key, nil
}

func parseCert(data []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("holds no PEM certificate")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("holds more than one PEM block")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate: %w", err)
	}
	return cert, nil
}

// parseKey takes PKCS #8 and SEC 1 keys; OpenSSL writes the curve as a block of
// its own before the latter.
func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, errors.New("holds no PEM private key")
		}
		data = rest
		switch block.Type {
		case "EC PRIVATE KEY":
			key, err := x509.ParseECPrivateKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("parsing the private key: %w", err)
			}
			return key, nil
		case "PRIVATE KEY":
			return parsePKCS8(block.Bytes)
		}
	}
}

func parsePKCS8(der []byte) (*ecdsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the private key: %w", err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("holds a %T, want an ECDSA key", key)
	}
	return ec, nil
}

func checkRoot(file string, cert *x509.Certificate, now time.Time) error {
	const renew = "run `quench ca uninstall`, remove it and the key beside it, then `quench ca install`"
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return fmt.Errorf("%s is not a certificate authority: remove it, and it is made again from the key beside it", file)
	case now.After(cert.NotAfter):
		return fmt.Errorf("%s expired on %s: %s", file, cert.NotAfter.Format(time.DateOnly), renew)
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%s is not valid before %s: set this computer's clock", file, cert.NotBefore.Format(time.DateTime))
	}
	return nil
}

func encodeCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
