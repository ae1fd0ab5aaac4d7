//go:build !linux

package proxy

import "net"

// owners would find the process at the other end of a loopback connection;
// here the system does not tell without privileges, so that equal programs
// count as one client.
type owners struct{}

func (*owners) find(_, _ net.Addr, _ *crowd) chan string {
	out := make(chan string, 1)
	out <- ""
	return out
}
