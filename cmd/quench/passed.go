package main

import "net"

// passed are the sockets that a service manager opened for us.
type passed struct {
	proxy []net.Listener
	tcp   []net.Listener // for DNS
	udp   []*net.UDPConn // for DNS
}

func (p passed) close() {
	for _, ln := range p.proxy {
		_ = ln.Close()
	}
	p.closeDNS()
}

func (p passed) closeDNS() {
	for _, ln := range p.tcp {
		_ = ln.Close()
	}
	for _, c := range p.udp {
		_ = c.Close()
	}
}

// dnsAddrs are the addresses of the sockets for DNS.
func (p passed) dnsAddrs() []string {
	var out []string
	for _, ln := range p.tcp {
		out = append(out, ln.Addr().String())
	}
	for _, c := range p.udp {
		out = append(out, c.LocalAddr().String())
	}
	return out
}
