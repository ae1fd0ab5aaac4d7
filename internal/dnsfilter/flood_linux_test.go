package dnsfilter

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/bench/proc"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

const (
	// floodOf is how many packets come, floodWindow how many between two healthy
	// questions: so many fit into a socket's buffer, so that the kernel drops none.
	floodOf, floodWindow = 1_000_000, 100
	// floodWarm of them come before memory is looked at for the first time: by
	// then pools and the cache have what they will have.
	floodWarm = 100_000
	// floodSpare is what memory may grow by while the others come.
	floodSpare = 32 << 20
	// floodUpstream names the upstream to the process that is flooded.
	floodUpstream = "QUENCH_TEST_FLOOD_UPSTREAM"
)

// TestFlood sends a million random and mutated packets to a door in a process
// of its own, over a socket. Every healthy question between them is answered,
// and the kernel says that the process does not grow.
func TestFlood(t *testing.T) {
	n := floodOf
	if testing.Short() {
		n = floodWarm + 20_000
	}
	up := newUpstream(t, "a.example. 300 IN A 93.184.216.34", "shop.example. 300 IN CNAME bad.example.")
	at, pid := floodChild(t, up.addr)
	bad := dial(t, "udp", at)
	_ = bad.SetDeadline(time.Time{})
	go func() { _, _ = io.Copy(io.Discard, bad) }() // what is answered to such packets is TestMutatedPackets' business
	rnd, all := rand.New(rand.NewPCG(3, 4)), seeds(t)
	var base, most int64
	start := time.Now()
	for i := range n {
		pkt := mutate(rnd, all)
		if i%4 == 0 { // nothing but chance
			pkt = make([]byte, rnd.IntN(600))
			for j := range pkt {
				pkt[j] = byte(rnd.Uint32())
			}
		}
		_, _ = bad.Write(pkt) // an error tells of the one before
		if i%floodWindow == 0 {
			healthy(t, at, i)
		}
		if i%20_000 == 0 && i >= floodWarm {
			rss, _, err := proc.RSS(pid)
			if err != nil {
				t.Fatal(err)
			}
			if base == 0 {
				base = rss
			}
			most = max(most, rss)
		}
	}
	t.Logf("%d packets in %v: %d kB after %d of them, at most %d kB from then on", n, time.Since(start).Round(time.Second/10), base>>10, floodWarm, most>>10)
	if most-base > floodSpare {
		t.Errorf("the process grew by %d kB, want less than %d", (most-base)>>10, floodSpare>>10)
	}
}

// healthy asks a good question, from the cache, a blocked one or a fresh one, and
// wants the answer.
func healthy(t *testing.T, at string, i int) {
	t.Helper()
	name, want := "a.example.", "a.example. A 93.184.216.34"
	switch i / floodWindow % 10 {
	case 1, 2, 3:
		name, want = "shop.example.", "shop.example. A 0.0.0.0"
	case 4:
		name, want = fmt.Sprintf("n%d.none.example.", i), ""
	}
	m, _, err := (&dns.Client{Timeout: patience}).Exchange(query(name, dns.TypeA, nil), at)
	if err != nil || text(m.Answer) != want {
		t.Fatalf("after %d packets %s got %v, %v; want %q", i, name, m, err, want)
	}
}

// floodChild starts the process that is flooded; it ends with its input, and so
// with us.
func floodChild(t *testing.T, up string) (at string, pid int) {
	t.Helper()
	cmd := exec.Command(floodBinary(t), "-test.run", "^TestFloodChild$", "-test.v", "-test.timeout", "20m")
	cmd.Env = append(os.Environ(), floodUpstream+"="+up)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listens on "); ok {
			at = addr
			break
		}
	}
	t.Cleanup(func() {
		_ = in.Close()
		rest, _ := io.ReadAll(out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the flooded process: %v\n%s", err, rest)
		}
	})
	if _, err := net.ResolveUDPAddr("udp", at); err != nil || at == "" {
		t.Fatalf("the process says no address: %v", err)
	}
	return at, cmd.Process.Pid
}

// TestFloodChild is the process of TestFlood.
func TestFloodChild(t *testing.T) {
	up := os.Getenv(floodUpstream)
	if up == "" {
		t.Skip("TestFlood runs it")
	}
	s := emptySet(t)
	d, err := New(Options{Plain: []string{"127.0.0.1:0"}, RateLimit: -1, Policy: policyOf(listed("bad.example")), Set: func() *engine.Set { return s },
		Cache: cache.New(cache.Options{Bytes: 1 << 20}), Upstream: group(t, upstream.Options{}, up)})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Listen(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nlistens on %s\n", d.Addrs()[UDP][0])
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := d.Serve(ctx); err != nil {
		t.Error(err)
	}
}

// floodBinary is this test, built without the race detector: its memory grows by
// itself.
func floodBinary(t *testing.T) string {
	t.Helper()
	if !raced() {
		return os.Args[0]
	}
	bin := filepath.Join(t.TempDir(), "dnsfilter.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the process: %v\n%s", err, out)
	}
	return bin
}

// raced reports whether the race detector is on.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}
