//go:build linux || darwin || freebsd

package main

import "golang.org/x/sys/unix"

// freeSpace returns the bytes that this user may still write in dir.
func freeSpace(dir string) (uint64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return uint64(max(0, int64(st.Bavail))) * uint64(st.Bsize), true
}
