//go:build !linux

package dnsfilter

import (
	"errors"
	"net"
)

// canShare: elsewhere one socket has all packets of its address.
const canShare = false

func listenShared(string) (*net.UDPConn, error) { return nil, errors.ErrUnsupported }

// openUDP is for one socket's readers.
func (d *Door) openUDP(u *net.UDPConn) udpReader { return singly{d, u, sourceControl(u)} }
