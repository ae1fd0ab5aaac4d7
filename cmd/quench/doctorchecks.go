package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/trust"
)

const (
	// lowDisk is when the doctor begins to warn.
	lowDisk = 256 << 20
	// caSoon is how long before its end the authority is warned about.
	caSoon = 30 * 24 * time.Hour
)

func (a *app) examineConfig(r *report) *config {
	rs, err := a.loadRules()
	if err != nil {
		r.add("rules", fail, oneLine(err), "mend the file, or start with --rules off")
		return defaultConfig()
	}
	path, _, err := a.configPath()
	if err == nil {
		var cfg *config
		if cfg, err = a.loadConfig(rs.trackers); err == nil {
			if _, serr := os.Stat(path); serr != nil {
				path = "none, the defaults hold"
			}
			r.add("configuration", ok, path, "")
			return cfg
		}
	}
	r.add("configuration", fail, oneLine(err), "quench config check names every fault")
	return defaultConfig()
}

// oneLine is an error without its line ends: the first fault and the number of
// the others.
func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if len(lines) == 1 {
		return lines[0]
	}
	return fmt.Sprintf("%s (and %s)", lines[0], plural(len(lines)-1, "more fault"))
}

func (a *app) examineDir(r *report, dir string) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		r.add("data directory", ok, dir+" is made on first use", "")
		return
	}
	if err := control.PrivateDir(dir); err != nil {
		r.add("data directory", fail, err.Error(), "")
		return
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		r.add("data directory", fail, "cannot write in "+dir+": "+err.Error(), "give this user the directory, or mount it writable")
		return
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
	free, known := freeSpace(dir)
	switch {
	case !known:
		r.add("data directory", ok, dir, "")
	case free < lowDisk:
		r.add("data directory", warn, fmt.Sprintf("%s has only %d MB left", dir, free>>20), "make room, or erase: quench log erase --before 30d")
	default:
		r.add("data directory", ok, fmt.Sprintf("%s, %d MB free", dir, free>>20), "")
	}
}

func (a *app) examineCA(ctx context.Context, r *report) {
	ca, err := a.findCA()
	switch {
	case err != nil:
		r.add("certificate authority", fail, err.Error(), "")
		return
	case ca == nil:
		r.add("certificate authority", ok, "is made on first use", "")
		return
	}
	now, cert := time.Now(), ca.Certificate()
	switch {
	case now.Before(cert.NotBefore):
		r.add("clock", fail, "says "+now.Format(time.DateTime)+", before the certificate authority was made", "set the clock; certificates do not verify otherwise")
	case now.After(cert.NotAfter):
		r.add("certificate authority", fail, "ended on "+cert.NotAfter.Format(time.DateOnly), "quench ca uninstall, move "+filepath.Dir(ca.CertFile())+" away, quench ca install")
	case cert.NotAfter.Sub(now) < caSoon:
		r.add("certificate authority", warn, "ends on "+cert.NotAfter.Format(time.DateOnly), "")
	default:
		r.add("certificate authority", ok, "valid until "+cert.NotAfter.Format(time.DateOnly), "")
	}
	a.examineClock(r, now)
	trusted := 0
	for _, s := range a.stores(true) {
		if res := s.Status(ctx, ca); res.State == trust.Installed {
			trusted++
			r.add("trusted by", ok, res.Store+" "+res.Where, "")
		}
	}
	if trusted == 0 {
		r.add("trusted by", warn, "no store: HTTPS is looked into only under quench browse", "quench ca install")
	}
}

// examineClock compares the clock with the time this program was built.
func (a *app) examineClock(r *report, now time.Time) {
	built, err := time.Parse(time.RFC3339, version().Time)
	if err == nil && now.Before(built.Add(-24*time.Hour)) {
		r.add("clock", fail, "says "+now.Format(time.DateTime)+", before this program was written", "set the clock; certificates do not verify otherwise")
		return
	}
	r.add("clock", ok, now.Format(time.DateTime), "")
}

func (a *app) examinePort(r *report, cfg *config) {
	addr := cfg.Proxy.Listen
	if addr == "off" {
		return
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		r.add("port", fail, portError(addr, err).Error(), "")
		return
	}
	_ = ln.Close()
	r.add("port", ok, addr+" is free", "")
}

