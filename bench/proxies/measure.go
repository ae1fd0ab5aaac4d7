//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/quench-proxy/quench/bench/load"
	"github.com/quench-proxy/quench/bench/proc"
)

// scenario is one load.
type scenario struct {
	proto   string // plain, h1, h2
	size    string // 1k, 100k, 10m
	workers int
	shared  bool // over one HTTP/2 connection
	hit     bool // a tracking pixel, which only Quench answers
}

func (s scenario) String() string {
	return fmt.Sprintf("%s %s x%d shared=%v hit=%v", s.proto, s.size, s.workers, s.shared, s.hit)
}

// sample is one measurement.
type sample struct {
	Scenario string        `json:"scenario"`
	Peer     string        `json:"peer"`
	Round    int           `json:"round"`
	Rate     float64       `json:"rate"`
	CPU      float64       `json:"cpu_us"` // a request
	P50      time.Duration `json:"p50_ns"`
	P99      time.Duration `json:"p99_ns"`
	Peak     int64         `json:"rss_peak"` // bytes
	Requests int           `json:"requests"`
	Errors   int           `json:"errors"`
	First    string        `json:"first_error,omitempty"`
}

// record is all that a run measured.
type record struct {
	Samples []sample                   `json:"samples"`
	Chunks  map[string][]time.Duration `json:"first_chunk_ns"` // by proto and peer
}

var sizes = map[string]int64{"1k": 1 << 10, "100k": 100 << 10, "10m": 10 << 20}

// browser is what a page's script element sends along, so that the detection
// has all that it looks at.
var browser = http.Header{
	"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"},
	"Accept":          {"*/*"},
	"Accept-Language": {"en-GB,en;q=0.9"},
	"Accept-Encoding": {"gzip, deflate, br"},
	"Referer":         {"https://shop.example/"},
	"Sec-Fetch-Dest":  {"script"},
	"Sec-Fetch-Mode":  {"no-cors"},
	"Sec-Fetch-Site":  {"cross-site"},
	"Cookie":          {"session=0123456789abcdef; theme=dark"},
}

const hitURL = "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&dl=https%3A%2F%2Fshop.example%2Fshoes&rl=&if=false&sw=1920&sh=1080&fbp=fb.1.1700000000000.1234567890"

func (l *lab) job(p *peer, s scenario) load.Job {
	j := load.Job{
		Client: load.Client{Proxy: p.proxy, Roots: p.roots, H2: s.proto == "h2"},
		Header: browser, Size: sizes[s.size], H2: s.proto == "h2",
		Workers: s.workers, Shared: s.shared, Warm: l.o.warm, For: l.o.dur,
	}
	switch base := l.site; {
	case s.hit:
		j.URL, j.Size = hitURL, -1
		j.Header = browser.Clone()
		j.Header.Set("Sec-Fetch-Dest", "image")
	case s.proto == "plain":
		j.URL = base.Plain + "/" + s.size
	case s.proto == "h1":
		j.URL = base.H1 + "/" + s.size
	default:
		j.URL = base.H2 + "/" + s.size
	}
	return j
}

func (l *lab) scenarios() []scenario {
	var out []scenario
	for _, proto := range []string{"plain", "h1", "h2"} {
		if !wanted(l.o.protos, proto) {
			continue
		}
		for _, size := range []string{"1k", "100k", "10m"} {
			workers := 16
			if size == "10m" {
				workers = 4
			}
			if wanted(l.o.sizes, size) {
				out = append(out, scenario{proto: proto, size: size, workers: workers})
			}
		}
		if l.o.extras {
			out = append(out, scenario{proto: proto, size: "1k", workers: 1})
			if proto != "plain" {
				out = append(out, scenario{proto: proto, size: "10m", workers: 16}, scenario{proto: proto, size: "1k", workers: 16, hit: true})
			}
			if proto == "h2" {
				out = append(out, scenario{proto: proto, size: "10m", workers: 16, shared: true})
			}
		}
	}
	return out
}

