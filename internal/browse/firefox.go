package browse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/quench-proxy/quench/internal/trust"
)

// prepareFirefox fills the profile and returns the flags.
func (s Session) prepareFirefox(ctx context.Context, profile string) ([]string, error) {
	if _, err := s.LookPath("certutil"); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNeedsCertutil, trust.CertutilCommand(trust.StoreOptions{}))
	}
	db := trust.NewNSS(profile)
	if err := db.Init(ctx); err != nil {
		return nil, err
	}
	if err := db.Add(ctx, s.CA); err != nil {
		return nil, err
	}
	prefs, err := firefoxPrefs(s.Proxy, s.Downloads)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), prefs, 0o600); err != nil {
		return nil, fmt.Errorf("writing the browser's settings: %w", err)
	}
	return []string{"--no-remote", "--profile", profile, s.URL}, nil
}

type pref struct {
	name  string
	value any
}

// firefoxPrefs returns the user.js of a session.
func firefoxPrefs(proxy, downloads string) ([]byte, error) {
	host, port, err := net.SplitHostPort(proxy)
	if err != nil {
		return nil, fmt.Errorf("proxy address %q: %w", proxy, err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("proxy address %q: %w", proxy, err)
	}
	prefs := append(proxyPrefs(host, number), quietPrefs()...)
	prefs = append(prefs,
		pref{"privacy.globalprivacycontrol.enabled", true},
		pref{"privacy.globalprivacycontrol.functionality.enabled", true},
		pref{"browser.download.dir", downloads},
		pref{"browser.download.folderList", 2}, // the folder above
		pref{"browser.download.useDownloadDir", true},
	)
	var out bytes.Buffer
	for _, p := range prefs {
		value, err := json.Marshal(p.value) // a JSON scalar is one of JavaScript
		if err != nil {
			return nil, fmt.Errorf("writing the browser's settings: %w", err)
		}
		fmt.Fprintf(&out, "user_pref(%q, %s);\n", p.name, value)
	}
	return out.Bytes(), nil
}

// proxyPrefs send everything through the proxy and leave no way around it.
func proxyPrefs(host string, port int) []pref {
	return []pref{
		{"network.proxy.type", 1},
		{"network.proxy.http", host},
		{"network.proxy.http_port", port},
		{"network.proxy.ssl", host},
		{"network.proxy.ssl_port", port},
		{"network.proxy.share_proxy_settings", true},
		{"network.proxy.no_proxies_on", ""},
		{"network.proxy.allow_hijacking_localhost", true},
		{"network.proxy.failover_direct", false}, // else Firefox's own requests go direct when a proxy fails
		{"network.proxy.allow_bypass", false},
		{"network.trr.mode", 5}, // DNS over HTTPS off, by the user's choice
		{"network.http.http3.enable", false},
	}
}

// quietPrefs switch off first-run pages, questions and calls home that nobody
// who opens a fresh profile asked for. Safe Browsing stays on.
func quietPrefs() []pref {
	return []pref{
		{"browser.startup.page", 0},
		{"browser.startup.homepage", "about:blank"},
		{"browser.startup.homepage_override.mstone", "ignore"},
		{"startup.homepage_welcome_url", ""},
		{"startup.homepage_welcome_url.additional", ""},
		{"browser.aboutwelcome.enabled", false},
		{"browser.preonboarding.enabled", false},
		{"termsofuse.bypassNotification", true},
		{"browser.newtabpage.enabled", false},
		{"browser.shell.checkDefaultBrowser", false},
		{"browser.tabs.warnOnClose", false},
		{"browser.warnOnQuit", false},
		{"browser.safebrowsing.downloads.remote.enabled", false},
		{"browser.search.update", false},
		{"browser.region.update.enabled", false},
		{"browser.topsites.contile.enabled", false},
		{"browser.discovery.enabled", false},
		{"extensions.getAddons.cache.enabled", false},
		{"extensions.update.enabled", false},
		{"extensions.systemAddon.update.enabled", false},
		{"app.normandy.enabled", false},
		{"app.shield.optoutstudies.enabled", false},
		{"datareporting.policy.dataSubmissionEnabled", false},
		{"datareporting.healthreport.uploadEnabled", false},
		{"datareporting.usage.uploadEnabled", false},
		{"toolkit.telemetry.enabled", false},
		{"toolkit.telemetry.unified", false},
		{"toolkit.telemetry.reportingpolicy.firstRun", false},
		{"dom.private-attribution.submission.enabled", false},
		{"network.captive-portal-service.enabled", false},
		{"network.connectivity-service.enabled", false},
	}
}
