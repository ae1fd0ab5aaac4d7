package vendor

import (
	"strconv"
	"strings"
	"time"
)

// mades are the ways to read the day an identifier was made out of it.
var mades = []string{"", "fb", "ga", "ms", "s", "dash-ms", "uuid1"}

// The years in which tracking cookies can have been made; a number outside is
// something else.
var (
	firstYear = time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC)
	lastYear  = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// made returns the day (2006-01-02, UTC) that the identifier carries, "" if it
// carries none that is plausible.
func made(how, id string) string {
	var t time.Time
	switch how {
	case "":
		return ""
	case "fb": // fb.<domain level>.<ms>.<random>
		if parts := strings.Split(id, "."); len(parts) >= 4 {
			t = unixText(parts[2], time.Millisecond)
		}
	case "ga": // …<random>.<seconds>
		if i := strings.LastIndexByte(id, '.'); i >= 0 {
			t = unixText(id[i+1:], time.Second)
		}
	case "ms":
		t = unixText(id, time.Millisecond)
	case "s":
		t = unixText(id, time.Second)
	case "dash-ms": // …-<ms>
		t = unixText(id[strings.LastIndexByte(id, '-')+1:], time.Millisecond)
	case "uuid1":
		t = uuid1(id)
	}
	if t.Before(firstYear) || t.After(lastYear) {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func unixText(s string, unit time.Duration) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<53 {
		return time.Time{}
	}
	if unit == time.Millisecond {
		return time.UnixMilli(n)
	}
	return time.Unix(n, 0)
}

// uuid1 reads the time of a version 1 UUID (RFC 9562, 100 ns since 1582-10-15),
// with or without hyphens.
func uuid1(id string) time.Time {
	s := strings.ReplaceAll(id, "-", "")
	if len(s) != 32 || s[12] != '1' {
		return time.Time{}
	}
	n, err := strconv.ParseInt(s[13:16]+s[8:12]+s[0:8], 16, 64)
	if err != nil {
		return time.Time{}
	}
	const gregorian = 0x01B21DD213814000
	return time.Unix(0, 0).Add(time.Duration(0)).Add(time.Duration((n-gregorian)/10) * time.Microsecond)
}
