//go:build unix

package mapfile

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

func open(f *os.File, size int) (*File, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	m := &File{data: data}
	// An error would mean that it is not mapped, which is what is wanted.
	runtime.AddCleanup(m, func(b []byte) { _ = unix.Munmap(b) }, data)
	return m, nil
}
