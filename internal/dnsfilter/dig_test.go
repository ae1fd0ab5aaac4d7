package dnsfilter

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// dig runs the real program; without it the test is skipped, or fails where real
// programs are required (QUENCH_REQUIRE_BROWSERS).
func dig(t *testing.T, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("dig")
	if err != nil {
		if os.Getenv("QUENCH_REQUIRE_BROWSERS") == "1" {
			t.Fatal("required by QUENCH_REQUIRE_BROWSERS: dig is not installed")
		}
		t.Skip("dig is not installed")
	}
	out, err := exec.Command(path, append([]string{"+tries=1", "+time=10"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("dig %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestDig(t *testing.T) {
	t.Parallel()
	g, _ := secureRig(t, bigZone("big.example.", 25)...)
	at := func(v Via) []string {
		a := g.Addrs()[v][0]
		return []string{"@" + a.Addr().String(), "-p", strconv.Itoa(int(a.Port()))}
	}
	for _, c := range []struct {
		via        Via
		args       string
		want, lack []string
	}{
		{UDP, "a.example A", []string{"status: NOERROR", "flags: qr rd ra;", "93.184.216.34", "udp: 1232"}, []string{" aa", "WARNING", "Warning"}},
		{UDP, "bad.example A", []string{"bad.example.", "0.0.0.0", "EDE: 17 (Filtered)", "blocked by your own rule"}, []string{"WARNING"}},
		{UDP, "bad.example AAAA +nocookie", []string{"AAAA\t::"}, nil},
		{UDP, "bad.example HTTPS", []string{"status: NOERROR", "SOA"}, nil},
		{UDP, "a.example +edns=1 +noednsnegotiation", []string{"status: BADVERS"}, nil},
		{UDP, "big.example TXT +ignore +noedns", []string{" tc "}, nil},
		{UDP, "big.example TXT", []string{"ANSWER: 25", "TCP"}, nil},
		{UDP, "a.example +norec", []string{"status: REFUSED"}, nil},
		{UDP, "version.bind TXT CH", []string{"status: REFUSED"}, nil},
		{UDP, "_dns.resolver.arpa TYPE64", []string{"dns.home.example."}, nil},
		{TCP, "a.example A b.example A bad.example A +tcp +keepopen", []string{"93.184.216.34", "NXDOMAIN", "0.0.0.0"}, nil},
		{TCP, "a.example +tcp +ednsopt=11", []string{"TCP KEEPALIVE: 10.0 secs"}, nil},
		{DoT, "a.example +tls +padding=128", []string{"93.184.216.34", "PAD", "(TLS)"}, nil},
		{DoH, "a.example +https", []string{"93.184.216.34", "(HTTPS)"}, nil},
		{DoH, "bad.example +https-get", []string{"0.0.0.0", "(HTTPS-GET)"}, nil},
	} {
		out := dig(t, append(at(c.via), strings.Fields(c.args)...)...)
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("dig %s: no %q in\n%s", c.args, w, out)
			}
		}
		for _, l := range c.lack {
			if strings.Contains(out, l) {
				t.Errorf("dig %s: %q in\n%s", c.args, l, out)
			}
		}
	}
}
