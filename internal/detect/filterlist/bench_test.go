package filterlist_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// timed runs f for each of n questions, rounds times, keeps the best time of
// each, and reports median, mean and p99 in nanoseconds. What the clock itself
// takes is in them, and reported beside them.
func timed(b *testing.B, n, rounds int, f func(i int)) {
	best := make([]time.Duration, n)
	for round := range rounds {
		for i := range n {
			start := time.Now()
			f(i)
			if d := time.Since(start); round == 0 || d < best[i] {
				best[i] = d
			}
		}
	}
	clock := time.Hour
	for range 1000 {
		start := time.Now()
		clock = min(clock, time.Since(start))
	}
	b.ReportMetric(float64(clock), "clock-ns")
	var sum time.Duration
	for _, d := range best {
		sum += d
	}
	slices.Sort(best)
	b.ReportMetric(float64(best[n/2]), "median-ns")
	b.ReportMetric(float64(sum)/float64(n), "mean-ns")
	b.ReportMetric(float64(best[n*99/100]), "p99-ns")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMatch asks EasyList and EasyPrivacy about the real requests.
func BenchmarkMatch(b *testing.B) {
	set, _ := filterlist.Compile(dataSources(b, easy...), filterlist.Options{Seed: 1})
	reqs, on := dataRequests(b), allLists(2)
	ask := func(i int) { set.Match(&reqs[i], on, filterlist.Want{}) }
	b.Run("each", func(b *testing.B) {
		for b.Loop() {
			timed(b, len(reqs), 15, ask)
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			ask(i % len(reqs))
			i++
		}
	})
}

// BenchmarkCompile reads both lists; it reports the Set's bytes a rule, and the
// live ones after it has answered all requests.
func BenchmarkCompile(b *testing.B) {
	sources := dataSources(b, easy...)
	reqs, on := dataRequests(b), allLists(2)
	before := heap()
	var set *filterlist.Set
	for b.Loop() {
		set, _ = filterlist.Compile(sources, filterlist.Options{Seed: 1})
	}
	for i := range reqs {
		set.Match(&reqs[i], on, filterlist.Want{})
	}
	live := heap() - before
	b.ReportMetric(float64(set.Len()), "rules")
	b.ReportMetric(float64(set.Size())/float64(set.Len()), "B/rule")
	b.ReportMetric(float64(live)/float64(set.Len()), "live-B/rule")
	runtime.KeepAlive(sources)
	runtime.KeepAlive(reqs)
}

// heap returns the bytes that are in use once all garbage is gone, pools too.
func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkHost asks a list of 140,640 domains about the requests' hosts.
func BenchmarkHost(b *testing.B) {
	sources := dataSources(b, "hosts/stevenblack-2022.domains.txt")
	before := heap()
	set, reports := filterlist.Compile(sources, filterlist.Options{Seed: 1})
	live := heap() - before
	reqs, on := dataRequests(b), allLists(1)
	// The names lie together, not in the URLs they came from: a resolver has
	// just read the one it asks about.
	hosts := make([]string, len(reqs))
	for i := range reqs {
		hosts[i] = strings.Clone(reqs[i].Host)
	}
	reqs = nil
	var q detect.HostQuestion
	for b.Loop() {
		timed(b, len(hosts), 15, func(i int) {
			q.Host = hosts[i]
			set.Host(&q, on)
		})
	}
	blocked := 0
	for _, q.Host = range hosts {
		if set.Host(&q, on).Blocked() {
			blocked++
		}
	}
	b.ReportMetric(float64(blocked), "blocked")
	b.ReportMetric(float64(reports[0].Total()), "domains")
	b.ReportMetric(float64(live)/float64(set.Len()), "live-B/domain")
	runtime.KeepAlive(sources)
}

// names makes n names, the same for the same seed, and the bytes they take.
func names(n int, seed uint64) (list []string, bytes int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	tlds := []string{"com", "net", "org", "de", "co.uk", "io", "info"}
	for range n {
		var w strings.Builder
		for range 1 + rnd.IntN(2) {
			for range 4 + rnd.IntN(9) {
				w.WriteByte('a' + byte(rnd.IntN(26)))
			}
			w.WriteByte('.')
		}
		w.WriteString(tlds[rnd.IntN(len(tlds))])
		list = append(list, w.String())
		bytes += w.Len()
	}
	return list, bytes
}

// BenchmarkHostScale asks ever larger lists of random names, half of the time
// for a name on it.
func BenchmarkHostScale(b *testing.B) {
	for _, n := range []int{1e4, 1e5, 1e6, 5e6} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			list, bytes := names(n, 7)
			text := []byte(strings.Join(list, "\n"))
			asks := make([]detect.HostQuestion, 20000)
			other, _ := names(len(asks), 8)
			for i := range asks {
				asks[i].Host = other[i]
				if i%2 == 0 {
					asks[i].Host = "www." + strings.Clone(list[(i*7919)%n])
				}
			}
			list = nil
			before := heap()
			set, _ := filterlist.Compile([]filterlist.Source{{Name: "names", Text: text, Format: filterlist.FormatDomains}}, filterlist.Options{Seed: 1})
			live := heap() - before
			for b.Loop() {
				timed(b, len(asks), 5, func(i int) { set.Host(&asks[i], []uint64{1}) })
			}
			b.ReportMetric(float64(live-int64(bytes))/float64(set.Len()), "overhead-B/domain")
			b.ReportMetric(float64(set.Len()), "domains")
			runtime.KeepAlive(text)
		})
	}
}
