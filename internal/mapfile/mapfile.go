// Package mapfile reads a file without reading it: its bytes appear in memory
// as they are asked for, where the system can do that, and are read at once
// where it cannot.
//
// In flows a path, out flow bytes that must not be written to. It knows nothing
// of what they mean.
package mapfile

import (
	"fmt"
	"os"
)

// File is a file's bytes. They stay good for as long as the File is reachable;
// whoever keeps them keeps the File.
type File struct{ data []byte }

// Bytes returns the bytes of the file as it was when it was opened. Writing to
// them ends the program. The file itself must not be changed or cut while the
// File is in use: a new version goes to a new file, renamed into place.
func (f *File) Bytes() []byte { return f.data }

// Open maps the file at path, of at most limit bytes.
func Open(path string, limit int64) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("map file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("map file: %w", err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("map file %s: it is no regular file", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("map file %s: %d bytes are more than %d", path, info.Size(), limit)
	case info.Size() == 0:
		return &File{}, nil
	}
	m, err := open(f, int(info.Size()))
	if err != nil {
		return nil, fmt.Errorf("map file %s: %w", path, err)
	}
	return m, nil
}
