package main

import (
	"net"
	"slices"

	"github.com/quench-proxy/quench/internal/dnsfilter"
)

// passed are the sockets that a service manager opened for us.
type passed struct {
	proxy  []net.Listener
	tcp    []net.Listener // for DNS
	udp    []*net.UDPConn // for DNS
	secure dnsfilter.Secure
}

func (p passed) close() {
	for _, ln := range p.proxy {
		_ = ln.Close()
	}
	p.closeDNS()
}

// closeDNS closes all sockets of the DNS door.
func (p passed) closeDNS() {
	p.closePlain()
	for _, ln := range slices.Concat(p.secure.DoT, p.secure.DoH) {
		_ = ln.Close()
	}
	for _, c := range slices.Concat(p.secure.DoQ, p.secure.DoH3) {
		_ = c.Close()
	}
}

func (p passed) closePlain() {
	for _, ln := range p.tcp {
		_ = ln.Close()
	}
	for _, c := range p.udp {
		_ = c.Close()
	}
}

// dnsAddrs are the addresses of the sockets for DNS, plain and encrypted.
func (p passed) dnsAddrs() []string {
	var out []string
	for _, ln := range slices.Concat(p.tcp, p.secure.DoT, p.secure.DoH) {
		out = append(out, ln.Addr().String())
	}
	for _, c := range slices.Concat(p.udp, p.secure.DoQ, p.secure.DoH3) {
		out = append(out, c.LocalAddr().String())
	}
	return out
}
