package clients

import (
	"fmt"
	"strings"
	"time"
)

var weekdays = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// ParseWindow reads a part of the week: "21:00-06:00" for every day, or with
// days before it, "mon-fri 21:00-06:00" or "sat,sun 9:00-12:30". A window that
// ends at or before its beginning ends the next day; days are those it begins
// on. The Window has no policy yet.
func ParseWindow(s string) (Window, error) {
	var w Window
	fields := strings.Fields(strings.ToLower(s))
	fault := func(why string) (Window, error) {
		return Window{}, fmt.Errorf("schedule %q: %s; write it as \"mon-fri 21:00-06:00\"", s, why)
	}
	if len(fields) == 2 {
		for _, part := range strings.Split(fields[0], ",") {
			days, ok := parseDays(part)
			if !ok {
				return fault(fmt.Sprintf("%q is no day", part))
			}
			w.Days |= days
		}
		fields = fields[1:]
	}
	if len(fields) != 1 {
		return fault("it needs a time from and to")
	}
	from, to, ok := strings.Cut(fields[0], "-")
	if !ok {
		return fault("it needs a time from and to")
	}
	var err error
	if w.From, err = parseClock(from); err != nil || w.From == 24*time.Hour {
		return fault(fmt.Sprintf("%q is no time of day", from))
	}
	if w.To, err = parseClock(to); err != nil {
		return fault(fmt.Sprintf("%q is no time of day", to))
	}
	return w, nil
}

// parseDays reads "mon" or "fri-sun".
func parseDays(s string) (days uint8, ok bool) {
	first, last, isRange := strings.Cut(s, "-")
	a := dayOf(first)
	b := a
	if isRange {
		b = dayOf(last)
	}
	if a < 0 || b < 0 {
		return 0, false
	}
	for d := a; ; d = (d + 1) % 7 {
		days |= 1 << d
		if d == b {
			return days, true
		}
	}
}

func dayOf(s string) int {
	for i, d := range weekdays {
		if s == d || len(s) > 3 && s == strings.ToLower(time.Weekday(i).String()) {
			return i
		}
	}
	return -1
}

// parseClock reads a time of day; 24:00 is the end of it.
func parseClock(s string) (time.Duration, error) {
	if s == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, err
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}
