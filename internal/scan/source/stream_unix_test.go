//go:build unix

package source

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func fifo(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPipes: a pipe that is named is read; in a folder it is passed over, as
// are sockets. A socket that is named is refused.
func TestPipes(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"a.eml": a})
	pipe := fifo(t, dir, "pipe")
	socket := filepath.Join(dir, "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skipf("no sockets here: %v", err)
	}
	defer l.Close()
	list, errs := read(t, dir, []string{dir}, Options{})
	if len(list) != 1 || strings.Join(errs, "; ") != "read pipe: a pipe: passed over; read socket: a socket: passed over" {
		t.Errorf("folder: %d messages, errors %q", len(list), errs)
	}
	go func() {
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			_, _ = w.WriteString(f + a + "\n" + f + b)
			_ = w.Close()
		}
	}()
	list, errs = read(t, dir, []string{pipe, socket}, Options{})
	if len(list) != 2 || list[1].Raw != b || len(errs) != 1 || !strings.Contains(errs[0], "it is a socket") {
		t.Errorf("named: %+v, errors %q", list, errs)
	}
}

// TestPipeWithoutWriter: waiting for a writer, and for bytes, ends with ctx.
func TestPipeWithoutWriter(t *testing.T) {
	t.Parallel()
	for _, writer := range []bool{false, true} {
		pipe := fifo(t, t.TempDir(), "pipe")
		ctx, stop := context.WithCancel(t.Context())
		if writer {
			w, err := os.OpenFile(pipe, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
		}
		go stop()
		var last error
		for _, err := range Open(ctx, []string{pipe}, Options{}) {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("writer %v: error %v, want %v", writer, last, context.Canceled)
		}
		if w, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil { // lets go of who opens
			_ = w.Close()
		}
	}
}
