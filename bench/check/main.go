// Check measures how many requests a second "quench check --jsonl" decodes on
// one processor, given the examples of all rules again and again:
//
//	go build -o quench ./cmd/quench
//	go run ./bench/check -quench ./quench
//
// It prints requests a second of processor time, that of the program's start
// taken off, and of elapsed time. With -emit it prints the requests instead.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

func main() {
	quench := flag.String("quench", "", "the program to measure")
	dir := flag.String("rules", "rules", "the folder with vendors and examples")
	repeat := flag.Int("repeat", 40, "how often all examples are asked about")
	emit := flag.Bool("emit", false, "print the requests, one a line, and measure nothing")
	flag.Parse()
	if err := run(*quench, *dir, *repeat, *emit); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

func run(quench, dir string, repeat int, emit bool) error {
	lines, err := requests(dir)
	if err != nil {
		return err
	}
	if emit {
		_, err := os.Stdout.Write(bytes.Join(lines, nil))
		return err
	}
	if quench == "" || repeat < 1 {
		return errors.New("-quench names the program, and -repeat is at least 1")
	}
	start, err := ask(quench, nil, 0)
	if err != nil {
		return err
	}
	all, err := ask(quench, bytes.Repeat(bytes.Join(lines, nil), repeat), len(lines)*repeat)
	if err != nil {
		return err
	}
	n := float64(len(lines) * repeat)
	fmt.Printf("%d requests, %d different, %d bytes\n", len(lines)*repeat, len(lines), repeat*len(bytes.Join(lines, nil)))
	fmt.Printf("start:    %v of a processor\n", start.cpu.Round(time.Millisecond))
	fmt.Printf("requests: %v of a processor, %.0f a second of it\n", (all.cpu - start.cpu).Round(time.Millisecond), n/(all.cpu-start.cpu).Seconds())
	fmt.Printf("elapsed:  %v, %.0f a second\n", all.elapsed.Round(time.Millisecond), n/all.elapsed.Seconds())
	return nil
}

// spent is what a run of the program took.
type spent struct{ cpu, elapsed time.Duration }

// ask runs the program on one processor and wants one line for each that it
// gets.
func ask(quench string, in []byte, want int) (spent, error) {
	tmp, err := os.MkdirTemp("", "quench-check-")
	if err != nil {
		return spent{}, fmt.Errorf("make a folder for its data: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // of the system's own folder for what may go
	var out lineCounter
	cmd := exec.Command(quench, "check", "--jsonl", "--data-dir", tmp)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return spent{}, fmt.Errorf("run %s: %w", quench, err)
	}
	elapsed := time.Since(began)
	if out.lines != want {
		return spent{}, fmt.Errorf("%s answered %d lines to %d", quench, out.lines, want)
	}
	return spent{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), elapsed}, nil
}

// lineCounter counts the lines that are written to it.
type lineCounter struct{ lines int }

func (c *lineCounter) Write(b []byte) (int, error) {
	c.lines += bytes.Count(b, []byte("\n"))
	return len(b), nil
}

// requests gives a line for each example in dir.
func requests(dir string) ([][]byte, error) {
	specs, err := vendor.ParseDir(os.DirFS(dir), "vendors")
	if err != nil {
		return nil, err
	}
	var examples []vendor.ExampleSpec
	for _, s := range specs {
		for _, t := range s.Trackers {
			examples = append(examples, t.Examples...)
		}
	}
	more, err := second(dir)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, ex := range append(examples, more...) {
		line, err := line(&ex)
		if err != nil {
			return nil, fmt.Errorf("example %q: %w", ex.Name, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// second reads the second examples.
func second(dir string) ([]vendor.ExampleSpec, error) {
	names, err := filepath.Glob(filepath.Join(dir, "examples", "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list the examples: %w", err)
	}
	var out []vendor.ExampleSpec
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the examples: %w", err)
		}
		var f struct {
			Examples []vendor.ExampleSpec `yaml:"examples"`
		}
		if err := strictyaml.Decode(name, data, &f); err != nil {
			return nil, err
		}
		out = append(out, f.Examples...)
	}
	return out, nil
}

func line(ex *vendor.ExampleSpec) ([]byte, error) {
	body, err := bodyOf(ex)
	if err != nil {
		return nil, err
	}
	in := struct {
		URL        string            `json:"url"`
		Page       string            `json:"page,omitempty"`
		Type       string            `json:"type,omitempty"`
		Method     string            `json:"method,omitempty"`
		Headers    map[string]string `json:"headers,omitempty"`
		BodyBase64 []byte            `json:"body_base64,omitempty"`
	}{ex.URL, ex.Page, ex.Type, ex.Method, ex.Headers, body}
	out, err := json.Marshal(in)
	return append(out, '\n'), err
}

func bodyOf(ex *vendor.ExampleSpec) ([]byte, error) {
	switch {
	case ex.BodyBase64 != "":
		return base64.StdEncoding.DecodeString(ex.BodyBase64)
	case ex.BodyGzipBase64JSON != "":
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := io.WriteString(z, ex.BodyGzipBase64JSON); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		return []byte(base64.StdEncoding.EncodeToString(b.Bytes())), nil
	}
	return []byte(ex.Body), nil
}
