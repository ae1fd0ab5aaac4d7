//go:build linux

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
	"github.com/quench-proxy/quench/rules"
)

func main() {
	quench := flag.String("quench", "", "the program to measure; empty measures the speed of the packages alone")
	size := flag.Int64("size", 1000, "size of the mailbox in megabytes")
	runs := flag.Int("runs", 40, "how often one mail is scanned")
	flag.Parse()
	if err := measure(os.Stdout, *quench, *size*1e6, *runs, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func measure(w io.Writer, quench string, size int64, runs int, one string) error {
	fmt.Fprintln(w, "| what | measured |\n|---|---|")
	for _, k := range []kind{newsletter, quoted, plain, attached} {
		rate, err := speed(k, 3*time.Second)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %.0f MB/s of a processor |\n", k, rate)
	}
	if quench == "" {
		return nil
	}
	if one != "" {
		wall, cpu, err := startToExit(quench, one, runs)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| one mail from start to exit, median of %d | %.0f ms, %.0f ms of processor |\n", runs, ms(wall), ms(cpu))
	}
	return mailboxRun(w, quench, size)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// spent is the processor time of this process so far.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// speed scans messages of one kind, each taken apart, walked, judged and
// explained, until that has taken the processor time given.
func speed(k kind, long time.Duration) (megabytes float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(200)) // as the program has it
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		return 0, err
	}
	s := scan.Scanner{Judge: judge.Judge{Rules: set}}
	var list [][]byte
	for n := range 200 {
		var b bytes.Buffer
		if err := message(&b, n, k); err != nil {
			return 0, err
		}
		list = append(list, b.Bytes())
	}
	runtime.GC()
	done, start := 0, spent()
	for i := 0; ; i++ {
		raw := list[i%len(list)]
		s.Reuse(s.Message(&source.Message{File: "x.eml", Length: int64(len(raw)), Raw: raw})) // as package run does
		done += len(raw)
		if used := spent() - start; used >= long {
			return float64(done) / 1e6 / used.Seconds(), nil
		}
	}
}

// startToExit scans one mail many times: the medians.
func startToExit(quench, file string, runs int) (wall, cpu time.Duration, err error) {
	var walls, cpus []time.Duration
	for range max(runs, 1) {
		cmd := exec.Command(quench, "scan", "--fail-on", "never", file)
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("scan %s: %w: %s", file, err, out)
		}
		walls = append(walls, time.Since(start))
		cpus = append(cpus, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	return walls[len(walls)/2], cpus[len(cpus)/2], nil
}

// mailboxRun sends a mailbox through a pipe and says what it cost.
func mailboxRun(w io.Writer, quench string, size int64) error {
	cmd := exec.Command(quench, "scan", "--fail-on", "never", "--json", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var last tail
	cmd.Stdout, cmd.Stderr = &last, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", quench, err)
	}
	peak := watch(cmd.Process.Pid)
	messages, err := mailbox(in, size)
	_ = in.Close()
	most := peak()
	if ended := cmd.Wait(); ended != nil {
		return fmt.Errorf("scan a mailbox: %w", ended)
	}
	if err != nil {
		return err
	}
	if want := fmt.Sprintf(`"messages":%d`, messages); !strings.Contains(last.String(), want) {
		return fmt.Errorf("scan a mailbox: the sum does not say %s: %s", want, last.String())
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Fprintf(w, "| mailbox of %.1f GB, %d messages | %.0f MB at most, %.0f s, %.0f s of processor (%.0f MB/s of one) |\n",
		float64(size)/1e9, messages, float64(most)/1e6, time.Since(start).Seconds(), used.Seconds(), float64(size)/1e6/used.Seconds())
	return nil
}

// watch notes the kernel's own peak of a process's memory until the process is
// gone; peak waits for that. What wait(2) reports will not do: it counts what
// this program held when it forked.
func watch(pid int) (peak func() int64) {
	most, gone := int64(0), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			_, p, err := proc.RSS(pid)
			if err != nil {
				return
			}
			most = max(most, p)
		}
	}()
	return func() int64 { <-gone; return most }
}

// tail keeps the last line written to it, without its end if that is far away.
type tail struct{ line, before []byte }

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		t.before = append(append(t.before[:0], t.line...), p[:i]...)
		t.line, p = t.line[:0], p[i+1:]
	}
	if len(t.line) < 1<<20 {
		t.line = append(t.line, p...)
	}
	return n, nil
}

func (t *tail) String() string { return string(t.before) }
