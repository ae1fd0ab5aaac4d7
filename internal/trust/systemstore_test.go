package trust

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeSystem is a distribution under a temporary root whose update command
// builds the bundle from the anchors, as the real ones do.
type fakeSystem struct {
	t      *testing.T
	root   string
	kind   systemKind
	ran    []string
	isRoot bool
	broken bool // the update command fails
	idle   bool // the update command does nothing
}

func newFakeSystem(t *testing.T, kind systemKind, osRelease string) *fakeSystem {
	t.Helper()
	f := &fakeSystem{t: t, root: t.TempDir(), kind: kind, isRoot: true}
	for _, dir := range []string{kind.anchors, filepath.Dir(kind.bundle), "/etc"} {
		if err := os.MkdirAll(filepath.Join(f.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(f.root, "etc/os-release"), []byte(osRelease), 0o644); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fakeSystem) options() StoreOptions {
	return StoreOptions{
		Root: f.root, Home: f.t.TempDir(), OS: "linux", Host: machineName(),
		Getenv:   func(string) string { return "" },
		LookPath: func(name string) (string, error) { return "", errors.New("no " + name) },
		Run:      f.run,
		IsRoot:   func() bool { return f.isRoot },
	}
}

func (f *fakeSystem) run(_ context.Context, c Command) ([]byte, error) {
	f.ran = append(f.ran, c.String())
	if f.broken {
		return nil, errors.New("exit status 1: no space left")
	}
	if f.idle {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(f.root, f.kind.anchors, "*.crt"))
	if err != nil {
		return nil, err
	}
	var bundle bytes.Buffer
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		bundle.Write(data)
	}
	return nil, os.WriteFile(filepath.Join(f.root, f.kind.bundle), bundle.Bytes(), 0o644)
}

func (f *fakeSystem) anchors() []string {
	f.t.Helper()
	entries, err := os.ReadDir(filepath.Join(f.root, f.kind.anchors))
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (f *fakeSystem) drop(name string, data []byte) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.root, f.kind.anchors, name), data, 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func TestSystemStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for i, name := range []string{"fedora", "debian", "arch", "suse"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca, older := newTestCA(t), newTestCA(t)
			f := newFakeSystem(t, systemKinds()[i], "ID="+name+"\n")
			f.drop("company.crt", selfSigned(t, "Company CA"))
			f.drop("elsewhere.crt", selfSigned(t, namePrefix+"other-machine 12345678"))
			store := Stores(f.options())[0]
			want := func(what string, r Result, action Action, state State) {
				t.Helper()
				if r.Err != nil || r.Action != action || r.State != state {
					t.Errorf("%s = %+v, want action %q, state %q", what, r, action, state)
				}
			}
			want("first look", store.Status(ctx, ca), Nothing, Absent)
			want("install older", store.Install(ctx, older), Added, Installed)
			want("install", store.Install(ctx, ca), Added, Installed)
			want("second install", store.Install(ctx, ca), Nothing, Installed)
			want("look", store.Status(ctx, ca), Nothing, Installed)
			want("uninstall", store.Uninstall(ctx, ca), Removed, Absent)
			want("second uninstall", store.Uninstall(ctx, ca), Nothing, Absent)
			if diff := cmp.Diff([]string{"company.crt", "elsewhere.crt"}, f.anchors()); diff != "" {
				t.Errorf("anchors left (-want +got):\n%s", diff)
			}
			wantRan := []string{f.kind.add.String(), f.kind.add.String(), f.kind.remove.String()}
			if diff := cmp.Diff(wantRan, f.ran); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSystemStoreDryRunAndNoRoot(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, tc := range []struct {
		name           string
		dry, root      bool
		install, erase Action
		prefix         string
	}{
		{"dry run as root", true, true, WouldAdd, WouldRemove, ""},
		{"dry run as user", true, false, WouldAdd, WouldRemove, "sudo "},
		{"as user", false, false, NeedsCommand, NeedsCommand, "sudo "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ca := newTestCA(t)
			f := newFakeSystem(t, systemKinds()[1], "ID=debian\n")
			f.isRoot = tc.root
			o := f.options()
			o.DryRun = tc.dry
			dir := filepath.Join(f.root, f.kind.anchors)
			file := filepath.Join(dir, "quench-"+ca.Fingerprint()[:16]+".crt")

			r := Stores(o)[0].Install(ctx, ca)
			command := tc.prefix + "install -m 0644 " + ca.CertFile() + " " + file + " && " + tc.prefix + "update-ca-certificates"
			want := Result{Store: "system", Where: dir, State: Absent, Action: tc.install, Command: command}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("install (-want +got):\n%s", diff)
			}
			f.drop(filepath.Base(file), ca.PEM())
			r = Stores(o)[0].Uninstall(ctx, ca)
			command = tc.prefix + "rm -f -- " + file + " && " + tc.prefix + "update-ca-certificates --fresh"
			want = Result{Store: "system", Where: dir, State: Absent, Action: tc.erase, Command: command}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("uninstall (-want +got):\n%s", diff)
			}
			if len(f.ran) != 0 || len(f.anchors()) != 1 {
				t.Errorf("ran %q, anchors %q: something was changed", f.ran, f.anchors())
			}
		})
	}
}

