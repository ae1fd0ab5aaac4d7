package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/trust"
)

const caLong = `Quench signs the certificates of the sites it looks into with a certificate
authority of its own. It is made on this machine on first use, its key never
leaves the data directory, and no program trusts it until you say so here.`

func (a *app) caCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "ca", Short: "Make programs trust quench's certificates, or stop", Long: caLong,
		Args: noArgs, RunE: needsCommand}
	cmd.AddCommand(
		a.caStoresCmd("install", "Put the certificate where programs look for it", a.caInstall),
		a.caStoresCmd("uninstall", "Take the certificate out again everywhere", a.caUninstall),
		a.caStoresCmd("status", "Say which stores trust the certificate", a.caStatus),
		&cobra.Command{Use: "export", Short: "Print the certificate as PEM", Args: noArgs,
			RunE: func(*cobra.Command, []string) error { return a.caExport() }},
	)
	return cmd
}

// caOptions are the flags of the commands on stores.
type caOptions struct{ dryRun, json bool }

func (a *app) caStoresCmd(use, short string, do func(context.Context, caOptions) error) *cobra.Command {
	var o caOptions
	cmd := &cobra.Command{Use: use, Short: short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return do(cmd.Context(), o) }}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	if use != "status" {
		cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "change nothing, say what would be done")
	}
	return cmd
}

func caDir(data string) string { return filepath.Join(data, "ca") }

// openCA loads the CA, making it on first use.
func (a *app) openCA() (*trust.CA, error) {
	data, err := a.data()
	if err != nil {
		return nil, err
	}
	if err := control.PrivateDir(data); err != nil {
		return nil, err
	}
	return trust.Open(caDir(data))
}

// findCA loads the CA; nil if there is none yet.
func (a *app) findCA() (*trust.CA, error) {
	data, err := a.data()
	if err != nil {
		return nil, err
	}
	ca, err := trust.Load(caDir(data))
	if errors.Is(err, trust.ErrNoCA) {
		return nil, nil
	}
	return ca, err
}

func (a *app) stores(dryRun bool) []trust.Store {
	return trust.Stores(trust.StoreOptions{DryRun: dryRun, Home: a.getenv("HOME"), Getenv: a.getenv})
}

func (a *app) caInstall(ctx context.Context, o caOptions) error {
	var ca *trust.CA
	var err error
	if o.dryRun {
		ca, err = a.findCA()
	} else {
		ca, err = a.openCA()
	}
	if err != nil {
		return err
	}
	if ca == nil { // a dry run before the first use: there is nothing to put anywhere yet
		a.say("There is no certificate authority yet; it would be made first.")
	}
	left := 0
	for _, s := range a.stores(o.dryRun) {
		var r trust.Result
		if ca == nil {
			r = s.Status(ctx, nil)
			if r.State == trust.Absent {
				r.Action = trust.WouldAdd
			}
		} else {
			r = s.Install(ctx, ca)
		}
		left += undone(r)
		if err := a.printStore(r, o.json); err != nil {
			return err
		}
	}
	if !o.dryRun {
		a.resetTrust(ctx)
	}
	return storesLeft(left)
}

// resetTrust lets a running service try the clients again that refused the
// certificate before it was installed.
func (a *app) resetTrust(ctx context.Context) {
	data, err := a.data()
	if err != nil {
		return
	}
	if err := control.NewClient(data).ResetTrust(ctx); err != nil && !errors.Is(err, control.ErrNotRunning) {
		a.say("The running quench was not told: %v", err)
	}
}

func (a *app) caUninstall(ctx context.Context, o caOptions) error {
	ca, err := a.findCA()
	if err != nil {
		a.say("The certificate authority cannot be read (%v); taking out all that this machine made.", err)
	}
	left := 0
	for _, s := range a.stores(o.dryRun) {
		r := s.Uninstall(ctx, ca)
		left += undone(r)
		if err := a.printStore(r, o.json); err != nil {
			return err
		}
	}
	return storesLeft(left)
}

func (a *app) caStatus(ctx context.Context, o caOptions) error {
	ca, err := a.findCA()
	if err != nil {
		return err
	}
	if ca == nil {
		a.say("There is no certificate authority yet; it is made on first use.")
	} else {
		out := a.out
		if o.json { // whose lines are stores
			out = a.err
		}
		fmt.Fprintf(out, "%s, valid until %s\nSHA-256 %s\n%s\n", ca.Name(), ca.Certificate().NotAfter.Format("2006-01-02"), ca.Fingerprint(), ca.CertFile())
	}
	for _, s := range a.stores(false) {
		if err := a.printStore(s.Status(ctx, ca), o.json); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) caExport() error {
	ca, err := a.openCA()
	if err != nil {
		return err
	}
	_, err = a.out.Write(ca.PEM())
	return err
}

func undone(r trust.Result) int {
	if r.Action == trust.Failed || r.Action == trust.NeedsCommand {
		return 1
	}
	return 0
}

func storesLeft(n int) error {
	if n == 0 {
		return nil
	}
	return &codedError{exitFailed, fmt.Errorf("%d of the stores are not done; see above", n)}
}

// storeLine is the JSON of one store.
type storeLine struct {
	Schema  int          `json:"schema"`
	Store   string       `json:"store"`
	Where   string       `json:"where,omitempty"`
	State   trust.State  `json:"state"`
	Action  trust.Action `json:"action"`
	Command string       `json:"command,omitempty"`
	Error   string       `json:"error,omitempty"`
}

func (a *app) printStore(r trust.Result, asJSON bool) error {
	l := storeLine{Schema: 1, Store: r.Store, Where: r.Where, State: r.State, Action: r.Action, Command: r.Command}
	if r.Err != nil {
		l.Error = r.Err.Error()
	}
	if asJSON {
		return a.printJSON(l)
	}
	what := string(l.Action)
	if l.Action == trust.Nothing {
		what = string(l.State)
	}
	_, err := fmt.Fprintf(a.out, "%-14s %s  %s\n", what, l.Store, l.Where)
	if l.Error != "" && err == nil {
		_, err = fmt.Fprintf(a.out, "               %s\n", l.Error)
	}
	if l.Command != "" && err == nil {
		_, err = fmt.Fprintf(a.out, "               run: %s\n", l.Command)
	}
	return err
}
