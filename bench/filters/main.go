//go:build unix

// Command filters measures Quench's filter-list engine beside others: the same
// real requests and lists, one thread, each engine a process of its own, in
// turns. It prints tables in Markdown; what each column means is in
// BENCHMARKS.md. QUENCH_DATA names the folder of public data.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// dataVar is the variable that names the folder of public data.
const dataVar = "QUENCH_DATA"

// options are the flags.
type options struct {
	rounds, passes int
	only           string
	raw            string
	sizes          bool
	profile        string
	child          string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often each engine has its turn; the best counts")
	flag.IntVar(&o.passes, "passes", 5, "how often each question is timed in a round; the best counts")
	flag.StringVar(&o.only, "only", "", "the engines to measure, by comma: quench, urlfilter, ghostery, ubo (default all)")
	flag.BoolVar(&o.sizes, "sizes", true, "also random names, up to five million")
	flag.StringVar(&o.raw, "raw", "", "write all measurements as JSON to this file")
	flag.StringVar(&o.profile, "profile", "", "write profiles of Quench to files that begin so, and measure nothing")
	flag.StringVar(&o.child, "child", "", "be one measurement (for our own use)")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "filters:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if os.Getenv(dataVar) == "" {
		return errors.New(dataVar + " does not name the folder of public data")
	}
	data, err := filepath.Abs(os.Getenv(dataVar))
	switch {
	case err != nil:
		return err
	case o.rounds < 1 || o.rounds > 50 || o.passes < 1 || o.passes > 100:
		return errors.New("there are 1 to 50 rounds and 1 to 100 passes")
	case o.profile != "":
		return profiles(data, o.profile)
	case o.child != "":
		s, err := child(o.child, data, o.passes)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(s)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lab, err := openLab(ctx, &o, data)
	if err != nil {
		return err
	}
	defer lab.close()
	rec, err := lab.measure(ctx)
	if err != nil {
		return err
	}
	if o.raw != "" {
		b, err := json.MarshalIndent(rec, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.raw, b, 0o644); err != nil {
			return err
		}
	}
	want, err := verdicts(data)
	if err != nil {
		return err
	}
	writeReport(os.Stdout, &o, rec, want)
	return nil
}
