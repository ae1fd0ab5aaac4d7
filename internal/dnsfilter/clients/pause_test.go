package clients

import (
	"fmt"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

func TestPauses(t *testing.T) {
	t.Parallel()
	var p Pauses
	now := time.Now()
	policy := &detect.Policy{Strict: true}
	if p.Apply("kids", policy, now) != policy {
		t.Error("without a pause the policy changes")
	}
	_ = p.Pause("kids", now.Add(time.Minute), now)
	got := p.Apply("kids", policy, now)
	if !got.Observe || !got.Strict || policy.Observe {
		t.Errorf("paused: got %+v, want a copy that observes", got)
	}
	if !p.Apply("kids", nil, now).Observe {
		t.Error("paused without a policy: does not observe")
	}
	if once := p.Apply("kids", policy, now); p.Apply("kids", policy, now) != once {
		t.Error("asked again: the policy is made anew")
	}
	if list := p.List(now); len(list) != 1 || list[0] != (Paused{"kids", now.Add(time.Minute)}) {
		t.Errorf("got %v, want kids", list)
	}
	if p.Apply("tablet", policy, now) != policy || p.Apply("kids", policy, now.Add(time.Minute)) != policy {
		t.Error("the pause holds for others, or for too long")
	}
	if !p.Resume("kids", now) || p.Resume("kids", now) || p.Resume("nobody", now) {
		t.Error("resuming tells who was paused wrongly")
	}
	if p.Apply("kids", policy, now) != policy || len(p.List(now)) != 0 {
		t.Error("resumed, but paused")
	}
	_ = p.Pause("", now.Add(time.Minute), now)
	_ = p.Pause("kids", now.Add(time.Second), now)
	for _, who := range []string{"", "kids", "tablet"} {
		if !p.Apply(who, policy, now.Add(2*time.Second)).Observe || p.Apply(who, policy, now.Add(time.Minute)) != policy {
			t.Errorf("%q: everybody is paused for a minute, and no longer", who)
		}
	}
	p.Resume("", now)
	p.Resume("kids", now)
	for i := range MaxPauses {
		_ = p.Pause(fmt.Sprint(i), now.Add(time.Minute), now)
	}
	if p.Pause("one more", now.Add(time.Minute), now) != ErrPauses {
		t.Error("more pauses than the bound")
	}
	if p.Pause("one more", now.Add(time.Hour), now.Add(2*time.Minute)) != nil {
		t.Error("ended pauses take up room")
	}
}

func TestParseWindow(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	for in, want := range map[string]Window{
		"21:00-06:00":                {From: 21 * h, To: 6 * h},
		"mon-fri 21:00-6:30":         {Days: 0b0111110, From: 21 * h, To: 6*h + 30*time.Minute},
		"Sat,Sun 09:00-24:00":        {Days: 0b1000001, From: 9 * h, To: 24 * h},
		"fri-mon 0:00-12:00":         {Days: 0b1100011, To: 12 * h},
		"wednesday,thu 10:00-11:00":  {Days: 0b0011000, From: 10 * h, To: 11 * h},
		"  sunday   10:00-11:00    ": {Days: 1, From: 10 * h, To: 11 * h},
	} {
		got, err := ParseWindow(in)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "mon", "mon 21:00", "moon 1:00-2:00", "mon- 1:00-2:00", "25:00-26:00", "24:00-1:00", "1:00-2:60", "mon tue 1:00-2:00", "1:00--2:00"} {
		if w, err := ParseWindow(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, w)
		}
	}
}
