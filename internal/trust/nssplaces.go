package trust

import (
	"bufio"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxPlaces      = 256 // databases of one user
	maxProfilesINI = 1 << 20
)

type nssPlace struct{ name, dir string }

// nssPlaces lists the NSS databases of one user, each once however many links
// lead to it.
func nssPlaces(o StoreOptions) []nssPlace {
	places := sharedPlaces(o)
	for _, root := range firefoxRoots(o) {
		for _, dir := range profileDirs(root.dir) {
			places = append(places, nssPlace{root.name, dir})
		}
	}
	var unique []nssPlace
	seen := map[string]bool{}
	for _, p := range places {
		real, err := filepath.EvalSymlinks(p.dir)
		if err != nil {
			real = p.dir // does not exist yet
		}
		if !seen[real] && len(unique) < maxPlaces {
			seen[real] = true
			unique = append(unique, p)
		}
	}
	return unique
}

// sharedPlaces lists the databases of the Chromium family. Chromium takes the
// old place when it exists, else the one under the data directory.
func sharedPlaces(o StoreOptions) []nssPlace {
	if o.OS == "darwin" {
		return nil
	}
	const name = "Chromium and Chrome"
	old := filepath.Join(o.Home, ".pki/nssdb")
	places := []nssPlace{{name, old}}
	if xdg := filepath.Join(xdgDir(o, "XDG_DATA_HOME", ".local/share"), "pki/nssdb"); NewNSS(xdg).Exists() {
		places = append(places, nssPlace{name, xdg})
		if !NewNSS(old).Exists() {
			places = places[1:]
		}
	}
	for _, sandbox := range []struct {
		kind, pattern string
		app           int // which part of the path is the program's name
	}{
		{"snap", "snap/*/current/.pki/nssdb", 1},
		{"snap", "snap/*/common/.pki/nssdb", 1},
		{"flatpak", ".var/app/*/.pki/nssdb", 2},
		{"flatpak", ".var/app/*/data/pki/nssdb", 2},
	} {
		for _, rel := range globUnder(o.Home, sandbox.pattern) {
			if dir := filepath.Join(o.Home, rel); NewNSS(dir).Exists() {
				app := strings.Split(filepath.ToSlash(rel), "/")[sandbox.app]
				places = append(places, nssPlace{sandbox.kind + " " + app, dir})
			}
		}
	}
	return places
}

// firefoxRoots lists the directories that hold Firefox profiles.
func firefoxRoots(o StoreOptions) []nssPlace {
	const name = "Firefox profile"
	if o.OS == "darwin" {
		return []nssPlace{{name, filepath.Join(o.Home, "Library/Application Support/Firefox")}}
	}
	roots := []nssPlace{
		{name, filepath.Join(o.Home, ".mozilla/firefox")},
		{name, filepath.Join(xdgDir(o, "XDG_CONFIG_HOME", ".config"), "mozilla/firefox")},
		{"LibreWolf profile", filepath.Join(o.Home, ".librewolf")},
	}
	for _, sandbox := range []nssPlace{
		{"snap Firefox profile", "snap/firefox/common/.mozilla/firefox"},
		{"snap Firefox profile", "snap/firefox/common/.config/mozilla/firefox"},
		{"flatpak Firefox profile", ".var/app/org.mozilla.firefox/.mozilla/firefox"},
		{"flatpak Firefox profile", ".var/app/org.mozilla.firefox/config/mozilla/firefox"},
		{"flatpak LibreWolf profile", ".var/app/io.gitlab.librewolf-community/.librewolf"},
	} {
		roots = append(roots, nssPlace{sandbox.name, filepath.Join(o.Home, sandbox.dir)})
	}
	return roots
}

// profileDirs lists the profiles under root: those that have a database, and
// those that profiles.ini names, wherever they are.
func profileDirs(root string) []string {
	dirs := listedProfiles(root)
	for _, pattern := range []string{"*/" + nssFile, "Profiles/*/" + nssFile} {
		for _, rel := range globUnder(root, pattern) {
			dirs = append(dirs, filepath.Dir(filepath.Join(root, rel)))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// listedProfiles reads profiles.ini. A listed profile whose directory is gone
// is none.
func listedProfiles(root string) []string {
	f, err := os.Open(filepath.Join(root, "profiles.ini"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var dirs []string
	var path string
	relative, profile := true, false
	flush := func() {
		if profile && path != "" {
			if relative {
				path = filepath.Join(root, filepath.FromSlash(path))
			}
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				dirs = append(dirs, filepath.Clean(path))
			}
		}
		path, relative = "", true
	}
	lines := bufio.NewScanner(io.LimitReader(f, maxProfilesINI))
	for lines.Scan() && len(dirs) < maxPlaces {
		line := strings.TrimSpace(lines.Text())
		key, value, _ := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "["):
			flush()
			profile = strings.HasPrefix(line, "[Profile")
		case key == "Path":
			path = value
		case key == "IsRelative":
			relative = value != "0"
		}
	}
	flush()
	return dirs
}

// globUnder matches a pattern below dir, whose own name is taken literally, and
// returns paths relative to it.
func globUnder(dir, pattern string) []string {
	found, err := fs.Glob(os.DirFS(dir), pattern)
	if err != nil {
		return nil
	}
	return found[:min(len(found), maxPlaces)]
}

func xdgDir(o StoreOptions, variable, fallback string) string {
	if dir := o.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(o.Home, fallback)
}
