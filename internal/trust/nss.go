package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// nssFile is the file that makes a directory an NSS database of today's form.
const nssFile = "cert9.db"

// maxNicknames bounds how many of our roots are looked at in one database.
const maxNicknames = 256

// ErrPrimaryPassword says that an NSS database takes a change of trust only
// with its primary password, which nobody but the user has.
var ErrPrimaryPassword = errors.New("the database is locked with a primary password")

// listLine is a line of `certutil -L`: a nickname, which may hold spaces, and
// the three trust attributes.
var listLine = regexp.MustCompile(`^(\S.*?)\s+([a-zA-Z]*),[a-zA-Z]*,[a-zA-Z]*\s*$`)

// NSS is a certificate database as Chromium on Linux and Firefox use it,
// changed through NSS's own certutil. Calls on one database must not overlap.
type NSS struct {
	Dir  string
	Run  Runner // nil is Run
	Host string // the machine's name in CA names; empty is the real one
}

// NewNSS returns the database in dir, which need not exist yet.
func NewNSS(dir string) NSS { return NSS{Dir: dir} }

// Exists reports whether there is a database in the directory.
func (n NSS) Exists() bool {
	info, err := os.Stat(filepath.Join(n.Dir, nssFile))
	return err == nil && info.Mode().IsRegular()
}

// Init makes an empty database without a password, and its directory (0700),
// unless there is one.
func (n NSS) Init(ctx context.Context) error {
	if n.Exists() {
		return nil
	}
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return fmt.Errorf("making an NSS database: %w", err)
	}
	if _, err := n.certutil(ctx, "-N", "--empty-password"); err != nil {
		return fmt.Errorf("making an NSS database in %s: %w", n.Dir, err)
	}
	return nil
}

// Has reports whether the database trusts ca to sign for servers; with nil, any
// Quench CA of this machine. No database has none.
func (n NSS) Has(ctx context.Context, ca *CA) (bool, error) {
	entries, err := n.entries(ctx, ca)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.trusted && (ca == nil || e.cert.Equal(ca.cert)) {
			return true, nil
		}
	}
	return false, nil
}

// Add makes the database trust ca to sign for servers, and for nothing else.
// The error wraps ErrPrimaryPassword where that is the cause; the database is
// then as it was.
func (n NSS) Add(ctx context.Context, ca *CA) error {
	has, err := n.Has(ctx, ca)
	if err != nil || has {
		return err
	}
	if _, err = n.run(ctx, n.addCommand(ca, true)); err == nil {
		return nil
	}
	// certutil stores the certificate first and fails at its trust.
	undo := n.delete(ctx, ca.Name())
	if strings.Contains(err.Error(), "BAD_PASSWORD") || strings.Contains(err.Error(), "password file contains no data") {
		return fmt.Errorf("adding the CA to %s: %w", n.Dir, ErrPrimaryPassword)
	}
	return fmt.Errorf("adding the CA to %s: %w", n.Dir, errors.Join(err, undo))
}

// Remove takes ca and the older Quench CAs of this machine out, and tells how
// many there were. ca may be nil. No database is not an error.
func (n NSS) Remove(ctx context.Context, ca *CA) (int, error) {
	entries, err := n.entries(ctx, ca)
	if err != nil {
		return 0, err
	}
	for i, e := range entries {
		if err := n.delete(ctx, e.nickname); err != nil {
			return i, fmt.Errorf("removing the CA from %s: %w", n.Dir, err)
		}
	}
	return len(entries), nil
}

type nssEntry struct {
	nickname string
	trusted  bool
	cert     *x509.Certificate
}

// entries lists the roots of ours in the database: ca, and those made on this
// machine before. A nickname is only a hint; the certificate under it decides.
func (n NSS) entries(ctx context.Context, ca *CA) ([]nssEntry, error) {
	if !n.Exists() {
		return nil, nil
	}
	out, err := n.certutil(ctx, "-L")
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", n.Dir, err)
	}
	o := StoreOptions{Host: n.Host}.withDefaults()
	var found []nssEntry
	for line := range strings.Lines(string(out)) {
		m := listLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || !strings.HasPrefix(m[1], namePrefix) || len(found) == maxNicknames {
			continue
		}
		certs, err := n.export(ctx, m[1])
		if err != nil {
			return nil, err
		}
		for _, cert := range certs {
			if o.ours(cert, ca) {
				found = append(found, nssEntry{nickname: m[1], trusted: strings.Contains(m[2], "C"), cert: cert})
				break
			}
		}
	}
	return found, nil
}

func (n NSS) export(ctx context.Context, nickname string) ([]*x509.Certificate, error) {
	out, err := n.certutil(ctx, "-L", "-a", "-n", nickname)
	if err != nil {
		return nil, fmt.Errorf("reading %q from %s: %w", nickname, n.Dir, err)
	}
	var certs []*x509.Certificate
	out = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
	for block, rest := pem.Decode(out); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading %q from %s: %w", nickname, n.Dir, err)
		}
		certs = append(certs, cert)
	}
	return certs, nil
}

func (n NSS) delete(ctx context.Context, nickname string) error {
	_, err := n.certutil(ctx, "-D", "-n", nickname)
	return err
}

// addCommand is what Add runs. By hand certutil asks for a password where one
// is needed; run by us it must not wait for a person, hence the empty file.
func (n NSS) addCommand(ca *CA, unattended bool) Command {
	args := []string{"-d", "sql:" + n.Dir, "-A", "-t", "C,,", "-n", ca.Name(), "-i", ca.CertFile()}
	if unattended {
		args = append(args, "-f", os.DevNull)
	}
	return Command{Name: "certutil", Args: args}
}

func (n NSS) certutil(ctx context.Context, args ...string) ([]byte, error) {
	return n.run(ctx, Command{Name: "certutil", Args: append([]string{"-d", "sql:" + n.Dir}, args...)})
}

func (n NSS) run(ctx context.Context, c Command) ([]byte, error) {
	if n.Run == nil {
		return Run(ctx, c)
	}
	return n.Run(ctx, c)
}
