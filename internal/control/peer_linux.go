package control

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// checkPeer refuses callers that are neither this user nor root. The modes of
// the directory and the socket say the same; this holds also when they were
// changed after the start.
func checkPeer(c net.Conn) error {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("not a unix socket: %T", c)
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return fmt.Errorf("look at the caller: %w", err)
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err == nil {
		err = credErr
	}
	if err != nil {
		return fmt.Errorf("look at the caller: %w", err)
	}
	return allowedUID(int(cred.Uid), os.Geteuid())
}

func allowedUID(uid, own int) error {
	if uid != own && uid != 0 {
		return fmt.Errorf("user %d is not the owner of this service", uid)
	}
	return nil
}
