package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/internal/need"
)

const (
	// reloads is how often both lists change, paceOfDecisions how many decisions
	// fall due a second meanwhile.
	reloads         = 6
	paceOfDecisions = 5000
	// reloadSpare is what a reload may take at most besides the old set of lists
	// and the new one. The aim is 20 MB, and 17 to 19 are measured; the rest is for
	// what a busy machine lets the collector fall behind.
	reloadSpare = 24 << 20
	// listsFrom names the server of the lists to the process whose memory is
	// measured.
	listsFrom = "QUENCH_TEST_LISTS_FROM"
)

// TestReload changes small lists under decisions.
func TestReload(t *testing.T) {
	t.Parallel()
	var one, two strings.Builder
	var ask []question
	for i := range 3000 {
		fmt.Fprintf(&one, "||tracker%d.example^\n", i)
		fmt.Fprintf(&two, "/pixel%d.gif?\n@@||tracker%d.example/wanted/\n", i, i)
		ask = append(ask, asks("image", "https://shop.example/", fmt.Sprintf("https://cdn.tracker%d.example/a.png", i), true),
			asks("image", "https://shop.example/", fmt.Sprintf("https://other.example/pixel%d.gif?id=1", i), true),
			asks("image", "https://shop.example/", fmt.Sprintf("https://tracker%d.example/wanted/a.png", i), false),
			asks("image", "https://shop.example/", fmt.Sprintf("https://fine%d.example/a.png", i), false))
	}
	srv := listsThatChange(t, one.String(), two.String())
	underDecisions(t, srv.URL, ask)
}

// TestReloadMemory changes EasyList and EasyPrivacy under decisions about real
// requests, in a process of its own whose memory the kernel watches. It is
// built without the race detector, which takes memory of its own.
func TestReloadMemory(t *testing.T) {
	t.Parallel()
	srv := listsThatChange(t, string(need.File(t, "filter/easylist.txt")), string(need.File(t, "filter/easyprivacy.txt")))
	bin := filepath.Join(t.TempDir(), "quench.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the process: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin, "-test.run", "^TestReloadChild$", "-test.v", "-test.timeout", "10m")
	cmd.Env = append(os.Environ(), listsFrom+"="+srv.URL)
	out, err := cmd.CombinedOutput()
	if t.Logf("%s", out); err != nil || !strings.Contains(string(out), "--- PASS: TestReloadChild") {
		t.Errorf("%v", err)
	}
}

// TestReloadChild is the process of TestReloadMemory.
func TestReloadChild(t *testing.T) {
	from := os.Getenv(listsFrom)
	if from == "" {
		t.Skip("TestReloadMemory runs it")
	}
	ask := realQuestions(t)
	defer runtime.KeepAlive(spare()) // as serve does
	settled, size := underDecisions(t, from, ask)
	_, peak, err := proc.RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	most := settled + size + reloadSpare
	t.Logf("memory: %d kB with one set, at most %d kB in %d reloads; a second set of %d kB and %d kB more make %d kB",
		settled>>10, peak>>10, reloads, size>>10, int64(reloadSpare>>10), most>>10)
	if peak > most {
		t.Errorf("%d kB too much", (peak-most)>>10)
	}
}

func realQuestions(t *testing.T) (ask []question) {
	want := strings.Fields(string(need.File(t, "filter/verdicts.txt")))
	for line := range strings.Lines(string(need.File(t, "filter/requests.tsv"))) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 || len(ask) == len(want) {
			t.Fatalf("line %d has %d fields; %d verdicts", len(ask)+1, len(f), len(want))
		}
		ask = append(ask, asks(f[0], strings.Clone(f[1]), strings.Clone(f[2]), want[len(ask)] == "1"))
	}
	// A fourth of them: a service has no such heap, for which the collector
	// would wait.
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(ask), func(i, j int) { ask[i], ask[j] = ask[j], ask[i] })
	return slices.Clone(ask[:len(ask)/4])
}

// question is a request and whether it is to be blocked.
type question struct {
	r     detect.Request
	block bool
}

func asks(kind, page, url string, block bool) question {
	if kind == "sub_frame" {
		kind = "subdocument"
	}
	ty, _ := detect.ParseType(kind)
	return question{detect.Request{URL: url, Host: detect.HostOf(url), Page: page, PageFrom: detect.PageReferer, Type: ty, Method: "GET"}, block}
}

