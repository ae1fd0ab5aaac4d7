package trust

import (
	"context"
	"crypto/sha1" //nolint:gosec // Windows and macOS name certificates by SHA-1; nothing is trusted by it
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"path/filepath"
	"strings"
)

// darwinStore is the login keychain of macOS, changed through security(1),
// which asks for the user's consent itself. Built, never run on a real Mac.
type darwinStore struct{ o StoreOptions }

func (s darwinStore) keychain() string {
	return filepath.Join(s.o.Home, "Library/Keychains/login.keychain-db")
}

func (s darwinStore) Status(ctx context.Context, ca *CA) Result {
	r := Result{Store: "macOS keychain", Where: s.keychain(), State: Absent, Action: Nothing}
	certs, err := s.find(ctx, ca)
	if err != nil {
		r.State, r.Err = Unknown, err
		return r
	}
	for _, cert := range certs {
		if s.o.matches(cert, ca) {
			r.State = Installed
		}
	}
	return r
}

// find lists our roots. security fails when it finds none, so a failure
// without output is an empty list.
func (s darwinStore) find(ctx context.Context, ca *CA) ([]*x509.Certificate, error) {
	c := Command{"security", []string{"find-certificate", "-a", "-c", strings.TrimSpace(namePrefix), "-p", s.keychain()}}
	out, err := s.o.Run(ctx, c)
	if err != nil && len(out) == 0 {
		if _, lookErr := s.o.LookPath("security"); lookErr != nil {
			return nil, err
		}
		return nil, nil
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(out); block != nil; block, rest = pem.Decode(rest) {
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && s.o.ours(cert, ca) {
			certs = append(certs, cert)
		}
	}
	return certs, nil
}

func (s darwinStore) Install(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if r.State == Installed {
		return r
	}
	add := Command{"security", []string{"add-trusted-cert", "-r", "trustRoot", "-k", s.keychain(), ca.CertFile()}}
	return s.o.apply(ctx, r, WouldAdd, Added, Installed, add)
}

func (s darwinStore) Uninstall(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	certs, err := s.find(ctx, ca)
	if err != nil {
		return failed(r, err)
	}
	var cmds []Command
	for _, cert := range certs {
		// -t drops the user's trust settings together with the certificate.
		cmds = append(cmds, Command{"security", []string{"delete-certificate", "-Z", thumbprint(cert), "-t", s.keychain()}})
	}
	return s.o.apply(ctx, r, WouldRemove, Removed, Absent, cmds...)
}

// windowsStore is the current user's Root store of Windows, changed through
// its own certutil; Windows asks for the user's consent itself. Older Quench
// CAs are not looked for there: the tool's listing is in the user's language.
// Built, never run on a real Windows.
type windowsStore struct{ o StoreOptions }

func (s windowsStore) Status(ctx context.Context, ca *CA) Result {
	r := Result{Store: "Windows", Where: `Cert:\CurrentUser\Root`, State: Absent, Action: Nothing}
	if ca == nil {
		r.State, r.Err = Unknown, errors.New("the CA's file is lost: look for \"Quench local CA\" in certmgr.msc")
		return r
	}
	if _, err := s.o.LookPath("certutil"); err != nil {
		r.State, r.Err = Unknown, err
		return r
	}
	// Fails when the store has no such certificate.
	if _, err := s.o.Run(ctx, Command{"certutil", []string{"-user", "-store", "Root", thumbprint(ca.cert)}}); err == nil {
		r.State = Installed
	}
	return r
}

func (s windowsStore) Install(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if r.State == Installed {
		return r
	}
	add := Command{"certutil", []string{"-user", "-addstore", "Root", ca.CertFile()}}
	return s.o.apply(ctx, r, WouldAdd, Added, Installed, add)
}

func (s windowsStore) Uninstall(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if r.State != Installed {
		return r
	}
	del := Command{"certutil", []string{"-user", "-delstore", "Root", thumbprint(ca.cert)}}
	return s.o.apply(ctx, r, WouldRemove, Removed, Absent, del)
}

// apply runs commands that need no further rights, or on a dry run only shows
// them. No command means that nothing is to do.
func (o StoreOptions) apply(ctx context.Context, r Result, would, did Action, after State, cmds ...Command) Result {
	if len(cmds) == 0 {
		return r
	}
	for _, c := range cmds {
		r.Command = joinCommands(r.Command, c)
	}
	if o.DryRun {
		r.Action = would
		return r
	}
	for _, c := range cmds {
		if _, err := o.Run(ctx, c); err != nil {
			return failed(r, err)
		}
	}
	r.State, r.Action, r.Command, r.Err = after, did, "", nil
	return r
}

func thumbprint(cert *x509.Certificate) string {
	sum := sha1.Sum(cert.Raw) //nolint:gosec // a name, see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
