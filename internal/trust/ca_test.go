package trust

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func newTestCA(t testing.TB) *CA {
	t.Helper()
	ca, err := Open(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestOpenMakesARoot(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "ca")
	ca, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	cert := ca.Certificate()
	if !cert.IsCA || !cert.MaxPathLenZero || cert.MaxPathLen != 0 {
		t.Errorf("root: IsCA %v, MaxPathLen %d (zero %v), want a CA that signs leaves only", cert.IsCA, cert.MaxPathLen, cert.MaxPathLenZero)
	}
	if want := x509.KeyUsageCertSign | x509.KeyUsageCRLSign; cert.KeyUsage != want {
		t.Errorf("key usage = %b, want %b", cert.KeyUsage, want)
	}
	if years := cert.NotAfter.Sub(cert.NotBefore).Hours() / 24 / 365; years < 9.9 || years > 10.1 {
		t.Errorf("the root lives %.1f years, want 10", years)
	}
	if !strings.HasPrefix(ca.Name(), namePrefix+machineName()+" ") || len(ca.Name()) > 64 {
		t.Errorf("name = %q, want %q, a serial, and at most 64 bytes", ca.Name(), namePrefix+machineName())
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	if want := base64.StdEncoding.EncodeToString(sum[:]); ca.SPKI() != want {
		t.Errorf("SPKI = %s, want %s", ca.SPKI(), want)
	}
	checkModes(t, dir)
	again, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if again.Fingerprint() != ca.Fingerprint() || string(again.PEM()) != string(ca.PEM()) {
		t.Errorf("loaded %s, want %s as made", again.Fingerprint(), ca.Fingerprint())
	}
}

func checkModes(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("%s holds %v, want the pair and no temporary file", dir, entries)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, KeyName): 0o600, filepath.Join(dir, CertName): 0o644} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %04o, want %04o", filepath.Base(path), got, want)
		}
	}
}

func TestOpenRace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ca")
	var wg sync.WaitGroup
	got := make([]string, 16)
	for i := range got {
		wg.Go(func() {
			ca, err := Open(dir)
			if err != nil {
				t.Errorf("opener %d: %v", i, err)
				return
			}
			got[i] = ca.Fingerprint()
		})
	}
	wg.Wait()
	for i, fp := range got {
		if fp != got[0] {
			t.Errorf("opener %d has %s, opener 0 has %s", i, fp, got[0])
		}
	}
	checkModes(t, dir)
}

func TestOpenCompletesACutShortMaking(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	if err := os.Remove(ca.CertFile()); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(ca.dir); !errors.Is(err, ErrNoCA) {
		t.Errorf("Load with the key alone = %v, want ErrNoCA", err)
	}
	again, err := Open(ca.dir)
	if err != nil {
		t.Fatal(err)
	}
	if !again.key.Equal(ca.key) {
		t.Error("the key was replaced, want it kept")
	}
}

