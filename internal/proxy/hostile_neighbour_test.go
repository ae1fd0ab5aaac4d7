//go:build linux

package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pace is how often each of the neighbour's three clients asks: two hundred
// requests a second together, which leave the proxy idle most of the time.
const pace = 15 * time.Millisecond

// browser asks for a small page over and over, plain, over HTTP/1.1 and HTTP/2,
// at a steady pace, and keeps how long each took.
type browser struct {
	stop context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	took []request
	errs []error
	away *away
}

// request is one of the neighbour's.
type request struct {
	begin time.Time
	took  time.Duration
}

// browse starts the neighbour, which is at another address than who attacks.
func (p *pressed) browse() *browser {
	ctx, cancel := context.WithCancel(p.t.Context())
	b := &browser{stop: cancel, away: &away{}}
	b.done.Go(func() { b.away.watch(ctx) })
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 3, 1)}}
	for i, base := range []string{"http", "https", "https"} {
		c := p.client(p.addr, nil, i == 2)
		c.Transport.(*http.Transport).DialContext = d.DialContext
		b.done.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for ctx.Err() == nil {
				begin := time.Now()
				err := once(ctx, c, base+"://calm.example/")
				b.note(request{begin, time.Since(begin)}, err, ctx)
				<-tick.C
			}
		})
	}
	return b
}

func (b *browser) note(took request, err error, ctx context.Context) {
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

// take returns how long requests took since it was last called, but for lost
// ones, during which this machine was away.
func (b *browser) take() (took []time.Duration, lost int, errs []error) {
	b.mu.Lock()
	list, errs := b.took, b.errs
	b.took, b.errs = nil, nil
	b.mu.Unlock()
	lapse(2 * awayStep) // for what the kernel counts late
	gone := b.away.take()
	for _, r := range list {
		if slices.ContainsFunc(gone, func(g absence) bool { return g.meets(r) }) {
			lost++
			continue
		}
		took = append(took, r.took)
	}
	return took, lost, errs
}

// away keeps when the host of a virtual machine gave its processors to others,
// which the kernel counts as stolen. Nothing that a proxy does changes that.
type away struct {
	mu   sync.Mutex
	list []absence
}

// absence ended before at the latest, and took so long.
type absence struct {
	at   time.Time
	long time.Duration
}

// awayStep is the unit in which the kernel counts stolen time.
const awayStep = 10 * time.Millisecond

func (g absence) meets(r request) bool {
	return r.begin.Before(g.at) && r.begin.Add(r.took).After(g.at.Add(-g.long-awayStep))
}

func (a *away) watch(ctx context.Context) {
	tick := time.NewTicker(awayStep / 2)
	defer tick.Stop()
	for last := stolen(); ctx.Err() == nil; <-tick.C {
		now := stolen()
		if now > last {
			a.mu.Lock()
			a.list = append(a.list, absence{time.Now(), now - last})
			a.mu.Unlock()
		}
		last = now
	}
}

func (a *away) take() []absence {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	return list
}

// stolen returns the stolen time of all processors; 0 where it is not counted.
func stolen() time.Duration {
	data, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(data), "\n")
	f := strings.Fields(line)
	if len(f) < 9 {
		return 0
	}
	n, _ := strconv.ParseInt(f[8], 10, 64)
	return time.Duration(n) * awayStep
}

// percentile returns the value that p hundredths of took are not above; 0 of
// none. It sorts took.
func percentile(took []time.Duration, p int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)-1, len(took)*p/100)]
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	for _, tt := range []struct {
		took []time.Duration
		p    int
		want time.Duration
	}{{nil, 99, 0}, {[]time.Duration{7}, 99, 7}, {hundred, 99, 100}, {hundred, 50, 51}, {hundred[:2], 50, 2}} {
		if got := percentile(tt.took, tt.p); got != tt.want {
			t.Errorf("percentile %d of %d: %d, want %d", tt.p, len(tt.took), got, tt.want)
		}
	}
}

func TestAbsence(t *testing.T) {
	t.Parallel()
	start := time.Now()
	g := absence{start.Add(100 * time.Millisecond), 20 * time.Millisecond}
	for _, tt := range []struct {
		begin, took time.Duration
		want        bool
	}{{0, 60, false}, {0, 80, true}, {75, 1, true}, {99, 50, true}, {101, 50, false}, {50, 200, true}} {
		r := request{start.Add(tt.begin * time.Millisecond), tt.took * time.Millisecond}
		if got := g.meets(r); got != tt.want {
			t.Errorf("%d ms from %d: %v, want %v", tt.took, tt.begin, got, tt.want)
		}
	}
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