func TestSystemStoreFailures(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	ca := newTestCA(t)
	f := newFakeSystem(t, systemKinds()[1], "ID=debian\n")
	f.broken = true
	if r := Stores(f.options())[0].Install(ctx, ca); r.Action != Failed || r.Err == nil || r.Command == "" {
		t.Errorf("install with a broken update = %+v, want a failure with the command", r)
	}
	f.broken, f.idle = false, true
	if r := Stores(f.options())[0].Install(ctx, ca); r.Action != Failed || r.State != Absent {
		t.Errorf("install with an idle update = %+v, want a failure, absent", r)
	}
}

func TestSystemStoreOfUnknownDistribution(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	ca := newTestCA(t)
	f := newFakeSystem(t, systemKind{anchors: "/srv", bundle: "/srv/b"}, "ID=alpine\n")
	f.isRoot = false
	store := Stores(f.options())[0]
	r := store.Install(ctx, ca)
	if r.State != Unknown || r.Err == nil || r.Command != "sudo apk add ca-certificates" {
		t.Errorf("install = %+v, want unknown and the package", r)
	}
	if r := store.Uninstall(ctx, ca); r.State != Absent || r.Err != nil {
		t.Errorf("uninstall = %+v, want absent", r)
	}
}

func TestCertutilCommand(t *testing.T) {
	t.Parallel()
	for osRelease, want := range map[string]string{
		"ID=debian\n": "sudo apt install libnss3-tools",
		"NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n": "sudo apt install libnss3-tools",
		"ID=fedora\n": "sudo dnf install nss-tools",
		"ID='rocky'\nID_LIKE='rhel centos fedora'\n": "sudo dnf install nss-tools",
		"ID=arch\n": "sudo pacman -S nss",
		"ID=\"opensuse-tumbleweed\"\nID_LIKE=\"opensuse suse\"\n": "sudo zypper install mozilla-nss-tools",
		"": "install the package that has NSS's certutil (often nss-tools)",
	} {
		f := newFakeSystem(t, systemKinds()[1], osRelease)
		f.isRoot = false
		if got := CertutilCommand(f.options()); got != want {
			t.Errorf("with %q: %q, want %q", osRelease, got, want)
		}
	}
	if got := CertutilCommand(StoreOptions{OS: "darwin"}); got != "brew install nss" {
		t.Errorf("on darwin: %q", got)
	}
}

func TestCommandString(t *testing.T) {
	t.Parallel()
	c := Command{"certutil", []string{"-n", "Quench local CA x", "", "it's", "a/b"}}
	if got, want := c.String(), `certutil -n 'Quench local CA x' '' 'it'\''s' a/b`; got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	_, err := Run(context.Background(), Command{"go", []string{"no-such-subcommand"}})
	if err == nil || !strings.Contains(err.Error(), "no-such-subcommand") {
		t.Errorf("error = %v, want what the command said", err)
	}
	var b cappedBuffer
	if n, err := b.Write(make([]byte, commandOutput+1)); n != commandOutput+1 || err != nil || b.Len() != commandOutput {
		t.Errorf("Write past the bound = %d, %v, kept %d", n, err, b.Len())
	}
}
