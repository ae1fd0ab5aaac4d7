package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseSpan reads a length of time: 15m, 1h30m, 30d, 2w. It is positive.
func parseSpan(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a length of time such as 15m, 12h, 30d or 2w", s)
	unit := time.Duration(0)
	switch {
	case strings.HasSuffix(s, "d"):
		unit = 24 * time.Hour
	case strings.HasSuffix(s, "w"):
		unit = 7 * 24 * time.Hour
	}
	if unit == 0 {
		d, err := time.ParseDuration(s)
		if err != nil || d <= 0 {
			return 0, bad
		}
		return d, nil
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if err != nil || n == 0 || n > uint64(math.MaxInt64/unit) {
		return 0, bad
	}
	return time.Duration(n) * unit, nil
}

// shortSpan writes a length of time without the zeros that time.Duration adds.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseSize reads a size in bytes: 512MB, 1GB, 2GiB. Both kinds of units are
// powers of 1024: nobody who writes 1GB for a file means the difference.
func parseSize(s string) (int64, error) {
	num := strings.TrimRight(s, "KMGTBikmgtb")
	shift, ok := map[string]uint{"": 0, "b": 0, "kb": 10, "kib": 10, "k": 10, "mb": 20, "mib": 20, "m": 20,
		"gb": 30, "gib": 30, "g": 30, "tb": 40, "tib": 40, "t": 40}[strings.ToLower(s[len(num):])]
	n, err := strconv.ParseUint(strings.TrimSpace(num), 10, 62)
	if err != nil || !ok || n == 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size such as 512MB or 1GB", s)
	}
	return int64(n) << shift, nil
}

// parseWhen reads a point in time: a span before now, a day, or RFC 3339.
func parseWhen(s string, now time.Time) (time.Time, error) {
	if d, err := parseSpan(s); err == nil {
		return now.Add(-d), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a length of time (1h, 30d), a day (2006-01-02) nor a time (RFC 3339)", s)
}
