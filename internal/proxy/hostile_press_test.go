//go:build linux

package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

const (
	// mayGrow is how much larger a proxy under attack may get.
	mayGrow = 32 << 20
	// judgeDelay judges the neighbour's delay too: only where nothing else is
	// busy does it say anything.
	judgeDelay = "QUENCH_JUDGE_DELAY"
	// pressRows is an expression for the attacks to make, by name; all by default.
	pressRows = "QUENCH_PRESS_ROWS"
	// pressProfile is where a profile of the proxy's processor time goes.
	pressProfile = "QUENCH_PRESS_PROFILE"
	// delayFloor is a 99th percentile under attack that needs no excuse, whatever
	// the calm one was: no person sees a third of a frame of a screen, and at a
	// calm 1 ms the ratio would judge the scheduler. A row that passes by it
	// alone is marked so.
	delayFloor = 5 * time.Millisecond
	// mayDelay is how many times as high the neighbour's 99th percentile may be.
	mayDelay = 2
	// enough is how many requests each side of that ratio pools.
	enough = 500
	// delayTries is how often a row is measured anew while its delay is too much:
	// what else this machine does delays the neighbour too. All are printed.
	delayTries = 3
)

// pressed is a proxy in a process of its own, so that the kernel tells what it
// alone costs. Who attacks, with the sites that help, is in another.
type pressed struct {
	*world
	addr     string
	proxy    *party
	attacker *party
	site     *rawOrigin // the attacker's
}

// press starts both.
func press(t *testing.T, w *world) *pressed {
	t.Helper()
	bin := partyBinary(t)
	p := &pressed{world: w, attacker: startParty(t, bin, "TestHostilePressAttacker", stepBack()...)}
	var hostile pressWorld
	p.attacker.hear(&hostile)
	p.proxy = startParty(t, bin, "TestHostilePressProxy")
	p.proxy.say(w.told().join(hostile))
	var door pressDoor
	p.proxy.hear(&door)
	p.attacker.say(door)
	p.addr, w.ca = door.Addr, door.pool()
	return p
}

// settle has the proxy give back what memory it can, until it has no more to
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
	line := 0
	p.proxy.say(line)
	p.proxy.hear(&line)
	now, _, err := proc.RSS(p.proxy.pid)
	if err != nil {
		p.t.Fatal(err)
	}
	return now
}

// watch returns the most memory that the proxy had until it was stopped. Where
// the kernel keeps that, it is asked once: looking more often would disturb.
func (p *pressed) watch() (stop func() int64) {
	every := 5 * time.Millisecond
	if proc.ResetPeak(p.proxy.pid) {
		every = time.Second
	}
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for high := int64(0); ; {
			select {
			case <-tick.C:
				if now, _, err := proc.RSS(p.proxy.pid); err == nil {
					high = max(high, now)
				}
			case <-done:
				_, peak, _ := proc.RSS(p.proxy.pid)
				most <- max(high, peak)
				return
			}
		}
	}()
	return func() int64 { close(done); return <-most }
}

// TestHostilePress runs every attack against a proxy through which a neighbour
// browses. The neighbour is served, the site sees no request that nobody made,
// and the proxy stays small. How long the neighbour waits is printed, and with
// QUENCH_JUDGE_DELAY judged: windows of calm and of attack take turns, and the
// 99th percentile of all requests in the one may be at most twice that in the
// other, unless it is under 5 ms, which is marked. Requests during which the
// host of a virtual machine had its processors elsewhere are left out on both
// sides, and counted. On a machine that others use, run it as "chrt -r 1", which
// holds for the proxy and the neighbour alike, and not for who attacks.
func TestHostilePress(t *testing.T) {
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(greet), "calm.example")
	p := press(t, w)
	b := p.browse()
	defer b.done.Wait()
	defer b.stop()
	judged := os.Getenv(judgeDelay) != ""
	t.Logf("%-24s | %8s | %8s | %8s | %8s | %6s | %8s | %8s | %s", "attack", "p99 calm", "p99 then", "p50 calm", "p50 then", "ratio", "grew MB",
		"cpu calm", "cpu then")
	rows, err := regexp.Compile(os.Getenv(pressRows))
	if err != nil {
		t.Fatalf("%s: %v", pressRows, err)
	}
	for i, a := range attacks() {
		if !rows.MatchString(a.name) {
			continue
		}
		m := p.measure(b, i, judged)
		m.print(t, a.name)
		for n := 1; judged && m.slow() && n < delayTries; n++ {
			m = p.measure(b, i, judged)
			m.print(t, a.name)
		}
		if judged && m.slow() {
			t.Errorf("%s: the neighbour's p99 is %.1f times as high, in each of %d tries", a.name, m.ratio(), delayTries)
		}
	}
}

