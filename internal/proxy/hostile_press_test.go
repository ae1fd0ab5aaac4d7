//go:build linux

package proxy

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

const (
	// mayGrow is how much larger a proxy under attack may get.
	mayGrow = 32 << 20
	// pressChild makes TestHostilePressChild the proxy under attack.
	pressChild = "QUENCH_TEST_PRESS"
	// judgeDelay judges the neighbour's delay too: only where nothing else is
	// busy does it say anything.
	judgeDelay = "QUENCH_JUDGE_DELAY"
)

// pressed is a proxy in a process of its own, so that the kernel tells what it
// alone costs, and a neighbour that browses through it.
type pressed struct {
	*world
	pid  int
	addr string
	in   io.Writer
	out  *bufio.Reader
	site *rawOrigin
}

// pressWorld is what the child has to know.
type pressWorld struct {
	Names map[string]Answer
	Addrs map[string]string
	Roots []byte
}

// TestHostilePressChild is the proxy under attack. For each line that it reads
// it gives back what memory it can; it ends with its input.
func TestHostilePressChild(t *testing.T) {
	if os.Getenv(pressChild) == "" {
		t.Skip("runs as a child of TestHostilePress")
	}
	in := bufio.NewReader(os.Stdin)
	var pw pressWorld
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &pw)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(p *Proxy) { p.RootCAs = x509.NewCertPool(); p.RootCAs.AppendCertsFromPEM(pw.Roots) })
	w.names, w.addrs = pw.Names, pw.Addrs
	w.p.Filter.Recorder, w.p.Recorder = nil, nil // which the test's keeps for ever
	fmt.Printf("%s\n", mustJSON(t, struct {
		Addr string
		CA   []byte
	}{w.serve(Always), pemOf(w.p.CA.Certificate())}))
	for {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
		debug.FreeOSMemory()
		fmt.Println("settled")
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// press starts the child on the sites that w has by now. It is built without
// the race detector, whose memory would be counted.
func press(t *testing.T, w *world, site *rawOrigin) *pressed {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "child")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the child: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "-test.run=^TestHostilePressChild$", "-test.timeout=20m")
	cmd.Env = append(os.Environ(), pressChild+"=1")
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		// It ends with its input, which it no longer has.
		if err := cmd.Wait(); err != nil {
			t.Errorf("the proxy under attack: %v", err)
		}
	})
	p := &pressed{world: w, pid: cmd.Process.Pid, in: in, out: bufio.NewReader(out), site: site}
	w.mu.Lock()
	hello := mustJSON(t, pressWorld{w.names, w.addrs, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.roots.cert.Raw})})
	w.mu.Unlock()
	if _, err := fmt.Fprintf(in, "%s\n", hello); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Addr string
		CA   []byte
	}
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &back)
	}
	if err != nil {
		t.Fatalf("the child said %q: %v", line, err)
	}
	p.addr = back.Addr
	w.ca = x509.NewCertPool()
	w.ca.AppendCertsFromPEM(back.CA)
	return p
}

// settle has the child give back what memory it can, until it has no more to
// give: what the last attack held goes with its connections.
func (p *pressed) settle() (rss int64) {
	p.t.Helper()
	for range 20 {
		now := p.release()
		if rss > 0 && rss-now < 1<<20 {
			return now
		}
		rss = now
		lapse(100 * time.Millisecond)
	}
	return rss
}

func (p *pressed) release() int64 {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.in); err != nil {
		p.t.Fatalf("the proxy has gone: %v", err)
	}
	if line, err := p.out.ReadString('\n'); err != nil {
		p.t.Fatalf("the proxy has gone: %q, %v", line, err)
	}
	now, _, err := proc.RSS(p.pid)
	if err != nil {
		p.t.Fatal(err)
	}
	return now
}

// browser asks for a small page over and over, plain, over HTTP/1.1 and HTTP/2,
// with rests between, and keeps how long each took.
type browser struct {
	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	took []time.Duration
	errs []error
}

func (p *pressed) browse() *browser {
	ctx, cancel := context.WithCancel(p.t.Context())
	b := &browser{stop: cancel}
	for i, base := range []string{"http", "https", "https"} {
		c := p.client(p.addr, nil, i == 2)
		b.done.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				begin := time.Now()
				err := once(ctx, c, base+"://calm.example/")
				b.note(time.Since(begin), err, ctx)
				<-tick.C
			}
		})
	}
	return b
}

