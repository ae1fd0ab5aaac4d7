package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/filelock"
)

const (
	// SocketName is the name of the socket in the data directory.
	SocketName = "control.sock"
	lockName   = "control.lock"
	// maxSocketPath is what sun_path holds on the narrowest system, macOS.
	maxSocketPath = 103
	// dialTime bounds the question whether somebody listens.
	dialTime = 2 * time.Second
	// lockWait is how long Listen waits for a lock that nobody answers for.
	lockWait = time.Second
)

// RunningError says that another process owns the data directory.
type RunningError struct {
	Dir  string
	PID  int    // 0 if unknown
	Kind string // what it is: serve or browse; "" if unknown
}

// Error says who it is.
func (e *RunningError) Error() string {
	what := "another quench"
	if e.Kind != "" {
		what = "quench " + e.Kind
	}
	if e.PID != 0 {
		what += " (process " + strconv.Itoa(e.PID) + ")"
	}
	return fmt.Sprintf("%s is already running with the data directory %s", what, e.Dir)
}

// Socket is the listening control socket, and with it the right to write in
// the data directory. Close gives both up.
type Socket struct {
	net.Listener
	path string
	lock *os.File
	log  *slog.Logger
}

// Listen makes the calling process the owner of the data directory and opens
// its socket. The directory is made (0700) if there is none, and refused if
// others can enter it. A socket that a dead process left behind is replaced. If
// another process owns the directory the error is a *RunningError. A nil log
// discards.
func Listen(ctx context.Context, dir string, log *slog.Logger) (*Socket, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := PrivateDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, SocketName)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("control: the path %s is longer than the %d bytes a socket's may have; choose another --data-dir",
			path, maxSocketPath)
	}
	if st, err := ask(ctx, dir); err == nil {
		return nil, &RunningError{Dir: dir, PID: st.PID, Kind: st.Kind}
	}
	lock, err := waitLock(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		lock.Close()
		return nil, fmt.Errorf("control: remove the old socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err == nil {
		// The directory's mode already keeps others out while this is pending.
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("control: listen: %w", err)
	}
	return &Socket{Listener: ln, path: path, lock: lock, log: log}, nil
}

func ask(ctx context.Context, dir string) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return NewClient(dir).Status(ctx)
}

// waitLock is takeLock with some patience: a command that changes an allow
// while no service runs owns the directory for an instant.
func waitLock(ctx context.Context, dir string) (*os.File, error) {
	again := time.NewTicker(lockWait / 20)
	defer again.Stop()
	for end := time.Now().Add(lockWait); ; {
		f, err := takeLock(dir)
		var running *RunningError
		if err == nil || !errors.As(err, &running) || time.Now().After(end) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-again.C:
		}
	}
}

// takeLock takes the lock of the directory and writes our process number into
// it. The lock goes with the process, however it ends.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write in the data directory: %w", err)
	}
	if err := filelock.Try(f); err != nil {
		defer f.Close()
		if !errors.Is(err, filelock.ErrLocked) {
			return nil, fmt.Errorf("control: lock %s: %w", f.Name(), err)
		}
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		n, _ := strconv.Atoi(strings.TrimSpace(string(pid)))
		return nil, &RunningError{Dir: dir, PID: n}
	}
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// PrivateDir makes dir for this user alone if there is none, and refuses one
// that others can enter, with the command that closes it.
func PrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("look at the data directory: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("other users can enter %s (mode %04o), which holds private data; run: chmod 700 %s",
			dir, info.Mode().Perm(), dir)
	}
	return nil
}

// Accept waits for a caller that may speak to us; others are turned away.
func (s *Socket) Accept() (net.Conn, error) {
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err := checkPeer(c); err != nil {
			s.log.Warn("control socket: caller turned away", "err", err)
			_ = c.Close()
			continue
		}
		return c, nil
	}
}

// Close closes and removes the socket and gives up the directory. Closing
// twice is harmless.
func (s *Socket) Close() error {
	err := s.Listener.Close() // removes the socket too
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if lerr := s.lock.Close(); lerr != nil && !errors.Is(lerr, os.ErrClosed) {
		err = errors.Join(err, lerr)
	}
	return err
}
