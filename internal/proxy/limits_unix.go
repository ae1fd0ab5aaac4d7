//go:build unix

package proxy

import "golang.org/x/sys/unix"

// fileLimit returns how many descriptors this process may hold, 0 if that is
// not known. The runtime has raised it to the most that is allowed.
func fileLimit() int {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) != nil {
		return 0
	}
	return int(min(uint64(l.Cur), 1<<20))
}
