//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParsePerf(t *testing.T) {
	t.Parallel()
	const report = `[Status] Testing complete (end of file)

Statistics:

  Queries sent:         200
  Queries completed:    198 (99.00%)
  Queries lost:         2 (1.00%)

  Response codes:       NOERROR 190 (95.96%), SERVFAIL 8 (4.04%)
  Average packet size:  request 23, response 40
  Run time (s):         0.001251
  Queries per second:   5000.250000
`
	for _, c := range []struct {
		name, in string
		want     cell
		err      bool
	}{
		{"counts", report, cell{Rate: 5000.25, Sent: 200, Lost: 2, Odd: 8}, false},
		{"latencies", "> NOERROR a.com A 0.000500\n> T b.com A\n> NOERROR c.com AAAA 0.002000\n" + report,
			cell{Rate: 5000.25, Sent: 200, Lost: 2, Odd: 8, P99: 2 * time.Millisecond}, false},
		{"all of another code", strings.Replace(report, "NOERROR 190", "REFUSED 190", 1), cell{Rate: 5000.25, Sent: 200, Lost: 2, Odd: 198}, false},
		{"nobody answers", "  Queries sent:         2\n  Queries completed:    0 (0.00%)\n", cell{Sent: 2}, true},
		{"nothing", "", cell{}, true},
	} {
		got, err := parsePerf(strings.NewReader(c.in))
		if diff := cmp.Diff(c.want, got); diff != "" || (err != nil) != c.err {
			t.Errorf("%s: error %v, want one: %v; difference (-want +got):\n%s", c.name, err, c.err, diff)
		}
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	for _, c := range []struct {
		v    []time.Duration
		want time.Duration
	}{{nil, 0}, {[]time.Duration{7}, 7}, {[]time.Duration{9, 3}, 9}, {hundred, 99}} {
		if got := percentile(slices.Clone(c.v), 99); got != c.want {
			t.Errorf("of %d values got %d, want %d", len(c.v), got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	long, short := listed(5000), listed(1000)
	if diff := cmp.Diff(short, long[:1000]); diff != "" {
		t.Errorf("the longer list does not begin with the shorter (-short +long):\n%s", diff)
	}
	blocked := map[string]bool{}
	for _, name := range long {
		if blocked[name] {
			t.Errorf("%s is listed twice", name)
		}
		blocked[name] = true
	}
	for _, name := range append(open(cachedNames, 1), open(5000, 99)...) {
		for rest, ok := name, true; ok; _, rest, ok = strings.Cut(rest, ".") {
			if blocked[rest] {
				t.Errorf("%s is open but %s is listed", name, rest)
			}
		}
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	names := listed(1000)
	holds := map[string]bool{}
	for _, name := range names {
		holds[name] = true
	}
	for _, c := range []struct {
		load     string
		asked    int
		from, to float64 // share of blocked names
	}{{"blocked", 1000, 1, 1}, {"cached", 2 * cachedNames, 0, 0}, {"mixed", mixedAsked, 0.19, 0.21}} {
		qs, n := questions(c.load, names), 0
		for _, q := range qs {
			name, _, _ := strings.Cut(q, " ")
			if holds[name] {
				n++
			}
		}
		if share := float64(n) / float64(len(qs)); len(qs) != c.asked || share < c.from || share > c.to {
			t.Errorf("%s: %d questions, %.3f of them blocked; want %d, %.2f to %.2f", c.load, len(qs), share, c.asked, c.from, c.to)
		}
	}
}

func TestIsNull(t *testing.T) {
	t.Parallel()
	head := func(rcode, answers byte) []byte { return []byte{0, 1, 0x81, rcode, 0, 1, 0, answers, 0, 0, 0, 0} }
	for _, c := range []struct {
		name string
		b    []byte
		kind uint16
		want bool
		err  bool
	}{
		{"null", append(head(0, 1), 0, 0, 0, 0), typeA, true, false},
		{"an address", append(head(0, 1), 192, 0, 2, 1), typeA, false, false},
		{"null, long", append(head(0, 1), make([]byte, 16)...), typeAAAA, true, false},
		{"an address, long", append(append(head(0, 1), make([]byte, 15)...), 1), typeAAAA, false, false},
		{"no name", append(head(3, 0), 0, 0, 0, 0), typeA, false, true},
		{"no record", append(head(0, 0), 0, 0, 0, 0), typeA, false, true},
		{"short", head(0, 1), typeA, false, true},
	} {
		if got, err := isNull(c.b, c.kind); got != c.want || (err != nil) != c.err {
			t.Errorf("%s: got %v, %v; want %v and an error: %v", c.name, got, err, c.want, c.err)
		}
	}
}
