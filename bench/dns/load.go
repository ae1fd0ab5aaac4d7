//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

// cell is what one run of dnsperf and the kernel said.
type cell struct {
	Rate float64       `json:"rate"`   // answers a second
	CPU  float64       `json:"cpu_us"` // of the server, a question
	P99  time.Duration `json:"p99_ns"`
	Sent int           `json:"sent"`
	Lost int           `json:"lost"`
	Odd  int           `json:"odd"` // answers that were not NOERROR
}

const (
	clients     = "8"
	outstanding = "64"
	// tailTime is how long latencies are listed at saturation: dnsperf pays for
	// each line, so it is not the run that counts answers.
	tailTime = 2 * time.Second
	// extra is the time that dnsperf has to end.
	extra = 30 * time.Second
	// flatTime bounds a run over many distinct names.
	flatTime = 2 * time.Minute
)

// warm asks once for all that the cached and the mixed load ask.
func (t *turn) warm(ctx context.Context, r *running) error {
	file := t.path("warm")
	if err := writeLines(file, "", questions("cached", nil), "%s"); err != nil {
		return err
	}
	_, err := t.dnsperf(ctx, r, file, "-n", "2")
	return err
}

// load measures one load.
func (t *turn) load(ctx context.Context, r *running, file string, fixed bool) (cell, error) {
	if fixed {
		return t.dnsperf(ctx, r, file, "-v", "-Q", strconv.Itoa(t.o.rate), "-l", seconds(t.o.fixed))
	}
	c, err := t.dnsperf(ctx, r, file, "-l", seconds(t.o.full))
	if err != nil {
		return c, err
	}
	tail, err := t.dnsperf(ctx, r, file, "-v", "-l", seconds(tailTime))
	c.P99 = tail.P99
	return c, err
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// dnsperf runs it against r and reads what it says.
func (t *turn) dnsperf(ctx context.Context, r *running, file string, args ...string) (cell, error) {
	ctx, cancel := context.WithTimeout(ctx, flatTime+extra)
	defer cancel()
	ip, port, _ := strings.Cut(r.addr, ":")
	line := t.pinned(loadCore, append([]string{"dnsperf", "-s", ip, "-p", port, "-d", file, "-c", clients, "-q", outstanding, "-t", "2"}, args...)...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := os.Create(t.path("dnsperf.out"))
	if err != nil {
		return cell{}, err
	}
	defer out.Close()
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &errs
	before, err := quiet(ctx, r.Pid())
	if err != nil {
		return cell{}, err
	}
	if err := cmd.Run(); err != nil {
		return cell{}, fmt.Errorf("dnsperf: %w: %s", err, errs.Bytes()[:min(errs.Len(), 300)])
	}
	after, err := quiet(ctx, r.Pid())
	if err != nil {
		return cell{}, fmt.Errorf("the server is gone: %w", err)
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return cell{}, err
	}
	c, err := parsePerf(out)
	if err == nil {
		c.CPU = float64((after - before).Microseconds()) / float64(c.Sent)
	}
	return c, err
}

const (
	// A server is quiet if it uses at most quietCPU in quietFor. It is waited
	// for quietMost at most.
	quietFor  = 200 * time.Millisecond
	quietCPU  = 10 * time.Millisecond
	quietMost = 15 * time.Second
)

// quiet waits until a server is done with what a load left it to do, so that
// this counts as work for that load, and returns the processor time used so far.
func quiet(ctx context.Context, pid int) (time.Duration, error) {
	tick := time.NewTicker(quietFor)
	defer tick.Stop()
	used, err := proc.CPU(pid)
	for end := time.Now().Add(quietMost); err == nil && time.Now().Before(end); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		last := used
		if used, err = proc.CPU(pid); used-last <= quietCPU {
			break
		}
	}
	return used, err
}

// parsePerf reads dnsperf's report and, if it listed them, the latencies, of
// which a question without answer has none.
func parsePerf(r io.Reader) (cell, error) {
	var c cell
	var took []time.Duration
	completed, fine := 0, 0
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		if rest, ok := strings.CutPrefix(line, "> "); ok {
			if s, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64); err == nil {
				took = append(took, time.Duration(s*float64(time.Second)))
			}
			continue
		}
		key, rest, _ := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if len(f) == 0 {
			continue
		}
		switch key {
		case "Queries sent":
			c.Sent, _ = strconv.Atoi(f[0])
		case "Queries completed":
			completed, _ = strconv.Atoi(f[0])
		case "Queries lost":
			c.Lost, _ = strconv.Atoi(f[0])
		case "Queries per second":
			c.Rate, _ = strconv.ParseFloat(f[0], 64)
		case "Response codes":
			if i := slices.Index(f, "NOERROR"); i >= 0 && i+1 < len(f) {
				fine, _ = strconv.Atoi(f[i+1])
			}
		}
	}
	if err := sc.Err(); err != nil {
		return c, err
	}
	if c.Sent == 0 || completed == 0 {
		return c, errors.New("dnsperf reports no answers")
	}
	c.Odd, c.P99 = completed-fine, percentile(took, 99)
	return c, nil
}

// percentile returns the smallest value that p of a hundred do not exceed, and
// 0 of none.
func percentile(v []time.Duration, p int) time.Duration {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[(len(v)*p+99)/100-1]
}
