package dnsfilter

import (
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
)

const (
	// maxTold bounds the sightings of a lane that wait to be handed to the
	// ledger; what is more is counted as lost.
	maxTold = 4096
	// tellEvery is how long sightings wait for others behind the first.
	tellEvery = 5 * time.Millisecond
	// tellRate bounds the sightings a second that the ledger is handed in the long
	// run, tellBurst those at once. A ledger takes a hundred microseconds and more for each:
	// without a bound a flood of questions would be a flood of writing, and the
	// answers would wait for it. No home has so many for long; trays hold what
	// comes in a rush.
	tellRate  = 250
	tellBurst = 1000
)

// tray holds sightings until somebody has the time to make them what the ledger
// wants.
type tray struct {
	mu    sync.Mutex
	seen  []glimpse
	spare []glimpse

	// Those under way, from next on; who tells holds Door.telling.
	out  []glimpse
	next int
}

// glimpse is a ledger.Sighting in as few words as a block by name needs.
type glimpse struct {
	set         *engine.Set
	policy      *detect.Policy
	decision    detect.Decision
	host, label string
	at          time.Time
}

// tell puts by that l's question was blocked.
func (l *lane) tell(dec detect.Decision, rep detect.Reply, now time.Time) {
	dec.Reply = rep
	j := &l.found.j
	t := &l.told
	t.mu.Lock()
	n := len(t.seen)
	if n < maxTold {
		t.seen = append(t.seen, glimpse{j.set, j.policy, dec, l.host, l.found.client.Label, now})
	}
	t.mu.Unlock()
	switch n {
	case maxTold:
		l.count.lost.Add(1)
	case 0:
		select {
		case l.d.toTell <- struct{}{}:
		default:
		}
	}
}

// take empties the tray; give brings back what take took.
func (t *tray) take() []glimpse {
	t.mu.Lock()
	defer t.mu.Unlock()
	seen := t.seen
	t.seen, t.spare = t.spare[:0], nil
	return seen
}

func (t *tray) give(seen []glimpse) {
	clear(seen)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spare = seen[:0]
}

// tellLedger hands on what lanes put by, until stop is closed, and then the
// rest.
func (d *Door) tellLedger(stop <-chan struct{}) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	allowed, last, rest := float64(tellBurst), time.Now(), false
	for {
		if !rest {
			select {
			case <-d.toTell:
			case <-stop:
				d.tellAll()
				return
			}
		}
		now := time.Now() // not the Door's clock, which may be a test's
		allowed = min(tellBurst, allowed+tellRate*now.Sub(last).Seconds())
		last = now
		var n int
		n, rest = d.tellSome(int(allowed))
		allowed -= float64(n)
		wait.Reset(tellEvery)
		select {
		case <-wait.C:
		case <-stop:
			d.tellAll()
			return
		}
	}
}

// Tell hands the ledger all that was blocked before the call, which else takes
// a few milliseconds. It may be called from any goroutine at any time.
func (d *Door) Tell() { d.tellAll() }

// tellAll hands on what waits. When it returns, all that was put by before the
// call has been handed on.
func (d *Door) tellAll() {
	for rest := true; rest; {
		_, rest = d.tellSome(maxTold)
	}
}

// tellSome hands on at most so many, and reports how many it were and whether
// others wait.
func (d *Door) tellSome(most int) (n int, rest bool) {
	d.telling.Lock()
	defer d.telling.Unlock()
	d.mu.Lock()
	lanes := d.lanes // only ever appended to
	d.mu.Unlock()
	for _, l := range lanes {
		t := &l.told
		if t.next == len(t.out) {
			t.give(t.out)
			t.out, t.next = t.take(), 0
		}
		for ; n < most && t.next < len(t.out); n++ {
			d.o.Record(t.out[t.next].sighting())
			t.next++
		}
		rest = rest || t.next < len(t.out) || t.waits()
	}
	return n, rest
}

func (t *tray) waits() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seen) > 0
}

func (g *glimpse) sighting() ledger.Sighting {
	return ledger.Sighting{
		Set: g.set, Decision: g.decision, Door: door, Client: g.label,
		Seen: detect.Seen{Request: &detect.Request{Host: g.host}, Policy: g.policy, Reply: g.decision.Reply, At: g.at},
	}
}
