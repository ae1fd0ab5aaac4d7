// Package browsertest drives real browsers in tests: Chromium through the
// DevTools protocol and Firefox through WebDriver BiDi, behind one interface.
// Only tests import it.
//
// No browser is ever downloaded, and the flags that Open passes keep Chromium
// from resolving any name; whoever runs the proxy must answer every host that
// a browser asks for on its own account, and dial none.
package browsertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/trust"
)

const (
	// startTime bounds the start of a browser on a slow, busy machine.
	startTime = 2 * time.Minute
	// endTime bounds its end.
	endTime = time.Minute
	// maxOutput bounds what is kept of a browser's output.
	maxOutput = 256 << 10
	// maxConsole bounds the console messages kept.
	maxConsole = 1000
)

// Driver drives one tab of a browser. Its methods may be called from one
// goroutine at a time, Console from any. Every wait ends with ctx.
type Driver interface {
	// Navigate loads url and returns after its load event. A page that cannot
	// be loaded, a certificate error included, is an error.
	Navigate(ctx context.Context, url string) error
	// Eval evaluates a JavaScript expression in the page, waits for it if it is
	// a promise, and returns its JSON; "null" for undefined. An exception is an
	// error. Statements go into an (async) function that is called at once.
	Eval(ctx context.Context, js string) (string, error)
	// Click clicks the middle of the first element that the CSS selector
	// matches, as a person would: the page sees a trusted event.
	Click(ctx context.Context, selector string) error
	// Console returns the errors the tab has reported so far: console.error,
	// uncaught exceptions and, in Chromium, failed loads.
	Console() []string
	// Close closes the whole browser and lets go of its connection.
	Close() error
}

// Need returns an installed browser by its --browser name. Without it the test
// is skipped, or fails if QUENCH_REQUIRE_BROWSERS is 1.
func Need(t testing.TB, name string) browse.Browser {
	t.Helper()
	b, err := browse.Find(name)
	if err != nil {
		need.Lack(t, "%v", err)
	}
	return b
}

// NeedCertutil skips or fails like Need without NSS's certutil.
func NeedCertutil(t testing.TB) {
	t.Helper()
	need.Program(t, "certutil")
}

// Args returns the flags with which a test opens a browser of a family:
// headless, with its remote protocol on a port of the kernel's choice, and as
// root without Chromium's sandbox, which cannot work then.
func Args(family browse.Family) []string {
	if family == browse.Firefox {
		return []string{"--headless", "--remote-debugging-port=0"}
	}
	args := []string{
		"--headless=new", "--remote-debugging-port=0", "--disable-gpu", "--disable-dev-shm-usage",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	return args
}

// Open runs session with Args and its own temporary directory, and returns a
// driver of its tab. Fields of session that are set are kept; Args are
// appended to. When the test ends, the browser is closed, and the test fails
// if that leaves a file or takes longer than a minute.
func Open(t testing.TB, session browse.Session) Driver {
	t.Helper()
	out := &Output{}
	session.Args = append(Args(session.Browser.Family), session.Args...)
	session.Stderr = out
	if session.TempDir == "" {
		session.TempDir = TempDir(t)
	}
	if session.Downloads == "" {
		session.Downloads = t.TempDir()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out.end(session.Run(ctx))
	}()
	t.Cleanup(func() { finish(t, out, cancel, ended, session.TempDir) })
	start, stop := context.WithTimeout(ctx, startTime)
	defer stop()
	driver, err := Connect(start, out)
	if err != nil {
		t.Fatalf("starting %s: %v\n%s", session.Browser.Path, err, out)
	}
	t.Cleanup(func() { _ = driver.Close() }) // runs before finish
	return driver
}

func finish(t testing.TB, out *Output, cancel context.CancelFunc, ended <-chan struct{}, temp string) {
	t.Helper()
	defer cancel()
	// A closed browser ends by itself; one that hangs is ended by ctx.
	select {
	case <-ended:
	case <-time.After(endTime / 2):
		cancel()
		select {
		case <-ended:
		case <-time.After(endTime / 2):
			t.Errorf("the browser has not ended in %v\n%s", endTime, out)
			return
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
	if t.Failed() {
		t.Logf("the browser said:\n%s", out)
	}
}

// TempDir makes a temporary directory with a path short enough for Chromium's
// sockets, which t.TempDir's is not, and removes it after the test.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "qb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// CA makes a CA for a test.
func CA(t testing.TB) *trust.CA {
	t.Helper()
	ca, err := trust.Open(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// Connect waits until the browser that writes its standard error to out has
// told its remote protocol's address, and connects to it.
func Connect(ctx context.Context, out *Output) (Driver, error) {
	endpoint, err := out.Endpoint(ctx)
	if err != nil {
		return nil, err
	}
	if endpoint.Firefox {
		return ConnectFirefox(ctx, endpoint.URL)
	}
	return ConnectChromium(ctx, endpoint.URL)
}

// Endpoint is where a browser's remote protocol is served.
type Endpoint struct {
	URL     string // ws://…
	Firefox bool   // WebDriver BiDi, else DevTools
}

var announced = regexp.MustCompile(`(DevTools|WebDriver BiDi) listening on (ws://\S+)\s`)

// Output takes what a browser writes to standard error, and finds in it where
// its remote protocol is served. The zero value is ready; it is safe for
// concurrent use, and as the Stderr of a command that runs a browser too.
type Output struct {
	mu       sync.Mutex
	text     bytes.Buffer
	waiters  []chan struct{} // closed at every change
	endpoint Endpoint
	ended    error
}

// Write takes more output. It never fails.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() < maxOutput {
		o.text.Write(p)
	}
	if o.endpoint.URL == "" {
		if m := announced.FindStringSubmatch(o.text.String()); m != nil {
			o.endpoint = Endpoint{URL: m[2], Firefox: m[1] != "DevTools"}
			o.changed()
		}
	}
	return len(p), nil
}

func (o *Output) changed() {
	for _, ch := range o.waiters {
		close(ch)
	}
	o.waiters = nil
}

// end records that the browser has ended, and how.
func (o *Output) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		err = errors.New("closed")
	}
	o.ended = fmt.Errorf("the browser has ended: %w", err)
	o.changed()
}

// Endpoint waits for the browser to tell where its remote protocol is served.
func (o *Output) Endpoint(ctx context.Context) (Endpoint, error) {
	for {
		o.mu.Lock()
		endpoint, ended := o.endpoint, o.ended
		change := make(chan struct{})
		o.waiters = append(o.waiters, change)
		o.mu.Unlock()
		if endpoint.URL != "" {
			return endpoint, nil
		}
		if ended != nil {
			return Endpoint{}, ended
		}
		select {
		case <-change:
		case <-ctx.Done():
			return Endpoint{}, fmt.Errorf("waiting for the browser's remote protocol: %w", ctx.Err())
		}
	}
}

// String returns what the browser has written, up to a bound.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// console collects a tab's errors.
type console struct {
	mu       sync.Mutex
	messages []string
}

func (c *console) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.messages) < maxConsole {
		c.messages = append(c.messages, fmt.Sprintf(format, args...))
	}
}

func (c *console) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

// wrap turns an expression into one whose value is a promise of its JSON.
func wrap(js string) string {
	return "(async () => JSON.stringify(await (" + js + "\n)) ?? 'null')()"
}
