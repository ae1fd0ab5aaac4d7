//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/bench/proc"
)

// TestReport wants ratios to be taken within a round, and their median.
func TestReport(t *testing.T) {
	t.Parallel()
	s := scenario{proto: "h1", size: "1k", workers: 16}
	l := &lab{o: &options{protos: "h1", sizes: "1k"}, missing: []string{"squid: not found"}}
	for _, name := range []string{"direct", "goproxy", "quench"} {
		p := &peer{name: name, version: "1"}
		if name != "direct" {
			p.proc = &proc.Proc{}
		}
		l.peers = append(l.peers, p)
	}
	r := &record{}
	for round, slow := range []float64{1, 10, 2} { // the machine was busy
		for name, cpu := range map[string]float64{"direct": 0, "goproxy": 100, "quench": 120} {
			r.Samples = append(r.Samples, sample{Scenario: s.String(), Peer: name, Round: round, Rate: 1000 / slow, Requests: 1,
				CPU: cpu * slow, P50: time.Millisecond + time.Duration(cpu*slow)*time.Microsecond, P99: 2 * time.Millisecond, Peak: 32 << 20})
		}
	}
	// One of goproxy is missing: the ratio is that of the other two.
	r.Samples = append(r.Samples, sample{Scenario: s.String(), Peer: "quench", Round: 3, Rate: 500, CPU: 9000, Requests: 1, Errors: 2})
	var b strings.Builder
	writeReport(&b, l, r)
	for _, want := range []string{
		"- missing: squid: not found",
		"| 1 KB x 16 | direct | 500 | 1 | - | - | 1.00 | 2.00 | - | - | - | 0 |",
		"| 1 KB x 16 | goproxy | 500 | 1 | 200 | 1.00 | 1.20 | 2.00 | 0.20 | 0.00 | 32 | 0 |",
		"| 1 KB x 16 | quench | 500 | 1 | 1200 | 1.20 |",
		" | 2 |\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "Plain HTTP") {
		t.Error("a protocol that was not measured has a table")
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list, v string
		want    bool
	}{{"", "h1", true}, {"h1,h2", "h2", true}, {"h1,h2", "plain", false}, {"h", "h1", false}} {
		if got := wanted(c.list, c.v); got != c.want {
			t.Errorf("wanted(%q, %q) = %v, want %v", c.list, c.v, got, c.want)
		}
	}
}

func TestRevision(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Tests are built without a revision.
	if got, want := revision(self), "given binary, of no known revision"; got != want {
		t.Errorf("revision(a test) = %q, want %q", got, want)
	}
	if got, want := revision(filepath.Join(t.TempDir(), "none")), "of unknown origin"; got != want {
		t.Errorf("revision(nothing) = %q, want %q", got, want)
	}
}
