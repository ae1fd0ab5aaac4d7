//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

// lab is one run: the upstream, and a directory for all files.
type lab struct {
	o        *options
	dir      string
	self     string
	up       *proc.Proc
	upstream string // its address
	found    []server
	missing  []string // name and reason
	made     int      // directories
}

const (
	startTime = 2 * time.Minute // for a server to answer rightly
	settle    = 2 * time.Second // before its memory is read
	askEvery  = 2 * time.Millisecond
	// serverCore and loadCore are the processors that pinned processes run on.
	serverCore, loadCore = "0", "1"
)

// cores returns how many processors there are.
func cores() int { return runtime.NumCPU() }

func openLab(ctx context.Context, o *options) (_ *lab, err error) {
	dir, err := os.MkdirTemp("", "bench-dns-")
	if err != nil {
		return nil, err
	}
	l := &lab{o: o, dir: dir}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for _, tool := range []string{"dnsperf", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, err
		}
	}
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if err := l.startUpstream(ctx); err != nil {
		return nil, err
	}
	l.found, l.missing = l.servers(ctx)
	if len(l.found) == 0 {
		return nil, errors.New("there is no server to measure")
	}
	return l, nil
}

func (l *lab) close() {
	if l.up != nil {
		l.up.Stop()
	}
	_ = os.RemoveAll(l.dir)
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// pinned puts the processor before a command line.
func (l *lab) pinned(core string, line ...string) []string {
	if !l.o.pin {
		return line
	}
	return append([]string{"taskset", "-c", core}, line...)
}

func (l *lab) startUpstream(ctx context.Context) error {
	addr, err := freePort()
	if err != nil {
		return err
	}
	l.upstream = addr
	line := l.pinned(loadCore, l.self, "-be", addr)
	if l.up, err = proc.Start(l.dir, l.path("upstream.log"), nil, line[0], line[1:]...); err != nil {
		return err
	}
	_, err = l.answers(ctx, addr, "upstream.example", false)
	return err
}

// running is a server that answers as it should.
type running struct {
	*proc.Proc
	addr  string
	ready time.Duration // from its start to the first right answer
	cpu   time.Duration // that it used for that
}

// start runs a server on the files in dir, which prepare made.
func (l *lab) start(ctx context.Context, dir, addr, probe string, pin bool, line []string) (*running, error) {
	if pin {
		line = l.pinned(serverCore, line...)
	}
	begin := time.Now()
	p, err := proc.Start(dir, dir+"/log", []string{"XDG_RUNTIME_DIR=" + dir}, line[0], line[1:]...)
	if err != nil {
		return nil, err
	}
	at, err := l.answers(ctx, addr, probe, probe != "")
	if err != nil {
		p.Stop()
		log, _ := os.ReadFile(dir + "/log")
		return nil, fmt.Errorf("%w: %s", err, log[max(0, len(log)-600):])
	}
	used, err := proc.CPU(p.Pid())
	if err != nil {
		p.Stop()
		return nil, err
	}
	return &running{Proc: p, addr: addr, ready: at.Sub(begin), cpu: used}, nil
}

// answers asks at addr for a name until the answer is right, and returns when
// it was: the null address if it is to be blocked, another if not.
func (l *lab) answers(ctx context.Context, addr, name string, blocked bool) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	c, err := net.Dial("udp", addr)
	if err != nil {
		return time.Time{}, err
	}
	defer c.Close()
	if name == "" {
		name = "ready.example"
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for last := errors.New("no answer"); ; {
		got, err := ask(c, name, typeA, askEvery)
		if err == nil && got == blocked {
			return time.Now(), nil
		}
		if err == nil {
			last = fmt.Errorf("blocked: %v", got)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s for %s: %w, last %w", addr, name, ctx.Err(), last)
		}
	}
}

const (
	typeA    = 1
	typeAAAA = 28
)

// ask sends one question and reports whether the answer's address is null. An
// answer to another question is passed over.
func ask(c net.Conn, name string, kind uint16, patience time.Duration) (null bool, err error) {
	q := question(name, kind)
	if _, err := c.Write(q); err != nil {
		return false, err
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return false, err
	}
	var b [1500]byte
	for {
		n, err := c.Read(b[:])
		if err != nil {
			return false, err
		}
		if n >= len(q) && strings.EqualFold(string(b[12:len(q)]), string(q[12:])) {
			return isNull(b[:n], kind)
		}
	}
}

// question is a packet with RD set.
func question(name string, kind uint16) []byte {
	b := []byte{0x51, 0x51, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = binary.BigEndian.AppendUint16(append(b, 0), kind)
	return binary.BigEndian.AppendUint16(b, 1) // IN
}

// isNull reads the address at the end of an answer with at least one record
// and nothing behind it.
func isNull(b []byte, kind uint16) (bool, error) {
	size := 4
	if kind == typeAAAA {
		size = 16
	}
	if len(b) < 12+size || b[3]&15 != 0 || binary.BigEndian.Uint16(b[6:]) == 0 {
		return false, fmt.Errorf("no address in %x", b)
	}
	for _, v := range b[len(b)-size:] {
		if v != 0 {
			return false, nil
		}
	}
	return true, nil
}

// freePort returns an address of 127.0.0.1 that is free for UDP and TCP now.
func freePort() (string, error) {
	for range 20 {
		addr, err := proc.FreePort()
		if err != nil {
			return "", err
		}
		if c, err := net.ListenPacket("udp", addr); err == nil {
			return addr, c.Close()
		}
	}
	return "", errors.New("no port is free for both UDP and TCP")
}

// moduleVersion says which version of a module we are built with.
func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return "?"
}
