package clients

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

func TestFind(t *testing.T) {
	t.Parallel()
	mac, _ := net.ParseMAC("00:00:5e:00:53:01")
	know := func(a netip.Addr) (net.HardwareAddr, string) {
		switch a.String() {
		case "192.168.1.40":
			return mac, "Tablet"
		case "192.168.1.41":
			return nil, "tablet"
		case "192.168.1.42":
			return nil, "printer"
		}
		return nil, ""
	}
	table, err := New([]Group{
		{Name: "home", Match: []string{"192.168.0.0/16", "fd00::/8"}},
		{Name: "kids", Match: []string{"192.168.1.32/28"}, Tags: []string{"user_child"}},
		{Name: "box", Match: []string{"192.168.1.33", "fe80::1"}},
		{Name: "one", Match: []string{"00:00:5E:00:53:01"}},
		{Name: "tab", Match: []string{"Tablet"}},
		{Name: "six", Match: []string{"::ffff:10.0.0.0/104"}},
	}, know)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"192.168.1.1": "home", "192.168.1.32": "kids", "192.168.1.47": "kids", "192.168.1.48": "home", "192.168.1.33": "box", "::ffff:192.168.1.33": "box",
		"fe80::1%eth0": "box", "192.168.1.40": "one", "192.168.1.41": "tab", "192.168.1.42": "kids", "fd00::5": "home", "10.1.1.1": "six",
		"172.16.0.1": "172.16.0.1", "127.0.0.1": "", "::1": "",
	} {
		if got := table.Find(netip.MustParseAddr(addr)); got.Label != want {
			t.Errorf("%s: got %q, want %q", addr, got.Label, want)
		}
	}
	if c := table.Find(netip.MustParseAddr("192.168.1.34")); len(c.Tags) != 1 || c.Tags[0] != "user_child" {
		t.Errorf("tags: got %v", c.Tags)
	}
	var none *Table
	if c := none.Find(netip.MustParseAddr("192.168.1.1")); c.Label != "192.168.1.1" || none.Policy(&c, time.Now()) != nil {
		t.Errorf("no table: got %+v", c)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		groups []Group
		want   []string
	}{
		{[]Group{{Name: "a", Match: []string{"10.0.0.0/8"}, Where: "q.yaml:3"}, {Name: "b", Match: []string{"10.0.0.1/8"}, Where: "q.yaml:4"}}, []string{"q.yaml:4", "q.yaml:3", "10.0.0.1/8", `"a"`, `"b"`}},
		{[]Group{{Name: "a", Match: []string{"10.0.0.1", "::ffff:10.0.0.1"}}}, []string{"10.0.0.1"}},
		{[]Group{{Name: "a", Match: []string{"10.0.0.0/33"}, Where: "q.yaml:3"}}, []string{"q.yaml:3", "10.0.0.0/33"}},
		{[]Group{{Name: "a", Match: []string{""}}}, []string{"no address"}},
		{[]Group{{Name: "a", Windows: []Window{{From: 25 * time.Hour}}}}, []string{"schedule"}},
		{make([]Group, MaxGroups+1), []string{"at most"}},
		{[]Group{{Name: "a", Match: many(MaxMatches + 1)}}, []string{"more than"}},
	} {
		_, err := New(c.groups, nil)
		if err == nil {
			t.Errorf("%v: no error", c.want)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q does not say %q", err, w)
			}
		}
	}
}

func many(n int) []string {
	var out []string
	a := netip.MustParseAddr("10.0.0.1")
	for range n {
		out = append(out, a.String())
		a = a.Next()
	}
	return out
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	day, night, base := &detect.Policy{}, &detect.Policy{}, &detect.Policy{}
	table, err := New([]Group{{Name: "kids", Match: []string{"10.0.0.1"}, Policy: base, Windows: []Window{
		{Days: 1 << time.Monday, From: 9 * time.Hour, To: 12 * time.Hour, Policy: day},
		{Days: 1 << time.Friday, From: 21 * time.Hour, To: 6 * time.Hour, Policy: night},
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := table.Find(netip.MustParseAddr("10.0.0.1"))
	for at, want := range map[string]*detect.Policy{
		"2026-11-23T08:59:59Z": base, "2026-11-23T09:00:00Z": day, "2026-11-23T11:59:59Z": day, "2026-11-23T12:00:00Z": base, "2026-11-24T10:00:00Z": base,
		"2026-11-27T20:59:00Z": base, "2026-11-27T21:00:00Z": night, "2026-11-28T05:59:00Z": night, "2026-11-28T06:00:00Z": base, "2026-11-28T22:00:00Z": base,
		"2026-11-27T03:00:00Z": base,
	} {
		tm, _ := time.Parse(time.RFC3339, at)
		if got := table.Policy(&c, tm); got != want {
			t.Errorf("%s: got another policy", at)
		}
	}
}
