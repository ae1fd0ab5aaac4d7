//go:build linux

// Command proxies measures Quench beside other proxies: the same loads, on
// loopback, in turns, with each proxy a process of its own. It prints tables
// in Markdown; what each column means is in BENCHMARKS.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/origin"
)

// options are the flags.
type options struct {
	rounds  int
	warm    time.Duration
	dur     time.Duration
	only    string
	protos  string
	sizes   string
	quench  string
	profile string
	raw     string
	extras  bool
	sitting bool // this process is the origin
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often each proxy has its turn")
	flag.DurationVar(&o.warm, "warm", 700*time.Millisecond, "load before each measurement")
	flag.DurationVar(&o.dur, "for", 2*time.Second, "length of each measurement, at most a minute")
	flag.StringVar(&o.only, "only", "", "the proxies to measure, by comma (default all)")
	flag.StringVar(&o.protos, "protos", "plain,h1,h2", "the protocols to measure")
	flag.StringVar(&o.sizes, "sizes", "1k,100k,10m", "the sizes to measure")
	flag.StringVar(&o.quench, "quench", "", "a quench to measure instead of building one")
	flag.StringVar(&o.profile, "profile", "", "write a profile of Quench's processor time under the first load to this file")
	flag.StringVar(&o.raw, "raw", "", "write all measurements as JSON to this file")
	flag.BoolVar(&o.extras, "extras", true, "also one worker, memory under 16 x 10 MB, first chunk, answered hits")
	flag.BoolVar(&o.sitting, "origin", false, "be the origin (for our own use)")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "proxies:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.sitting {
		return sit(ctx)
	}
	if o.dur > time.Minute || o.rounds > 20 {
		return fmt.Errorf("a measurement lasts at most a minute, and there are at most 20 rounds")
	}
	lab, err := openLab(ctx, &o)
	if err != nil {
		return err
	}
	defer lab.close()
	lab.startPeers(ctx)
	if o.profile != "" {
		return lab.profile(ctx)
	}
	rec := lab.measureAll(ctx)
	if o.raw != "" {
		data, err := json.MarshalIndent(rec, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.raw, data, 0o644); err != nil {
			return err
		}
	}
	writeReport(os.Stdout, lab, rec)
	return ctx.Err()
}

// sit is the origin's process: it prints where it is and serves until told to
// stop.
func sit(ctx context.Context) error {
	var f origin.Files
	if err := json.Unmarshal([]byte(os.Getenv("BENCH_FILES")), &f); err != nil {
		return err
	}
	s, err := origin.Start(f)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(s.Addrs()); err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close()
}

// wanted reports whether list names v; an empty one names all.
func wanted(list, v string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), v)
}
