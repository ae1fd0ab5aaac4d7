package main

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/scan"
	scanjudge "github.com/quench-proxy/quench/internal/scan/judge"
	scanrun "github.com/quench-proxy/quench/internal/scan/run"
	"github.com/quench-proxy/quench/internal/scan/show"
	"github.com/quench-proxy/quench/internal/scan/source"
)

const scanLong = `What would this mail, page or recorded session report, to whom, and about whom?
Quench reads it here and fetches nothing. Inputs are files, folders, globs and
- for standard input: mail (.eml, .mht, .msg), mbox and Maildir, HTML pages, HAR
archives, as they are or compressed (.gz, .zst).

  quench scan newsletter.eml
  quench scan --me ann@home.example ~/Mail        a whole mailbox
  quench scan --clean tidy.eml newsletter.eml     a copy that reports nothing
  quench scan --clean ~/Mail ~/Mail               the same, in place
  quench scan --compare yours.eml mine.eml        which bytes are mine alone

Each reference gets a rung: proven (your address is in it), vendor (a rule or a
list names it), likely, hidden, token, ordinary. --clean makes the first four
inert, all but pictures you see and links; --clean-what all makes every reference
inert. Scripts of a page are not run and not changed: Quench says so where there
are any. Every other byte stays as it is. Messages that are signed or encrypted
are left alone unless --force is given.

--json prints one object a line: each finding, after a message's findings the
message ("message"), then the sum ("total"); "error" is what could not be read.

--filter is for procmail, maildrop and Sieve: one mail in, the clean mail out.
Whatever goes wrong (rules, options, a fault in Quench, a mail too long or not
readable), the mail passes unchanged, standard error says why, and the exit code
is 0. Only if the mail itself could not be passed on (output closed, a signal
while it was still coming) is the exit code another, so that the mail is kept
where it came from.

Exit codes: 0 nothing at or above --fail-on, 3 something was, 4 some input could
not be read, or not in full, or a copy still holds what it should not, 130
interrupted. 4 goes before 3: --json tells both.`

// exitFound is for findings at or above --fail-on.
const exitFound = 3

// scanOptions are the flags of quench scan.
type scanOptions struct {
	json, sarif, html      bool
	clean, what            string
	force, filter, compare bool
	me                     []string
	failOn, offset         string
	// broken is what is wrong with the command line, for --filter to say.
	broken error
}

func (a *app) scanCmd() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use: "scan PATH…|-", Short: "What would this mail, page or archive report?", Long: scanLong,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.filter {
				return a.scanFilter(cmd.Context(), &o, args)
			}
			if err := o.check(args); err != nil {
				return err
			}
			if o.compare {
				return a.scanCompare(cmd.Context(), &o, args)
			}
			return a.scan(cmd.Context(), &o, args)
		},
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if o.filter || a.filters() {
			return a.passThrough(c.Context(), err)
		}
		return flagError(c, err)
	})
	cmd.PersistentPreRunE = func(c *cobra.Command, args []string) error {
		err := c.Root().PersistentPreRunE(c, args)
		if err != nil && o.filter {
			o.broken, err = err, nil
		}
		return err
	}
	o.flags(cmd)
	return cmd
}

func (o *scanOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.filter, "filter", false, "a mail on standard input, clean on standard output; unchanged if anything is wrong")
	f.BoolVar(&o.json, "json", false, "print JSON, one object a line")
	f.BoolVar(&o.sarif, "sarif", false, "print SARIF 2.1.0")
	f.BoolVar(&o.html, "html", false, "print one HTML page to read or send")
	f.StringVar(&o.clean, "clean", "", "write a copy that reports nothing to `OUT`: a file, a folder, - for standard output, or PATH itself")
	f.StringVar(&o.what, "clean-what", "trackers", "what the copy loses, `trackers|all`")
	f.BoolVar(&o.force, "force", false, "change signed parts too, and overwrite OUT")
	f.BoolVar(&o.compare, "compare", false, "set two copies of one mail side by side")
	f.StringArrayVar(&o.me, "me", nil, "an `ADDRESS` of yours, besides those in the mail's header; may be repeated")
	f.StringVar(&o.failOn, "fail-on", "likely", "exit with 3 from this rung on, `proven|vendor|likely|hidden|never`")
	f.StringVar(&o.offset, "offset", "", "go on from `[FILE:]BYTE`, as an interrupted scan names it")
}

