package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// syncWriter lets a test read what others write.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// serveWith is serve with all options.
func (w *world) serveWith(o ListenerOptions) string {
	w.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.p.ServeWith(ctx, ln, o) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("serve: %v", err)
		}
	})
	return ln.Addr().String()
}

func TestWhoGetsThePAC(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.PrivateNames = func(h string) bool { return h == "proxy.mine.example.com" } })
	addr := w.serve(Auto)
	_, port, _ := net.SplitHostPort(addr)
	here := `"PROXY ` + addr + `"`
	for _, tt := range []struct {
		name, path, host, fields, want string // want "" for no file
	}{
		{"by address", "/proxy.pac", addr, "", here},
		{"by the guessed path", "/wpad.dat", addr, "", here},
		{"by a name of this machine", "/proxy.pac", "localhost:" + port, "", here},
		{"by a single label", "/wpad.dat", "wpad", "", here},
		{"by a local name", "/wpad.dat", "wpad.lan", "", here},
		{"by a name of the user's", "/proxy.pac", "proxy.mine.example.com:" + port, "", here},
		{"through a port forwarder", "/proxy.pac", "192.0.2.7:3128", "", `"PROXY 192.0.2.7:3128"`},
		{"IPv6", "/proxy.pac", "[2001:db8::1]:3128", "", `"PROXY [2001:db8::1]:3128"`},
		{"without a port", "/proxy.pac", "192.0.2.7", "", `"PROXY 192.0.2.7:80"`},
		{"rebound name", "/proxy.pac", "evil.example.com:" + port, "", ""},
		{"rebound, public suffix", "/proxy.pac", "evil.github.io", "", ""},
		{"no address", "/proxy.pac", "0.0.0.0:" + port, "", ""},
		{"no port", "/proxy.pac", "192.0.2.7:99999", "", ""},
		{"script in Host", "/proxy.pac", `a";alert(1)`, "", ""},
		{"a page's script", "/proxy.pac", addr, "Sec-Fetch-Site: cross-site\r\n", ""},
		{"a page's fetch", "/proxy.pac", addr, "Origin: https://evil.example\r\n", ""},
		{"a page's image", "/proxy.pac", addr, "Referer: https://evil.example/\r\n", ""},
		{"a person", "/proxy.pac", addr, "Sec-Fetch-Site: none\r\n", here},
		{"another path", "/proxy.pac/", addr, "", ""},
	} {
		c := raw(t, addr)
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", tt.path, tt.host, tt.fields)
		got, _ := io.ReadAll(c)
		if tt.want == "" {
			if strings.Contains(string(got), "FindProxyForURL") || !strings.HasPrefix(string(got), "HTTP/1.1 4") {
				t.Errorf("%s: got %q, want a refusal", tt.name, got)
			}
			continue
		}
		if !strings.Contains(string(got), "return "+tt.want+";") || !strings.Contains(string(got), "application/x-ns-proxy-autoconfig") {
			t.Errorf("%s: got %q, want %s", tt.name, got, tt.want)
		}
	}
}

func TestPACIsForClientsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.AllowFrom = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	addr := w.serve(Auto)
	resp, err := http.Get("http://" + addr + "/proxy.pac")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 403 || strings.Contains(string(body), "PROXY") {
		t.Errorf("a stranger got %d %q", resp.StatusCode, body)
	}
}

// TestPACEvaluated runs the file as a browser would, without any of the
// functions that browsers add.
func TestPACEvaluated(t *testing.T) {
	t.Parallel()
	node := need(t, "node")
	near := []string{"localhost", "router", "printer.local", "a.b.local", "tv.home.arpa", "home.arpa", "Printer.LOCAL", "printer.local.",
		"10.0.0.1", "127.0.0.1", "192.168.178.1", "172.16.0.1", "172.31.255.255", "169.254.1.1", "100.64.0.1", "100.127.9.9",
		"::1", "[::1]", "fd00::7", "[fd12:3456::1]", "fc00::1", "fe80::2", "febf::1", "FE80::2"}
	far := []string{"example.com", "www.example.com", "local.example.com", "xlocal.com", "nothome.arpa", "home.arpa.evil.com", "evil.com.",
		"8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.169.0.1", "11.0.0.1", "10.0.0.1.evil.com", "10.evil.com",
		"2001:db8::1", "[2001:db8::1]", "2606:4700::1111", "fec0::1", "::ffff:808:808", "f::1", "fd::1"}
	for _, open := range []bool{false, true} {
		w := newWorld(t, func(p *Proxy) { p.FailOpen = open })
		addr := w.serve(Auto)
		resp, err := http.Get("http://" + addr + "/proxy.pac")
		if err != nil {
			t.Fatal(err)
		}
		file, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := "PROXY " + addr
		if open {
			want += "; DIRECT"
		}
		got := evaluate(t, node, string(file), append(append([]string{}, near...), far...))
		for i, h := range near {
			if got[i] != "DIRECT" {
				t.Errorf("%s: %q, want DIRECT", h, got[i])
			}
		}
		for i, h := range far {
			if got[len(near)+i] != want {
				t.Errorf("%s: %q, want %q", h, got[len(near)+i], want)
			}
		}
	}
}

// evaluate returns what FindProxyForURL says for each host.
func evaluate(t *testing.T, node, file string, hosts []string) (out []string) {
	t.Helper()
	list, _ := json.Marshal(hosts)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "-e",
		file+"\nprocess.stdout.write(JSON.stringify("+string(list)+".map(h => FindProxyForURL('http://' + h + '/', h))))")
	got, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	if err := json.Unmarshal(got, &out); err != nil || len(out) != len(hosts) {
		t.Fatalf("node said %q: %v", got, err)
	}
	return out
}
