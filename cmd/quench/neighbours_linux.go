package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxNeighbours bounds the table of neighbours; a home has tens.
const maxNeighbours = 16384

// hardware reads which hardware address each address of this network has.
func hardware() map[netip.Addr]net.HardwareAddr {
	raw, err := syscall.NetlinkRIB(unix.RTM_GETNEIGH, unix.AF_UNSPEC)
	if err != nil {
		return nil
	}
	msgs, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return nil
	}
	out := map[netip.Addr]net.HardwareAddr{}
	for _, m := range msgs {
		if m.Header.Type != unix.RTM_NEWNEIGH || len(out) >= maxNeighbours {
			continue
		}
		if a, mac, ok := neighbour(m.Data); ok {
			out[a] = mac
		}
	}
	return out
}

// neighbour reads an ndmsg and its attributes (rtnetlink(7)).
func neighbour(b []byte) (addr netip.Addr, mac net.HardwareAddr, ok bool) {
	if len(b) < unix.SizeofNdMsg {
		return addr, nil, false
	}
	state := binary.NativeEndian.Uint16(b[8:])
	if state&(unix.NUD_INCOMPLETE|unix.NUD_FAILED|unix.NUD_NOARP) != 0 {
		return addr, nil, false
	}
	for b = b[unix.SizeofNdMsg:]; len(b) >= unix.SizeofRtAttr; {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			break
		}
		value := b[unix.SizeofRtAttr:n]
		switch binary.NativeEndian.Uint16(b[2:]) {
		case unix.NDA_DST:
			addr, _ = netip.AddrFromSlice(value)
		case unix.NDA_LLADDR:
			mac = append(net.HardwareAddr(nil), value...)
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	addr = addr.Unmap()
	return addr, mac, addr.IsValid() && len(mac) == 6
}