func (l *lab) fits(p *peer, s scenario) bool {
	return (s.proto != "h2" || p.h2) && (!s.hit || p.name == "quench")
}

// measureAll gives each proxy its turn in each round, so that what the machine
// does besides falls on all.
func (l *lab) measureAll(ctx context.Context) *record {
	rec := &record{Chunks: map[string][]time.Duration{}}
	for round := range l.o.rounds {
		for _, s := range l.scenarios() {
			for _, p := range l.peers {
				if ctx.Err() != nil {
					return rec
				}
				if l.fits(p, s) {
					m := l.measure(ctx, p, s)
					m.Round = round
					rec.Samples = append(rec.Samples, m)
					fmt.Fprintf(os.Stderr, "%d %-40s %-9s %8.0f/s %8.0f µs %8v %8v %5d MB %d errors %s\n",
						round, s, p.name, m.Rate, m.CPU, m.P50, m.P99, m.Peak>>20, m.Errors, m.First)
				}
			}
		}
	}
	if l.o.extras {
		l.chunks(ctx, rec)
	}
	return rec
}

func (l *lab) measure(ctx context.Context, p *peer, s scenario) (m sample) {
	j := l.job(p, s)
	var before, after time.Duration
	m.Scenario, m.Peer = s.String(), p.name
	if p.proc != nil {
		pid := p.proc.Pid()
		j.Begin = func() { before, _ = proc.CPU(pid) }
		j.End = func() { after, _ = proc.CPU(pid) }
		defer sampleRSS(pid, &m.Peak)()
	}
	r := load.Run(ctx, j)
	m.Rate, m.P50, m.P99, m.Requests, m.Errors = r.Rate(), r.P50, r.P99, r.Requests, r.Errors
	if r.First != nil {
		m.First = r.First.Error()
	}
	if r.Requests > 0 {
		m.CPU = float64((after - before).Microseconds()) / float64(r.Requests)
	}
	return m
}

const chunkRuns = 50

// chunks measures the first chunk of streams, direct and through each proxy in
// turn.
func (l *lab) chunks(ctx context.Context, rec *record) {
	for _, proto := range []string{"h1", "h2"} {
		base := l.site.H1
		if proto == "h2" {
			base = l.site.H2
		}
		clients := map[string]*http.Client{}
		for range chunkRuns {
			for _, p := range l.peers {
				if proto == "h2" && !p.h2 || ctx.Err() != nil {
					continue
				}
				c := clients[p.name]
				if c == nil {
					c = load.Client{Proxy: p.proxy, Roots: p.roots, H2: proto == "h2"}.New()
					clients[p.name] = c
					_, _ = load.FirstChunk(ctx, c, base+"/stream") // connects
				}
				if d, err := load.FirstChunk(ctx, c, base+"/stream"); err == nil {
					rec.Chunks[proto+" "+p.name] = append(rec.Chunks[proto+" "+p.name], d)
				}
			}
		}
		for _, c := range clients {
			c.CloseIdleConnections()
		}
	}
}

// profile loads Quench alone with the first scenario and has it write where
// its time goes.
func (l *lab) profile(ctx context.Context) error {
	i := slices.IndexFunc(l.peers, func(p *peer) bool { return p.name == "quench" })
	if i < 0 || len(l.scenarios()) == 0 {
		return fmt.Errorf("there is nothing to profile: %v", l.missing)
	}
	p := l.peers[i]
	j := l.job(p, l.scenarios()[0])
	j.Begin = func() { _ = p.proc.Signal(syscall.SIGUSR1) }
	j.End = func() { _ = p.proc.Signal(syscall.SIGUSR2) }
	r := load.Run(ctx, j)
	fmt.Printf("%d requests, %d errors, %.0f/s\n", r.Requests, r.Errors, r.Rate())
	return nil
}

func median[T cmp.Ordered](v []T) T {
	var zero T
	if len(v) == 0 {
		return zero
	}
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
