//go:build !linux

package main

import (
	"net"
	"net/netip"
)

// hardware does not know on this system.
func hardware() map[netip.Addr]net.HardwareAddr { return nil }
