//go:build unix

package trust

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkPrivate refuses a file or directory that another user owns, or that
// group or others have any right to. mode is what the fix sets.
func checkPrivate(path string, info fs.FileInfo, mode string) error {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, not to user %d who runs this: run as its owner, or `chown %d %s`",
			path, st.Uid, os.Geteuid(), os.Geteuid(), path)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%s is open to other users (mode %04o): fix it with `chmod %s %s`", path, perm, mode, path)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some file systems cannot sync a directory; the file itself is synced.
	_ = d.Sync()
	return nil
}
