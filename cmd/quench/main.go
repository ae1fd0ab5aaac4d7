// Command quench stands between a person's browser and the companies that
// watch them: it answers tracking pixels itself and writes down in plain words
// what each would have told.
//
// Each subcommand has its own file. This one holds what they share: flags,
// signals, exit codes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreadable  = 4
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}

// app is what all commands share.
type app struct {
	in     io.Reader
	out    io.Writer // data
	err    io.Writer // messages
	getenv func(string) string

	args []string // the command line, without the program's name

	configFile, dataDir, rules, logFormat string
	lists                                 []string // --list
	quiet, verbose                        bool
	started                               bool // the command line was understood
}

// run runs one command line, until it is done or ctx ends, and returns the
// exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errw io.Writer, getenv func(string) string) int {
	a := &app{args: args, in: in, out: out, err: errw, getenv: getenv}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	return a.exit(ctx, err)
}

// exit says what went wrong and chooses the exit code.
func (a *app) exit(ctx context.Context, err error) int {
	var usage *usageError
	var coded *codedError
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage) || !a.started:
		fmt.Fprintf(a.err, "quench: %v\nRun \"quench help\" for usage.\n", err)
		return exitUsage
	case errors.As(err, &coded):
		if coded.err != nil {
			fmt.Fprintf(a.err, "quench: %v\n", coded.err)
		}
		return coded.code
	}
	fmt.Fprintf(a.err, "quench: %v\n", err)
	return exitFailed
}

// usageError is a mistake in the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// codedError ends with an exit code of its own; a nil err says nothing more.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return fmt.Sprint(e.err) }
func (e *codedError) Unwrap() error { return e.err }

const rootLong = `Quench stands between your browser and the companies that watch you through
tracking pixels. It answers the pixels itself, so that pages keep working, and
writes down in plain words what each would have told, to whom, about what.

  quench browse                     a browser of its own, protected; nothing to set up
  quench serve                      a proxy for the browsers you have
  quench log --follow               what happens, one sentence an event
  quench report                     what each company would have known
  quench check URL                  why, and what would it tell?
  quench scan newsletter.eml        what a mail or page would report
  quench allow HOST --for 15m       when something broke

Exit codes: 0 done, 1 failed, 2 usage, 3 found something (scan), 4 some
inputs unreadable, 130 interrupted.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "quench",
		Short:         "Put out tracking pixels, and read what they would have told",
		Long:          rootLong,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if a.logFormat != "text" && a.logFormat != "json" {
				return usagef("--log-format is text or json, not %q", a.logFormat)
			}
			if a.quiet && a.verbose {
				return usagef("-q and -v contradict each other")
			}
			a.started = true
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if a.filters() {
			return a.passThrough(c.Context(), err)
		}
		return flagError(c, err)
	})
	f := root.PersistentFlags()
	f.StringVar(&a.configFile, "config", "", "configuration `FILE`")
	f.StringVar(&a.dataDir, "data-dir", "", "`DIR` for the certificate authority, the ledger and the rest of the state")
	f.StringVar(&a.rules, "rules", "", "\"off\", or a `DIR` with rules of your own besides the built-in ones")
	f.StringArrayVar(&a.lists, "list", nil, "one more filter list, a `FILE or URL`; may be given several times")
	f.StringVar(&a.logFormat, "log-format", "text", "operations log as `FORMAT`: text or json")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say only what went wrong")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more")
	root.AddCommand(a.serveCmd(), a.browseCmd(), a.checkCmd(), a.scanCmd(), a.logCmd(), a.reportCmd(), a.allowCmd(), a.pauseCmd(), a.listsCmd(), a.caCmd(),
		a.configCmd(), a.doctorCmd(), a.versionCmd(), a.manCmd())
	strictHelp(root)
	return root
}

// logger returns the operations log.
func (a *app) logger() *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	switch {
	case a.quiet:
		o.Level = slog.LevelError
	case a.verbose:
		o.Level = slog.LevelDebug
	}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.err, o))
	}
	return slog.New(slog.NewTextHandler(a.err, o))
}

// say tells a person something; -q silences it.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}