// check finds mistakes in the command line.
func (o *scanOptions) check(args []string) error {
	formats := 0
	for _, on := range [...]bool{o.json, o.sarif, o.html} {
		if on {
			formats++
		}
	}
	_, failOn := o.threshold()
	switch {
	case len(args) == 0:
		return usagef("scan needs a path, or - for standard input")
	case formats > 1:
		return usagef("--json, --sarif and --html exclude each other")
	case failOn != nil:
		return failOn
	case o.what != "trackers" && o.what != "all":
		return usagef("--clean-what is trackers or all, not %q", o.what)
	case o.compare && len(args) != 2:
		return usagef("--compare needs two mails, but got %d", len(args))
	case o.compare && (o.clean != "" || o.sarif || o.html || o.offset != ""):
		return usagef("--compare goes with --json and --me alone")
	case o.clean == "" && !o.filter && (o.force || o.what != "trackers"):
		return usagef("--clean-what and --force say what --clean does, which is not given")
	case slices.ContainsFunc(o.me, noAddress):
		return usagef("--me is an e-mail address, not %q", o.me[slices.IndexFunc(o.me, noAddress)])
	case o.clean != "" && o.offset != "":
		return usagef("--clean needs the whole mailbox; it does not go with --offset")
	case twice(args, "-"):
		return usagef("standard input can be read once")
	}
	return nil
}

// noAddress reports that s has no name or no host around an "@".
func noAddress(s string) bool {
	name, host, _ := strings.Cut(strings.TrimSpace(s), "@")
	return name == "" || host == ""
}

func twice(list []string, s string) bool {
	i := slices.Index(list, s)
	return i >= 0 && slices.Contains(list[i+1:], s)
}

// threshold is the last rung that fails; none is below Proven.
func (o *scanOptions) threshold() (last int, err error) {
	for l := scanjudge.Proven; l <= scanjudge.Hidden; l++ {
		if o.failOn == l.String() {
			return int(l), nil
		}
	}
	if o.failOn != "never" {
		return -1, usagef("--fail-on is proven, vendor, likely, hidden or never, not %q", o.failOn)
	}
	return -1, nil
}

// from reads --offset.
func (o *scanOptions) from(args []string) (p source.Place, err error) {
	if o.offset == "" {
		return p, nil
	}
	file, at := "", o.offset
	if i := strings.LastIndexByte(o.offset, ':'); i >= 0 {
		file, at = o.offset[:i], o.offset[i+1:]
	} else if len(args) == 1 {
		file = args[0]
	}
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil || n < 0 || file == "" {
		return p, usagef("--offset %q is not [FILE:]BYTE", o.offset)
	}
	return source.Place{File: file, Offset: n}, nil
}

// scanFormat prints reports in one of the formats.
type scanFormat interface {
	Report(*scan.Report) error
	Failed(*source.FileError) error
	End(*scan.Total) error
}

// scanner makes what scans, with the rules, lists and allows in force.
func (a *app) scanner(ctx context.Context, o *scanOptions) (*scan.Scanner, error) {
	j, err := a.newJudge(ctx)
	if err != nil {
		return nil, err
	}
	s := &scan.Scanner{Judge: scanjudge.Judge{Rules: j.rules.set, Policy: j.policy}, Me: o.me, Now: time.Now, Replay: j.newReplay}
	if o.clean != "" || o.filter {
		s.Cleaning = &scan.Cleaning{All: o.what == "all", Force: o.force}
	}
	return s, nil
}

