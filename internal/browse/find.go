package browse

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Family is the kind of a browser as far as its profile and flags go.
type Family string

// The families that can be opened.
const (
	Chromium Family = "chromium"
	Firefox  Family = "firefox"
)

// Browser is an installed browser.
type Browser struct {
	Name   string // as in --browser: chromium, chrome, edge, brave, firefox, or a path's base name
	Path   string // absolute path of the program
	Family Family
}

// ErrNotFound says that no browser that can be used is installed.
var ErrNotFound = errors.New("no usable browser found")

// ErrSandboxed says that a browser is packed so (snap, flatpak) that it cannot
// see a temporary profile.
var ErrSandboxed = errors.New("it is packed in a sandbox that hides the temporary profile from it")

const advice = "install Chromium, Chrome, Edge, Brave or Firefox as an ordinary package, not as a snap or flatpak"

// Find looks for a browser on this machine. See Finder.Find.
func Find(name string) (Browser, error) { return Finder{}.Find(name) }

// Finder looks for browsers. The zero value looks on this machine.
type Finder struct {
	OS       string                       // empty is runtime.GOOS
	Home     string                       // empty is the user's home directory
	Getenv   func(string) string          // nil is os.Getenv
	LookPath func(string) (string, error) // nil is exec.LookPath
	Exists   func(string) bool            // whether a path is a program; nil looks at the file system
}

// Find returns the browser of a name (chromium, chrome, edge, brave, firefox)
// or of a path, or for an empty name the first that is installed: Chromium and
// its kin before Firefox. The error wraps ErrNotFound and says where it looked
// and what to install; when the only find is a snap or flatpak, it wraps
// ErrSandboxed too.
func (f Finder) Find(name string) (Browser, error) {
	f = f.withDefaults()
	if strings.ContainsAny(name, `/\`) {
		return f.findPath(name)
	}
	var names []string
	var faults []error
	for _, p := range products(f) {
		if name != "" && name != p.name {
			continue
		}
		names = append(names, p.programs...)
		found, refused := f.findProduct(p)
		if found.Path != "" {
			return found, nil
		}
		faults = append(faults, refused...)
	}
	if len(names) == 0 {
		return Browser{}, fmt.Errorf("unknown browser %q: want chromium, chrome, edge, brave, firefox or a path", name)
	}
	fault := fmt.Errorf("%w: looked for %s; %s", ErrNotFound, strings.Join(names, ", "), advice)
	return Browser{}, errors.Join(append([]error{fault}, faults...)...)
}

func (f Finder) withDefaults() Finder {
	if f.OS == "" {
		f.OS = runtime.GOOS
	}
	if f.Home == "" {
		f.Home, _ = os.UserHomeDir() // empty then: places under it are not looked at
	}
	if f.Getenv == nil {
		f.Getenv = os.Getenv
	}
	if f.LookPath == nil {
		f.LookPath = exec.LookPath
	}
	if f.Exists == nil {
		f.Exists = isProgram
	}
	return f
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode().Perm()&0o111 != 0)
}

// findProduct returns the first install of p that can be used, or why none of
// those there can.
func (f Finder) findProduct(p product) (Browser, []error) {
	var refused []error
	for _, path := range f.candidates(p) {
		if reason := sandboxed(path); reason != "" {
			refused = append(refused, refusal(path, reason))
			continue
		}
		return Browser{Name: p.name, Path: path, Family: p.family}, nil
	}
	return Browser{}, refused
}

func refusal(path, reason string) error {
	return fmt.Errorf("%s is a %s: %w", path, reason, ErrSandboxed)
}

// candidates lists what is installed of p, in the order to be tried.
func (f Finder) candidates(p product) []string {
	var found []string
	add := func(path string) {
		if abs, err := filepath.Abs(path); err == nil && !slices.Contains(found, abs) {
			found = append(found, abs)
		}
	}
	for _, program := range p.programs {
		if path, err := f.LookPath(program); err == nil {
			add(path)
		}
	}
	for _, path := range p.places {
		if f.Exists(path) {
			add(path)
		}
	}
	return found
}

func (f Finder) findPath(path string) (Browser, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Browser{}, fmt.Errorf("looking for browser %s: %w", path, err)
	}
	if !f.Exists(abs) {
		return Browser{}, fmt.Errorf("%w: %s is not a program", ErrNotFound, path)
	}
	if reason := sandboxed(abs); reason != "" {
		return Browser{}, fmt.Errorf("%w: %w; %s", ErrNotFound, refusal(path, reason), advice)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return Browser{}, fmt.Errorf("looking for browser %s: %w", path, err)
	}
	for _, name := range []string{filepath.Base(abs), filepath.Base(real)} {
		if family := familyOf(name); family != "" {
			return Browser{Name: filepath.Base(abs), Path: abs, Family: family}, nil
		}
	}
	return Browser{}, fmt.Errorf("cannot tell from its name which kind of browser %s is: want a name with chrom, edge, brave, vivaldi, opera, firefox, librewolf or waterfox in it", path)
}

func familyOf(program string) Family {
	program = strings.ToLower(program)
	for _, word := range []string{"firefox", "librewolf", "waterfox"} {
		if strings.Contains(program, word) {
			return Firefox
		}
	}
	for _, word := range []string{"chrom", "edge", "brave", "vivaldi", "opera"} {
		if strings.Contains(program, word) {
			return Chromium
		}
	}
	return ""
}

// maxScript bounds what is read of a launcher script.
const maxScript = 64 << 10

var (
	snapScript    = regexp.MustCompile(`(?m)^[^#\n]*\bexec\s+["']?(/snap/bin/|(/usr/bin/)?snap\s+run\b)`)
	flatpakScript = regexp.MustCompile(`(?m)^[^#\n]*\bexec\s+["']?(/usr/bin/)?flatpak\s+run\b`)
)

// sandboxed returns "snap" or "flatpak" if the program at path is one: by
// where it is, by where it leads, or because it is a script that starts one,
// as Ubuntu's /usr/bin/firefox and /usr/bin/chromium-browser are.
func sandboxed(path string) string {
	paths := []string{path}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		paths = append(paths, real)
	}
	for _, p := range paths {
		p = filepath.ToSlash(p)
		switch {
		case strings.Contains(p, "/snap/"), p == "/usr/bin/snap":
			return "snap"
		case strings.Contains(p, "/flatpak/exports/"), strings.Contains(p, "/flatpak/app/"):
			return "flatpak"
		}
	}
	head := scriptText(path)
	switch {
	case snapScript.Match(head):
		return "snap"
	case flatpakScript.Match(head):
		return "flatpak"
	}
	return ""
}

// scriptText returns the beginning of a script, or nothing of a binary.
func scriptText(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 2)
	if _, err := io.ReadFull(f, head); err != nil || string(head) != "#!" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return nil
	}
	return text
}
