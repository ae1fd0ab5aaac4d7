package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	reporting "github.com/quench-proxy/quench/internal/report"
	"github.com/quench-proxy/quench/rules"
)

const reportLong = `Say what each company would have known without Quench, and what it was told
all the same: on which sites it would have met you, by which number it would
have known you again, what you did there.

  quench report --since 7d                          this week
  quench report --company meta                      one company
  quench report --html > report.html                a page that needs nothing else
  quench report --site shop.example --disclosure    for the owner of a site: a draft of
                                                    the table its privacy notice needs

It reads this computer's own record and asks nothing of any network.`

type reportOptions struct {
	since, company, site   string
	disclosure, json, html bool
}

func (a *app) reportCmd() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use: "report", Short: "Say what each company would have known", Long: reportLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := o.options(time.Now())
			if err != nil {
				return err
			}
			return a.report(cmd.Context(), o, opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.since, "since", "30d", "from this `TIME` on: 24h, 7d, a day or RFC 3339; \"all\" for everything")
	f.StringVar(&o.company, "company", "", "only companies or trackers with `NAME` in theirs")
	f.StringVar(&o.site, "site", "", "only what happened on this `HOST`'s site")
	f.BoolVar(&o.disclosure, "disclosure", false, "with --site: draft what the site's privacy notice must disclose, as Markdown")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.BoolVar(&o.html, "html", false, "print a page of HTML that needs nothing else")
	return cmd
}

func (o *reportOptions) options(now time.Time) (reporting.Options, error) {
	out := reporting.Options{Now: now, Company: o.company, Version: version().Version}
	var err error
	switch {
	case o.json && o.html:
		return out, usagef("--json and --html: one of them")
	case o.disclosure && o.site == "":
		return out, usagef("--disclosure is about one site: give --site HOST")
	case o.disclosure && o.company != "":
		return out, usagef("--disclosure is about all companies on a site; leave --company out")
	}
	if o.since != "all" && o.since != "" {
		if out.Since, err = parseWhen(o.since, now); err != nil {
			return out, usagef("--since: %w", err)
		}
	}
	if o.site != "" {
		if out.Site, err = memory.CleanHost(o.site); err != nil {
			return out, usagef("--site: %w", err)
		}
	}
	return out, nil
}

func (a *app) report(ctx context.Context, o reportOptions, opts reporting.Options) error {
	r, err := a.openReader(ctx)
	if err != nil {
		return err
	}
	if r != nil {
		defer r.Close()
	}
	if o.disclosure {
		return a.disclosure(ctx, r, o, opts)
	}
	p := &ledger.Profile{}
	if r != nil {
		p, err = r.Profile(ctx, ledger.ProfileQuery{Since: opts.Since, Company: opts.Company, Site: opts.Site})
		if err != nil {
			return err
		}
	} else {
		opts.Since = time.Time{} // then it is not for the time that there is nothing
	}
	rep := reporting.New(p, opts)
	switch {
	case o.json:
		return rep.JSON(a.out)
	case o.html:
		return rep.HTML(a.out)
	case rep.Empty():
		a.say("%s", rep.Says[0])
		return nil
	}
	return rep.Text(a.out)
}

// openReader opens the ledger beside whoever writes it, nil if there is none.
// A service that runs is first asked to write what it has.
func (a *app) openReader(ctx context.Context) (*ledger.Reader, error) {
	dir, err := a.data()
	if err != nil {
		return nil, err
	}
	err = control.NewClient(dir).Events(ctx, control.Query{Limit: 1}, func(ledger.Event) error { return nil })
	if err != nil && !errors.Is(err, control.ErrNotRunning) {
		a.say("The service that runs here does not answer (%v); this is what it has written so far.", err)
	}
	r, err := ledger.OpenReader(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return r, err
}

func (a *app) disclosure(ctx context.Context, r *ledger.Reader, o reportOptions, opts reporting.Options) error {
	specs, err := a.specs()
	if err != nil {
		return err
	}
	events := func(yield func(ledger.Event) error) error {
		if r == nil {
			return nil
		}
		return r.Events(ctx, ledger.Filter{Since: opts.Since, Site: opts.Site}, yield)
	}
	d, err := reporting.Disclose(events, specs, opts)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		return d.JSON(a.out)
	case o.html:
		return d.HTML(a.out)
	}
	return d.Markdown(a.out)
}

// specs are the rule files in force: what is known of companies.
func (a *app) specs() ([]*vendor.Spec, error) {
	if a.rules == "off" {
		return nil, nil
	}
	specs, err := engine.Specs(rules.FS)
	if err != nil || a.rules == "" {
		return specs, err
	}
	dir, err := filepath.Abs(a.rules)
	if err != nil {
		return nil, fmt.Errorf("find the rules: %w", err)
	}
	own, err := vendor.ParseDir(os.DirFS(dir), ".")
	return append(specs, own...), inDir(dir, err)
}