func (b *browser) note(took time.Duration, err error, ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.took = append(b.took, took)
	if err != nil {
		b.errs = append(b.errs, err)
	}
}

// take returns the 99th percentile since it was last called.
func (b *browser) take() (p99 time.Duration, n int, errs []error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.Sort(b.took)
	if n = len(b.took); n > 0 {
		p99 = b.took[min(n-1, n*99/100)]
	}
	errs = b.errs
	b.took, b.errs = nil, nil
	return p99, n, errs
}

func once(ctx context.Context, c *http.Client, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != 200 || string(body) != "hello from calm.example") {
		err = fmt.Errorf("%d %.100q", resp.StatusCode, body)
	}
	return err
}

// watch returns the most memory that the proxy had until it was stopped.
func (p *pressed) watch() (stop func() int64) {
	proc.ResetPeak(p.pid)
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		high := int64(0)
		for {
			now, peak, err := proc.RSS(p.pid)
			if err == nil && proc.ResetPeak(p.pid) {
				high = max(high, peak)
			}
			high = max(high, now)
			select {
			case <-tick.C:
			case <-done:
				most <- high
				return
			}
		}
	}()
	return func() int64 { close(done); return <-most }
}

// TestHostilePress runs every attack against a proxy through which a neighbour
// browses. The neighbour is served, the site sees no request that nobody made,
// and the proxy stays small. How long the neighbour waits is printed.
func TestHostilePress(t *testing.T) {
	w := newWorld(t, nil)
	p := press(t, w, pressSites(w))
	b := p.browse()
	defer b.done.Wait()
	defer b.stop()
	t.Logf("%-28s %10s %10s %10s %10s", "attack", "RSS MB", "grew MB", "p99 calm", "p99 then")
	for _, a := range attacks() {
		p.try(b, a)
	}
	b.stop()
	if got := p.site.take(); judgeSmuggles(got) != nil {
		t.Error(judgeSmuggles(got))
	}
}

// tries is how often an attack may be repeated for the neighbour's sake: what
// else this machine does delays it too.
const tries = 4

func (p *pressed) try(b *browser, a attack) {
	var ratio float64
	window, judged := 100*time.Millisecond, os.Getenv(judgeDelay) != ""
	if judged {
		window = 3 * time.Second
	}
	for range tries {
		before := p.settle()
		_, _, _ = b.take()
		lapse(window)
		calm, _, _ := b.take()
		stop := p.watch()
		a.run(p)
		most := stop()
		then, n, errs := b.take()
		p.t.Logf("%-28s %10.1f %10.1f %10v %10v (%d)", a.name, float64(before)/(1<<20), float64(most-before)/(1<<20),
			calm.Round(10*time.Microsecond), then.Round(10*time.Microsecond), n)
		if most-before > mayGrow {
			p.t.Errorf("%s: it grew by %d MB, want at most %d", a.name, (most-before)>>20, mayGrow>>20)
		}
		if len(errs) > 0 || n == 0 {
			p.t.Errorf("%s: the neighbour got %d of %d requests wrong: %v", a.name, len(errs), n, errs[:min(1, len(errs))])
		}
		if ratio = float64(then) / float64(max(calm, 1)); ratio <= 2 || !judged {
			return
		}
	}
	p.t.Errorf("%s: the neighbour's p99 is %.1f times as high, in the best of %d tries", a.name, ratio, tries)
}

// lapse lets a window of measurement pass.
func lapse(d time.Duration) { <-time.After(d) }

// judgeSmuggles judges what came at the site, each connection by itself.
func judgeSmuggles(got []string) error {
	for _, one := range got {
		if err := judgeSmuggle([]string{one}); err != nil {
			return err
		}
	}
	return nil
}

// from dials the proxy from another address of loopback: another client.
func (p *pressed) from(last byte) net.Conn {
	d := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 2, last}), 0))}
	c, err := d.DialContext(p.t.Context(), "tcp", p.addr)
	if err != nil {
		p.t.Skip("no further loopback addresses here")
	}
	return c
}