// listsThatChange serves two lists. A POST to /next makes the next version of
// both: each has a rule that only this version has.
func listsThatChange(t *testing.T, texts ...string) *httptest.Server {
	var version atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("POST /next", func(http.ResponseWriter, *http.Request) { version.Add(1) })
	for i, text := range texts {
		mux.HandleFunc(fmt.Sprintf("GET /%d.txt", i), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			fmt.Fprintf(w, "[Adblock Plus 2.0]\n! Title: List %d\n", i)
			_, _ = io.WriteString(w, text)
			fmt.Fprintf(w, "\n||%s^\n", marker(i, int(version.Load())))
		})
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// marker is the host that only one version of a list blocks.
func marker(list, version int) string { return fmt.Sprintf("v%d.list%d.example", version, list) }

// underDecisions opens a service, puts two lists in force and has both change
// while ask is asked over and over, each as often as the pace demands. It
// returns the process's memory with one set in force and nothing to do, and the
// bytes of the set.
func underDecisions(t *testing.T, from string, ask []question) (settled, size int64) {
	t.Helper()
	a := testApp(t)
	a.rules = "off"
	a.configFile = filepath.Join(t.TempDir(), "quench.yaml")
	configure := func(text string) {
		if err := os.WriteFile(a.configFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("{}\n")
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve", noRecord: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	configure(fmt.Sprintf("lists: [%s/0.txt, %s/1.txt]\n", from, from))
	if err := s.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	update := func() {
		if err := s.lists.Update(t.Context(), lists.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	update()
	size = int64(s.lists.Current().Set.Size())
	debug.FreeOSMemory()
	proc.ResetPeak(os.Getpid())
	if settled, _, err = proc.RSS(os.Getpid()); err != nil {
		t.Fatal(err)
	}

	start := time.Now()
	d := &decider{set: s.set, ask: ask, start: start, version: -1}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); d.run(done) }()
	for i := range reloads {
		next(t, from)
		update()
		if i == reloads/2 { // the rules and the configuration, too
			if err := s.reload(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	took := time.Since(start)
	close(done)
	<-ended
	d.check(t, took)
	return settled, size
}

func next(t *testing.T, from string) {
	t.Helper()
	resp, err := http.Post(from+"/next", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// decider makes decisions at a pace and holds each against what is right.
type decider struct {
	set   func() *engine.Set
	ask   []question
	start time.Time

	asked, wrong int
	faults       []string
	version      int // that was last seen in force
	versions     int // how many were
	longest      time.Duration
}

// run asks until done. What fell due while the process did not run is made up
// for, so that the pace is the least that was asked.
func (d *decider) run(done <-chan struct{}) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ended := false; ; {
		due := int(time.Since(d.start).Seconds() * paceOfDecisions)
		for d.asked < due {
			d.one()
		}
		if ended {
			d.look(d.set())
			return
		}
		select {
		case <-done:
			ended = true
		case <-tick.C:
		}
	}
}

// one makes one decision by what is in force now, and every tenth time looks
// which versions of the lists that is.
func (d *decider) one() {
	set, q := d.set(), &d.ask[d.asked%len(d.ask)]
	start := time.Now()
	got := set.Request(&q.r, nil)
	d.longest = max(d.longest, time.Since(start))
	if (got.Action == detect.Block) != q.block {
		d.fault("%s on %s: action %v, want blocked %v", q.r.URL, q.r.Page, got.Action, q.block)
	}
	if d.asked%10 == 0 {
		d.look(set)
	}
	d.asked++
}

// look finds out which version of each list is in force: one and the same, and
// none that went before one that was seen.
func (d *decider) look(set *engine.Set) {
	holds := func(list, version int) bool {
		q := asks("image", "https://shop.example/", "https://"+marker(list, version)+"/a.png", true)
		return set.Request(&q.r, nil).Action == detect.Block
	}
	var seen [2][]int
	for v := range reloads + 1 {
		for list := range seen {
			if holds(list, v) {
				seen[list] = append(seen[list], v)
			}
		}
	}
	if len(seen[0]) != 1 || len(seen[1]) != 1 || seen[0][0] != seen[1][0] || seen[0][0] < d.version {
		d.fault("versions %v in force, after %d", seen, d.version)
		return
	}
	if seen[0][0] > d.version {
		d.version = seen[0][0]
		d.versions++
	}
}

func (d *decider) fault(format string, args ...any) {
	if d.wrong++; len(d.faults) < 10 {
		d.faults = append(d.faults, fmt.Sprintf(format, args...))
	}
}

func (d *decider) check(t *testing.T, took time.Duration) {
	t.Helper()
	least := int(took.Seconds() * paceOfDecisions)
	t.Logf("%d decisions in %v, the longest %v; %d wrong; %d versions of the lists seen", d.asked, took, d.longest, d.wrong, d.versions)
	for _, f := range d.faults {
		t.Error(f)
	}
	if d.wrong > 0 || d.asked < least || d.version != reloads {
		t.Errorf("%d wrong; %d decisions, want at least %d; version %d at the end, want %d", d.wrong, d.asked, least, d.version, reloads)
	}
}
