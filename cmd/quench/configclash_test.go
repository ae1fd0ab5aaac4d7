package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

func TestClashes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		set  func(*config)
		want string // part of the fault, "" for none
	}{
		{"defaults", func(*config) {}, ""},
		{"twice in one key", func(c *config) { c.DNS.Listen = "127.0.0.1:5300, 127.0.0.1:5300" }, "dns.listen: 127.0.0.1:5300 is taken already by dns.listen"},
		{"proxy and DNS over TCP", func(c *config) { c.Proxy.Listen, c.DNS.Listen = "127.0.0.1:5300", "127.0.0.1:5300" }, "is taken already by proxy.listen"},
		{"all addresses and one", func(c *config) { c.DNS.Listen, c.Metrics.Listen = ":5300", "127.0.0.1:5300" }, "metrics.listen: 127.0.0.1:5300 is taken already by dns.listen"},
		{"all of IPv4 and one of IPv6", func(c *config) { c.DNS.Listen, c.Metrics.Listen = "0.0.0.0:5300", "[::1]:5300" }, ""},
		{"other addresses", func(c *config) { c.DNS.Listen = "127.0.0.1:5300, 192.168.1.2:5300" }, ""},
		{"port by the kernel", func(c *config) { c.Proxy.Listen, c.DNS.Listen = "127.0.0.1:0", "127.0.0.1:0" }, ""},
	} {
		cfg := defaultConfig()
		c.set(cfg)
		k := &checker{file: "c.yaml"}
		k.clashes(cfg)
		var got strings.Builder
		for _, err := range k.faults {
			got.WriteString(err.Error())
		}
		if c.want == "" && got.Len() > 0 || !strings.Contains(got.String(), c.want) {
			t.Errorf("%s: %q, want %q", c.name, got.String(), c.want)
		}
	}
}

func TestHalf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0.0.0.0/0": true, "0.0.0.0/1": true, "128.0.0.0/1": true, "10.0.0.0/8": false, "192.168.1.0/24": false,
		"::/0": true, "2000::/3": true, "fc00::/7": false, "fe80::/10": false, "2001:db8::/32": false,
	} {
		if got := half(netip.MustParsePrefix(text)); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}

// TestPortHolder wants the process in the way named, and none that has the port
// at another address.
func TestPortHolder(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if portHolder(ln.Addr().String()) == "" {
		t.Skip("this system does not tell who has a port")
	}
	if who := portHolder(":" + port); !strings.Contains(who, "process ") {
		t.Errorf("all addresses: %q", who)
	}
	if who := portHolder("127.0.0.99:" + port); who != "" {
		t.Errorf("another address: %q", who)
	}
}

func TestCleaned(t *testing.T) {
	t.Parallel()
	got := cleaned([]detect.Override{{To: "https://CDN.example/x?y"}, {To: "a b"}})
	if len(got) != 1 || got[0].To != "cdn.example" {
		t.Errorf("%+v", got)
	}
}
