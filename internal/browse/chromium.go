package browse

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/quench-proxy/quench/internal/trust"
)

// prepareChromium fills the profile and returns the flags.
func (s Session) prepareChromium(ctx context.Context, profile, home string) ([]string, error) {
	if err := writeChromiumPrefs(profile, s.Downloads); err != nil {
		return nil, err
	}
	args := chromiumFlags(profile, s.Proxy)
	if !s.trustInHome(ctx, home) {
		// Works because our chain carries the CA; the browser shows a bar that
		// the flag is in use. It is only heeded together with --user-data-dir.
		args = append(args, "--ignore-certificate-errors-spki-list="+s.CA.SPKI())
	}
	return append(args, s.URL), nil
}

// trustInHome puts the CA into the NSS database of a private home, where
// Chromium on Linux looks. It reports whether it could.
func (s Session) trustInHome(ctx context.Context, home string) bool {
	if home == "" {
		return false
	}
	if _, err := s.LookPath("certutil"); err != nil {
		return false
	}
	db := trust.NewNSS(filepath.Join(home, ".pki", "nssdb"))
	err := db.Init(ctx)
	if err == nil {
		err = db.Add(ctx, s.CA)
	}
	switch {
	case ctx.Err() != nil:
		return false // no browser will be opened
	case err != nil:
		fmt.Fprintf(s.Stderr, "quench: %v; the browser is told by a flag instead\n", err)
		return false
	}
	return true
}

// chromiumFlags are the flags of every session.
//
// Calls home are off: nobody who opens a fresh profile asked for them, and they
// would fill the report with the browser's own traffic. With them goes the
// download of Safe Browsing's lists and of component updates, for which
// Chromium has no finer switch; a profile this young has no lists anyway. A few
// calls to its maker remain that no flag stops; they go through the proxy.
func chromiumFlags(profile, proxy string) []string {
	flags := []string{
		"--user-data-dir=" + profile,
		"--proxy-server=http://" + proxy,
		"--proxy-bypass-list=<-loopback>", // else localhost goes past the proxy
		"--no-first-run",
		"--no-default-browser-check",
		"--disable-search-engine-choice-screen",
		"--disable-quic",
		"--disable-background-networking",
		"--disable-component-update",
		"--disable-domain-reliability",
		"--disable-features=OptimizationHints,OptimizationGuideModelDownloading,NetworkTimeServiceQuerying",
		"--disable-sync",
	}
	if runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		// The keyring would ask for its password, and keep an entry.
		flags = append(flags, "--password-store=basic")
	}
	return flags
}

// writeChromiumPrefs writes the settings that have no flag.
func writeChromiumPrefs(profile, downloads string) error {
	prefs := map[string]any{
		"download": map[string]any{"default_directory": downloads, "prompt_for_download": false, "directory_upgrade": true},
		"savefile": map[string]any{"default_directory": downloads},
		"browser":  map[string]any{"has_seen_welcome_page": true},
		// No account of the browser itself; signing in to web sites works.
		"signin": map[string]any{"allowed": false, "allowed_on_next_startup": false},
	}
	data, err := json.Marshal(prefs)
	if err != nil {
		return fmt.Errorf("writing the browser's settings: %w", err)
	}
	dir := filepath.Join(profile, "Default")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("writing the browser's settings: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Preferences"), data, 0o600); err != nil {
		return fmt.Errorf("writing the browser's settings: %w", err)
	}
	return nil
}