func (a *app) examineLedger(ctx context.Context, r *report, dir string) {
	l, err := a.openLedger(ctx, dir)
	switch {
	case errors.Is(err, errNoLedger):
		r.add("ledger", ok, "is made on first use", "")
		return
	case err != nil:
		r.add("ledger", fail, oneLine(err), "")
		return
	}
	defer closeLedger(l)
	if st := l.Stats(); st.LastError != "" || !st.ReplacedAt.IsZero() {
		examineStats(r, st)
		return
	}
	if !examineSoundness(ctx, r, l) {
		return
	}
	n, err := l.Count(ctx, ledger.Filter{})
	if err != nil {
		r.add("ledger", fail, err.Error(), "")
		return
	}
	r.add("ledger", ok, fmt.Sprintf("%s, %d kB", plural(int(n), "event"), sizeUnder(filepath.Join(dir, "ledger"))>>10), "")
}

// soundTime is how long a ledger is looked through. What that is too short for
// is so large that the next look will not end either.
const soundTime = 10 * time.Second

// examineSoundness looks through the whole ledger for damage, and reports
// whether there is none as far as it got.
func examineSoundness(ctx context.Context, r *report, l *ledger.Ledger) bool {
	ctx, cancel := context.WithTimeout(ctx, soundTime)
	defer cancel()
	err := l.Check(ctx)
	switch {
	case err == nil:
		return true
	case errors.Is(err, context.DeadlineExceeded):
		r.add("ledger", warn, fmt.Sprintf("too large to look through within %s", soundTime), "")
		return true
	case errors.Is(err, ledger.ErrDamaged):
		r.add("ledger", fail, oneLine(err), "quench serve moves a damaged ledger aside and begins a new one; quench log erase --all removes both")
	default:
		r.add("ledger", fail, oneLine(err), "")
	}
	return false
}

// examineStats says how a ledger at work is.
func examineStats(r *report, st ledger.Stats) {
	switch {
	case st.LastError != "":
		r.add("ledger", fail, "cannot be written since "+st.Since.Local().Format(time.DateTime)+": "+st.LastError,
			"traffic goes on unrecorded; make the data directory writable and make room")
	default:
		r.add("ledger", ok, plural(int(st.Written), "event")+" written since the start", "")
	}
	if n := st.Lost.Total(); n > 0 {
		r.add("losses", warn, fmt.Sprintf("%s not recorded (%d for want of disk, %d for want of time)",
			plural(int(n), "event"), st.Lost.Disk, st.Lost.QueueFull), "")
	}
	if !st.ReplacedAt.IsZero() {
		r.add("ledger", warn, "was damaged and begun anew on "+st.ReplacedAt.Local().Format(time.DateTime), "the damaged one lies beside it; quench log erase --all removes it")
	}
}

func sizeUnder(dir string) (n int64) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
	}
	return n
}

// examineEnvironment looks for variables that lead programs past the proxy.
func (a *app) examineEnvironment(r *report, cfg *config) {
	var set []string
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		if v := a.getenv(name); v != "" && !strings.Contains(v, cfg.Proxy.Listen) {
			set = append(set, name)
		}
	}
	if len(set) > 0 {
		r.add("environment", warn, strings.Join(set, ", ")+" names another proxy", "programs that follow it do not pass through quench")
		return
	}
	r.add("environment", ok, "no variable leads programs past quench", "")
}

func (a *app) examineBrowsers(r *report) {
	var found []string
	for _, name := range []string{"chromium", "chrome", "edge", "brave", "firefox"} {
		if b, err := browse.Find(name); err == nil {
			found = append(found, b.Name)
		}
	}
	if len(found) == 0 {
		r.add("browsers", warn, "none that quench browse could open", "install Chromium, Chrome, Edge, Brave or Firefox")
	} else {
		r.add("browsers", ok, strings.Join(found, ", "), "")
	}
	if _, err := exec.LookPath("certutil"); err != nil {
		r.add("certutil", warn, "is not installed; browsers' own stores cannot be changed", trust.CertutilCommand(trust.StoreOptions{}))
	} else {
		r.add("certutil", ok, "is installed", "")
	}
}
