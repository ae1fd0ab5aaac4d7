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
)

// tray holds sightings until somebody has the time to make them what the ledger
// wants.
type tray struct {
	mu    sync.Mutex
	seen  []glimpse
	spare []glimpse
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
	for {
		select {
		case <-d.toTell:
		case <-stop:
			d.tellAll()
			return
		}
		d.tellAll()
		wait.Reset(tellEvery)
		select {
		case <-wait.C:
		case <-stop:
		}
	}
}

// tellAll hands on what waits. When it returns, all that was put by before the
// call has been handed on.
func (d *Door) tellAll() {
	d.telling.Lock()
	defer d.telling.Unlock()
	d.mu.Lock()
	lanes := d.lanes // only ever appended to
	d.mu.Unlock()
	for _, l := range lanes {
		seen := l.told.take()
		for i := range seen {
			g := &seen[i]
			d.o.Record(ledger.Sighting{
				Set: g.set, Decision: g.decision, Door: door, Client: g.label,
				Seen: detect.Seen{Request: &detect.Request{Host: g.host}, Policy: g.policy, Reply: g.decision.Reply, At: g.at},
			})
		}
		l.told.give(seen)
	}
}
