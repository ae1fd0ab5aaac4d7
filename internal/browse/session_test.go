package browse

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/trust"
)

func testCA(t *testing.T) *trust.CA {
	t.Helper()
	ca, err := trust.Open(filepath.Join(t.TempDir(), "ca"))
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestSessionRefuses(t *testing.T) {
	t.Parallel()
	good := Session{Browser: Browser{Name: "chromium", Path: "/none", Family: Chromium}, Proxy: "127.0.0.1:1", CA: testCA(t)}
	for _, tc := range []struct {
		name   string
		spoil  func(*Session)
		inText string
	}{
		{"no proxy", func(s *Session) { s.Proxy = "" }, "want host:port"},
		{"proxy without port", func(s *Session) { s.Proxy = "127.0.0.1" }, "want host:port"},
		{"proxy with a bad port", func(s *Session) { s.Proxy = "127.0.0.1:70000" }, "bad port"},
		{"proxy with port zero", func(s *Session) { s.Proxy = "127.0.0.1:0" }, "bad port"},
		{"flag for an address", func(s *Session) { s.URL = "--no-sandbox" }, "after --"},
		{"no browser", func(s *Session) { s.Browser = Browser{} }, "no browser"},
		{"no downloads folder", func(s *Session) { s.Downloads = "files" }, "absolute path"},
		{"no CA", func(s *Session) { s.CA = nil }, "no CA"},
		{"no such program", func(*Session) {}, "starting chromium"},
		{"no certutil", func(s *Session) { s.Browser.Family = Firefox }, "certutil"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := good
			s.TempDir = t.TempDir()
			s.LookPath = func(string) (string, error) { return "", errors.New("none") }
			tc.spoil(&s)
			if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), tc.inText) {
				t.Errorf("Run = %v, want an error that says %q", err, tc.inText)
			}
			if left, err := os.ReadDir(s.TempDir); err != nil || len(left) != 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

func TestChromiumPrefs(t *testing.T) {
	t.Parallel()
	profile := t.TempDir()
	if err := writeChromiumPrefs(profile, `/home/u/"odd" folder`); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(profile, "Default", "Preferences"))
	if err != nil {
		t.Fatal(err)
	}
	var prefs struct {
		Download struct {
			Dir string `json:"default_directory"`
		} `json:"download"`
	}
	if err := json.Unmarshal(data, &prefs); err != nil || prefs.Download.Dir != `/home/u/"odd" folder` {
		t.Errorf("download directory = %q, %v", prefs.Download.Dir, err)
	}
}

func TestChromiumNeverLosesItsSandboxBySelf(t *testing.T) {
	t.Parallel()
	flags := chromiumFlags("/p", "[::1]:8118")
	for _, flag := range flags {
		if strings.Contains(flag, "sandbox") || strings.HasPrefix(flag, "--ignore-certificate-errors") {
			t.Errorf("flag %s", flag)
		}
	}
	for _, want := range []string{"--user-data-dir=/p", "--proxy-server=http://[::1]:8118", "--proxy-bypass-list=<-loopback>"} {
		if !slices.Contains(flags, want) {
			t.Errorf("flags %q lack %s", flags, want)
		}
	}
}

func TestFirefoxPrefs(t *testing.T) {
	t.Parallel()
	prefs, err := firefoxPrefs("[::1]:8118", "/home/u/a \"b\"\n\u2028")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`user_pref("network.proxy.type", 1);`,
		`user_pref("network.proxy.http", "::1");`,
		`user_pref("network.proxy.ssl_port", 8118);`,
		`user_pref("network.proxy.no_proxies_on", "");`,
		`user_pref("network.proxy.allow_hijacking_localhost", true);`,
		`user_pref("network.proxy.failover_direct", false);`,
		`user_pref("network.trr.mode", 5);`,
		`user_pref("privacy.globalprivacycontrol.enabled", true);`,
		`user_pref("privacy.globalprivacycontrol.functionality.enabled", true);`,
		`user_pref("browser.download.dir", "/home/u/a \"b\"\n\u2028");`,
		`user_pref("browser.download.folderList", 2);`,
	} {
		if !strings.Contains(string(prefs), want+"\n") {
			t.Errorf("user.js lacks %s", want)
		}
	}
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:http"} {
		if _, err := firefoxPrefs(bad, "/d"); err == nil {
			t.Errorf("firefoxPrefs(%q) gives no error", bad)
		}
	}
}
