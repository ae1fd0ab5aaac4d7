package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/browse/browsertest"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/names"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/trust"
	"github.com/quench-proxy/quench/rules"
)

// waitTime bounds every step, on a slow and busy machine.
const waitTime = 90 * time.Second

// world is the proxy with everything behind it, wired as the program does it.
type world struct {
	t      testing.TB
	Net    *fakenet
	CA     *trust.CA
	Memory *memory.Memory
	Ledger *ledger.Ledger
	Proxy  *proxy.Proxy
	Addr   string
	Log    *logBook
	events *events
	marks  int
}

func newWorld(t testing.TB, n *fakenet, mode proxy.Mode) *world {
	t.Helper()
	w := &world{t: t, Net: n, CA: browsertest.CA(t), Log: &logBook{}}
	dir := t.TempDir()
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if w.Memory, err = memory.Open(dir, memory.Options{Log: log}); err != nil {
		t.Fatal(err)
	}
	if w.Ledger, err = ledger.Open(context.Background(), ledger.Options{Dir: dir, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.events = follow(w.Ledger)
	f := &filter.Filter{
		Set:      func() *engine.Set { return set },
		Policy:   w.policy,
		Recorder: w.Ledger, Learn: w.Memory.Learn, GPC: true, Log: log,
	}
	w.Proxy = &proxy.Proxy{
		Filter: f, Set: f.Set, Policy: w.policy, CA: w.CA, Resolver: n, Clients: w.Memory.Clients(),
		Recorder: w.Ledger, Never: never(t).Match, Intercept: mode, GPC: true,
		Dial: n.Dial, RootCAs: n.Roots, Log: log,
	}
	w.serve()
	return w
}

func never(t testing.TB) *names.Set {
	t.Helper()
	const file = "never-intercept.yaml"
	data, err := fs.ReadFile(rules.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := names.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (w *world) policy(c filter.Client) *detect.Policy { return w.Memory.Policy(c.Label) }

func (w *world) serve() {
	ln := listen(w.t)
	w.Addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.Proxy.Serve(ctx, ln) }()
	w.t.Cleanup(func() {
		cancel()
		select {
		case err := <-served:
			if err != nil {
				w.t.Errorf("Serve: %v", err)
			}
		case <-time.After(waitTime):
			w.t.Error("Serve has not returned")
		}
		if w.t.Failed() && os.Getenv("QUENCH_E2E_LOG") != "" {
			w.t.Logf("the proxy said:\n%s", w.Log)
		}
	})
}

func (w *world) close() {
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	if err := w.Ledger.Close(ctx); err != nil {
		w.t.Error(err)
	}
	if err := w.Memory.Close(); err != nil {
		w.t.Error(err)
	}
	w.events.done.Wait()
}

// open opens a browser behind the proxy that trusts ca alone.
func (w *world) open(name string, ca *trust.CA, args ...string) *tab {
	w.t.Helper()
	b := browsertest.Need(w.t, name)
	browsertest.NeedCertutil(w.t)
	s := browse.Session{Browser: b, Proxy: w.Addr, CA: ca, Args: args, Downloads: w.t.TempDir()}
	return &tab{t: w.t, d: browsertest.Open(w.t, s), name: name, downloads: s.Downloads}
}

// settle waits until the ledger has told of everything recorded so far.
func (w *world) settle(t testing.TB) {
	t.Helper()
	w.marks++
	mark := fmt.Sprintf("mark %d", w.marks)
	w.Ledger.Note(ledger.Event{Request: ledger.Request{Host: "mark.invalid"}, Verdict: detect.Verdict{Sentence: mark}})
	w.events.await(t, mark, func(e []ledger.Event) bool {
		return slices.ContainsFunc(e, func(e ledger.Event) bool { return e.Sentence == mark })
	})
}

// wantSentences waits until the ledger has told want about the pages of a
// host, in any order, and nothing else.
func (w *world) wantSentences(t testing.TB, site string, want ...string) {
	t.Helper()
	w.events.poll(func(e []ledger.Event) bool { return len(missing(want, sentences(e, site))) == 0 })
	w.settle(t)
	compare(t, site, want, sentences(w.events.list(), site))
}

// compare reports what is in one of two lists only, whatever their order.
func compare(t testing.TB, what string, want, got []string) {
	t.Helper()
	var b strings.Builder
	for _, s := range missing(want, got) {
		fmt.Fprintf(&b, "\n- %s", s)
	}
	for _, s := range missing(got, want) {
		fmt.Fprintf(&b, "\n+ %s", s)
	}
	if b.Len() > 0 {
		t.Errorf("%s (-want +got):%s", what, b.String())
	}
}

// sentences of the pages of one host, or without a page, of requests to it.
func sentences(list []ledger.Event, site string) []string {
	var out []string
	for _, e := range list {
		if pageHost(e) == site {
			out = append(out, e.Sentence)
		}
	}
	return out
}

func pageHost(e ledger.Event) string {
	if u, err := url.Parse(e.Request.Page); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return e.Request.Host
}

// missing returns what of want is not in got, each as often as it is wanted.
func missing(want, got []string) []string {
	left := slices.Clone(got)
	var out []string
	for _, s := range want {
		if i := slices.Index(left, s); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// events gathers what the ledger tells.
type events struct {
	done sync.WaitGroup

	mu      sync.Mutex
	all     []ledger.Event
	missed  int64
	changed chan struct{} // closed and replaced at each change
}

func follow(l *ledger.Ledger) *events {
	e := &events{changed: make(chan struct{})}
	ch := l.Follow(context.Background(), ledger.Filter{}) // ends with the ledger
	e.done.Go(func() {
		for ev := range ch {
			e.mu.Lock()
			e.all = append(e.all, ev)
			e.missed += ev.Missed
			close(e.changed)
			e.changed = make(chan struct{})
			e.mu.Unlock()
		}
	})
	return e
}

func (e *events) list() []ledger.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// poll waits until ok holds for what was told so far; false if it never did.
func (e *events) poll(ok func([]ledger.Event) bool) bool {
	end := time.NewTimer(waitTime)
	defer end.Stop()
	for {
		e.mu.Lock()
		list, changed := slices.Clone(e.all), e.changed
		e.mu.Unlock()
		if ok(list) {
			return true
		}
		select {
		case <-changed:
		case <-end.C:
			return false
		}
	}
}

func (e *events) await(t testing.TB, what string, ok func([]ledger.Event) bool) {
	t.Helper()
	if !e.poll(ok) {
		var b strings.Builder
		for _, ev := range e.list() {
			fmt.Fprintf(&b, "%s %s: %s\n", ev.Request.Method, ev.Request.Host, ev.Sentence)
		}
		t.Fatalf("waiting for %s; the ledger told:\n%s", what, b.String())
	}
}

// logBook keeps the operations log.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func sorted(list ...string) []string { return slices.Sorted(slices.Values(list)) }