func TestLoadWithoutCA(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Load(dir); !errors.Is(err, ErrNoCA) {
		t.Errorf("Load of no directory = %v, want ErrNoCA", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("Load made %s", dir)
	}
}

// TestOpenRefuses spoils a good CA in one way each; the error must name the
// file at fault and the way out.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		unix   bool
		spoil  func(t *testing.T, dir string)
		inText []string
	}{
		{"key readable by group", true, chmod(KeyName, 0o640), []string{KeyName, "0640", "chmod 600 "}},
		{"key readable by others", true, chmod(KeyName, 0o604), []string{KeyName, "chmod 600 "}},
		{"directory open", true, chmod("", 0o755), []string{"0755", "chmod 700 "}},
		{"key of another owner", true, chown(KeyName), []string{KeyName, "belongs to user 12345", "chown"}},
		{"directory of another owner", true, chown(""), []string{"belongs to user 12345", "chown"}},
		{"key gone", false, remove(KeyName), []string{KeyName, "missing", "restore"}},
		{"key is a directory", false, directory(KeyName), []string{KeyName, "not a regular file"}},
		{"certificate is a directory", false, directory(CertName), []string{CertName, "not a regular file"}},
		{"key is rubbish", false, content(KeyName, "rubbish"), []string{KeyName, "no PEM private key", "restore"}},
		{"key is broken", false, content(KeyName, pemOf("PRIVATE KEY", []byte{1, 2})), []string{KeyName, "parsing"}},
		{"key is empty", false, content(KeyName, ""), []string{KeyName, "no PEM private key"}},
		{"key of another kind", false, content(KeyName, ed25519Key()), []string{KeyName, "want an ECDSA key"}},
		{"certificate is rubbish", false, content(CertName, "rubbish"), []string{CertName, "no PEM certificate"}},
		{"certificate is broken", false, content(CertName, pemOf("CERTIFICATE", []byte{1, 2})), []string{CertName, "parsing"}},
		{"past the size bound", false, content(CertName, strings.Repeat("\n", maxPEM+1)), []string{CertName, "larger than"}},
		{"pair does not match", false, otherPair, []string{KeyName, CertName, "do not belong together"}},
		{"two certificates", false, doubled, []string{CertName, "more than one"}},
		{"expired", false, resign(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), []string{CertName, "expired on", "quench ca install"}},
		{"not yet valid", false, resign(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), []string{CertName, "clock"}},
		{"not a CA", false, resign(func(c *x509.Certificate) { c.IsCA = false }), []string{CertName, "not a certificate authority"}},
		{"may not sign", false, resign(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), []string{CertName, "not a certificate authority"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.unix && runtime.GOOS == "windows" {
				t.Skip("no mode bits here")
			}
			ca := newTestCA(t)
			tc.spoil(t, ca.dir)
			for _, open := range []func(string) (*CA, error){Load, Open} {
				_, err := open(ca.dir)
				if err == nil {
					t.Fatal("no error")
				}
				for _, want := range append(tc.inText, ca.dir) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
			}
		})
	}
}

func TestUnreadableKey(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root reads everything")
	}
	ca := newTestCA(t)
	chmod(KeyName, 0)(t, ca.dir)
	if _, err := Open(ca.dir); err == nil || !strings.Contains(err.Error(), "chmod 600 ") {
		t.Errorf("error = %v, want the fix", err)
	}
}

func TestDirIsAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ca")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("error = %v, want that it is not a directory", err)
	}
}

func TestTakesOpenSSLKey(t *testing.T) {
	t.Parallel()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseKey([]byte(pemOf("EC PARAMETERS", []byte{6, 1, 0}) + pemOf("EC PRIVATE KEY", der)))
	if err != nil || !got.Equal(key) {
		t.Errorf("parseKey = %v, %v, want the key", got, err)
	}
}

func TestCleanHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"laptop": "laptop", "": "localhost", "Büro pc": "B-ro-pc", "a.b-c": "a.b-c",
		strings.Repeat("x", 100): strings.Repeat("x", maxHostInName),
	} {
		if got := cleanHost(in); got != want {
			t.Errorf("cleanHost(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	ca := newTestCA(f)
	key, err := os.ReadFile(filepath.Join(ca.dir, KeyName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ca.PEM(), key)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"))
	f.Add([]byte{}, []byte{0xff})
	dir := f.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, cert, key []byte) {
		content(CertName, string(cert))(t, dir)
		content(KeyName, string(key))(t, dir)
		loaded, err := Load(dir)
		if (loaded == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v, want one of the two", loaded, err)
		}
		if err == nil && (!loaded.Certificate().IsCA || !loaded.key.PublicKey.Equal(loaded.Certificate().PublicKey)) {
			t.Fatal("loaded what cannot sign")
		}
	})
}

func chmod(name string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func chown(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if os.Geteuid() != 0 {
			t.Skip("only root gives files away")
		}
		if err := os.Chown(filepath.Join(dir, name), 12345, -1); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func directory(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		remove(name)(t, dir)
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func content(name, data string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func otherPair(t *testing.T, dir string) {
	t.Helper()
	content(CertName, string(newTestCA(t).PEM()))(t, dir)
}

func doubled(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, CertName))
	if err != nil {
		t.Fatal(err)
	}
	content(CertName, string(data)+string(data))(t, dir)
}

// resign replaces the certificate with a changed one of the same key.
func resign(change func(*x509.Certificate)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		ca, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "changed"},
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
			KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
		}
		change(tmpl)
		content(CertName, string(signWith(t, tmpl, ca.key)))(t, dir)
	}
}

func signWith(t *testing.T, tmpl *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return encodeCert(der)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func ed25519Key() string {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // a fixed key always encodes
	}
	return pemOf("PRIVATE KEY", der)
}
