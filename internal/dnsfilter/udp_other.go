//go:build !linux

package dnsfilter

import (
	"errors"
	"net"
)

// canShare: elsewhere one socket has all packets of its address.
const canShare = false

func listenShared(string) (*net.UDPConn, error) { return nil, errors.ErrUnsupported }

// readUDP answers packets one by one.
func (d *Door) readUDP(l *lane, u *net.UDPConn, aside func([]byte) []byte) error {
	return d.readSingly(l, u, aside)
}
