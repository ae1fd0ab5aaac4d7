package lists

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/mapfile"
)

const (
	// compiledName is the compiled copy of the lists that were last in force. It
	// is only ever replaced by a rename: who has it mapped keeps the old one.
	compiledName = "compiled.bin"
	// maxCompiled is the largest compiled copy that is opened.
	maxCompiled = 1 << 30
)

// cacheKey is what a compiled copy must have been made of: these texts, by this
// program. A newer one may read the same text differently.
func cacheKey(key string) filterlist.Key {
	h := sha256.New()
	fmt.Fprintln(h, key)
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintln(h, info.GoVersion, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
				fmt.Fprintln(h, s.Value)
			}
		}
	}
	return filterlist.Key(h.Sum(nil))
}

// openCache returns the Set of the compiled copy if it is that of key, else nil.
func (s *Store) openCache(key string) *filterlist.Set {
	f, err := mapfile.Open(filepath.Join(s.o.Dir, compiledName), maxCompiled)
	if err == nil {
		var set *filterlist.Set
		if set, err = filterlist.Open(f.Bytes(), cacheKey(key), f); err == nil {
			return set
		}
	}
	s.log.Debug("no compiled copy of the lists", "err", err)
	return nil
}

// saveCache writes the compiled copy and returns the Set that lies in it, so
// that the one which was built can go. If it cannot be written, set itself is
// as good; the next start will take a little longer.
func (s *Store) saveCache(set *filterlist.Set, key string) *filterlist.Set {
	if s.o.ReadOnly {
		return set
	}
	if err := s.writeCache(set, key); err != nil {
		s.log.Warn("the compiled copy of the lists was not written", "err", err)
		return set
	}
	if again := s.openCache(key); again != nil {
		return again
	}
	return set
}

func (s *Store) writeCache(set *filterlist.Set, key string) error {
	f, err := os.CreateTemp(s.o.Dir, tmpPrefix+"*")
	if err != nil {
		return err
	}
	err = set.Save(f, cacheKey(key))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.o.Dir, compiledName))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	syncDir(s.o.Dir)
	return nil
}
