//go:build linux

package proxy

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
)

// party is a process of this test binary that does as it is told, a line of
// JSON for a line of JSON, and ends with its input.
type party struct {
	t   testing.TB
	pid int
	in  io.Writer
	out *bufio.Reader
}

const (
	// partyChild makes one of the tests below a party of TestHostilePress.
	partyChild = "QUENCH_TEST_PRESS"
	// modest is how much an attacker steps back for the proxy and the neighbour.
	// In life it is another machine, and its processor is not at their cost.
	modest = "19"
)

// partyBinary is built without the race detector, whose memory would be
// counted.
func partyBinary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "party")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the parties: %v\n%s", err, out)
	}
	return bin
}

// stepBack returns the words that start a program at a modest priority, also
// from within a class of real time.
func stepBack() []string {
	words := []string{"nice", "-n", modest}
	if exec.Command("chrt", "-o", "0", "true").Run() == nil {
		words = append([]string{"chrt", "-o", "0"}, words...)
	}
	return words
}

// startParty starts the party that test is, through these words, if any.
func startParty(t *testing.T, bin, test string, through ...string) *party {
	t.Helper()
	args := append(through, bin, "-test.run=^"+test+"$", "-test.timeout=30m")
	if to := os.Getenv(pressProfile); to != "" && test == "TestHostilePressProxy" {
		args = append(args, "-test.cpuprofile="+to)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), partyChild+"=1")
	cmd.Stderr = os.Stderr
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &party{t: t, pid: cmd.Process.Pid, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		said, _ := io.ReadAll(c.out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", test, err, said)
		}
	})
	return c
}

func (c *party) say(v any) {
	c.t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(c.in, "%s\n", b)
	}
	if err != nil {
		c.t.Fatalf("a party has gone: %v", err)
	}
}

func (c *party) hear(v any) {
	c.t.Helper()
	line, err := c.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, v)
	}
	if err != nil {
		c.t.Fatalf("a party said %.500q: %v", line, err)
	}
}

// asParty returns the other end of the same talk.
func asParty(t *testing.T) *party {
	if os.Getenv(partyChild) == "" {
		t.Skip("runs as a party of TestHostilePress")
	}
	return &party{t: t, in: os.Stdout, out: bufio.NewReader(os.Stdin)}
}

// next is hear, but for the end of what there is to hear.
func (c *party) next(v any) bool {
	if _, err := c.out.Peek(1); err != nil {
		return false
	}
	c.hear(v)
	return true
}

// pressWorld is what the proxy has to know of where sites are.
type pressWorld struct {
	Names map[string]Answer
	Addrs map[string]string
	Roots []byte // PEM
}

func (w *world) told() pressWorld {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pressWorld{w.names, w.addrs, pemOf(w.roots.cert)}
}

// join returns what is known of both.
func (a pressWorld) join(b pressWorld) pressWorld {
	a.Names, a.Addrs = maps.Clone(a.Names), maps.Clone(a.Addrs)
	maps.Copy(a.Names, b.Names)
	maps.Copy(a.Addrs, b.Addrs)
	a.Roots = append(append([]byte(nil), a.Roots...), b.Roots...)
	return a
}

// pressDoor is where the proxy is, and what certifies its leaves.
type pressDoor struct {
	Addr string
	CA   []byte // PEM
}

func (d pressDoor) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(d.CA)
	return p
}

// TestHostilePressProxy is the proxy under attack. For each line that it reads
// it gives back what memory it can.
func TestHostilePressProxy(t *testing.T) {
	c := asParty(t)
	var pw pressWorld
	c.hear(&pw)
	w := newWorld(t, func(p *Proxy) { p.RootCAs = x509.NewCertPool(); p.RootCAs.AppendCertsFromPEM(pw.Roots) })
	w.names, w.addrs = pw.Names, pw.Addrs
	w.p.Filter.Recorder, w.p.Recorder = nil, nil // which the test's keeps for ever
	c.say(pressDoor{w.serve(Always), pemOf(w.p.CA.Certificate())})
	for line := 0; c.next(&line); c.say(line) {
		debug.FreeOSMemory()
	}
}

// TestHostilePressAttacker is who attacks, and the sites that attack with it.
// Each number that it reads is an attack to make.
func TestHostilePressAttacker(t *testing.T) {
	c := asParty(t)
	w := newWorld(t, nil)
	w.next = 100 // so that no address is the neighbour's site
	p := &pressed{world: w, site: pressSites(w)}
	c.say(w.told())
	var door pressDoor
	if !c.next(&door) {
		return
	}
	p.addr, w.ca = door.Addr, door.pool()
	list := attacks()
	for i := 0; c.next(&i); c.say(i) {
		list[i].run(p)
	}
	if err := judgeSmuggles(p.site.take()); err != nil {
		t.Error(err)
	}
}
