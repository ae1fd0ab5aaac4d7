package trust

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/need"
)

// needCertutil skips without NSS's certutil, unless the run demands browsers.
func needCertutil(t *testing.T) {
	t.Helper()
	need.Program(t, "certutil")
}

func certutil(t *testing.T, args ...string) string {
	t.Helper()
	out, err := Run(context.Background(), Command{"certutil", args})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestNSS(t *testing.T) {
	t.Parallel()
	needCertutil(t)
	ctx := context.Background()
	ca, older := newTestCA(t), newTestCA(t)
	db := NewNSS(filepath.Join(t.TempDir(), "home dir", ".pki", "nssdb"))
	if has, err := db.Has(ctx, ca); has || err != nil {
		t.Errorf("Has before Init = %v, %v", has, err)
	}
	if n, err := db.Remove(ctx, ca); n != 0 || err != nil {
		t.Errorf("Remove before Init = %d, %v", n, err)
	}
	for range 2 {
		if err := db.Init(ctx); err != nil {
			t.Fatal(err)
		}
	}
	addForeign(t, db.Dir, "Company CA")
	addForeign(t, db.Dir, namePrefix+"other-machine 12345678")
	for _, c := range []*CA{older, ca, ca} {
		if err := db.Add(ctx, c); err != nil {
			t.Fatal(err)
		}
		if has, err := db.Has(ctx, c); !has || err != nil {
			t.Errorf("Has after Add = %v, %v", has, err)
		}
	}
	if n, err := db.Remove(ctx, ca); n != 2 || err != nil {
		t.Errorf("Remove = %d, %v, want this CA and the older one", n, err)
	}
	if has, err := db.Has(ctx, ca); has || err != nil {
		t.Errorf("Has after Remove = %v, %v", has, err)
	}
	left := certutil(t, "-d", "sql:"+db.Dir, "-L")
	for _, name := range []string{"Company CA", "other-machine"} {
		if !strings.Contains(left, name) {
			t.Errorf("%s was removed too; left:\n%s", name, left)
		}
	}
}

func addForeign(t *testing.T, dir, name string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "foreign.pem")
	if err := os.WriteFile(file, selfSigned(t, name), 0o644); err != nil {
		t.Fatal(err)
	}
	certutil(t, "-d", "sql:"+dir, "-A", "-t", "C,,", "-n", name, "-i", file)
}

func TestNSSWithoutTrustIsAbsent(t *testing.T) {
	t.Parallel()
	needCertutil(t)
	ctx := context.Background()
	ca := newTestCA(t)
	db := NewNSS(t.TempDir())
	if err := db.Init(ctx); err != nil {
		t.Fatal(err)
	}
	certutil(t, "-d", "sql:"+db.Dir, "-A", "-t", ",,", "-n", ca.Name(), "-i", ca.CertFile())
	if has, err := db.Has(ctx, ca); has || err != nil {
		t.Errorf("Has of an untrusted CA = %v, %v, want false", has, err)
	}
	if err := db.Add(ctx, ca); err != nil {
		t.Fatal(err)
	}
	if has, err := db.Has(ctx, ca); !has || err != nil {
		t.Errorf("Has after Add = %v, %v, want true", has, err)
	}
}

func TestNSSPrimaryPassword(t *testing.T) {
	t.Parallel()
	needCertutil(t)
	ctx := context.Background()
	ca := newTestCA(t)
	home := t.TempDir()
	dir := filepath.Join(home, ".mozilla/firefox/abc.default")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	certutil(t, "-d", "sql:"+dir, "-N", "-f", password)
	o := StoreOptions{Home: home, Root: t.TempDir(), OS: "linux", Getenv: func(string) string { return "" }}
	r := storeAt(t, o, dir).Install(ctx, ca)
	want := "certutil -d sql:" + dir + " -A -t C,, -n '" + ca.Name() + "' -i " + ca.CertFile()
	if r.Action != NeedsCommand || r.State != Absent || !errors.Is(r.Err, ErrPrimaryPassword) || r.Command != want {
		t.Errorf("install = %+v, want the command %s", r, want)
	}
	if left := certutil(t, "-d", "sql:"+dir, "-L"); strings.Contains(left, namePrefix) {
		t.Errorf("a half-added CA is left:\n%s", left)
	}
}

func storeAt(t *testing.T, o StoreOptions, dir string) Store {
	t.Helper()
	for _, s := range Stores(o) {
		if n, ok := s.(nssStore); ok && n.db.Dir == dir {
			return s
		}
	}
	t.Fatalf("no store at %s", dir)
	return nil
}

