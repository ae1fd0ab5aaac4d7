package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	systemConfig = "/etc/quench"
	systemData   = "/var/lib/quench"
)

// dirs says where configuration and data are, strongest first: the flags; what
// systemd gives a service (CONFIGURATION_DIRECTORY, STATE_DIRECTORY); the XDG
// directories of the user, or their like on macOS and Windows; and for root
// without a home, /etc/quench and /var/lib/quench. Root in a terminal is a user
// like any other, so that trying something out does not touch the service.
func (a *app) dirs() (config, data string, err error) {
	config, data = firstDir(a.getenv("CONFIGURATION_DIRECTORY")), firstDir(a.getenv("STATE_DIRECTORY"))
	home, herr := a.home()
	if config == "" {
		config = a.userDir("XDG_CONFIG_HOME", home, ".config", "APPDATA")
	}
	if data == "" {
		data = a.userDir("XDG_DATA_HOME", home, ".local/share", "LOCALAPPDATA")
	}
	if os.Geteuid() == 0 && config == "" {
		config = systemConfig
	}
	if os.Geteuid() == 0 && data == "" {
		data = systemData
	}
	if a.dataDir != "" {
		data = a.dataDir
	}
	if data == "" {
		return "", "", fmt.Errorf("no place for data: %w; give --data-dir", errors.Join(errors.New("HOME is not set"), herr))
	}
	data, err = filepath.Abs(data)
	return config, data, err
}

// firstDir is the first of the directories that systemd joins with colons.
func firstDir(s string) string {
	first, _, _ := strings.Cut(s, ":")
	return first
}

func (a *app) home() (string, error) {
	if h := a.getenv("HOME"); h != "" {
		return h, nil
	}
	if runtime.GOOS == "windows" {
		return os.UserHomeDir()
	}
	return "", nil
}

// userDir returns quench's directory of one kind, "" if there is no home.
// Relative XDG paths are invalid and ignored, as the specification says.
func (a *app) userDir(xdg, home, under, windows string) string {
	if d := a.getenv(xdg); filepath.IsAbs(d) {
		return filepath.Join(d, "quench")
	}
	switch {
	case runtime.GOOS == "windows" && a.getenv(windows) != "":
		return filepath.Join(a.getenv(windows), "quench")
	case home == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "quench")
	}
	return filepath.Join(home, filepath.FromSlash(under), "quench")
}

// data returns the data directory.
func (a *app) data() (string, error) {
	_, data, err := a.dirs()
	return data, err
}
