package browse

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseUserDirs(t *testing.T) {
	t.Parallel()
	text := "# a comment\nXDG_DOWNLOAD_DIR=\"$HOME/Fetched things\"\nXDG_MUSIC_DIR=\"/srv/music/\"\r\n" +
		"XDG_DESKTOP_DIR=\"$HOME\"\nXDG_X_DIR=\"relative\"\nXDG_Y_DIR=\"$OTHER/x\"\nXDG_Z_DIR=\"$HOMER/x\"\n" +
		"XDG_V_DIR=\"/a`id`\"\nPATH=/bin\nrubbish\n"
	want := []userDir{
		{"XDG_DOWNLOAD_DIR", "/home/u/Fetched things"}, {"XDG_MUSIC_DIR", "/srv/music"}, {"XDG_DESKTOP_DIR", "/home/u"},
	}
	if diff := cmp.Diff(want, parseUserDirs(text, "/home/u"), cmp.AllowUnexported(userDir{})); diff != "" {
		t.Errorf("directories (-want +got):\n%s", diff)
	}
	if n := len(parseUserDirs(strings.Repeat("XDG_A_DIR=\"/a\"\n", 1000), "/")); n != maxUserDirCount {
		t.Errorf("%d directories kept, want %d", n, maxUserDirCount)
	}
}

func FuzzParseUserDirs(f *testing.F) {
	f.Add("XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n")
	f.Add("XDG_A_DIR=\"\\\"\nXDG__DIR=/\\$HOME")
	f.Fuzz(func(t *testing.T, text string) {
		dirs := parseUserDirs(text, "/home/u")
		var again strings.Builder
		for _, d := range dirs {
			if !filepath.IsAbs(d.path) {
				t.Fatalf("%q gives the relative %q", text, d.path)
			}
			again.WriteString(d.name + "=\"" + d.path + "\"\n")
		}
		if strings.Count(again.String(), "\n") != len(dirs) {
			t.Fatalf("%q gives a path with a line break", text)
		}
	})
}

func TestDownloadDir(t *testing.T) {
	t.Parallel()
	if !privateHomes() {
		t.Skip("no user directories here")
	}
	home := t.TempDir()
	getenv := func(key string) string { return map[string]string{"HOME": home}[key] }
	if got, want := downloadDir(getenv), filepath.Join(home, "Downloads"); got != want {
		t.Errorf("without user-dirs.dirs: %q, want %q", got, want)
	}
	write(t, filepath.Join(home, ".config/user-dirs.dirs"), "XDG_DOWNLOAD_DIR=\"$HOME/Téléchargements\"\n")
	if got, want := downloadDir(getenv), filepath.Join(home, "Téléchargements"); got != want {
		t.Errorf("with user-dirs.dirs: %q, want %q", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMakeHome(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no private homes here")
	}
	user, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{".config/fontconfig/fonts.conf", ".local/share/fonts/a.ttf", ".themes/x/index.theme", ".config/chromium/Secrets", ".mozilla/x"} {
		write(t, filepath.Join(user, name), name)
	}
	write(t, filepath.Join(user, ".config/user-dirs.dirs"), "XDG_PICTURES_DIR=\"$HOME/Bilder\"\n")
	home := filepath.Join(dir, "h")
	if err := makeHome(home, func(key string) string { return map[string]string{"HOME": user}[key] }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".config/fontconfig/fonts.conf", ".local/share/fonts/a.ttf", ".themes/x/index.theme"} {
		if data, err := os.ReadFile(filepath.Join(home, name)); err != nil || string(data) != name {
			t.Errorf("%s in the private home = %q, %v, want the user's", name, data, err)
		}
	}
	for _, name := range []string{".config/chromium", ".mozilla"} {
		if _, err := os.Lstat(filepath.Join(home, name)); err == nil {
			t.Errorf("%s is in reach", name)
		}
	}
	dirs, err := os.ReadFile(filepath.Join(home, ".config/user-dirs.dirs"))
	if want := "XDG_PICTURES_DIR=\"" + user + "/Bilder\"\n"; err != nil || string(dirs) != want {
		t.Errorf("user-dirs.dirs = %q, %v, want %q", dirs, err, want)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(user, ".local/share/fonts/a.ttf")); err != nil {
		t.Errorf("removing the private home reached the user's: %v", err)
	}
}

func TestHomeEnv(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no private homes here")
	}
	user, err := os.MkdirTemp("", "qb") // short, as sockets need it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(user) })
	write(t, filepath.Join(user, ".Xauthority"), "cookie")
	env := []string{"HOME=" + user, "DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0", "XDG_RUNTIME_DIR=/run/user/1",
		"DBUS_SESSION_BUS_ADDRESS=unix:x", "XDG_CONFIG_HOME=/x", "TMPDIR=/y", "LANG=de_DE.UTF-8"}
	got := homeEnv(env, "/p/h", user)
	want := []string{"DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0", "XDG_RUNTIME_DIR=/run/user/1", "DBUS_SESSION_BUS_ADDRESS=unix:x",
		"LANG=de_DE.UTF-8", "HOME=/p/h", "TMPDIR=" + user + "/t", "XAUTHORITY=" + user + "/.Xauthority"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	got = homeEnv(append(env, "XAUTHORITY=/run/x"), "/p/h", filepath.Join(user, strings.Repeat("long/", 20)))
	if !slices.Contains(got, "XAUTHORITY=/run/x") || !slices.Contains(got, "TMPDIR=/y") {
		t.Errorf("environment = %q, want the user's XAUTHORITY, and TMPDIR where ours is too long for sockets", got)
	}
}
