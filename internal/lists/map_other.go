//go:build !unix

package lists

import (
	"fmt"
	"io"
	"os"
)

// mapFile reads a file: here a mapping would keep it from being replaced.
func mapFile(path string) (data []byte, keep any, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, maxCompiled+1))
	if err == nil && len(data) > maxCompiled {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxCompiled)
	}
	return data, nil, err
}
