package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
)

// TestDoctorKnowsDevices has the doctor say what is left to do while nobody else
// asks, and then who has arrived and who goes around.
func TestDoctorKnowsDevices(t *testing.T) {
	t.Parallel()
	a := testApp(t)
	a.rules, a.configFile = "off", filepath.Join(t.TempDir(), "quench.yaml")
	config := "dns: {listen: \"0.0.0.0:0\", allow_from: [192.168.0.0/16], upstreams: [\"udp://127.0.0.1:9\"]}\n"
	if err := os.WriteFile(a.configFile, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve", noRecord: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	d, err := s.openDNS(t.Context(), passed{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.abandon(); err != nil {
			t.Error(err)
		}
	}()
	says := func() string {
		r := &report{}
		s.examineDevices(r, d)
		var all []string
		for _, c := range r.checks {
			all = append(all, c.State+" "+c.Name+": "+c.Says+" → "+c.Fix)
		}
		return strings.Join(all, "\n")
	}
	want := "warn devices: no other device has asked yet → in the router's DHCP settings make "
	if got := says(); !strings.HasPrefix(got, want) || !strings.Contains(got, "the only DNS server (a second one is no fallback, it is used too), and the same for IPv6 (RDNSS)") {
		t.Errorf("before any device: %s", got)
	}
	tablet := s.table().Find(netip.MustParseAddr("192.168.1.7"))
	for range 3 {
		s.arrivals.asked(&tablet)
	}
	s.arrivals.asked(&clients.Client{})
	s.arrivals.bypassed("192.168.1.7", "dns.google")
	got := says()
	for _, w := range []string{"ok device: 192.168.1.7 asks here: 3 questions since the start", "ok device: this machine asks here: 1 question",
		"warn device: 192.168.1.7 asked for dns.google 1 time: it may resolve names there, past us"} {
		if !strings.Contains(got, w) {
			t.Errorf("after some: no %q in\n%s", w, got)
		}
	}
	if strings.Contains(got, "no other device") {
		t.Errorf("a device has asked, but: %s", got)
	}
}
