package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
)

// The states of a check.
const (
	ok   = "ok"
	warn = "warn"
	fail = "fail"
)

// report gathers the doctor's checks.
type report struct{ checks []control.Check }

func (r *report) add(name, state, says, fix string) {
	r.checks = append(r.checks, control.Check{Name: name, State: state, Says: says, Fix: fix})
}

func (a *app) doctorCmd() *cobra.Command {
	var asJSON, offline bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Find out what is wrong, and how to mend it", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks := a.examine(cmd.Context())
			if !offline {
				r := &report{checks: checks}
				examineResolver(cmd.Context(), r, net.DefaultResolver, resolverTime)
				checks = r.checks
			}
			if err := a.printChecks(checks, asJSON); err != nil {
				return err
			}
			for _, c := range checks {
				if c.State == fail {
					return &codedError{exitFailed, nil}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&offline, "offline", false, "ask nothing of the network: leaves out the resolver, which is asked for "+askedName)
	return cmd
}

// examine makes all checks but that of the resolver: those of this machine
// here, those of a running service there.
func (a *app) examine(ctx context.Context) []control.Check {
	r := &report{}
	cfg := a.examineConfig(r)
	dir, err := a.data()
	if err != nil {
		r.add("data directory", fail, err.Error(), "")
		return r.checks
	}
	a.examineDir(r, dir)
	a.examineCA(ctx, r)
	a.examineService(ctx, r, dir, cfg)
	a.examineEnvironment(r, cfg)
	a.examineBrowsers(r)
	return r.checks
}

// examineService asks the running service, or looks at what would keep one
// from running.
func (a *app) examineService(ctx context.Context, r *report, dir string, cfg *config) {
	c := control.NewClient(dir)
	st, err := c.Status(ctx)
	switch {
	case errors.Is(err, control.ErrNotRunning):
		r.add("service", warn, "no quench is running with this data directory", "start it: quench serve, or quench browse")
		a.examinePort(r, cfg)
		a.examineDNSPort(r, cfg)
		a.examineLedger(ctx, r, dir)
		a.examineOwnLists(ctx, r, dir, cfg)
		return
	case err != nil:
		r.add("service", fail, "the control socket does not answer as it should: "+err.Error(), "stop the process that owns it and start quench serve again")
		return
	}
	r.add("service", ok, fmt.Sprintf("quench %s, process %d, mode %s", st.Kind, st.PID, st.Mode), "")
	for _, l := range st.Listeners {
		a.examineListener(ctx, r, l, cfg)
	}
	examineNameServers(r, a.resolvConf(), st.Listeners)
	checks, err := c.Doctor(ctx)
	if err != nil {
		r.add("service", fail, "it cannot say how it is: "+err.Error(), "")
	}
	r.checks = append(r.checks, checks...)
}

// doctor is the part of the checks that only the service itself can make.
func (s *service) doctor(ctx context.Context) []control.Check {
	r := &report{}
	if s.cfg.Load().Mode == "observe" {
		r.add("mode", warn, "it only watches: nothing is blocked", "take out --observe, or set mode: block")
	}
	if about := s.rules.Load().about; about.Trackers == 0 {
		r.add("rules", warn, "no rules are in force", "take out --rules off")
	} else {
		r.add("rules", ok, fmt.Sprintf("%d trackers, %s", about.Trackers, about.Source), "")
	}
	s.examineExceptions(r, time.Now())
	s.examineDNS(ctx, r)
	examineListState(r, s.lists)
	examineLists(r, withOwnFaults(s.lists), time.Now())
	if s.ledger == nil {
		r.add("ledger", warn, "nothing is recorded", "")
		return r.checks
	}
	if st := s.ledger.Stats(); st.LastError != "" || examineSoundness(ctx, r, s.ledger) {
		examineStats(r, st)
	}
	return r.checks
}

// examineExceptions says what passes at the user's own wish: who wonders why
// something is not blocked looks here.
func (s *service) examineExceptions(r *report, now time.Time) {
	for _, p := range s.pauses.List(now) {
		fix := "to end it: quench pause end"
		if p.Client != "" {
			fix += " " + p.Client
		}
		r.add("pause", warn, describePause(control.Pause{Client: p.Client, Until: p.Until}), fix)
	}
	n := len(s.cfg.Load().Allow)
	for _, a := range s.mem.ListAllows() {
		if a.Until.IsZero() || a.Until.After(now) {
			n++
		}
	}
	if n > 0 {
		r.add("allow", ok, plural(n, "exception")+" of yours let something pass; quench allow ls lists those given by command", "")
	}
}

type reportJSON struct {
	Schema int             `json:"schema"`
	Checks []control.Check `json:"checks"`
}

func (a *app) printChecks(checks []control.Check, asJSON bool) error {
	if asJSON {
		return a.printJSON(reportJSON{1, checks})
	}
	colours := map[string]string{ok: "\x1b[32m", warn: "\x1b[33m", fail: "\x1b[31m"}
	colour := a.colour()
	for _, c := range checks {
		state := fmt.Sprintf("%-4s", c.State)
		if colour {
			state = colours[c.State] + state + "\x1b[0m"
		}
		if _, err := fmt.Fprintf(a.out, "%s  %s: %s\n", state, c.Name, c.Says); err != nil {
			return err
		}
		if c.Fix == "" {
			continue
		}
		if _, err := fmt.Fprintf(a.out, "      %s\n", c.Fix); err != nil {
			return err
		}
	}
	return nil
}
