//go:build unix

package dnsfilter

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
)

// listedNames is how many names the lists of the benchmarks have.
const listedNames = 100_000

// benchTwin is a door with long lists and a ledger that costs nothing: what is
// measured is the door.
func benchTwin(b *testing.B) *twin {
	b.Helper()
	var text strings.Builder
	for i := range listedNames {
		fmt.Fprintf(&text, "0.0.0.0 host%d.ads%d.example\n", i, i%997)
	}
	s := withLists(b, "ads", text.String())
	return newTwin(b, func(o *Options) {
		o.Record, o.Query, o.Set = func(ledger.Sighting) {}, nil, func() *engine.Set { return s }
	})
}

// benchPackets are questions for n listed names, or for one that is kept.
func benchPackets(b *testing.B, n int, change func(*dns.Msg)) map[string][][]byte {
	out := map[string][][]byte{"kept": {pack(b, query("a.example", dns.TypeA, change))}}
	for i := range n {
		out["blocked"] = append(out["blocked"], pack(b, query(fmt.Sprintf("host%d.ads%d.example", i, i%997), dns.TypeA, change)))
	}
	for _, p := range out["blocked"] {
		q := append([]byte(nil), p...)
		q[2] = 0x20 | q[2] // NOTIFY
		out["refused"] = append(out["refused"], q)
	}
	return out
}

// cpu returns what this process has used, in nanoseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkAnswer is the time of one question without the system's share: the
// fast path, and the general path beside it.
func BenchmarkAnswer(b *testing.B) {
	for name, change := range map[string]func(*dns.Msg){"plain": nil, "edns": edns(1232, false)} {
		w := benchTwin(b)
		all := benchPackets(b, listedNames, change)
		w.fill(all["kept"])
		out := make([]byte, 0, MaxUDP)
		home := netip.MustParseAddr("192.168.1.3")
		for what, pkts := range all {
			b.Run("fast/"+what+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				start := cpu(b)
				now := w.Door.now()
				for i := range b.N {
					if _, done := w.l.answer(pkts[i%len(pkts)], home, now, out); !done {
						b.Fatal("left to the general path")
					}
					if i%1000 == 0 {
						w.tellAll()
					}
				}
				b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
			})
			b.Run("general/"+what+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				start := cpu(b)
				for i := range b.N {
					if _, r := w.quick(pkts[i%len(pkts)], home, UDP); r != nil {
						b.Fatal("would ask upstream")
					}
				}
				b.ReportMetric(float64(cpu(b)-start)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// BenchmarkLoopback has dnsperf ask a served door as fast as it can for two
// seconds, however large b.N is: questions a second, and this process' CPU for
// each, the system's share included. Without dnsperf it is skipped.
func BenchmarkLoopback(b *testing.B) {
	perf, err := exec.LookPath("dnsperf")
	if err != nil {
		b.Skip("dnsperf is not installed")
	}
	var blocked strings.Builder
	for i := range listedNames {
		fmt.Fprintf(&blocked, "host%d.ads%d.example A\n", i, i%997)
	}
	for what, text := range map[string]string{"kept": "a.example A\n", "blocked": blocked.String()} {
		b.Run(what, func(b *testing.B) {
			g := newRig(b, benchTwin(b).o, nil, fastZone...)
			g.ask(query("a.example", dns.TypeA, nil))
			file := filepath.Join(b.TempDir(), "names")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			at := g.Addrs()[UDP][0]
			start := cpu(b)
			out, err := exec.Command(perf, "-s", at.Addr().String(), "-p", strconv.Itoa(int(at.Port())), "-d", file, "-l", "2", "-c", "20").CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			used := float64(cpu(b) - start)
			b.ReportMetric(used/1000/figure(b, out, "Queries completed"), "cpu-us/query")
			b.ReportMetric(figure(b, out, "Queries per second"), "queries/s")
			b.ReportMetric(figure(b, out, "Queries lost"), "lost")
		})
	}
}

// figure finds a number in what dnsperf says.
func figure(b *testing.B, out []byte, name string) float64 {
	b.Helper()
	m := regexp.MustCompile(name + `:\s+([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		b.Fatalf("dnsperf does not say %q: %s", name, out)
	}
	f, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return f
}
