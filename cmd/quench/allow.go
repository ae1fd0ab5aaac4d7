package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
)

const allowLong = `Let requests pass that quench would stop. HOST is where the request goes, --on
the page it is made from; at least one is needed, and both include subdomains. A
pasted URL will do. It holds at once, also in a browser that is open.

  quench allow cdn.example --for 15m      try whether this was it
  quench allow --on shop.example          leave one site alone
  quench allow ls; quench allow remove 3`

func (a *app) allowCmd() *cobra.Command {
	var on, span, client string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "allow [HOST]", Short: "Let something pass, for a while or for good", Long: allowLong,
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := control.AllowRequest{Override: detect.Override{On: on}, Client: client}
			if len(args) == 1 {
				if n := nearestCommand(cmd, args[0]); args[0] != "" && n != "" && !strings.Contains(args[0], ".") {
					return usagef("%q is no host; did you mean %q?", args[0], "quench allow "+n)
				}
				r.To = args[0]
			}
			var err error
			if r.Override, err = memory.CheckOverride(r.Override); err != nil {
				return &usageError{err}
			}
			if span != "" {
				d, err := parseSpan(span)
				if err != nil {
					return usagef("--for: %w", err)
				}
				r.Seconds = max(1, int64(d/time.Second))
			}
			return a.allow(cmd.Context(), r, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringVar(&on, "on", "", "only on pages of this `HOST`")
	f.StringVar(&span, "for", "", "for this `TIME` (15m, 2h, 30d); without it, for good")
	f.StringVar(&client, "client", "", "only for the client with this `LABEL`")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.AddCommand(a.allowLsCmd(), a.allowRemoveCmd())
	return cmd
}

// withAllows runs do on the running service's allows, or on the memory itself
// if no service runs. Who only reads neither makes nor locks anything.
func (a *app) withAllows(ctx context.Context, readOnly bool, do func(allows) error) error {
	dir, err := a.data()
	if err != nil {
		return err
	}
	c := control.NewClient(dir)
	if _, err := c.Status(ctx); !errors.Is(err, control.ErrNotRunning) {
		return do(remoteAllows{ctx, c})
	}
	if !readOnly {
		sock, err := control.Listen(ctx, dir, nil)
		if err != nil {
			return err
		}
		defer sock.Close()
	}
	m, err := memory.Open(dir, memory.Options{Log: a.logger(), ReadOnly: readOnly})
	if err != nil {
		return err
	}
	return errors.Join(do(memoryAllows{m}), m.Close())
}

// allows is what can be done with allows, wherever they are.
type allows interface {
	list() ([]memory.Allow, error)
	add(control.AllowRequest) (memory.Allow, error)
	remove(control.RemoveRequest) (int, error)
}

type remoteAllows struct {
	ctx context.Context
	c   *control.Client
}

func (r remoteAllows) list() ([]memory.Allow, error) { return r.c.Allows(r.ctx) }
func (r remoteAllows) add(q control.AllowRequest) (memory.Allow, error) {
	return r.c.Allow(r.ctx, q)
}
func (r remoteAllows) remove(q control.RemoveRequest) (int, error) { return r.c.RemoveAllow(r.ctx, q) }

type memoryAllows struct{ m *memory.Memory }

func (l memoryAllows) list() ([]memory.Allow, error) { return l.m.ListAllows(), nil }

func (l memoryAllows) add(q control.AllowRequest) (memory.Allow, error) {
	var until time.Time
	if q.Seconds > 0 {
		until = time.Now().Add(time.Duration(q.Seconds) * time.Second).UTC()
	}
	id, err := l.m.AddAllow(q.Override, until, q.Client, "command")
	if err != nil {
		return memory.Allow{}, err
	}
	for _, a := range l.m.ListAllows() {
		if a.ID == id {
			return a, nil
		}
	}
	return memory.Allow{}, fmt.Errorf("%w: %d", memory.ErrNoAllow, id)
}

func (l memoryAllows) remove(q control.RemoveRequest) (int, error) {
	if q.ID != 0 {
		return 1, l.m.RemoveAllow(q.ID)
	}
	return l.m.RemoveOverride(q.Override)
}

func (a *app) allow(ctx context.Context, r control.AllowRequest, asJSON bool) error {
	return a.withAllows(ctx, false, func(l allows) error {
		got, err := l.add(r)
		if err != nil {
			return err
		}
		if _, offline := l.(memoryAllows); offline {
			a.say("No quench is running; this holds from its next start.")
		}
		if asJSON {
			return a.printJSON(allowLine{1, got})
		}
		_, err = fmt.Fprintf(a.out, "%d: %s\n", got.ID, describeAllow(got))
		return err
	})
}

type allowLine struct {
	Schema int `json:"schema"`
	memory.Allow
}

// describeAllow says what an allow lets pass.
func describeAllow(al memory.Allow) string {
	var s string
	switch {
	case al.To == "":
		s = "everything on " + al.On + " passes"
	case al.On == "":
		s = "requests to " + al.To + " pass"
	default:
		s = "requests to " + al.To + " pass on " + al.On
	}
	if al.Client != "" {
		s += " for " + al.Client
	}
	if al.Until.IsZero() {
		return s
	}
	return s + " until " + al.Until.Local().Format("2006-01-02 15:04:05")
}

func (a *app) allowLsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List what is allowed", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAllows(cmd.Context(), true, func(l allows) error {
				list, err := l.list()
				if err != nil {
					return err
				}
				return a.printAllows(list, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func (a *app) printAllows(list []memory.Allow, asJSON bool) error {
	if len(list) == 0 && !asJSON {
		a.say("Nothing is allowed, but for what the configuration says.")
	}
	tw := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, al := range list {
		if asJSON {
			if err := a.printJSON(allowLine{1, al}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(tw, "%d\t%s\n", al.ID, describeAllow(al))
	}
	return tw.Flush()
}

func (a *app) allowRemoveCmd() *cobra.Command {
	var on string
	cmd := &cobra.Command{
		Use: "remove [ID|HOST]", Aliases: []string{"rm"}, Short: "End an allow, by its number or by what it says",
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := control.RemoveRequest{Override: detect.Override{On: on}}
			if len(args) == 1 {
				if id, err := strconv.ParseInt(args[0], 10, 64); err == nil && on == "" {
					if r.ID = memory.ID(id); id <= 0 {
						return fmt.Errorf("%w: %d", memory.ErrNoAllow, id)
					}
				} else {
					r.To = args[0]
				}
			}
			if r.ID == 0 {
				var err error
				if r.Override, err = memory.CheckOverride(r.Override); err != nil {
					return &usageError{err}
				}
			}
			return a.withAllows(cmd.Context(), false, func(l allows) error {
				n, err := l.remove(r)
				if err == nil {
					_, err = fmt.Fprintf(a.out, "%d removed\n", n)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&on, "on", "", "the page `HOST` that the allow names")
	return cmd
}
