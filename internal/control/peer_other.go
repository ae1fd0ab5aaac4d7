//go:build !linux

package control

import "net"

// checkPeer leaves the check to the modes of the directory and the socket.
func checkPeer(net.Conn) error { return nil }
