package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// firstPassed is the number of the first descriptor that systemd passes.
	firstPassed = 3
	// maxPassed bounds how many there may be.
	maxPassed = 16
)

// passedListeners returns the sockets that systemd opened for the proxy, none
// if it did not. See sd_listen_fds(3).
func (a *app) passedListeners() (list []net.Listener, err error) {
	pid, n := a.getenv("LISTEN_PID"), a.getenv("LISTEN_FDS")
	if pid == "" || n == "" {
		return nil, nil
	}
	if p, err := strconv.Atoi(pid); err != nil || p != os.Getpid() {
		return nil, nil // meant for another process
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 1 || count > maxPassed {
		return nil, fmt.Errorf("socket activation: LISTEN_FDS is %q, want 1 to %d", n, maxPassed)
	}
	var names []string
	if text := a.getenv("LISTEN_FDNAMES"); text != "" {
		names = strings.Split(text, ":")
	}
	// Browsers that we start must not take these for theirs.
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name)
	}
	for i := range count {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		ln, err := passedListener(firstPassed+i, name)
		if err != nil {
			for _, l := range list {
				_ = l.Close()
			}
			return nil, fmt.Errorf("socket activation: socket %d (%s): %w", i+1, name, err)
		}
		list = append(list, ln)
	}
	return list, nil
}

func passedListener(fd int, name string) (net.Listener, error) {
	// What is no socket is not systemd's, but perhaps our own: it stays as it is.
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, errors.New("is not a socket")
	}
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	// A socket unit without FileDescriptorName= names its sockets after itself.
	if name != "" && name != "proxy" && name != "unknown" && !strings.HasSuffix(name, ".socket") {
		return nil, errors.New("quench knows only sockets named proxy")
	}
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	if _, ok := ln.(*net.TCPListener); !ok {
		_ = ln.Close()
		return nil, errors.New("is not a TCP socket; write ListenStream= with an address and a port")
	}
	return ln, nil
}

// notify tells the service manager how we are, if one wants to know. See
// sd_notify(3). That it does not hear us is no reason to stop.
func (a *app) notify(state string) {
	path := a.getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// The states that notify tells.
const (
	stateReady    = "READY=1"
	stateStopping = "STOPPING=1"
)

// stateReloading carries the time, by which systemd tells one reload from
// another.
func stateReloading() string {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", ts.Nano()/1000)
}
