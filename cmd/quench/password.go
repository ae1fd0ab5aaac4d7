package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/quench-proxy/quench/internal/proxy"
)

// loadPasswords reads the password file of the configuration, from whose
// directory a relative path counts; "" is none. A file that others can read is
// refused: they would know the passwords already.
func (a *app) loadPasswords(path string) (*proxy.Passwords, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		file, _, err := a.configPath()
		if err != nil {
			return nil, err
		}
		if path, err = filepath.Abs(filepath.Join(filepath.Dir(file), path)); err != nil {
			return nil, fmt.Errorf("proxy.password_file: %w", err)
		}
	}
	data, err := a.readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("proxy.password_file: %w", err)
	}
	p, err := proxy.ParsePasswords(path, data)
	if err != nil {
		return nil, fmt.Errorf("proxy.password_file: %w", err)
	}
	return p, nil
}

func (a *app) readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening: a pipe would wait for ever
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&a.othersMay(path) != 0 {
		return nil, fmt.Errorf("other users can read %s (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	return io.ReadAll(io.LimitReader(f, proxy.MaxPasswordFile+1))
}

// othersMay is what no one but the owner may do. systemd gives a service its
// credentials by an access list, which shows as the group's right to read; the
// directory around them is closed to all others.
func (a *app) othersMay(path string) fs.FileMode {
	dir := a.getenv("CREDENTIALS_DIRECTORY")
	if dir == "" || !filepath.IsAbs(dir) {
		return 0o077
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return 0o077
	}
	return 0o037
}
