package dnsfilter

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// port is a UDP socket outside the runtime's poller. The poller wakes a thread
// for each packet that comes, whether somebody waits for it or not; a reader
// that rests between batches would not save any of that.
type port struct {
	fd, bell int          // bell is readable once the port is stopped
	stopped  atomic.Bool  // set before the bell
	turn     sync.Mutex   // one reader waits at a time: a packet wakes all that do
	using    sync.RWMutex // for writing while the descriptors are closed
	closed   bool
}

// openPort takes over u's socket; u itself is closed, on an error it is as it
// was.
func openPort(u *net.UDPConn) (*port, error) {
	raw, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var failed error
	if err := raw.Control(func(s uintptr) { fd, failed = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || failed != nil {
		return nil, errors.Join(err, failed)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	_ = u.Close() // the duplicate keeps the socket, but not its place in the poller
	return &port{fd: fd, bell: bell}, nil
}

// stop has all calls end with net.ErrClosed, those that wait too.
func (p *port) stop() {
	p.stopped.Store(true)
	_, _ = unix.Write(p.bell, binary.NativeEndian.AppendUint64(nil, 1)) // wakes whoever polls, now and later
}

// free closes the socket. Nobody reads any more.
func (p *port) free() {
	p.stop()
	p.using.Lock()
	defer p.using.Unlock()
	if !p.closed {
		p.closed = true
		_, _ = unix.Close(p.fd), unix.Close(p.bell)
	}
}

// wait returns when the socket is as events says, or the port is stopped.
func (p *port) wait(events int16) {
	fds := [2]unix.PollFd{{Fd: int32(p.fd), Events: events}, {Fd: int32(p.bell), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds[:], -1) // who calls tries again, whatever it says
}

// packet is the kernel's struct mmsghdr.
type packet struct {
	unix.Msghdr
	n uint32
}

// read reads as many packets as are there, at least one.
func (p *port) read(in []packet) (int, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	for !p.stopped.Load() {
		// It never waits, so that the scheduler need not know of it.
		n, _, err := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&in[0])), uintptr(len(in)), unix.MSG_DONTWAIT, 0, 0)
		switch err {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
			p.wait(unix.POLLIN)
		case unix.EINTR:
		default:
			return 0, err
		}
	}
	return 0, net.ErrClosed
}

// write sends packets; what cannot be sent is left out.
func (p *port) write(out []packet) {
	for len(out) > 0 && !p.stopped.Load() {
		n, _, err := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&out[0])), uintptr(len(out)), unix.MSG_DONTWAIT, 0, 0)
		switch err {
		case 0:
			out = out[min(int(n), len(out)):]
		case unix.EAGAIN:
			p.wait(unix.POLLOUT)
		case unix.EINTR:
		default: // the first cannot be sent; the others may
			out = out[1:]
		}
	}
}

// writeLate sends one answer, from any goroutine at any time.
func (p *port) writeLate(msg, control []byte, to address) {
	p.using.RLock()
	defer p.using.RUnlock()
	if p.closed || len(msg) == 0 {
		return
	}
	p.write([]packet{outgoing(msg, control, &to, &unix.Iovec{})})
}

// address is where a packet comes from, as the kernel writes it.
type address struct {
	raw [unix.SizeofSockaddrInet6]byte
	n   uint32
}

// outgoing is msg on its way. The packet keeps what it points to.
func outgoing(msg, control []byte, to *address, v *unix.Iovec) packet {
	v.Base = &msg[0]
	v.SetLen(len(msg))
	p := packet{Msghdr: unix.Msghdr{Name: &to.raw[0], Namelen: to.n, Iov: v}}
	p.SetIovlen(1)
	if len(control) > 0 {
		p.Control = &control[0]
		p.SetControllen(len(control))
	}
	return p
}

// ip returns whose address it is, without a zone; false if it is none of an
// internet protocol.
func (a *address) ip() (netip.Addr, bool) {
	switch family := binary.NativeEndian.Uint16(a.raw[:]); {
	case family == unix.AF_INET && a.n >= unix.SizeofSockaddrInet4:
		return netip.AddrFrom4([4]byte(a.raw[4:8])), true
	case family == unix.AF_INET6 && a.n >= unix.SizeofSockaddrInet6:
		return netip.AddrFrom16([16]byte(a.raw[8:24])), true
	}
	return netip.Addr{}, false
}
