//go:build linux

package proc

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"1 (a) b) S 0 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0", 2 * time.Second, true},
		{"1 (quench) S 0 1 1 0 -1 0 0 0 0 0 1 0 0 0 20 0", 10 * time.Millisecond, true},
		{"1 (quench) S 0", 0, false},
		{"", 0, false},
	} {
		got, err := parseStat(c.in)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("parseStat(%q) = %v, %v; want %v, ok %v", c.in, got, err, c.want, c.ok)
		}
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in        string
		now, peak int64
		ok        bool
	}{
		{"Name:\tx\nVmHWM:\t  30 kB\nVmRSS:\t  20 kB\n", 20 << 10, 30 << 10, true},
		{"VmRSS:\t  20 kB\n", 20 << 10, 20 << 10, true},
		{"Name:\tzombie\n", 0, 0, false},
	} {
		now, peak, err := parseStatus([]byte(c.in))
		if now != c.now || peak != c.peak || (err == nil) != c.ok {
			t.Errorf("parseStatus(%q) = %d, %d, %v; want %d, %d, ok %v", c.in, now, peak, err, c.now, c.peak, c.ok)
		}
	}
}

// TestSelf reads this very process.
func TestSelf(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		now, err := CPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now > before {
			break
		}
	}
	if now, peak, err := RSS(os.Getpid()); err != nil || now < 1<<20 || peak < now {
		t.Errorf("RSS = %d, %d, %v; want above 1 MB, the peak not below", now, peak, err)
	}
	if n, err := FDs(os.Getpid()); err != nil || n < 3 {
		t.Errorf("FDs = %d, %v; want at least 3", n, err)
	}
}
