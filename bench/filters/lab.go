//go:build unix

package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/bench/filters/measure"
)

// programs are the sources of the engines' programs. urlfilter's and uBlock's
// licence is GPL-3.0: they are fetched and put together with our measuring at
// run time, in a folder that goes when we end, and are no part of our module.
//
//go:embed testdata/npm testdata/urlfilter measure/measure.go
var programs embed.FS

// job is one thing to measure: an engine's command line.
type job struct {
	table, engine string
	// turns is how many rounds it takes part in.
	turns int
	name  string
	args  []string
}

// lab is the prepared engines.
type lab struct {
	o    *options
	data string // absolute
	dir  string
	jobs []job
}

// record is all samples of each job, in its turns' order.
type record struct {
	Samples map[string][]measure.Sample `json:"samples"`
	Load    string                      `json:"load"`
}

// The tables.
const (
	tableRequests = "requests"
	tableHosts    = "hosts"
	tableNames    = "names"
)

// sizes are how many random names there are in turn.
var sizes = [...]int{1e4, 1e5, 1e6, 5e6}

func openLab(ctx context.Context, o *options, data string) (*lab, error) {
	dir, err := os.MkdirTemp("", "quench-filters-")
	if err != nil {
		return nil, err
	}
	l := &lab{o: o, data: data, dir: dir}
	if err := l.prepare(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) close() { _ = os.RemoveAll(l.dir) }

func (l *lab) prepare(ctx context.Context) error {
	passes := strconv.Itoa(l.o.passes)
	if wanted(l.o.only, "quench") {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		mine := func(table, engine string, turns int, what string) {
			l.jobs = append(l.jobs, job{table, engine, turns, self, []string{"-child", what, "-passes", passes}})
		}
		mine(tableRequests, "quench", l.o.rounds, "requests")
		mine(tableHosts, "quench", l.o.rounds, "hosts")
		for i := 0; l.o.sizes && i < len(sizes); i++ {
			mine(tableNames, strconv.Itoa(sizes[i]), min(3, l.o.rounds), strconv.Itoa(sizes[i]))
		}
	}
	if wanted(l.o.only, "urlfilter") {
		path, err := l.buildGo(ctx)
		if err != nil {
			return fmt.Errorf("prepare urlfilter: %w", err)
		}
		l.jobs = append(l.jobs, job{tableRequests, "urlfilter", l.o.rounds, path, []string{"requests", l.data, passes}},
			job{tableHosts, "urlfilter", l.o.rounds, path, []string{"hosts", l.data, passes}})
	}
	for _, e := range []string{"ghostery", "ubo"} {
		if !wanted(l.o.only, e) {
			continue
		}
		dir, err := l.installNode(ctx)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", e, err)
		}
		l.jobs = append(l.jobs, job{tableRequests, e, l.o.rounds, "node", []string{"--expose-gc", filepath.Join(dir, e+".mjs"), l.data, passes, dir}})
	}
	return nil
}

// wanted reports whether list names v; an empty one names all.
func wanted(list, v string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), v)
}

// unpack writes the files below from into a new folder.
func (l *lab) unpack(from, to string) (string, error) {
	dir := filepath.Join(l.dir, to)
	return dir, fs.WalkDir(programs, from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := programs.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, strings.TrimSuffix(d.Name(), ".txt")), b, 0o600)
	})
}

// buildGo builds urlfilter's program in a module of its own.
func (l *lab) buildGo(ctx context.Context) (string, error) {
	dir, err := l.unpack("testdata/urlfilter", "urlfilter")
	if err != nil {
		return "", err
	}
	if _, err := l.unpack("measure", "urlfilter/measure"); err != nil {
		return "", err
	}
	_, err = l.command(ctx, dir, "go", "build", "-mod=readonly", "-o", "measured", ".")
	return filepath.Join(dir, "measured"), err
}

// installNode installs the engines in JavaScript, once.
func (l *lab) installNode(ctx context.Context) (string, error) {
	dir := filepath.Join(l.dir, "npm")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if _, err := l.unpack("testdata/npm", "npm"); err != nil {
		return "", err
	}
	_, err := l.command(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	return dir, err
}

// command runs a program in dir to its end, with one thread for Go's, and
// returns what it prints.
func (l *lab) command(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), dataVar+"="+l.data, "GOMAXPROCS=1", "GOWORK=off", "GOFLAGS=")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %.2000s", filepath.Base(name), err, said.String())
	}
	return out, nil
}

// measure lets the engines take turns.
func (l *lab) measure(ctx context.Context) (*record, error) {
	rec := &record{Samples: map[string][]measure.Sample{}}
	for round := range l.o.rounds {
		for _, j := range l.jobs {
			if round >= j.turns {
				continue
			}
			out, err := l.command(ctx, l.dir, j.name, j.args...)
			if err != nil {
				return nil, err
			}
			var s measure.Sample
			if err := json.Unmarshal(out, &s); err != nil {
				return nil, fmt.Errorf("%s %s: %w", j.table, j.engine, err)
			}
			key := j.table + " " + j.engine
			rec.Samples[key] = append(rec.Samples[key], s)
			fmt.Fprintf(os.Stderr, "round %d, %s: median %.0f ns, p99 %.0f ns, load average %s\n", round+1, key, s.Median, s.P99, loadAverage())
		}
	}
	rec.Load = loadAverage()
	return rec, nil
}

// loadAverage is the kernel's, "unknown" where there is none to read.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) > 2 {
		return strings.Join(f[:3], " ")
	}
	return "unknown"
}
