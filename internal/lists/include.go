package lists

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
)

// maxIncludes bounds the lists that one list brings in. filterlist bounds how
// deep they nest.
const maxIncludes = 50

// beside finds a list that another includes: only where that one comes from,
// on the same server, or in the same directory or below it.
func beside(base, name string) (string, error) {
	if filepath.IsAbs(base) {
		local := filepath.FromSlash(name)
		if !filepath.IsLocal(local) {
			return "", errors.New("it leads out of the list's directory")
		}
		return filepath.Join(filepath.Dir(base), local), nil
	}
	b, err := url.Parse(base)
	if err != nil {
		return "", errors.New("it has no address to begin from")
	}
	u, err := b.Parse(name)
	if err != nil || u.Scheme != b.Scheme || u.Host != b.Host || u.User != nil {
		return "", errors.New("it leads to another server")
	}
	u.Fragment = ""
	return u.String(), nil
}

func baseName(addr string) string {
	return addr[strings.LastIndexAny(addr, `/\`)+1:]
}
