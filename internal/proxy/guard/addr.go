package guard

import "net/netip"

// metadataNames are names of cloud metadata services.
var metadataNames = map[string]bool{
	"metadata.google.internal": true, "metadata.goog": true, "metadata": true,
	"instance-data": true, "instance-data.ec2.internal": true,
}

// metadata reports an address of a cloud metadata service. It wants an
// Effective address.
func metadata(a netip.Addr) bool {
	switch a {
	case netip.AddrFrom4([4]byte{169, 254, 169, 254}), // most clouds
		netip.AddrFrom4([4]byte{169, 254, 170, 2}),   // AWS containers
		netip.AddrFrom4([4]byte{169, 254, 170, 23}),  // AWS pod identity
		netip.AddrFrom4([4]byte{100, 100, 100, 200}), // Alibaba
		netip.AddrFrom4([4]byte{192, 0, 0, 192}),     // Oracle
		netip.AddrFrom4([4]byte{168, 63, 129, 16}):   // Azure
		return true
	}
	return a == ec2IPv6 || a == ec2PodIPv6 || a == googleIPv6
}

var (
	ec2IPv6    = netip.MustParseAddr("fd00:ec2::254")
	ec2PodIPv6 = netip.MustParseAddr("fd00:ec2::23")
	googleIPv6 = netip.MustParseAddr("fd20:ce::254")

	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	compatible = netip.MustParsePrefix("::/96")          // RFC 4291 §2.5.5.1

	privatePrefixes = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),      // this network: Linux takes it as loopback
		netip.MustParsePrefix("100.64.0.0/10"),  // CGNAT, and overlay networks
		netip.MustParsePrefix("192.0.0.0/24"),   // IETF protocol assignments
		netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
		netip.MustParsePrefix("240.0.0.0/4"),    // reserved, and broadcast
		netip.MustParsePrefix("fec0::/10"),      // site-local, deprecated
		netip.MustParsePrefix("100::/64"),       // discard
	}
)

// Effective returns the address that packets to a end at: an IPv4 address for
// the ways IPv6 has to write one (mapped, compatible, NAT64, 6to4), and no
// zone.
func Effective(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() || a.IsUnspecified() || a == netip.IPv6Unspecified() || a.IsLoopback() {
		return a
	}
	b := a.As16()
	switch {
	case nat64.Contains(a), nat64Local.Contains(a), compatible.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// IsPrivate reports whether an Effective address is not one of the public
// Internet: loopback, private, link-local, unique local, CGNAT, unspecified,
// multicast, reserved. Documentation and benchmark ranges count as public:
// nothing answers there, or a VPN client that hands them out for public names.
func IsPrivate(a netip.Addr) bool {
	if !a.IsValid() || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() ||
		a.IsLinkLocalUnicast() || a.IsMulticast() {
		return true
	}
	for _, p := range privatePrefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// IsNull reports the addresses by which filtering resolvers say no.
func IsNull(a netip.Addr) bool { return a.Unmap().IsUnspecified() }
