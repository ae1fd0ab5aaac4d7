//go:build linux

// Command dns measures Quench beside other resolvers: the same names, the same
// upstream, the same questions from dnsperf, on loopback, one server at a time,
// each a process of its own. It prints tables in Markdown.
//
// It needs dnsperf and taskset; a server that is not installed is left out and
// named.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	rounds  int
	starts  int
	full    time.Duration
	fixed   time.Duration
	rate    int
	lists   string
	only    string
	loads   string
	flat    int
	pin     bool
	quench  string
	coredns string
	raw     string
	be      string
}

// limits of the flags, so that a run ends.
const (
	maxSpan   = time.Minute
	maxRounds = 20
	maxNames  = 5_000_000
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 1, "how often each server has its turn; the median counts")
	flag.IntVar(&o.starts, "starts", 3, "how many starts are timed in a round; the median counts")
	flag.DurationVar(&o.full, "full", 8*time.Second, "length of a measurement at saturation")
	flag.DurationVar(&o.fixed, "fixed", 10*time.Second, "length of a measurement at a fixed rate")
	flag.IntVar(&o.rate, "rate", 5000, "the fixed rate, in questions a second")
	flag.StringVar(&o.lists, "lists", "100000,1000000", "how many names the lists hold, by comma")
	flag.StringVar(&o.only, "only", "", "the servers to measure, by comma: quench, dnsmasq, unbound, coredns, echo (default all)")
	flag.StringVar(&o.loads, "loads", "blocked,cached,mixed", "the questions to ask, by comma; empty for none")
	flag.IntVar(&o.flat, "flat", 1_000_000, "how many distinct blocked and distinct random names to ask with the longest list; 0 for none")
	flag.BoolVar(&o.pin, "pin", true, "servers on one processor, dnsperf and the upstream on another")
	flag.StringVar(&o.quench, "quench", "", "a quench to measure instead of building one")
	flag.StringVar(&o.coredns, "coredns", "coredns", "the CoreDNS to measure")
	flag.StringVar(&o.raw, "raw", "", "write all measurements as JSON to this file")
	flag.StringVar(&o.be, "be", "", "be the responder at this address (for our own use)")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "dns:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.be != "" {
		return respond(ctx, o.be)
	}
	sizes, err := o.sizes()
	if err != nil {
		return err
	}
	l, err := openLab(ctx, &o)
	if err != nil {
		return err
	}
	defer l.close()
	rec := l.measureAll(ctx, sizes)
	if o.raw != "" {
		data, err := json.MarshalIndent(rec, "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.raw, data, 0o644); err != nil {
			return err
		}
	}
	writeReport(os.Stdout, &o, l, rec)
	return ctx.Err()
}

// sizes checks the flags and reads the lengths of the lists, shortest first.
func (o *options) sizes() ([]int, error) {
	if o.rounds < 1 || o.rounds > maxRounds || o.starts < 1 || o.starts > maxRounds {
		return nil, fmt.Errorf("there are 1 to %d rounds and starts", maxRounds)
	}
	if min(o.full, o.fixed) < time.Second || max(o.full, o.fixed) > maxSpan || o.rate < 1 {
		return nil, fmt.Errorf("a measurement lasts 1s to %v, at 1 or more questions a second", maxSpan)
	}
	if o.flat < 0 || o.flat > maxNames {
		return nil, fmt.Errorf("at most %d distinct names are asked", maxNames)
	}
	var out []int
	for _, f := range strings.Split(o.lists, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < probes || n > maxNames {
			return nil, fmt.Errorf("a list has %d to %d names, not %q", probes, maxNames, f)
		}
		out = append(out, n)
	}
	if o.pin && cores() < 2 {
		return nil, errors.New("there is one processor: say -pin=false")
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// wanted reports whether list names v; an empty one names all.
func wanted(list, v string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), v)
}
