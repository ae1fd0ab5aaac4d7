package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	portHint = `find who holds it with "ss -ltnp" (as root), or choose another with --proxy`
	// maxTCPTable bounds the lines of /proc/net/tcp that are looked at.
	maxTCPTable = 100_000
)

// portHolder names the process that listens on the port of addr, as far as the
// system tells: "name (process 123)", or "" if it does not.
func portHolder(addr string) string {
	return holder(addr, listens, "/proc/net/tcp", "/proc/net/tcp6")
}

// dnsPortHolder is portHolder for a port that UDP or TCP may have.
func dnsPortHolder(addr string) string {
	if who := portHolder(addr); who != "" {
		return who
	}
	return holder(addr, unconnected, "/proc/net/udp", "/proc/net/udp6")
}

// The states of sockets in the tables.
const (
	listens     = "0A"
	unconnected = "07" // UDP without a peer
)

// holder names the process that has a socket in the way of addr.
func holder(addr, state string, tables ...string) string {
	want, ok := wanted(addr)
	if !ok {
		return ""
	}
	inodes := map[string]bool{}
	for _, table := range tables {
		bound(table, want, state, inodes)
	}
	if len(inodes) == 0 {
		return ""
	}
	return ownerOf(inodes)
}

// bound adds the socket inodes of a table that are in a state and in the way of
// who wants an address.
func bound(table string, w want, state string, inodes map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan() && n < maxTCPTable; n++ {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
		field := strings.Fields(lines.Text())
		if len(field) < 10 || field[3] != state {
			continue
		}
		if has, ok := tableAddr(field[1]); ok && w.clashes(&want{addr: has, wildcard: has.Addr().IsUnspecified()}) {
			inodes[field[9]] = true
		}
	}
}

// tableAddr reads an address as the kernel writes it: each word of four bytes
// in the order of this machine, the port as a number, all in hex.
func tableAddr(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	a, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), ok
}

// ownerOf looks for a process that has one of the sockets open. Without root
// only the user's own processes can be looked into.
func ownerOf(inodes map[string]bool) string {
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return ""
	}
	for _, fd := range fds {
		link, err := os.Readlink(fd)
		inode, ok := strings.CutPrefix(link, "socket:[")
		if err != nil || !ok || !inodes[strings.TrimSuffix(inode, "]")] {
			continue
		}
		pid := strings.Split(fd, "/")[2]
		comm, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			return "process " + pid
		}
		return fmt.Sprintf("%s (process %s)", printable(strings.TrimSpace(string(comm))), pid)
	}
	return ""
}
