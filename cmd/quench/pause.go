package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
)

const pauseLong = `Block nothing for a while: for one device or group of devices, by the name that
the log and "quench doctor" have for it, or for everybody. What passes is still
recorded. It holds at once, at both doors, and ends by itself or with the service;
"pause: true" in a group of the configuration is for good.

  quench pause --for 10m               for everybody
  quench pause kids --for 1h           for one group
  quench pause ls; quench pause end kids`

// defaultPause is how long a pause is if nobody says.
const defaultPause = "15m"

func (a *app) pauseCmd() *cobra.Command {
	var span string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "pause [CLIENT]", Short: "Block nothing for a while, for somebody or everybody", Long: pauseLong,
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := parseSpan(span)
			if err != nil {
				return usagef("--for: %w", err)
			}
			if d > control.MaxPause {
				return usagef("--for: a pause is at most %s; \"pause: true\" in a group of the configuration is for good", shortSpan(control.MaxPause))
			}
			r := control.PauseRequest{Client: first(args), Seconds: max(1, int64(d/time.Second))}
			c, err := a.running()
			if err != nil {
				return err
			}
			p, err := c.Pause(cmd.Context(), r)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(pauseLine{1, p})
			}
			_, err = fmt.Fprintln(a.out, describePause(p))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&span, "for", defaultPause, "for this `TIME` (10m, 2h), at most 7 days")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.AddCommand(a.pauseLsCmd(), a.pauseEndCmd())
	return cmd
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// running is the service that runs.
func (a *app) running() (*control.Client, error) {
	dir, err := a.data()
	if err != nil {
		return nil, err
	}
	return control.NewClient(dir), nil
}

type pauseLine struct {
	Schema int `json:"schema"`
	control.Pause
}

func describePause(p control.Pause) string {
	who := p.Client
	if who == "" {
		who = "anybody"
	}
	return fmt.Sprintf("nothing is blocked for %s until %s", who, p.Until.Local().Format("2006-01-02 15:04:05"))
}

func describeEnd(client string) string {
	if client == "" {
		return "trackers are blocked again for everybody without a pause of their own"
	}
	return "trackers are blocked again for " + client
}

func (a *app) pauseLsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List who is paused", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.running()
			if err != nil {
				return err
			}
			list, err := c.Pauses(cmd.Context())
			if err != nil {
				return err
			}
			if len(list) == 0 && !asJSON {
				a.say("Nobody is paused, but for what the configuration says.")
			}
			tw := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, p := range list {
				if asJSON {
					err = a.printJSON(pauseLine{1, p})
				} else {
					_, err = fmt.Fprintln(tw, describePause(p))
				}
				if err != nil {
					return err
				}
			}
			return tw.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *app) pauseEndCmd() *cobra.Command {
	return &cobra.Command{
		Use: "end [CLIENT]", Short: "End a pause before its time", Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.running()
			if err != nil {
				return err
			}
			if err := c.Resume(cmd.Context(), control.ResumeRequest{Client: first(args)}); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, describeEnd(first(args)))
			return err
		},
	}
}

// pausesAPI is what the control socket does with pauses.
func (s *service) pausesAPI() control.PauseService {
	return control.PauseService{
		List: func() []control.Pause {
			var out []control.Pause
			for _, p := range s.pauses.List(time.Now()) {
				out = append(out, control.Pause{Client: p.Client, Until: p.Until.UTC()})
			}
			return out
		},
		Add: func(r control.PauseRequest) (control.Pause, error) {
			if err := s.known(r.Client); err != nil {
				return control.Pause{}, err
			}
			now := time.Now()
			until := now.Add(time.Duration(r.Seconds) * time.Second).UTC().Truncate(time.Second)
			return control.Pause{Client: r.Client, Until: until}, s.pauses.Pause(r.Client, until, now)
		},
		End: func(client string) bool { return s.pauses.Resume(client, time.Now()) },
	}
}
