package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
)

// Bounds of what is remembered of devices.
const (
	maxDevices = 1024
	maxHostsOf = 16 // resolvers one device asked for
)

// arrivals remembers, in memory alone, which devices have asked, and which of
// them ask for resolvers that would lead past us. Nothing of what they asked for
// is kept besides.
type arrivals struct {
	byLabel sync.Map // label → *device
	n       atomic.Int64
	now     func() time.Time
}

// device is one label: a group's, a device's own name, or an address.
type device struct {
	label string
	count atomic.Int64
	last  atomic.Int64 // Unix seconds

	mu    sync.Mutex
	hosts map[string]int64
}

func newArrivals() *arrivals { return &arrivals{now: time.Now} }

func (a *arrivals) device(label string) *device {
	if d, ok := a.byLabel.Load(label); ok {
		return d.(*device)
	}
	if a.n.Load() >= maxDevices {
		return nil
	}
	d, had := a.byLabel.LoadOrStore(label, &device{label: label})
	if !had {
		a.n.Add(1)
	}
	return d.(*device)
}

// asked notes a question. It is on the data path.
func (a *arrivals) asked(c *clients.Client) {
	if d := a.device(c.Label); d != nil {
		d.count.Add(1)
		d.last.Store(a.now().Unix())
	}
}

// bypassed notes that a device asked for another resolver's name.
func (a *arrivals) bypassed(label, host string) {
	d := a.device(label)
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts == nil {
		d.hosts = map[string]int64{}
	}
	if _, ok := d.hosts[host]; ok || len(d.hosts) < maxHostsOf {
		d.hosts[host]++
	}
}

// arrived is a device as people read of it.
type arrived struct {
	Label string           `json:"client"`
	Count int64            `json:"questions"`
	Last  time.Time        `json:"last"`
	Past  map[string]int64 `json:"past,omitempty"`
}

// list gives all devices, those that ask most first.
func (a *arrivals) list() []arrived {
	var out []arrived
	a.byLabel.Range(func(_, v any) bool {
		d := v.(*device)
		x := arrived{Label: d.label, Count: d.count.Load(), Last: time.Unix(d.last.Load(), 0).UTC()}
		d.mu.Lock()
		for h, n := range d.hosts {
			if x.Past == nil {
				x.Past = map[string]int64{}
			}
			x.Past[h] = n
		}
		d.mu.Unlock()
		out = append(out, x)
		return true
	})
	slices.SortFunc(out, func(x, y arrived) int { return int(y.Count - x.Count) })
	return out
}
