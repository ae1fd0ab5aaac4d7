package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
)

const browseLong = `Open an installed browser with a fresh, temporary profile behind quench, tell
what is stopped while you surf, and leave nothing behind but what you downloaded.
Your own profile and your system's certificates are not touched.

What follows -- goes to the browser as it is.`

// settleTime is how long is waited, after the browser has closed, for what the
// service is still writing.
const settleTime = 500 * time.Millisecond

type browseOptions struct {
	browser  string
	noRecord bool
	url      string
	flags    []string
}

func (a *app) browseCmd() *cobra.Command {
	var o browseOptions
	cmd := &cobra.Command{
		Use: "browse [URL] [-- BROWSER-FLAGS]", Short: "Surf in a browser of its own, protected", Long: browseLong,
		Args: func(cmd *cobra.Command, args []string) error {
			if n := cmd.ArgsLenAtDash(); n >= 0 {
				args, o.flags = args[:n], args[n:]
			}
			if len(args) > 1 {
				return usagef("browse opens one URL; flags for the browser come after --")
			}
			if len(args) == 1 {
				o.url = pageURL(args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.browse(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.browser, "browser", "", "`NAME` or path: chromium, chrome, edge, brave, firefox")
	cmd.Flags().BoolVar(&o.noRecord, "no-record", false, "keep nothing of this in the ledger, and say nothing of it")
	return cmd
}

func (a *app) browse(ctx context.Context, o browseOptions) error {
	b, err := browse.Find(o.browser)
	if err != nil {
		return err
	}
	dir, err := a.data()
	if err != nil {
		return err
	}
	lease, err := control.NewClient(dir).Browse(ctx, control.BrowseRequest{NoRecord: o.noRecord})
	switch {
	case errors.Is(err, control.ErrNotRunning):
		return a.browseAlone(ctx, b, o)
	case err != nil:
		return err
	}
	return a.browseThere(ctx, b, o, control.NewClient(dir), lease)
}

// session is one run of the browser behind the proxy at addr.
func (a *app) session(ctx context.Context, b browse.Browser, o browseOptions, addr string) error {
	ca, err := a.openCA()
	if err != nil {
		return err
	}
	a.say("Quench opens %s with a fresh profile. Close it, or press Ctrl-C, to end.", b.Name)
	if o.noRecord {
		a.say("Nothing of this is recorded.")
	}
	s := browse.Session{Browser: b, Proxy: addr, CA: ca, URL: o.url, Args: o.flags, Stdout: a.err, Stderr: a.err}
	if !a.verbose && len(o.flags) == 0 {
		// Browsers talk a lot. Who passes flags or -v wants to hear it.
		s.Stdout, s.Stderr = nil, &onlyOurs{w: a.err}
	}
	return s.Run(ctx)
}

// browseThere uses the listener of a running service.
func (a *app) browseThere(ctx context.Context, b browse.Browser, o browseOptions, c *control.Client, lease *control.Lease) error {
	defer lease.Release()
	t := &tally{show: a.printerTo(o)}
	fctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	if !o.noRecord {
		wg.Go(func() { a.followSitting(fctx, c, t) })
	}
	wg.Go(func() {
		select {
		case <-lease.Lost:
			if ctx.Err() == nil && fctx.Err() == nil && !t.closing() {
				a.say("The quench that served this browser has ended; pages do not load any more.")
			}
		case <-fctx.Done():
		}
	})
	err := a.session(ctx, b, o, lease.Address)
	t.close()
	lease.Release()
	if !o.noRecord {
		select {
		case <-time.After(settleTime):
		case <-ctx.Done():
		}
	}
	stop()
	wg.Wait()
	a.summary(t)
	return err
}

// followSitting shows what happens, or says why nothing will be shown.
func (a *app) followSitting(ctx context.Context, c *control.Client, t *tally) {
	var refused *control.APIError
	err := c.Follow(ctx, control.Query{}, t.add)
	if errors.As(err, &refused) && refused.Status == http.StatusNotImplemented {
		a.say("Nothing of this is recorded: the quench that serves this browser was started with --no-record.")
	}
}

// browseAlone runs a service of its own for as long as the browser is open.
func (a *app) browseAlone(ctx context.Context, b browse.Browser, o browseOptions) error {
	s, err := a.openService(ctx, serviceOptions{kind: "browse", over: overrides{proxy: "off"}, noRecord: o.noRecord})
	if err != nil {
		return err
	}
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	var serveErr error
	wg.Go(func() { serveErr = s.run(own) })
	addr, release, err := s.browseLease(own, control.BrowseRequest{NoRecord: o.noRecord})
	if err != nil {
		stop()
		wg.Wait()
		return errors.Join(err, s.close())
	}
	t := &tally{show: a.printerTo(o)}
	var told sync.WaitGroup
	if s.ledger != nil {
		events := s.ledger.Follow(context.WithoutCancel(ctx), ledger.Filter{}) // ends when the ledger is closed
		told.Go(func() {
			for e := range events {
				_ = t.add(e)
			}
		})
	}
	err = a.session(ctx, b, o, addr)
	release()
	s.waitForOthers(ctx)
	stop()
	wg.Wait()
	err = errors.Join(err, serveErr, s.close())
	told.Wait()
	a.summary(t)
	return err
}

// waitForOthers keeps the service up while other browsers use it.
func (s *service) waitForOthers(ctx context.Context) {
	done := make(chan struct{})
	go func() { s.leases.Wait(); close(done) }()
	select {
	case <-done:
		return
	default:
	}
	s.mu.Lock()
	n := len(s.open)
	s.mu.Unlock()
	if n > 0 {
		s.app.say("Another quench browse uses this one; it ends with it (Ctrl-C ends both).")
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// tally counts what happened in one session. It is safe for concurrent use.
type tally struct {
	show func(ledger.Event)

	mu      sync.Mutex
	stopped map[string]int // by company
	told    int
	ended   bool
}

func (t *tally) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
}

func (t *tally) closing() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// add counts and shows an event.
func (t *tally) add(e ledger.Event) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.show(e)
	switch {
	case e.Tracker == nil && len(e.Evidence) == 0: // a note: a splice, a refusal
	case e.Told:
		t.told++
	case e.Action == detect.Block || e.Action == detect.Strip:
		name := "companies it does not know"
		if e.Tracker != nil {
			name = e.Tracker.Company
		}
		if t.stopped == nil {
			t.stopped = map[string]int{}
		}
		t.stopped[name]++
	}
	return nil
}

// printerTo returns what shows an event while the browser is open.
func (a *app) printerTo(browseOptions) func(ledger.Event) {
	return func(e ledger.Event) { a.say("%s", eventLine(&e)) }
}

// summary says how many companies were stopped.
func (a *app) summary(t *tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.stopped) > 0 {
		a.say("\nStopped from learning what you did: %s.", counted(t.stopped))
	}
	if t.told > 0 {
		a.say("%s told something before Quench knew, or because you let it.", plural(t.told, "request"))
	}
	if len(t.stopped) > 0 || t.told > 0 {
		a.say("Read it again with: quench log")
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// onlyOurs passes whole lines that we wrote, and drops the browser's.
type onlyOurs struct {
	w    io.Writer
	mu   sync.Mutex
	rest []byte
}

// Write keeps at most one unfinished line, of bounded length.
func (o *onlyOurs) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		i := bytes.IndexByte(o.rest, '\n')
		if i < 0 {
			break
		}
		if strings.HasPrefix(string(o.rest[:i]), "quench: ") {
			_, _ = o.w.Write(o.rest[:i+1])
		}
		o.rest = o.rest[i+1:]
	}
	if len(o.rest) > 8<<10 {
		o.rest = nil
	}
	return len(p), nil
}
