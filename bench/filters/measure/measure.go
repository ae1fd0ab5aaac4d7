//go:build unix

// Package measure times filter engines: the same loop, clock and arithmetic
// for each of them. In flow questions as functions, out flow figures. It
// imports the standard library only, so that it can be copied beside an engine
// that must not become a dependency of ours. It knows no engine.
package measure

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Request is one line of the recorded requests.
type Request struct{ Type, Page, URL string }

// Sample is what one process found out about one engine. Times are in
// nanoseconds; what an engine does not have is zero.
type Sample struct {
	Engine  string `json:"engine"`
	Version string `json:"version"`
	// Rules is how many rules or names the engine says it holds.
	Rules int `json:"rules"`
	// Clock is what reading the clock twice takes; it is in all times below.
	Clock float64 `json:"clock"`
	Times
	// CPU is the process's time for one question, garbage collection included.
	CPU float64 `json:"cpu"`
	// Allocs and Bytes are allocations for one question; -1 if nobody can tell.
	Allocs float64 `json:"allocs"`
	Bytes  float64 `json:"bytes"`
	// Loaded and Matched are by how many bytes the live heap grew with loading,
	// and with loading and answering all questions.
	Loaded  int64 `json:"loaded"`
	Matched int64 `json:"matched"`
	// Names is how many bytes the names themselves have (names only).
	Names int64 `json:"names"`
	// Load is the best time to load the text, LoadCPU the least processor time.
	Load    float64 `json:"load"`
	LoadCPU float64 `json:"load_cpu"`
	// Open is the best time to open the file of the compiled lists, Store that
	// to do so as the program does at its start.
	Open  float64 `json:"open"`
	Store float64 `json:"store"`
	// Verdicts has a digit for each question: 1 blocked, 2 lifted by an
	// exception, 0 neither.
	Verdicts string `json:"verdicts"`
}

// Times sums up the best times of all questions.
type Times struct {
	Median float64 `json:"median"`
	Mean   float64 `json:"mean"`
	P99    float64 `json:"p99"`
	P999   float64 `json:"p999"`
}

// Requests reads the recorded requests: type, page and URL, by tabs.
func Requests(path string) ([]Request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Request
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		v := strings.Split(sc.Text(), "\t")
		if len(v) != 3 {
			return nil, fmt.Errorf("%s:%d has %d fields, want 3", path, len(out)+1, len(v))
		}
		out = append(out, Request{v[0], v[1], v[2]})
	}
	return out, sc.Err()
}

// epoch makes the clock cheap: a monotonic difference reads one clock only.
var epoch = time.Now()

func now() time.Duration { return time.Since(epoch) }

// warm is how often all is asked before anything is timed: engines that are
// compiled while they run need it.
const warm = 2

// Each asks each of n questions to warm up and then passes times, all in their
// order each time, and sums up the best time of each. No question is asked
// twice in a row: nothing is answered out of what the last one left.
func Each(n, passes int, ask func(i int)) Times {
	best := make([]time.Duration, n)
	for range warm {
		for i := range n {
			ask(i)
			best[i] = math.MaxInt64
		}
	}
	for range passes {
		for i := range n {
			start := now()
			ask(i)
			best[i] = min(best[i], now()-start)
		}
	}
	return sum(best)
}

// sum sorts best and sums it up.
func sum(best []time.Duration) Times {
	slices.Sort(best)
	n := len(best)
	if n == 0 {
		return Times{}
	}
	var all time.Duration
	for _, d := range best {
		all += d
	}
	at := func(of1000 int) float64 { return float64(best[n*of1000/1000]) }
	return Times{at(500), float64(all) / float64(n), at(990), at(999)}
}

// Clock returns the median of what reading the clock twice takes.
func Clock() float64 { return Each(10000, 5, func(int) {}).Median }

// Spent is processor time and allocations of this process so far.
type Spent struct {
	cpu           time.Duration
	allocs, bytes uint64
}

// Spend reads them.
func Spend() Spent {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Spent{cpu(), m.Mallocs, m.TotalAlloc}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Asked fills in what n questions took, asked passes times in order.
func (s *Sample) Asked(n, passes int, ask func(i int)) {
	s.Times = Each(n, passes, ask)
	before, start := Spend(), cpu()
	for range passes {
		for i := range n {
			ask(i)
		}
	}
	total := float64(n * passes)
	s.CPU = float64(cpu()-start) / total
	after := Spend()
	s.Allocs = math.Round(float64(after.allocs-before.allocs)/total*100) / 100
	s.Bytes = math.Round(float64(after.bytes-before.bytes) / total)
}

// Best runs f k times and returns the shortest, by the clock and by processor.
func Best(k int, f func()) (elapsed, used float64) {
	elapsed, used = math.Inf(1), math.Inf(1)
	for range k {
		c, t := cpu(), now()
		f()
		elapsed, used = min(elapsed, float64(now()-t)), min(used, float64(cpu()-c))
	}
	return elapsed, used
}

// Live returns the bytes of the heap that are in use, with all garbage gone,
// what pools hold included.
func Live() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
