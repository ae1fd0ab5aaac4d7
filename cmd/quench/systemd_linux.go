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
	maxPassed = 32
)

// passedSockets returns the sockets that systemd opened for us, none if it did
// not. See sd_listen_fds(3).
func (a *app) passedSockets() (p passed, err error) {
	pid, n := a.getenv("LISTEN_PID"), a.getenv("LISTEN_FDS")
	if pid == "" || n == "" {
		return p, nil
	}
	if own, err := strconv.Atoi(pid); err != nil || own != os.Getpid() {
		return p, nil // meant for another process
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 1 || count > maxPassed {
		return p, fmt.Errorf("socket activation: LISTEN_FDS is %q, want 1 to %d", n, maxPassed)
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
		if err := p.take(firstPassed+i, name); err != nil {
			p.close()
			return passed{}, fmt.Errorf("socket activation: socket %d (%s): %w", i+1, name, err)
		}
	}
	return p, nil
}

// take adds a descriptor.
func (p *passed) take(fd int, name string) error {
	// What is no socket is not systemd's, but perhaps our own: it stays as it is.
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return errors.New("is not a socket")
	}
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	kind := socketKind(name)
	if kind == "" {
		return errors.New("quench knows only sockets named proxy, dns, dot, doh and doq")
	}
	if way, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err == nil && way == unix.SOCK_DGRAM {
		return p.takeUDP(f, kind)
	}
	ln, err := net.FileListener(f)
	if err != nil {
		return err
	}
	if _, ok := ln.(*net.TCPListener); !ok {
		_ = ln.Close()
		return errors.New("is not a TCP socket; write ListenStream= with an address and a port")
	}
	switch kind {
	case "dns":
		p.tcp = append(p.tcp, ln)
	case "dot":
		p.secure.DoT = append(p.secure.DoT, ln)
	case "doh":
		p.secure.DoH = append(p.secure.DoH, ln)
	case "doq":
		_ = ln.Close()
		return errors.New("is a TCP socket; QUIC goes by UDP: write ListenDatagram=")
	default:
		p.proxy = append(p.proxy, ln)
	}
	return nil
}

// socketKind is what a socket of that name is for: proxy, dns, dot, doh or doq,
// "" if it says nothing. A socket unit without FileDescriptorName= names its
// sockets after itself: quench-dot.socket.
func socketKind(name string) string {
	for _, k := range []string{"dns", "dot", "doh", "doq"} {
		if name == k || strings.HasSuffix(name, k+".socket") {
			return k
		}
	}
	if name == "" || name == "proxy" || name == "unknown" || strings.HasSuffix(name, ".socket") {
		return "proxy"
	}
	return ""
}

func (p *passed) takeUDP(f *os.File, kind string) error {
	if kind == "proxy" || kind == "dot" {
		return errors.New("is a UDP socket; only DNS (FileDescriptorName=dns), DoQ (doq) and HTTP/3 (doh) have such")
	}
	c, err := net.FilePacketConn(f)
	if err != nil {
		return err
	}
	u, ok := c.(*net.UDPConn)
	if !ok {
		_ = c.Close()
		return errors.New("is not a UDP socket; write ListenDatagram= with an address and a port")
	}
	switch kind {
	case "dns":
		p.udp = append(p.udp, u)
	case "doh":
		p.secure.DoH3 = append(p.secure.DoH3, u)
	default:
		p.secure.DoQ = append(p.secure.DoQ, u)
	}
	return nil
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
