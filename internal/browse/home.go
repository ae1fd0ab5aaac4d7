package browse

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// looks are the parts of a home that a browser reads to look and behave like
// the user's other programs. They are linked, so fonts, themes and the choice
// of programs hold, and no data of the user's own browser is in reach.
func looks() (config, data, home []string) {
	return []string{"fontconfig", "gtk-3.0", "gtk-4.0", "gtkrc", "gtkrc-2.0", "dconf", "kdeglobals", "mimeapps.list", "user-dirs.locale"},
		[]string{"fonts", "icons", "themes", "applications", "mime"},
		[]string{".fonts", ".fonts.conf", ".icons", ".themes", ".gtkrc-2.0", ".Xresources"}
}

// makeHome makes the private home of a session (0700).
func makeHome(home string, getenv func(string) string) error {
	config, data := filepath.Join(home, ".config"), filepath.Join(home, ".local", "share")
	for _, dir := range []string{config, data} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making a private home: %w", err)
		}
	}
	user := getenv("HOME")
	if !filepath.IsAbs(user) {
		return nil
	}
	userConfig := xdgDir(getenv, "XDG_CONFIG_HOME", ".config")
	configNames, dataNames, homeNames := looks()
	err := errors.Join(
		link(userConfig, config, configNames),
		link(xdgDir(getenv, "XDG_DATA_HOME", ".local/share"), data, dataNames),
		link(user, home, homeNames),
		writeUserDirs(filepath.Join(config, "user-dirs.dirs"), readUserDirs(getenv)),
	)
	if err != nil {
		return fmt.Errorf("making a private home: %w", err)
	}
	return nil
}

func link(from, to string, names []string) error {
	for _, name := range names {
		target := filepath.Join(from, name)
		if _, err := os.Stat(target); err != nil {
			continue
		}
		if err := os.Symlink(target, filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

// homeEnv is the environment of a browser with a private home. Display, sound
// and bus stay the user's.
func homeEnv(environ []string, home, dir string) []string {
	var env []string
	for _, kv := range environ {
		key, _, _ := strings.Cut(kv, "=")
		switch key {
		case "HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TMPDIR":
		default:
			env = append(env, kv)
		}
	}
	env = append(env, "HOME="+home)
	if tmp := shortTemp(dir); tmp != "" {
		env = append(env, "TMPDIR="+tmp)
	} else if tmp := lookupEnv(environ, "TMPDIR"); tmp != "" {
		env = append(env, "TMPDIR="+tmp)
	}
	// X looks for its cookie in HOME unless told.
	cookie := filepath.Join(lookupEnv(environ, "HOME"), ".Xauthority")
	if lookupEnv(environ, "XAUTHORITY") == "" && filepath.IsAbs(cookie) {
		if _, err := os.Stat(cookie); err == nil {
			env = append(env, "XAUTHORITY="+cookie)
		}
	}
	return env
}

// maxTempPath is how long a directory may be for Chromium to bind a socket
// below it: 107 bytes of sun_path, less "/org.chromium.Chromium.XXXXXX/SingletonSocket".
const maxTempPath = 107 - 45

// shortTemp makes a place for the browser's own temporary files, so that they
// go when the session does, or returns nothing if its path would be too long.
func shortTemp(dir string) string {
	tmp := filepath.Join(dir, "t")
	if len(tmp) > maxTempPath {
		return ""
	}
	if err := os.Mkdir(tmp, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return ""
	}
	return tmp
}

// downloadDir is the user's own folder for downloads, by the XDG user
// directories where there are any.
func downloadDir(getenv func(string) string) string {
	home := getenv("HOME")
	if home == "" {
		home, _ = os.UserHomeDir() // Windows has no HOME
	}
	if privateHomes() {
		for _, d := range readUserDirs(getenv) {
			if d.name == "XDG_DOWNLOAD_DIR" {
				return d.path
			}
		}
	}
	return filepath.Join(home, "Downloads")
}

const (
	maxUserDirs     = 64 << 10 // bytes of user-dirs.dirs
	maxUserDirCount = 32       // the specification names eight
)

type userDir struct{ name, path string }

// readUserDirs reads the user's user-dirs.dirs. No file is no directories.
func readUserDirs(getenv func(string) string) []userDir {
	f, err := os.Open(filepath.Join(xdgDir(getenv, "XDG_CONFIG_HOME", ".config"), "user-dirs.dirs"))
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxUserDirs))
	if err != nil {
		return nil
	}
	return parseUserDirs(string(data), getenv("HOME"))
}

// parseUserDirs parses the lines XDG_NAME_DIR="$HOME/sub" or ="/absolute" of
// user-dirs.dirs; all others are passed over, as the format demands.
func parseUserDirs(text, home string) []userDir {
	var dirs []userDir
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || len(dirs) == maxUserDirCount || !strings.HasPrefix(name, "XDG_") || !strings.HasSuffix(name, "_DIR") {
			continue
		}
		value = strings.Trim(value, `"`)
		if rest, ok := strings.CutPrefix(value, "$HOME"); ok && (rest == "" || rest[0] == '/') {
			value = home + rest
		}
		value = strings.ReplaceAll(value, `\`, "")
		if filepath.IsAbs(value) && !strings.ContainsAny(value, "\"$`\x00") {
			dirs = append(dirs, userDir{name, filepath.Clean(value)})
		}
	}
	return dirs
}

// writeUserDirs gives the private home the user's directories by absolute
// path, so that dialogs to open and save files show them.
func writeUserDirs(path string, dirs []userDir) error {
	if len(dirs) == 0 {
		return nil
	}
	var b strings.Builder
	for _, d := range dirs {
		fmt.Fprintf(&b, "%s=\"%s\"\n", d.name, d.path)
	}
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

func xdgDir(getenv func(string) string, variable, fallback string) string {
	if dir := getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(getenv("HOME"), fallback)
}

// lookupEnv returns the value of key in environ; the last one counts.
func lookupEnv(environ []string, key string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(environ[i], "="); ok && k == key {
			return v
		}
	}
	return ""
}
