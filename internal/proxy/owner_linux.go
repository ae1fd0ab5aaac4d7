package proxy

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	maxSocketTable = 8 << 20 // bytes of /proc/net/tcp that are read
	maxProcesses   = 8192
	maxFiles       = 16384 // open files of one process
	maxRecent      = 32
)

// owners finds the process at the other end of a loopback connection, so that
// two browsers of one make are two clients.
type owners struct {
	mu     sync.Mutex
	recent []string // processes found before, newest first
}

// find looks for the owner of the socket client that is connected to server.
// It returns at once; the answer, "" if the system does not tell, follows on
// the channel. busy counts the search.
func (o *owners) find(client, server net.Addr, busy *crowd) chan string {
	out := make(chan string, 1)
	busy.enter()
	go func() {
		defer busy.leave()
		out <- o.search(client, server)
	}()
	return out
}

func (o *owners) search(client, server net.Addr) string {
	local, err1 := netip.ParseAddrPort(client.String())
	remote, err2 := netip.ParseAddrPort(server.String())
	if err1 != nil || err2 != nil {
		return ""
	}
	inode := ""
	for _, table := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode = inodeIn(table, local, remote); inode != "" {
			break
		}
	}
	if inode == "" || inode == "0" {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	link := "socket:[" + inode + "]"
	for i, pid := range o.recent {
		if holds(pid, link) {
			o.recent = slices.Insert(slices.Delete(o.recent, i, i+1), 0, pid)
			return identity(pid)
		}
	}
	pid := scan(link)
	if pid == "" {
		return ""
	}
	o.recent = slices.Insert(o.recent, 0, pid)
	o.recent = o.recent[:min(len(o.recent), maxRecent)]
	return identity(pid)
}

func inodeIn(table string, local, remote netip.AddrPort) string {
	f, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxSocketTable))
	for lines.Scan() {
		// sl local rem st tx:rx tr:when retrnsmt uid timeout inode
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			continue
		}
		if l, ok := kernelAddr(fields[1]); !ok || l != plainPort(local) {
			continue
		}
		if r, ok := kernelAddr(fields[2]); ok && r == plainPort(remote) {
			return fields[9]
		}
	}
	return ""
}

// kernelAddr reads "0100007F:1F90": words of four bytes, each in the byte
// order of the machine.
func kernelAddr(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	p, err := strconv.ParseUint(port, 16, 16)
	b, err2 := hex.DecodeString(host)
	if !ok || err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	if littleEndian {
		for i := 0; i < len(b); i += 4 {
			slices.Reverse(b[i : i+4])
		}
	}
	a, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), ok
}

func scan(link string) string {
	d, err := os.Open("/proc")
	if err != nil {
		return ""
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxProcesses)
	for _, pid := range names {
		if pid[0] >= '0' && pid[0] <= '9' && holds(pid, link) {
			return pid
		}
	}
	return ""
}

func holds(pid, link string) bool {
	dir := "/proc/" + pid + "/fd"
	d, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxFiles)
	for _, fd := range names {
		if to, err := os.Readlink(dir + "/" + fd); err == nil && to == link {
			return true
		}
	}
	return false
}

// identity adds the time the process was started, since numbers come again.
func identity(pid string) string {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return ""
	}
	// The name, in parentheses, may hold anything; field 22 of the whole is the
	// 20th after it.
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 20 {
		return ""
	}
	return pid + "@" + string(fields[19])
}
