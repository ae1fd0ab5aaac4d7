package main

import (
	"runtime"
	"testing"
	"time"
)

func TestParseSpan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want time.Duration
	}{
		{"15m", 15 * time.Minute}, {"1h30m", 90 * time.Minute}, {"90d", 90 * 24 * time.Hour}, {"2w", 14 * 24 * time.Hour},
		{"", 0}, {"0", 0}, {"0d", 0}, {"-1h", 0}, {"-1d", 0}, {"1.5d", 0}, {"d", 0}, {"ever", 0},
		{"4294967295d", 0}, {"99999999999999999999d", 0}, {"106751d", 106751 * 24 * time.Hour}, {"106752d", 0},
	} {
		got, err := parseSpan(tt.in)
		if got != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestShortSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Second: "1s", 10 * time.Second: "10s", 5 * time.Minute: "5m", 10 * time.Minute: "10m",
		24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 61 * time.Second: "1m1s",
	} {
		if got := shortSpan(d); got != want {
			t.Errorf("shortSpan(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want int64
	}{
		{"512MB", 512 << 20}, {"1GB", 1 << 30}, {"2GiB", 2 << 30}, {"64 kB", 64 << 10}, {"1024", 1024}, {"7b", 7},
		{"", 0}, {"0", 0}, {"GB", 0}, {"1.5GB", 0}, {"-1GB", 0}, {"1XB", 0}, {"1GBB", 0}, {"9999999TB", 0}, {"8388607TB", 8388607 << 40},
	} {
		got, err := parseSize(tt.in)
		if got != tt.want || (err == nil) != (tt.want != 0) {
			t.Errorf("parseSize(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

func TestParseWhen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("", 3600))
	for _, tt := range []struct{ in, want string }{
		{"1h", "2026-11-22T11:00:00+01:00"}, {"30d", "2026-10-23T12:00:00+01:00"},
		{"2026-11-01", "2026-11-01T00:00:00+01:00"}, {"2026-11-01T10:00:00Z", "2026-11-01T10:00:00Z"},
		{"yesterday", ""}, {"", ""}, {"2026-13-01", ""},
	} {
		got, err := parseWhen(tt.in, now)
		if tt.want == "" {
			if err == nil {
				t.Errorf("parseWhen(%q) = %v, want an error", tt.in, got)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339) != tt.want {
			t.Errorf("parseWhen(%q) = %v, %v; want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestDirs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems have other places")
	}
	t.Parallel()
	for _, tt := range []struct {
		name         string
		env          map[string]string
		flag         string
		config, data string
	}{
		{"home", map[string]string{"HOME": "/home/a"}, "", "/home/a/.config/quench", "/home/a/.local/share/quench"},
		{"xdg", map[string]string{"HOME": "/home/a", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"}, "", "/c/quench", "/d/quench"},
		{"relative xdg is invalid", map[string]string{"HOME": "/home/a", "XDG_DATA_HOME": "d"}, "", "/home/a/.config/quench", "/home/a/.local/share/quench"},
		{"systemd", map[string]string{"HOME": "/home/a", "STATE_DIRECTORY": "/var/lib/x", "CONFIGURATION_DIRECTORY": "/etc/x"}, "", "/etc/x", "/var/lib/x"},
		{"flag", map[string]string{"HOME": "/home/a", "STATE_DIRECTORY": "/var/lib/x"}, "/e", "/home/a/.config/quench", "/e"},
	} {
		a := &app{getenv: func(k string) string { return tt.env[k] }, dataDir: tt.flag}
		config, data, err := a.dirs()
		if err != nil || config != tt.config || data != tt.data {
			t.Errorf("%s: %q, %q, %v; want %q, %q", tt.name, config, data, err, tt.config, tt.data)
		}
	}
}
