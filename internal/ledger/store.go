package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	keySize    = 32
	maxReaders = 4
	// writerPragmas: in WAL mode a commit that returned survives the death of
	// the process, and with synchronous=NORMAL the file survives the death of
	// the machine. What is deleted is overwritten, nothing is spilled to a
	// temporary file, and a WAL that grew is cut back.
	writerPragmas = "_busy_timeout=2000&_auto_vacuum=2&_pragma=secure_delete(1)&_pragma=temp_store(2)" +
		"&_pragma=journal_size_limit(4194304)&_foreign_keys=1&_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate"
	readerPragmas = "_busy_timeout=2000&_pragma=temp_store(2)&_query_only=1"
)

// store is the open database. One writer, several readers.
type store struct {
	dir  string
	w, r *sql.DB
	key  []byte // of the links

	addEvent, addField, setCount *sql.Stmt
}

// openStore opens or makes the store in dir.
func openStore(ctx context.Context, dir string) (*store, error) {
	if err := ownDir(dir); err != nil {
		return nil, fmt.Errorf("preparing the ledger's directory: %w", err)
	}
	file := filepath.Join(dir, fileName)
	if err := ownFile(file, true); err != nil {
		return nil, fmt.Errorf("preparing the ledger's file: %w", err)
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := ownFile(file+end, false); err != nil {
			return nil, fmt.Errorf("preparing the ledger's file: %w", err)
		}
	}
	s := &store{dir: dir}
	if err := s.open(ctx, file); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *store) open(ctx context.Context, file string) error {
	var err error
	if s.key, err = linkKey(filepath.Join(s.dir, keyName)); err != nil {
		return fmt.Errorf("reading the link key: %w", err)
	}
	uri, err := fileURI(file)
	if err != nil {
		return err
	}
	if s.w, err = sql.Open("sqlite", uri+"?"+writerPragmas); err != nil {
		return fmt.Errorf("opening the ledger: %w", err)
	}
	s.w.SetMaxOpenConns(1)
	if err := migrate(ctx, s.w); err != nil {
		return fmt.Errorf("preparing the ledger's tables: %w", err)
	}
	if s.r, err = sql.Open("sqlite", uri+"?"+readerPragmas); err != nil {
		return fmt.Errorf("opening the ledger for reading: %w", err)
	}
	s.r.SetMaxOpenConns(maxReaders)
	return s.prepare(ctx)
}

func (s *store) prepare(ctx context.Context) error {
	for _, p := range []struct {
		into **sql.Stmt
		sql  string
	}{{&s.addEvent, insertEvent}, {&s.addField, insertField}, {&s.setCount, updateCount}} {
		stmt, err := s.w.PrepareContext(ctx, p.sql)
		if err != nil {
			return fmt.Errorf("preparing to write: %w", err)
		}
		*p.into = stmt
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// close closes everything that is open; s may be half open.
func (s *store) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{s.addEvent, s.addField, s.setCount} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	if s.r != nil {
		errs = append(errs, s.r.Close())
	}
	if s.w != nil {
		errs = append(errs, s.w.Close())
	}
	return errors.Join(errs...)
}

func fileURI(file string) (string, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // C:/…
	}
	return (&url.URL{Scheme: "file", Path: abs}).String(), nil
}

// ownDir makes dir, or takes the rights of others from it.
func ownDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	st, err := os.Stat(dir)
	if err != nil || st.Mode().Perm() == 0o700 {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// ownFile takes the rights of others from a file; whatever the umask says.
func ownFile(file string, create bool) error {
	st, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil
		}
		f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(f.Chmod(0o600), f.Close())
	}
	if err != nil || st.Mode().Perm() == 0o600 {
		return err
	}
	return os.Chmod(file, 0o600)
}

// linkKey reads the key of the links, or makes it. A file of another length
// cannot be a key and is replaced.
func linkKey(file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err == nil && len(key) == keySize {
		return key, ownFile(file, false)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fresh := make([]byte, keySize)
	if _, err := rand.Read(fresh); err != nil {
		return nil, err
	}
	if err := writeKey(file, fresh); err != nil {
		return nil, err
	}
	return os.ReadFile(file) // another program may have come first
}

func writeKey(file string, key []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), keyName+".new-*") // 0600 by contract
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// moveAside renames a damaged store, so that a new one can be begun and the
// old one looked at. It returns the new name.
func moveAside(dir string, now time.Time) (string, error) {
	file := filepath.Join(dir, fileName)
	aside := file + ".corrupt-" + now.UTC().Format("20060102T150405.000Z")
	if err := os.Rename(file, aside); err != nil {
		return "", err
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Rename(file+end, aside+end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return aside, err
		}
	}
	return aside, nil
}

// removeAside removes damaged stores that were moved aside before a time.
func removeAside(dir string, before time.Time) error {
	files, err := filepath.Glob(filepath.Join(dir, fileName+".corrupt-*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		if st, err := os.Stat(f); err == nil && st.ModTime().Before(before) {
			errs = append(errs, os.Remove(f))
		}
	}
	return errors.Join(errs...)
}
