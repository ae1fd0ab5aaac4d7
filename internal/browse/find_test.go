package browse

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// machine is a fake machine for Finder: programs by name, and files that
// exist below a directory.
func machine(t *testing.T, files map[string]string) (root string, f Finder) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("lays out programs with mode bits and links")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(filepath.Join(root, target), path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root, Finder{
		OS: "linux", Home: filepath.Join(root, "home"), Getenv: func(string) string { return "" },
		LookPath: func(name string) (string, error) {
			for _, dir := range []string{"usr/local/bin", "usr/bin", "snap/bin"} {
				if path := filepath.Join(root, dir, name); isProgram(path) {
					return path, nil
				}
			}
			return "", &exec.Error{Name: name, Err: fs.ErrNotExist}
		},
		Exists: func(string) bool { return false },
	}
}

const (
	elf          = "\x7fELF binary"
	debianScript = "#!/bin/sh\n# not exec /snap/bin/chromium\nexec /usr/lib/chromium/chromium \"$@\"\n"
	ubuntuScript = "#!/bin/sh\nif ! [ -x /snap/bin/firefox ]; then\n  echo 'snap install firefox' >&2\n  exit 1\nfi\nexec /snap/bin/firefox \"$@\"\n"
)

type findCase struct {
	name, ask string
	files     map[string]string
	want      string // path below the root
	family    Family
	wantName  string
	is        error
	inText    []string
}

