package dnsfilter

import (
	"testing"
	"time"
)

// TestPace plays batches to a pace and counts the rests of the second half.
func TestPace(t *testing.T) {
	t.Parallel()
	const span = 2 * time.Second
	for name, c := range map[string]struct {
		every time.Duration // between packets that nobody waits for
		loop  int           // or askers that wait for each answer
		want  bool
	}{
		"a home":                {every: 20 * time.Millisecond},
		"below the rate":        {every: 2 * time.Millisecond},
		"five thousand":         {every: 200 * time.Microsecond, want: true},
		"twenty thousand":       {every: 50 * time.Microsecond, want: true},
		"a flood":               {every: 10 * time.Microsecond},
		"one asker who waits":   {loop: 1},
		"sixty askers who wait": {loop: 60},
	} {
		var p pace
		start := time.Unix(1000, 0)
		now, read, rests, batches := start, 0, 0, 0
		for now.Sub(start) < span {
			n := c.loop
			if c.loop > 0 {
				now = now.Add(60 * time.Microsecond)
			} else {
				due := int(now.Sub(start)/c.every) - read
				if due <= 0 {
					now = now.Add(c.every / 8)
					continue
				}
				n = min(due, 32)
				now = now.Add(4 * time.Microsecond)
			}
			read += n
			late := now.Sub(start) > span/2
			if late {
				batches++
			}
			if p.rest(n, now) {
				now = now.Add(restTime)
				if late {
					rests++
				}
			}
		}
		if got := rests > batches/2; got != c.want || !c.want && rests > batches/10 {
			t.Errorf("%s: %d rests in %d batches, want many: %v", name, rests, batches, c.want)
		}
	}
}

// TestPaceAfterSilence: a pace that was busy is not when packets are rare.
func TestPaceAfterSilence(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(1000, 0)
	for range 2000 {
		p.rest(2, now)
		now = now.Add(400 * time.Microsecond)
	}
	if !p.rest(2, now) {
		t.Error("five thousand packets a second, and no rest")
	}
	if p.rest(1, now.Add(time.Minute)) {
		t.Error("a rest after a minute of silence")
	}
}
