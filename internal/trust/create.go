package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	rootYears = 10
	// rootBackdate keeps a new root valid on machines whose clock is behind.
	rootBackdate = 24 * time.Hour
	// namePrefix begins the common name of every root; with the host name after
	// it, it tells the roots of this machine from those of another that shares
	// the home directory.
	namePrefix = "Quench local CA "
	// maxHostInName keeps the common name under the 64 characters of RFC 5280.
	maxHostInName = 36
)

// create makes what is missing of the pair in dir: the key, then the
// certificate from whatever key the directory holds. Each file appears whole
// and only once, so of two processes one wins the key and both end with a
// certificate of that key; a crash in between is completed by the next caller.
func create(dir string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the directory of the local CA: %w", err)
	}
	keyFile := filepath.Join(dir, KeyName)
	fresh, err := newKey()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(fresh)
	if err != nil {
		return fmt.Errorf("encoding the key of the local CA: %w", err)
	}
	if err := publish(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	keyPEM, err := readBounded(keyFile, true)
	if err != nil {
		return err
	}
	key, err := parseKey(keyPEM)
	if err != nil {
		return fmt.Errorf("%s: %w; restore it from a backup, or remove it to start with a new CA", keyFile, err)
	}
	root, err := signRoot(key, machineName(), now)
	if err != nil {
		return err
	}
	return publish(filepath.Join(dir, CertName), encodeCert(root), 0o644)
}

// publish makes path appear with the given content, synced, unless it exists.
func publish(path string, data []byte, mode fs.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, removeIfThere(tmp.Name())) }()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := placeNew(tmp.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// placeNew gives tmp the name path if nothing has it. A hard link does this in
// one step; a file system without them leaves a gap between look and rename,
// which Load would notice as a pair that does not match.
func placeNew(tmp, path string) error {
	err := os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if _, statErr := os.Lstat(path); statErr == nil {
		return nil
	}
	return os.Rename(tmp, path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func signRoot(key *ecdsa.PrivateKey, host string, now time.Time) ([]byte, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: fmt.Sprintf("%s%s %08x", namePrefix, host, serial.Uint64()&0xffffffff)},
		NotBefore:             now.Add(-rootBackdate),
		NotAfter:              now.AddDate(rootYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("signing the local CA: %w", err)
	}
	return der, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

// newSerial returns 128 random bits, never zero (RFC 5280 §4.1.2.2).
func newSerial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, fmt.Errorf("making a serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}

// machineName is the host name as it goes into certificate names: ASCII
// letters, digits, dots and hyphens, bounded, never empty.
func machineName() string {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return cleanHost(host)
}

func cleanHost(host string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		}
		return '-'
	}, host)
	if len(clean) > maxHostInName {
		clean = clean[:maxHostInName]
	}
	if clean == "" {
		return "localhost"
	}
	return clean
}
