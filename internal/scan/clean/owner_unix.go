//go:build unix

package clean

import (
	"io/fs"
	"os"
	"syscall"
)

// likeOwner gives f the owner of a file, as far as we may.
func likeOwner(f *os.File, like fs.FileInfo) {
	if st, ok := like.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid))
	}
}
