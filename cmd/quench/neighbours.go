package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// neighboursEvery is how often the network's tables are read.
	neighboursEvery = 15 * time.Second
	// maxLeases bounds what is read of a DHCP server's leases.
	maxLeases = 1 << 20
)

// leaseFiles are where DHCP servers of this machine keep who has which address,
// in dnsmasq's form: end, hardware address, address, name, id.
var leaseFiles = [...]string{"/var/lib/misc/dnsmasq.leases", "/var/lib/dnsmasq/dnsmasq.leases", "/tmp/dhcp.leases"}

// neighbours knows the hardware addresses and names of devices as this system
// does. Readers never wait; what they see is some seconds old.
type neighbours struct {
	now atomic.Pointer[map[netip.Addr]neighbourInfo]
}

type neighbourInfo struct {
	mac  net.HardwareAddr
	name string
}

// find is a clients.Neighbours.
func (n *neighbours) find(a netip.Addr) (net.HardwareAddr, string) {
	m := n.now.Load()
	if m == nil {
		return nil, ""
	}
	x := (*m)[a]
	return x.mac, x.name
}

// read takes the tables anew.
func (n *neighbours) read(files []string) {
	m := map[netip.Addr]neighbourInfo{}
	for a, mac := range hardware() {
		m[a] = neighbourInfo{mac: mac}
	}
	for _, path := range files {
		data, err := readFile(path, maxLeases)
		if err != nil {
			continue
		}
		parseLeases(string(data), m)
	}
	n.now.Store(&m)
}

// parseLeases adds what a file of leases says. Lines in another form are left
// out.
func parseLeases(text string, into map[netip.Addr]neighbourInfo) {
	names := map[string]string{} // by hardware address
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		mac, merr := net.ParseMAC(f[1])
		a, aerr := netip.ParseAddr(f[2])
		if aerr != nil {
			continue
		}
		x := into[a.Unmap()]
		if merr == nil && len(mac) == 6 {
			x.mac = mac
		}
		if f[3] != "*" && len(f[3]) <= 63 {
			x.name = printable(f[3])
			names[string(x.mac)] = x.name
		}
		into[a.Unmap()] = x
	}
	for a, x := range into { // its IPv6 addresses have its name too
		if name := names[string(x.mac)]; x.name == "" && len(x.mac) > 0 && name != "" {
			x.name = name
			into[a] = x
		}
	}
}

// serve reads again and again until ctx ends.
func (n *neighbours) serve(ctx context.Context) {
	tick := time.NewTicker(neighboursEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n.read(leaseFiles[:])
		}
	}
}
