//go:build unix

package lists

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// mapped is a mapping; it goes when nobody holds it any more.
type mapped struct{ data []byte }

// mapFile maps a file for reading. data is good as long as keep is reachable.
func mapFile(path string) (data []byte, keep any, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if n := info.Size(); n <= 0 || n > maxCompiled || !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s has %d bytes", path, n)
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", path, err)
	}
	m := &mapped{data}
	runtime.AddCleanup(m, func(data []byte) { _ = unix.Munmap(data) }, data)
	return data, m, nil
}