func findCases() []findCase {
	return []findCase{
		{name: "nothing", is: ErrNotFound, inText: []string{"chromium", "google-chrome", "microsoft-edge", "brave-browser", "firefox", "install"}},
		{name: "nothing of that name", ask: "brave", files: map[string]string{"usr/bin/chromium": elf}, is: ErrNotFound, inText: []string{"brave-browser", "install"}},
		{name: "unknown name", ask: "lynx", inText: []string{`"lynx"`, "chromium, chrome, edge, brave, firefox"}},
		{name: "chromium first", files: map[string]string{"usr/bin/firefox": elf, "usr/bin/chromium": debianScript},
			want: "usr/bin/chromium", family: Chromium, wantName: "chromium"},
		{name: "any of the family before firefox", files: map[string]string{"usr/bin/firefox": elf, "usr/bin/microsoft-edge": elf},
			want: "usr/bin/microsoft-edge", family: Chromium, wantName: "edge"},
		{name: "by name", ask: "firefox", files: map[string]string{"usr/bin/firefox-esr": elf, "usr/bin/chromium": elf},
			want: "usr/bin/firefox-esr", family: Firefox, wantName: "firefox"},
		{name: "snap by script", ask: "firefox", files: map[string]string{"usr/bin/firefox": ubuntuScript},
			is: ErrSandboxed, inText: []string{"usr/bin/firefox", "snap", "install"}},
		{name: "snap by place", ask: "chromium", files: map[string]string{"snap/bin/chromium": elf}, is: ErrSandboxed, inText: []string{"snap"}},
		{name: "snap by link", ask: "chromium", files: map[string]string{"snap/chromium/1/chrome": elf, "usr/bin/chromium": "-> snap/chromium/1/chrome"}, is: ErrSandboxed},
		{name: "snap passed over", files: map[string]string{"usr/bin/chromium-browser": strings.ReplaceAll(ubuntuScript, "firefox", "chromium"), "usr/bin/google-chrome": elf},
			want: "usr/bin/google-chrome", family: Chromium, wantName: "chrome"},
		{name: "snap passed over within a product", ask: "firefox", files: map[string]string{"usr/bin/firefox": ubuntuScript, "usr/bin/firefox-esr": elf},
			want: "usr/bin/firefox-esr", family: Firefox, wantName: "firefox"},
		{name: "path", ask: "/opt/ff/firefox-bin", files: map[string]string{"opt/ff/firefox-bin": elf},
			want: "opt/ff/firefox-bin", family: Firefox, wantName: "firefox-bin"},
		{name: "path by what it links to", ask: "/etc/x-www-browser", files: map[string]string{"usr/bin/chromium": elf, "etc/x-www-browser": "-> usr/bin/chromium"},
			want: "etc/x-www-browser", family: Chromium, wantName: "x-www-browser"},
		{name: "path of nothing", ask: "/opt/none", is: ErrNotFound, inText: []string{"opt/none"}},
		{name: "path of a mystery", ask: "/opt/thing", files: map[string]string{"opt/thing": elf}, inText: []string{"cannot tell"}},
		{name: "path of a flatpak", ask: "/var/lib/flatpak/exports/bin/org.mozilla.firefox",
			files: map[string]string{"var/lib/flatpak/exports/bin/org.mozilla.firefox": "#!/bin/sh\nexec /usr/bin/flatpak run org.mozilla.firefox \"$@\"\n"},
			is:    ErrSandboxed, inText: []string{"flatpak"}},
		{name: "script of a flatpak", ask: "/opt/firefox", files: map[string]string{"opt/firefox": "#!/bin/sh\nexec flatpak run org.mozilla.firefox\n"}, is: ErrSandboxed},
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tc := range findCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root, f := machine(t, tc.files)
			ask := tc.ask
			if strings.HasPrefix(ask, "/") {
				ask, f.Exists = filepath.Join(root, ask), nil
			}
			got, err := f.Find(ask)
			if tc.want != "" {
				want := Browser{Name: tc.wantName, Path: filepath.Join(root, tc.want), Family: tc.family}
				if err != nil || got != want {
					t.Errorf("Find = %+v, %v, want %+v", got, err, want)
				}
				return
			}
			if err == nil || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("Find = %+v, %v, want an error that is %v", got, err, tc.is)
			}
			for _, want := range tc.inText {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestFindInUsualPlaces(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("expects slashes")
	}
	none := func(string) (string, error) { return "", exec.ErrNotFound }
	env := func(key string) string { return map[string]string{"ProgramFiles": "/pf", "LocalAppData": "/lad"}[key] }
	for _, tc := range []struct{ os, ask, want string }{
		{"linux", "chrome", "/opt/google/chrome/google-chrome"},
		{"linux", "edge", "/opt/microsoft/msedge/microsoft-edge"},
		{"linux", "brave", "/opt/brave.com/brave/brave-browser"},
		{"linux", "firefox", "/opt/firefox/firefox"},
		{"darwin", "chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"},
		{"darwin", "firefox", "/home/u/Applications/Firefox.app/Contents/MacOS/firefox"},
		{"windows", "edge", "/pf/Microsoft/Edge/Application/msedge.exe"},
		{"windows", "brave", "/lad/BraveSoftware/Brave-Browser/Application/brave.exe"},
		{"windows", "firefox", "/pf/Mozilla Firefox/firefox.exe"},
	} {
		f := Finder{OS: tc.os, Home: "/home/u", Getenv: env, LookPath: none, Exists: func(p string) bool { return p == tc.want }}
		if got, err := f.Find(tc.ask); err != nil || got.Path != tc.want {
			t.Errorf("%s on %s = %q, %v, want %q", tc.ask, tc.os, got.Path, err, tc.want)
		}
	}
	flatpak := Finder{OS: "linux", Home: "/home/u", Getenv: env, LookPath: none,
		Exists: func(p string) bool { return p == "/var/lib/flatpak/exports/bin/org.mozilla.firefox" }}
	if got, err := flatpak.Find("firefox"); !errors.Is(err, ErrSandboxed) || !errors.Is(err, ErrNotFound) {
		t.Errorf("a flatpak = %+v, %v, want it refused", got, err)
	}
}

func TestScriptTextIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Repeat("#\n", maxScript)), 0o755); err != nil {
		t.Fatal(err)
	}
	if n := len(scriptText(path)); n != maxScript {
		t.Errorf("%d bytes read, want %d", n, maxScript)
	}
}
