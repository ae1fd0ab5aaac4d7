package dnsfilter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/need"
)

// TestChromiumByDoH has a browser resolve everything by the door's DoH and
// nothing otherwise: a page on a good name loads, what it asks of a blocked
// name and of one that leads to a blocked name does not.
func TestChromiumByDoH(t *testing.T) {
	if testing.Short() {
		t.Skip("no time for a browser")
	}
	path := need.Program(t, "chromium", "google-chrome")
	site := newSite(t)
	cert, _ := certificate(t, "dns.home.example")
	g := newRig(t, Options{DoH: []string{"127.0.0.1:0"}, TLS: cert, Name: "dns.home.example", PrivateNames: []string{"good.example", "second.example"}}, listed("bad.example"),
		// Not 127.0.0.1, which a browser that got 0.0.0.0 would reach.
		"good.example. 300 IN A 127.0.0.2", "second.example. 300 IN A 127.0.0.2", "cloak.example. 300 IN CNAME x.bad.example.",
		"bad.example. 300 IN A 127.0.0.2", "x.bad.example. 300 IN A 127.0.0.2")
	sum := sha256.Sum256(g.root().RawSubjectPublicKeyInfo)
	out := dumpDOM(t, path, "https://"+g.addr(DoH)+dohPath, base64.StdEncoding.EncodeToString(sum[:]), "http://good.example:"+site.port+"/")
	if want := "second.example yes, bad.example no, cloak.example no, end"; !strings.Contains(out, want) {
		t.Errorf("the page says %q, want %q", out, want)
	}
	if n := g.Stats().Queries["doh"]; n < 4 {
		t.Errorf("%d questions came by DoH, want at least one a name", n)
	}
	if got := site.reached(); strings.Join(got, " ") != "good.example second.example" {
		t.Errorf("the browser reached %v, want the good names alone", got)
	}
}

// site is a web server with a page that looks for images on three names.
type site struct {
	port  string
	mu    sync.Mutex
	hosts map[string]bool
}

const lookingPage = `<!doctype html><link rel="icon" href="data:,"><body><script>
const look = host => new Promise(done => { const i = new Image();
  i.onload = () => done(host + ' yes, '); i.onerror = () => done(host + ' no, ');
  i.src = 'http://' + host + ':' + location.port + '/x.svg' });
(async () => { let all = ''; for (const h of ['second.example', 'bad.example', 'cloak.example']) all += await look(h);
  document.body.append(all + 'end') })()</script>`

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{hosts: map[string]bool{}}
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		need.Lack(t, "no second loopback address: %v", err)
	}
	_, s.port, _ = net.SplitHostPort(l.Addr().String())
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := strings.Cut(r.Host, ":")
		s.mu.Lock()
		s.hosts[host] = true
		s.mu.Unlock()
		if r.URL.Path == "/x.svg" {
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(lookingPage))
	})}}
	srv.Start()
	t.Cleanup(srv.Close)
	return s
}

func (s *site) reached() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range []string{"bad.example", "cloak.example", "good.example", "second.example"} {
		if s.hosts[h] {
			out = append(out, h)
		}
	}
	return out
}

// dumpDOM opens url in a fresh profile whose only resolver is template, and
// returns what the page has become.
func dumpDOM(t *testing.T, path, template, key, url string) string {
	t.Helper()
	home, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home) // its children may still write: t.TempDir would fail the test
	profile := filepath.Join(home, "profile")
	state, _ := json.Marshal(map[string]any{"dns_over_https": map[string]any{"mode": "secure", "templates": template}})
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Local State"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	args := []string{"--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + profile,
		"--ignore-certificate-errors-spki-list=" + key, "--virtual-time-budget=30000", "--dump-dom", url}
	if os.Geteuid() == 0 { // its sandbox does not run as root
		args = append([]string{"--no-sandbox"}, args...)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "HOME="+home)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v", err)
	}
	_, after, _ := strings.Cut(string(out), "</script>")
	return after
}
