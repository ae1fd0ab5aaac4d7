package proxy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const trackedPage = `<!doctype html><link rel="icon" href="data:,"><body>
<img src="https://px.acme.example/tr?id=1" onload="look('pixel')" onerror="look('no pixel')"><script>
async function look(what) {
  try { what += ' ' + await (await fetch('https://second.example/')).text() } catch (e) { what += ' failed' }
  document.body.append(what + ' end')
}</script>`

// Two browsers of one make on one address: the one that trusts us is found out
// and served whole, the other notices nothing.
func TestChromiumIsFoundOut(t *testing.T) {
	if testing.Short() {
		t.Skip("no time for a browser")
	}
	path := need(t, "chromium")
	w := newWorld(t, func(p *Proxy) { p.GPC = true })
	leaf := w.roots.leaf(t, "site.example", "second.example", "px.acme.example")
	w.siteTLS(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Host == "site.example" {
			rw.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(rw, trackedPage)
			return
		}
		rw.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = io.WriteString(rw, "gpc="+r.Header.Get("Sec-Gpc"))
	}), &tls.Config{Certificates: []tls.Certificate{*leaf}}, "site.example", "second.example", "px.acme.example")
	addr := w.serve(Auto)
	site, err := x509.ParseCertificate(leaf.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(site.RawSubjectPublicKeyInfo)
	spki := base64.StdEncoding.EncodeToString(sum[:])
	for _, tt := range []struct{ keys, want string }{{spki + "," + w.p.CA.SPKI(), "pixel gpc=1 end"}, {spki, "no pixel gpc= end"}} {
		if got := dumpDOM(t, path, addr, tt.keys); !strings.Contains(got, tt.want) {
			t.Errorf("the page says %q, want %q", got, tt.want)
		}
	}
	s := w.p.Stats()
	if s.Refusals != 1 || s.Intercepted < 2 || s.Spliced[reasonRefusing] < 1 {
		t.Errorf("stats %+v", s)
	}
	if n := w.dialled(w.names["px.acme.example"].Addrs[0].String() + ":443"); n != 0 {
		t.Errorf("the tracker was dialled %d times", n)
	}
}

func dumpDOM(t *testing.T, path, proxy, keys string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	home, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home) // its children may still write: t.TempDir would fail the test
	args := []string{"--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=" + home + "/profile",
		"--proxy-server=http://" + proxy, "--proxy-bypass-list=<-loopback>", "--ignore-certificate-errors-spki-list=" + keys,
		"--virtual-time-budget=20000", "--dump-dom", "https://site.example/"}
	if os.Geteuid() == 0 { // its sandbox does not run as root
		args = append(args, "--no-sandbox")
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

// Firefox refuses in its own way; it must be understood as a refusal.
func TestFirefoxRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("no time for a browser")
	}
	path := need(t, "firefox", "firefox-esr")
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, `<!doctype html><img src="https://px.acme.example/tr?id=1">`)
	}), "site.example", "px.acme.example")
	addr := w.serve(Auto)
	host, port, _ := net.SplitHostPort(addr)
	home, err := os.MkdirTemp("", "firefox")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	prefs := fmt.Sprintf(`user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", %[1]q);
user_pref("network.proxy.http_port", %[2]s);
user_pref("network.proxy.ssl", %[1]q);
user_pref("network.proxy.ssl_port", %[2]s);
user_pref("dom.security.https_first", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
`, host, port)
	if err := os.WriteFile(filepath.Join(home, "user.js"), []byte(prefs), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-remote", "--profile", home, "--screenshot", filepath.Join(home, "x.png"), "http://site.example/")
	cmd.Env = append(os.Environ(), "HOME="+home)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("firefox: %v: %s", err, out)
	}
	if s := w.p.Stats(); s.Refusals != 1 || s.Intercepted != 0 {
		t.Errorf("stats %+v", s)
	}
}
