//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/bench/faults"
)

const profile = `goroutine profile: total 6
3 @ 0x48d2ae 0x46a1a5
#	0x48d2ad	internal/poll.runtime_pollWait+0x84	/go/src/runtime/netpoll.go:351
#	0x6f1e2c	net/http.(*persistConn).readLoop+0x1ab	/go/src/net/http/transport.go:2200

2 @ 0x48d2ae
# labels: {"of":"it"}
#	0x6f1e2c	net/http.(*persistConn).writeLoop+0xe6	/go/src/net/http/transport.go:2600

1 @ 0x4cf5c5
#	0x4cf5c4	runtime/pprof.writeRuntimeProfile+0xb4	/go/src/runtime/pprof/pprof.go:796
#	0x444de6	main.main+0x28	/src/main.go:9

`

func TestGoroutines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, profile string
		want          census
		err           bool
	}{
		{"by the function that they began in", profile,
			census{"net/http.(*persistConn).readLoop": 3, "net/http.(*persistConn).writeLoop": 2, "main.main": 1}, false},
		{"cut in the middle", profile[:strings.Index(profile, "1 @")], nil, true},
		{"last line without an end", strings.TrimSpace(profile),
			census{"net/http.(*persistConn).readLoop": 3, "net/http.(*persistConn).writeLoop": 2, "main.main": 1}, false},
		{"nothing", "", nil, true},
		{"something else", "<html>\n", nil, true},
	} {
		got, err := goroutines([]byte(tt.profile))
		if (err != nil) != tt.err || !cmp.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v, an error: %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestDescriptors opens a socket and a file and wants one more of each kind.
func TestDescriptors(t *testing.T) {
	before, err := descriptors(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := os.Create(t.TempDir() + "/kept-open")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	after, err := descriptors(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Join(after.beyond(before), "; ")
	if !strings.Contains(more, "socket") || !strings.Contains(more, "1 kept-open (0 before)") {
		t.Errorf("more than before: %q", more)
	}
	if got := before.beyond(before); len(got) != 0 {
		t.Errorf("more than itself: %q", got)
	}
}

func TestThick(t *testing.T) {
	t.Parallel()
	var full met
	for f := range full {
		full[f] = 1
	}
	some := full
	some[faults.HalfOpen] = 0
	var none met
	for _, tt := range []struct {
		name string
		met  map[string]met
		each bool
		want string
	}{
		{"all of each", map[string]met{plain: full, h1: full, h2: full}, true, ""},
		{"all of one", map[string]met{plain: full, h1: none, h2: none}, false, ""},
		{"h2 lacks one", map[string]met{plain: full, h1: full, h2: some}, true, "the load was too thin: no h2 connection met half_open"},
		{"h2 lacks one, which others met", map[string]met{plain: full, h1: full, h2: some}, false, ""},
		{"all lack one", map[string]met{plain: some, h1: some, h2: some}, false, "the load was too thin: no connection met half_open"},
	} {
		if got := text(errors.Join(thick(tt.met, tt.each)...)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestFlat(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for _, tt := range []struct {
		name   string
		memory []int64
		want   string
	}{
		{"flat with one peak", []int64{50 * mb, 51 * mb, 52 * mb, 300 * mb, 51 * mb, 50 * mb, 52 * mb, 53 * mb}, ""},
		{"rises at first", []int64{10 * mb, 10 * mb, 50 * mb, 50 * mb, 50 * mb, 50 * mb, 50 * mb, 50 * mb}, ""},
		{"within", []int64{50 * mb, 50 * mb, 82 * mb, 82 * mb}, ""},
		{"beyond", []int64{50 * mb, 50 * mb, 83 * mb, 83 * mb}, "memory grew from 50 to 83 MB, by more than 32 MB"},
		{"too few", []int64{50 * mb}, "memory was looked at 1 times, which tells nothing"},
	} {
		if got := text(flat(io.Discard, tt.memory, 32*mb)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	start := reading{heap: 10 * mb}
	for _, tt := range []struct {
		name string
		heap int64
		want string
	}{
		{"less", 5 * mb, ""},
		{"within", 42 * mb, ""},
		{"beyond", 43 * mb, "live memory grew from 10 to 43 MB, by more than 32 MB"},
	} {
		if got := text(held(io.Discard, start, reading{heap: tt.heap}, 32*mb)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	c := counters{Queued: 1, Written: 10, Folded: 20, Deduped: 3, Lost: map[string]int64{"queue": 4, "disk": 2}}
	for _, tt := range []struct {
		name                   string
		answered, stored, hits int64
		want                   string
	}{
		{"all there", 40, 10, 30, ""},
		{"more accounted for than answered", 39, 10, 30, ""},
		{"one lost uncounted", 41, 10, 30, "41 hits were answered, 40 accounted for"},
		{"the store lacks an event", 40, 9, 30, "the store holds 9 events of 30 hits, the counters say 10 of 30"},
		{"the store lacks a fold", 40, 10, 29, "the store holds 10 events of 29 hits, the counters say 10 of 30"},
	} {
		if got := text(account(tt.answered, c, tt.stored, tt.hits)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                string
		asked, whole, wrong int64
		want                string
	}{
		{"most whole", 100, 90, 0, ""},
		{"one lied", 100, 99, 1, "1 answers looked whole and were not"},
		{"hardly any", 100, 49, 0, "of 100 answers only 49 were whole"},
		{"none at all", 0, 0, 0, "of 0 answers only 0 were whole"},
	} {
		c := &tally{}
		c.asked.Store(tt.asked)
		c.whole.Store(tt.whole)
		c.wrong.Store(tt.wrong)
		if got := text(answers(c)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSeesLeak runs the real thing for seconds, with a service that leaks a
// socket and a goroutine whenever it is looked at, and with one that is gone.
func TestSeesLeak(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and loads the program")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	p := plan{dur: 5 * time.Second, workers: 4, seed: 1, pause: 20 * time.Millisecond, env: []string{"BENCH_LEAK=25"}}
	var out strings.Builder
	err := soak(ctx, &out, io.Discard, p, bounds{settle: time.Second, memory: 1 << 30})
	for _, want := range []string{"leaked: ", "main.leak.func1 (", " socket ("} {
		if !strings.Contains(text(err), want) {
			t.Errorf("a service that leaks: %q lacks %q\n%s", text(err), want, &out)
		}
	}
	if strings.Contains(text(err), "lost") || strings.Contains(text(err), "wrong") {
		t.Errorf("it only leaks: %v", err)
	}
	short, end := context.WithTimeout(ctx, time.Nanosecond)
	defer end()
	if err := soak(short, io.Discard, io.Discard, p, usual); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time at once: %v, want %v", err, context.DeadlineExceeded)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