// scan scans args and prints what it found.
func (a *app) scan(ctx context.Context, o *scanOptions, args []string) error {
	from, err := o.from(args)
	if err != nil {
		return err
	}
	in := scanrun.Options{Paths: args, Source: source.Options{Stdin: a.in, From: from}}
	copies, err := a.copies(ctx, o, &in)
	if err != nil {
		return err
	}
	defer copies.end()
	defer runtime.KeepAlive(spare())
	a.easeCollector()
	s, err := a.scanner(ctx, o)
	if err != nil {
		return err
	}
	job := &scanJob{a: a, to: a.scanPrinter(o), copies: copies, bar: a.newScanBar(args)}
	last, err := scanrun.Scan(ctx, s, in, scanrun.Sink{Report: job.report, Failed: job.failed})
	job.bar.end()
	if err != nil {
		if last.File != "" && errors.Is(err, context.Canceled) {
			a.say("Interrupted. To go on from here: --offset %q", last.File+":"+strconv.FormatInt(last.Offset, 10))
		}
		return err
	}
	job.copied(copies.finish())
	if err := job.to.End(&job.total); err != nil {
		return err
	}
	return job.exit(o)
}

// scanPrinter is what prints in the chosen format. With --clean - the copy has
// standard output to itself.
func (a *app) scanPrinter(o *scanOptions) scanFormat {
	out := a.out
	if o.clean == "-" {
		out = a.err
		if a.quiet {
			out = io.Discard
		}
	}
	switch {
	case o.json:
		return show.NewJSON(out)
	case o.sarif:
		return newSARIF(out)
	case o.html:
		return newPage(out)
	}
	t := show.NewText(out)
	t.Colour, t.Verbose = a.colour() && o.clean != "-", a.verbose
	return t
}

// scanJob takes what a scan gives.
type scanJob struct {
	a      *app
	to     scanFormat
	copies *copies
	bar    *scanBar
	total  scan.Total
}

func (j *scanJob) report(r *scan.Report, m *source.Message) error {
	j.copied(j.copies.add(m, r))
	j.total.Add(r)
	j.bar.makeWay()
	if err := j.to.Report(r); err != nil {
		return err
	}
	if r.Stack != "" && j.a.verbose {
		j.a.say("%s", r.Stack)
	}
	j.bar.draw(&j.total)
	return nil
}

// failed says what could not be read; the scan goes on.
func (j *scanJob) failed(e *source.FileError) {
	_ = j.to.Failed(e) // a broken output shows at the next report
	if errors.Is(e, source.ErrSkipped) {
		j.total.Skipped++
		if j.a.verbose {
			j.bar.clear()
			j.a.say("quench: %s", printable(e.Error()))
		}
		return
	}
	j.bar.clear()
	j.total.Failed++
	j.a.say("quench: %s", printable(e.Error()))
}

// copied says which copies could not be written; the others are.
func (j *scanJob) copied(err error) {
	if err == nil {
		return
	}
	j.bar.clear()
	j.total.Failed++
	j.a.say("quench: %s", printable(err.Error()))
}

// exit is the exit code: an incomplete scan is said before what was found.
func (j *scanJob) exit(o *scanOptions) error {
	last, _ := o.threshold()
	switch {
	case j.total.Failed > 0 || j.total.Partly > 0 || j.total.Unclean > 0:
		return &codedError{exitUnreadable, nil}
	case int(j.total.Worst()) <= last:
		return &codedError{exitFound, nil}
	}
	return nil
}

// scanBar shows how far a scan is, on a terminal only.
type scanBar struct {
	w     io.Writer
	whole int64
	drawn time.Time
	shown bool
	// shared: reports go to the same terminal.
	shared bool
}

// barEvery is how often the bar is drawn at most.
const barEvery = 200 * time.Millisecond

func (a *app) newScanBar(paths []string) *scanBar {
	f, ok := a.err.(*os.File)
	if !ok || a.quiet || a.getenv("TERM") == "dumb" {
		return &scanBar{}
	}
	if st, err := f.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return &scanBar{}
	}
	out, ok := a.out.(*os.File)
	if ok {
		st, err := out.Stat()
		ok = err == nil && st.Mode()&os.ModeCharDevice != 0
	}
	return &scanBar{w: a.err, whole: source.Total(paths), drawn: time.Now(), shared: ok}
}
