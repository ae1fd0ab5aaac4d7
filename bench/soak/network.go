//go:build linux

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/quench-proxy/quench/bench/faults"
	"github.com/quench-proxy/quench/bench/origin"
)

// The protocols that the service speaks with sites.
const (
	plain = "plain"
	h1    = "h1"
	h2    = "h2"
)

var protocols = [...]string{plain, h1, h2}

var (
	// well is a network without faults.
	well = faults.Weights{faults.None: 1}
	// often: half of the connections are well. Of plain and h1 there are many.
	often = faults.Weights{faults.None: 14, faults.Latency: 2, faults.Slicer: 2, faults.Bandwidth: 2, faults.SlowClose: 2,
		faults.Limit: 2, faults.Reset: 2, faults.Timeout: 1, faults.HalfOpen: 1}
	// mostly: one in four is well, since all requests to a site share one h2
	// connection. So there are many sites too, and none lives for long.
	mostly = faults.Weights{faults.None: 4, faults.Latency: 2, faults.Slicer: 2, faults.Bandwidth: 1, faults.SlowClose: 2,
		faults.Limit: 2, faults.Reset: 2, faults.Timeout: 1, faults.HalfOpen: 1}
)

// network is what stands before the origin: sites of each protocol.
type network struct {
	sites map[string][]*faults.Listener
	bases map[string][]string
}

// lay puts a network before each listener of the origin. bad is for faults,
// else all is well.
func lay(a origin.Addrs, seed uint64, bad bool) (*network, error) {
	n := &network{sites: map[string][]*faults.Listener{}, bases: map[string][]string{}}
	for _, p := range []struct {
		name, base string
		sites      int
		weights    faults.Weights
		life       time.Duration
	}{{plain, a.Plain, 2, often, time.Minute}, {h1, a.H1, 4, often, time.Minute}, {h2, a.H2, 16, mostly, 10 * time.Second}} {
		scheme, port, _ := strings.Cut(p.base, "://localhost")
		if !bad {
			p.sites, p.weights = 1, well
		}
		for range p.sites {
			seed++
			l, err := faults.Listen(faults.Options{Target: "127.0.0.1" + port, Weights: p.weights, Seed: seed, Life: p.life})
			if err != nil {
				n.close()
				return nil, err
			}
			n.sites[p.name] = append(n.sites[p.name], l)
			n.bases[p.name] = append(n.bases[p.name], scheme+"://localhost"+strings.TrimPrefix(l.Addr(), "127.0.0.1"))
		}
	}
	return n, nil
}

func (n *network) close() {
	for _, list := range n.sites {
		for _, l := range list {
			_ = l.Close()
		}
	}
}

// met is how many connections met each fault.
type met [faults.FaultsLen]int64

func (m met) String() string {
	var b strings.Builder
	for f, n := range m {
		fmt.Fprintf(&b, " %s %d", faults.Fault(f), n)
	}
	return b.String()
}

func (n *network) counts() map[string]met {
	out := map[string]met{}
	for p, list := range n.sites {
		var sum met
		for _, l := range list {
			for f, c := range l.Counts() {
				sum[f] += c
			}
		}
		out[p] = sum
	}
	return out
}
