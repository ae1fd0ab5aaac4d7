package main

import (
	"bufio"
	"fmt"
	"net"
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
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listening(table, uint16(n), inodes)
	}
	if len(inodes) == 0 {
		return ""
	}
	return ownerOf(inodes)
}

// dnsPortHolder is portHolder for a port that UDP or TCP may have.
func dnsPortHolder(addr string) string {
	if who := portHolder(addr); who != "" {
		return who
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/udp", "/proc/net/udp6"} {
		bound(table, uint16(n), "07", inodes)
	}
	if len(inodes) == 0 {
		return ""
	}
	return ownerOf(inodes)
}

// listening adds the socket inodes that listen on port to inodes.
func listening(table string, port uint16, inodes map[string]bool) {
	bound(table, port, "0A", inodes)
}

// bound adds the socket inodes of a table that have port and are in a state: 0A
// listens, 07 is UDP's without a peer.
func bound(table string, port uint16, state string, inodes map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close()
	want := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(f)
	for n := 0; lines.Scan() && n < maxTCPTable; n++ {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
		field := strings.Fields(lines.Text())
		if len(field) >= 10 && strings.HasSuffix(field[1], want) && field[3] == state {
			inodes[field[9]] = true
		}
	}
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
