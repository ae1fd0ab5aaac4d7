package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
)

const logLong = `Print what happened, one sentence an event, oldest first; with -v also
which rules of which lists decided.

  quench log --follow                 what happens now
  quench log --since 1h               the last hour
  quench log --company meta --json    all that one company would have learned`

func (a *app) logCmd() *cobra.Command {
	var o logOptions
	cmd := &cobra.Command{
		Use: "log", Short: "Read what would have been told", Long: logLong, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := o.query()
			if err != nil {
				return err
			}
			if o.follow {
				return a.follow(cmd.Context(), q, o)
			}
			return a.readLog(cmd.Context(), q, o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what happens")
	f.BoolVar(&o.json, "json", false, "print one JSON object a line")
	f.StringVar(&o.since, "since", "", "from this `TIME` on: 1h, 30d, a day or RFC 3339")
	f.StringVar(&o.company, "company", "", "only companies or trackers with `NAME` in theirs")
	f.StringVar(&o.site, "site", "", "only what happened on this `HOST`'s site")
	f.IntVarP(&o.limit, "limit", "n", 0, "only the newest `N`")
	cmd.AddCommand(a.eraseCmd())
	return cmd
}

type logOptions struct {
	follow, json         bool
	since, company, site string
	limit                int
}

func (o *logOptions) query() (control.Query, error) {
	q := control.Query{Company: o.company, Limit: o.limit}
	var err error
	if o.since != "" {
		if q.Since, err = parseWhen(o.since, time.Now()); err != nil {
			return q, usagef("--since: %w", err)
		}
	}
	if o.site != "" {
		if q.Site, err = memory.CleanHost(o.site); err != nil {
			return q, usagef("--site: %w", err)
		}
	}
	if o.limit < 0 {
		return q, usagef("--limit is a number from 0")
	}
	return q, nil
}

// nothing says that there is nothing to show.
func (o *logOptions) nothing() string {
	if o.since != "" || o.company != "" || o.site != "" {
		return "Nothing that was recorded fits this."
	}
	return "Nothing has been recorded yet."
}

// printer returns what prints one event. A slow reader's losses are said.
func (a *app) printer(asJSON bool) func(ledger.Event) error {
	return func(e ledger.Event) error {
		if e.Missed > 0 {
			a.say("%d events came too fast to be shown here; quench log has them.", e.Missed)
		}
		if asJSON {
			return a.printJSON(e)
		}
		var b strings.Builder
		fmt.Fprintln(&b, eventLine(&e))
		if a.verbose {
			reasons(&b, &e.Verdict)
		}
		_, err := io.WriteString(a.out, b.String())
		return err
	}
}

// reasons writes why, and what stood against it.
func reasons(w io.Writer, v *detect.Verdict) {
	for _, e := range v.Evidence {
		reason(w, e)
	}
	if v.Exception != nil {
		fmt.Fprint(w, "  but")
		reason(w, *v.Exception)
	}
}

// eventLine is an event as one line of text, with local time.
func eventLine(e *ledger.Event) string {
	s := e.Sentence
	if s == "" {
		s = e.Request.Host + ": " + e.Action.String()
	}
	if e.Count > 1 {
		s += fmt.Sprintf(" (%d times)", e.Count)
	}
	if e.Client != "" { // another device than this one
		s = e.Client + ": " + s
	}
	return e.Time.Local().Format("2006-01-02 15:04:05  ") + printable(s)
}

// follow prints what is stored since the asked time, then what happens.
func (a *app) follow(ctx context.Context, q control.Query, o logOptions) error {
	dir, err := a.data()
	if err != nil {
		return err
	}
	err = control.NewClient(dir).Follow(ctx, q, a.printer(o.json))
	if errors.Is(err, control.ErrNotRunning) {
		return fmt.Errorf("%w, so nothing happens that could be followed; start it with: quench serve", control.ErrNotRunning)
	}
	if err == nil && ctx.Err() == nil {
		a.say("Quench has ended.")
	}
	return errors.Join(err, ctx.Err())
}

func (a *app) readLog(ctx context.Context, q control.Query, o logOptions) (err error) {
	dir, err := a.data()
	if err != nil {
		return err
	}
	shown := false
	defer func() {
		if err == nil && !shown {
			a.say("%s", o.nothing())
		}
	}()
	printer := a.printer(o.json)
	show := func(e ledger.Event) error { shown = true; return printer(e) }
	err = control.NewClient(dir).Events(ctx, q, show)
	if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	l, err := a.openLedger(ctx, dir)
	if errors.Is(err, errNoLedger) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closeLedger(l)
	return book{l: l}.events(ctx, q, show)
}

// openLedger opens the ledger of a directory that no service owns;
// errNoLedger if there is none.
func (a *app) openLedger(ctx context.Context, dir string) (*ledger.Ledger, error) {
	if _, err := os.Stat(filepath.Join(dir, "ledger")); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoLedger
	}
	cfg, err := a.loadConfig(nil)
	if err != nil {
		return nil, err
	}
	opts, err := cfg.ledger()
	if err != nil {
		return nil, err
	}
	opts.Dir = dir
	l, err := ledger.Open(ctx, opts) // its log would tell of traffic, of which there is none
	if err == nil && !l.Stats().ReplacedAt.IsZero() {
		a.say("The ledger was damaged: it was moved aside and a new one begun.")
	}
	return l, err
}

func closeLedger(l *ledger.Ledger) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = l.Close(ctx) // nothing was written
}

func (a *app) eraseCmd() *cobra.Command {
	var before string
	var e control.Erase
	cmd := &cobra.Command{
		Use: "erase", Short: "Erase what was recorded, without a trace",
		Long: "Erase events so that nothing of them is left in the files. What is given must all hold.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if before != "" {
				t, err := parseWhen(before, time.Now())
				if err != nil {
					return usagef("--before: %w", err)
				}
				e.Before = t
			}
			if e.Site != "" {
				host, err := memory.CleanHost(e.Site)
				if err != nil {
					return usagef("--site: %w", err)
				}
				e.Site = host
			}
			some := before != "" || e.Site != "" || e.Client != ""
			if some == e.All {
				return usagef("say what to erase: --before, --site, --client (together or not), or --all alone")
			}
			n, err := a.erase(cmd.Context(), e)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%d events erased\n", n)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&before, "before", "", "what is older than this `TIME`: 30d, a day or RFC 3339")
	f.StringVar(&e.Site, "site", "", "what names this `HOST` or one below it")
	f.StringVar(&e.Client, "client", "", "what the client with this `LABEL` did")
	f.BoolVar(&e.All, "all", false, "everything")
	return cmd
}

func (a *app) erase(ctx context.Context, e control.Erase) (int64, error) {
	dir, err := a.data()
	if err != nil {
		return 0, err
	}
	n, err := control.NewClient(dir).Erase(ctx, e)
	if !errors.Is(err, control.ErrNotRunning) {
		return n, err
	}
	if _, err := os.Stat(filepath.Join(dir, "ledger")); errors.Is(err, fs.ErrNotExist) {
		return 0, nil // nothing there, and erasing must not make it
	}
	sock, err := control.Listen(ctx, dir, nil)
	if err != nil {
		return 0, err
	}
	defer sock.Close()
	l, err := a.openLedger(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer closeLedger(l)
	return book{l: l}.erase(ctx, e)
}