// measured is what a row is made of.
type measured struct {
	calm, then window
	grew       int64
	errs       []error
}

// window is all that was measured in calm, or under attack.
type window struct {
	took []time.Duration
	lost int           // requests left out
	cpu  time.Duration // of the proxy
	real time.Duration
}

// load is the share of one processor that the proxy used.
func (w *window) load() float64 { return 100 * w.cpu.Seconds() / max(w.real.Seconds(), 1e-9) }

func (m *measured) ratio() float64 {
	return float64(percentile(m.then.took, 99)) / float64(max(percentile(m.calm.took, 99), 1))
}

func (m *measured) slow() bool {
	return m.ratio() > mayDelay && percentile(m.then.took, 99) > delayFloor
}

// short reports whether a side has too little; a host that is away most of the
// time ends the wait.
func (m *measured) short() bool {
	return min(len(m.calm.took), len(m.then.took)) < enough && m.calm.real < 20*time.Second
}

// measure lets calm and attack take turns until both have enough.
func (p *pressed) measure(b *browser, attack int, judged bool) *measured {
	m := &measured{}
	turn := 100 * time.Millisecond
	if judged {
		turn = 2 * time.Second
	}
	for first := true; first || judged && m.short(); first = false {
		before := p.settle()
		_, _, _ = b.take()
		m.errs = append(m.errs, p.during(b, &m.calm, func() { lapse(turn) })...)
		stop := p.watch()
		m.errs = append(m.errs, p.during(b, &m.then, func() {
			for begin := time.Now(); ; {
				p.attacker.say(attack)
				p.attacker.hear(&attack)
				if !judged || time.Since(begin) >= turn {
					return
				}
			}
		})...)
		m.grew = max(m.grew, stop()-before)
	}
	return m
}

// during adds what happens while f runs to w, and returns what went wrong.
func (p *pressed) during(b *browser, w *window, f func()) []error {
	begin, used := time.Now(), p.cpu()
	f()
	w.real += time.Since(begin)
	w.cpu += p.cpu() - used
	took, lost, errs := b.take()
	w.took, w.lost = append(w.took, took...), w.lost+lost
	return errs
}

func (p *pressed) cpu() time.Duration {
	d, err := proc.CPU(p.proxy.pid)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

func (m *measured) print(t *testing.T, name string) {
	t.Helper()
	ms := func(w window, p int) float64 { return percentile(w.took, p).Seconds() * 1e3 }
	note := ""
	if m.ratio() > mayDelay && !m.slow() {
		note = "under the floor of " + delayFloor.String()
	}
	t.Logf("%-24s | %8.2f | %8.2f | %8.2f | %8.2f | %6.2f | %8.1f | %7.0f%% | %7.0f%% | %d+%d, %d+%d requests in %.1f s, %.1f s %s", name,
		ms(m.calm, 99), ms(m.then, 99), ms(m.calm, 50), ms(m.then, 50), m.ratio(), float64(m.grew)/(1<<20), m.calm.load(), m.then.load(),
		len(m.calm.took), m.calm.lost, len(m.then.took), m.then.lost, m.calm.real.Seconds(), m.then.real.Seconds(), note)
	if m.grew > mayGrow {
		t.Errorf("%s: it grew by %d MB, want at most %d", name, m.grew>>20, mayGrow>>20)
	}
	if len(m.errs) > 0 || len(m.then.took)+m.then.lost == 0 {
		t.Errorf("%s: the neighbour got %d of %d requests wrong: %v", name, len(m.errs), len(m.then.took)+m.then.lost, m.errs[:min(1, len(m.errs))])
	}
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
		p.t.Fatal(err)
	}
	return c
}