// TestNSSStores installs into a home with every kind of place, by the real
// certutil.
func TestNSSStores(t *testing.T) {
	t.Parallel()
	needCertutil(t)
	ctx := context.Background()
	home, ca, older := t.TempDir(), newTestCA(t), newTestCA(t)
	layOutHome(t, home)
	o := StoreOptions{Home: home, Root: t.TempDir(), OS: "linux", Getenv: func(string) string { return "" }}
	want := map[string]string{
		".pki/nssdb":                                          "Chromium and Chrome",
		"snap/chromium/current/.pki/nssdb":                    "snap chromium",
		".var/app/org.chromium.Chromium/.pki/nssdb":           "flatpak org.chromium.Chromium",
		".mozilla/firefox/abc.default":                        "Firefox profile",
		".mozilla/firefox/listed":                             "Firefox profile",
		".config/mozilla/firefox/new.default":                 "Firefox profile",
		"snap/firefox/common/.mozilla/firefox/s.def":          "snap Firefox profile",
		".var/app/org.mozilla.firefox/.mozilla/firefox/f.def": "flatpak Firefox profile",
	}
	run := func(what string, action Action, state State, act func(Store) Result) {
		t.Helper()
		got := map[string]string{}
		for _, s := range Stores(o)[1:] {
			r := act(s)
			rel, err := filepath.Rel(home, r.Where)
			if err != nil {
				t.Fatal(err)
			}
			got[rel] = r.Store
			if r.Err != nil || r.Action != action || r.State != state {
				t.Errorf("%s: %+v, want action %q, state %q", what, r, action, state)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: stores (-want +got):\n%s", what, diff)
		}
	}
	install := func(s Store) Result { return s.Install(ctx, ca) }
	uninstall := func(s Store) Result { return s.Uninstall(ctx, ca) }
	o.DryRun = true
	run("dry install", WouldAdd, Absent, install)
	if NewNSS(filepath.Join(home, ".pki/nssdb")).Exists() {
		t.Error("the dry run made a database")
	}
	o.DryRun = false
	run("install older", Added, Installed, func(s Store) Result { return s.Install(ctx, older) })
	run("install", Added, Installed, install)
	run("install again", Nothing, Installed, install)
	o.DryRun = true
	run("dry uninstall", WouldRemove, Installed, uninstall)
	o.DryRun = false
	run("uninstall", Removed, Absent, uninstall)
	run("uninstall again", Nothing, Absent, uninstall)
	run("look for any", Nothing, Absent, func(s Store) Result { return s.Status(ctx, nil) })
}

func layOutHome(t *testing.T, home string) {
	t.Helper()
	ctx := context.Background()
	for _, dir := range []string{
		"snap/chromium/2000/.pki/nssdb", ".var/app/org.chromium.Chromium/.pki/nssdb", ".mozilla/firefox/abc.default",
		".config/mozilla/firefox/new.default", "snap/firefox/common/.mozilla/firefox/s.def",
		".var/app/org.mozilla.firefox/.mozilla/firefox/f.def",
	} {
		if err := NewNSS(filepath.Join(home, dir)).Init(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{".mozilla/firefox/listed", ".mozilla/firefox/Crash Reports"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ini := "[General]\nVersion=2\n[Profile0]\nPath=listed\nIsRelative=1\n[Profile1]\nIsRelative=0\nPath=" +
		filepath.Join(home, ".mozilla/firefox/abc.default") + "\n[Profile2]\nPath=gone\n[Install4F96]\nDefault=x\nPath=Crash Reports\n"
	if err := os.WriteFile(filepath.Join(home, ".mozilla/firefox/profiles.ini"), []byte(ini), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("2000", filepath.Join(home, "snap/chromium/current")); err != nil {
		t.Fatal(err)
	}
}

func TestNSSPrefersTheDataDirectory(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	data := filepath.Join(home, "xdg")
	dir := filepath.Join(data, "pki/nssdb")
	touch(t, filepath.Join(dir, nssFile))
	o := StoreOptions{Home: home, OS: "linux", Getenv: func(k string) string { return map[string]string{"XDG_DATA_HOME": data}[k] }}
	if diff := cmp.Diff([]nssPlace{{"Chromium and Chrome", dir}}, nssPlaces(o), cmp.AllowUnexported(nssPlace{})); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	old := filepath.Join(home, ".pki/nssdb")
	touch(t, filepath.Join(old, nssFile))
	want := []nssPlace{{"Chromium and Chrome", old}, {"Chromium and Chrome", dir}}
	if diff := cmp.Diff(want, nssPlaces(o), cmp.AllowUnexported(nssPlace{})); diff != "" {
		t.Errorf("places with both (-want +got):\n%s", diff)
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNSSWithoutCertutil(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	f := newFakeSystem(t, systemKinds()[1], "ID=debian\n")
	f.isRoot = false
	o := f.options()
	dir := filepath.Join(o.Home, ".mozilla/firefox/p")
	touch(t, filepath.Join(dir, nssFile))
	store := storeAt(t, o, dir)
	ca := newTestCA(t)
	for what, r := range map[string]Result{"install": store.Install(ctx, ca), "uninstall": store.Uninstall(ctx, ca)} {
		if r.Action != NeedsCommand || r.State != Unknown || !errors.Is(r.Err, ErrNoCertutil) || r.Command != "sudo apt install libnss3-tools" {
			t.Errorf("%s = %+v, want the package to install", what, r)
		}
	}
	if len(f.ran) != 0 {
		t.Errorf("ran %q", f.ran)
	}
}

func TestNSSBrokenDatabase(t *testing.T) {
	t.Parallel()
	needCertutil(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, nssFile), []byte("not a database at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	r := nssStore{o: StoreOptions{Home: home}.withDefaults(), name: "x", db: NewNSS(dir)}.Install(context.Background(), newTestCA(t))
	if r.Action != Failed || r.Err == nil || !strings.Contains(r.Err.Error(), dir) {
		t.Errorf("install = %+v, want a failure that names %s", r, dir)
	}
}
