package trust

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxBundle  = 32 << 20 // a full bundle is under 1 MB
	maxAnchors = 4096     // files looked at in an anchor directory
)

// systemKind is how one family of Linux distributions keeps local roots.
type systemKind struct {
	anchors string  // where a local root is dropped
	bundle  string  // what the update makes of it
	add     Command // run after a root was added
	remove  Command // run after one was taken away
}

// systemKinds is tried in order: Fedora and its kin also have the directory of
// the last.
func systemKinds() []systemKind {
	debian := Command{Name: "update-ca-certificates"}
	// Without --fresh the links of a root that is gone stay behind.
	fresh := Command{Name: "update-ca-certificates", Args: []string{"--fresh"}}
	fedora := Command{Name: "update-ca-trust", Args: []string{"extract"}}
	arch := Command{Name: "trust", Args: []string{"extract-compat"}}
	return []systemKind{
		{"/etc/pki/ca-trust/source/anchors", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", fedora, fedora},
		{"/usr/local/share/ca-certificates", "/etc/ssl/certs/ca-certificates.crt", debian, fresh},
		{"/etc/ca-certificates/trust-source/anchors", "/etc/ca-certificates/extracted/tls-ca-bundle.pem", arch, arch},
		{"/etc/pki/trust/anchors", "/var/lib/ca-certificates/ca-bundle.pem", debian, debian},
	}
}

// systemStore is the trust store of a Linux distribution.
type systemStore struct {
	o     StoreOptions
	kind  systemKind
	found bool
}

func findSystemStore(o StoreOptions) systemStore {
	for _, kind := range systemKinds() {
		if info, err := os.Stat(o.path(kind.anchors)); err == nil && info.IsDir() {
			return systemStore{o: o, kind: kind, found: true}
		}
	}
	return systemStore{o: o}
}

func (s systemStore) Status(_ context.Context, ca *CA) Result {
	r := Result{Store: "system", Where: s.o.path(s.kind.anchors), State: Unknown, Action: Nothing}
	if !s.found {
		r.Where = s.o.path("/etc")
		r.Command = packageCommand(s.o, "ca-certificates")
		r.Err = errors.New("no directory for local roots of a known distribution")
		return r
	}
	inBundle, err := s.bundleHas(ca)
	switch {
	case err != nil:
		r.Err = err
	case inBundle:
		r.State = Installed
	default:
		r.State = Absent
	}
	return r
}

func (s systemStore) Install(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if !s.found || r.State == Installed {
		return r
	}
	r.Err = nil // a bundle that cannot be read is made anew below
	file := filepath.Join(r.Where, "quench-"+ca.Fingerprint()[:16]+".crt")
	r.Command = sudo(s.o, Command{"install", []string{"-m", "0644", ca.CertFile(), file}}, s.kind.add)
	if s.o.DryRun {
		r.Action = WouldAdd
		return r
	}
	if !s.o.IsRoot() {
		r.Action = NeedsCommand
		return r
	}
	if err := writeFile(file, ca.PEM()); err != nil {
		return failed(r, err)
	}
	if _, err := s.o.Run(ctx, s.kind.add); err != nil {
		return failed(r, err)
	}
	after := s.Status(ctx, ca)
	if after.State != Installed {
		r.State = after.State
		return failed(r, fmt.Errorf("%s ran, but %s does not hold the CA", s.kind.add, s.o.path(s.kind.bundle)))
	}
	after.Action = Added
	return after
}

func (s systemStore) Uninstall(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if !s.found {
		// Nothing could have been installed, so nothing is wrong.
		return Result{Store: r.Store, Where: r.Where, State: Absent, Action: Nothing}
	}
	files, err := s.ourFiles(ca)
	if err != nil {
		return failed(r, err)
	}
	if len(files) == 0 && r.State == Absent {
		return r
	}
	r.Err = nil
	rm := Command{"rm", append([]string{"-f", "--"}, files...)}
	r.Command = sudo(s.o, rm, s.kind.remove)
	if len(files) == 0 {
		r.Command = sudo(s.o, s.kind.remove)
	}
	if s.o.DryRun {
		r.Action = WouldRemove
		return r
	}
	if !s.o.IsRoot() {
		r.Action = NeedsCommand
		return r
	}
	return s.removeFiles(ctx, ca, r, files)
}

func (s systemStore) removeFiles(ctx context.Context, ca *CA, r Result, files []string) Result {
	for _, file := range files {
		if err := removeIfThere(file); err != nil {
			return failed(r, err)
		}
	}
	if _, err := s.o.Run(ctx, s.kind.remove); err != nil {
		return failed(r, err)
	}
	after := s.Status(ctx, ca)
	if after.State == Installed {
		r.State = Installed
		return failed(r, fmt.Errorf("%s ran, but %s still holds the CA", s.kind.remove, s.o.path(s.kind.bundle)))
	}
	after.Action = Removed
	return after
}

// ourFiles lists the anchors that hold one of our roots and nothing else.
func (s systemStore) ourFiles(ca *CA) ([]string, error) {
	dir := s.o.path(s.kind.anchors)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for installed CAs: %w", err)
	}
	var files []string
	for _, e := range entries[:min(len(entries), maxAnchors)] {
		if ext := filepath.Ext(e.Name()); ext != ".crt" && ext != ".pem" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		data, err := readBounded(path, false)
		if err != nil {
			continue // a directory, a dangling link, something large: not ours
		}
		if cert, err := parseCert(data); err == nil && s.o.ours(cert, ca) {
			files = append(files, path)
		}
	}
	return files, nil
}

// bundleHas reports whether the bundle that programs read holds the CA.
func (s systemStore) bundleHas(ca *CA) (bool, error) {
	f, err := os.Open(s.o.path(s.kind.bundle))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for the CA: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBundle))
	if err != nil {
		return false, fmt.Errorf("looking for the CA: %w", err)
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if cert, err := parseCert(encodeCert(block.Bytes)); err == nil && s.o.matches(cert, ca) {
			return true, nil
		}
	}
	return false, nil
}

// writeFile replaces path in one step.
func writeFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".quench-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, removeIfThere(tmp.Name())))
	}
	return nil
}

// sudo joins commands into a line for a shell, each with sudo unless the user
// is root already.
func sudo(o StoreOptions, cmds ...Command) string {
	var parts []string
	for _, c := range cmds {
		if o.IsRoot() {
			parts = append(parts, c.String())
		} else {
			parts = append(parts, "sudo "+c.String())
		}
	}
	return strings.Join(parts, " && ")
}
