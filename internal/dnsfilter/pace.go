package dnsfilter

import "time"

const (
	// restTime is how long a reader rests after a batch while questions come
	// thick and fast, so that one waking serves several. Linux' poller counts in
	// milliseconds, so that an answer may come one later for it where the process
	// has nothing else to do.
	restTime = 300 * time.Microsecond
	// Readers rest from restFrom to restTo packets a second: below, nobody's
	// processor is in need; above, batches are large by themselves.
	restFrom, restTo = 1000, 30000
	// restBatch is how many packets show that there was no time to rest.
	restBatch = 16
	// paceTime is the time that packets are counted in.
	paceTime = 100 * time.Millisecond
	// restTrials and restMost bound how many rests in a row may bring nothing
	// before the readers stop it until the next count: one asker who waits for
	// each answer would only be kept waiting.
	restTrials, restMost = 4, 32
)

// pace decides when a reader rests. The zero pace is ready.
type pace struct {
	since time.Time
	count int  // of packets since then
	busy  bool // they came at a rate for rests
	worth int  // rests that may still bring nothing
	last  bool // it said to rest
}

// rest is told of a batch of n packets, and reports whether to rest before the
// next.
func (p *pace) rest(n int, now time.Time) bool {
	switch {
	case p.last && n > 1:
		p.worth = min(p.worth+2, restMost)
	case p.last:
		p.worth--
	}
	p.count += n
	if d := now.Sub(p.since); d >= paceTime {
		rate := time.Duration(p.count) * time.Second / d
		p.busy = rate >= restFrom && rate < restTo
		p.since, p.count = now, 0
		p.worth = max(p.worth, restTrials)
	}
	p.last = p.busy && p.worth > 0 && n < restBatch
	return p.last
}
