package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/clean"
	scanrun "github.com/quench-proxy/quench/internal/scan/run"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// copies writes what --clean asks for; the zero value writes nothing.
type copies struct {
	w     *clean.Writer
	spool string // standard input on disk
}

// copies prepares the copies. Standard input is put on disk first: it is read
// twice, once to be scanned and once to be copied.
func (a *app) copies(ctx context.Context, o *scanOptions, in *scanrun.Options) (*copies, error) {
	c := &copies{}
	if o.clean == "" {
		return c, nil
	}
	if slices.Contains(in.Paths, "-") {
		if err := c.keep(source.Patient(ctx, a.in), in); err != nil {
			c.end()
			return nil, err
		}
	}
	w, err := clean.New(clean.Options{Paths: in.Paths, Out: o.clean, Overwrite: o.force, Stdin: c.spool, Stdout: a.out})
	if err != nil {
		c.end()
		return nil, usagef("--clean: %w", err)
	}
	c.w = w
	return c, nil
}

// keep puts standard input on disk and has the scan read it from there.
func (c *copies) keep(stdin io.Reader, in *scanrun.Options) error {
	f, err := os.CreateTemp("", "quench-scan-*")
	if err != nil {
		return fmt.Errorf("keep standard input: %w", err)
	}
	c.spool = f.Name()
	if _, err := io.Copy(f, stdin); err != nil {
		return errors.Join(fmt.Errorf("keep standard input: %w", err), f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return errors.Join(fmt.Errorf("read standard input again: %w", err), f.Close())
	}
	in.Source.Stdin = f // open until the process ends
	return nil
}

// add copies a message, clean as planned.
func (c *copies) add(m *source.Message, r *scan.Report) error {
	switch {
	case c.w == nil:
		return nil
	case m.Kind == source.HAR:
		return fmt.Errorf("clean %s: it is an archive of what has happened; there is no copy of it", m.File)
	case r.Clean == nil: // a fault, which the report tells
		return c.w.Add(m, nil)
	}
	err := c.w.Add(m, r.Clean.Edits)
	r.Clean.Unwritten = c.w.Failed()
	return err
}

// finish completes the last copy.
func (c *copies) finish() error {
	if c.w == nil {
		return nil
	}
	return c.w.Finish()
}

// end lets go of everything that is not complete.
func (c *copies) end() {
	if c.w != nil {
		c.w.Close()
	}
	if c.spool != "" {
		_ = os.Remove(c.spool)
	}
}

// scanFilter is --filter: it never fails, for a mail would be lost.
func (a *app) scanFilter(ctx context.Context, o *scanOptions, args []string) error {
	why, lost := clean.Filter(ctx, a.in, a.out, func() (*scan.Scanner, error) {
		if o.broken != nil {
			return nil, o.broken
		}
		if len(args) > 0 && !slices.Equal(args, []string{"-"}) {
			return nil, fmt.Errorf("--filter reads standard input, no path")
		}
		if err := o.check([]string{"-"}); err != nil {
			return nil, err
		}
		o.force = false
		return a.scanner(ctx, o)
	})
	a.passed(why)
	return lost // exit code 1: nobody has taken the mail
}

// filters reports whether the command line, understood or not, has a mail
// filtered: whatever is wrong with it, the mail passes.
func (a *app) filters() bool {
	return slices.Contains(a.args, "scan") && slices.Contains(a.args, "--filter")
}

// passThrough is the filter when the command line is not understood.
func (a *app) passThrough(ctx context.Context, why error) error {
	_, lost := clean.Filter(ctx, a.in, a.out, func() (*scan.Scanner, error) { return nil, why })
	a.passed(why)
	return lost
}

// passed says why a mail passes unchanged.
func (a *app) passed(why error) {
	switch {
	case errors.Is(why, clean.ErrUnclean):
		a.say("quench: %s", printable(why.Error()))
	case why != nil:
		a.say("quench: the mail passes unchanged: %s", printable(why.Error()))
	}
}
