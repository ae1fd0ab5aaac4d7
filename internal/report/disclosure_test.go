package report

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/ledger"
)

func disclosed(minute int, consent string, n int) ledger.Event {
	e := ledger.Event{Time: noon.Add(time.Duration(minute) * time.Minute), Count: n,
		Request: ledger.Request{Host: "px.acme.example", Page: "https://shop.example"}}
	e.Verdict = detect.Verdict{Action: detect.Block, Tracker: &detect.Tracker{ID: "acme", Name: "Acme Pixel", Company: "Acme", Purposes: []string{"conversion"}},
		Activity: &detect.Activity{Says: "you opened a page"}, Consent: &detect.Consent{State: consent},
		Disclosed: []detect.Field{{Name: "screen", Label: "your screen size", Value: "1x1"},
			{Name: "tp_cookie", Label: "the number Acme keeps", Value: "ab…yz", Sensitive: true},
			{Name: "email_plain", Label: "your e-mail address, in clear", Value: "ann@a.example", Sensitive: true}}}
	return e
}

var acmeSpec = &vendor.Spec{Company: "Acme", Legal: "Acme, Inc.", Country: "US", Privacy: "https://acme.example/privacy",
	Trackers: []vendor.TrackerSpec{{ID: "acme", Name: "Acme Pixel", OptOut: "https://acme.example/out",
		Cookies: []vendor.CookieSpec{{Name: "uid", Label: "the number Acme keeps", Life: "13 months"}, {Name: "one", Label: "your screen size", Life: "1 day"},
			{Name: "two", Label: "your screen size"}, {Name: "sess", Secret: true}}}}}

func disclose(t *testing.T, events ...ledger.Event) *Disclosure {
	t.Helper()
	d, err := Disclose(func(yield func(ledger.Event) error) error {
		for _, e := range events {
			if err := yield(e); err != nil {
				return err
			}
		}
		return nil
	}, []*vendor.Spec{acmeSpec}, Options{Now: noon, Site: "www.shop.example", Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDisclose(t *testing.T) {
	t.Parallel()
	stranger := ledger.Event{Count: 1, Request: ledger.Request{Host: "px.stranger.example"}, Verdict: detect.Verdict{Action: detect.Strip, Activity: &detect.Activity{}}}
	note := ledger.Event{Count: 1, Request: ledger.Request{Host: "bank.example"}}
	d := disclose(t, disclosed(1, "unknown", 2), disclosed(2, "denied", 1), disclosed(3, "granted", 1), disclosed(4, "unknown", 1), stranger, note)
	if len(d.Vendors) != 1 || len(d.Unknown) != 1 || d.Unknown[0].Host != "stranger.example" || d.Site != "shop.example" || !d.Choice.Equal(noon.Add(2*time.Minute)) {
		t.Fatalf("got %+v", d)
	}
	v := d.Vendors[0]
	if v.Before != 2 || v.Refused != 1 || v.Granted != 1 || v.Silent != 3 || v.Requests != 5 || v.Pages != 1 || v.Legal != "Acme, Inc." {
		t.Errorf("got %+v", v)
	}
	if len(v.Cookies) != 3 || v.Cookies[0].Seen != "yes" || v.Cookies[1].Seen != "perhaps" || v.Cookies[2].Seen != "perhaps" {
		t.Errorf("cookies %+v, want uid seen, one of two perhaps, and no sign-in", v.Cookies)
	}
	var b strings.Builder
	if err := d.Markdown(&b); err != nil {
		t.Fatal(err)
	}
	want := "| Acme Pixel (Acme) | Acme, Inc., US | conversion | your e-mail address, in clear; the number Acme keeps; your screen size | uid (13 months), seen; one (1 day), perhaps seen; two, perhaps seen | " +
		"yes, 2 requests before any hit spoke of a choice; 1 although refused | https://acme.example/out |\n"
	if !strings.Contains(b.String(), want) || !strings.Contains(b.String(), NotAdvice) {
		t.Errorf("got\n%s\nwant in it\n%s", b.String(), want)
	}
	if strings.Contains(b.String(), "ann@a.example") {
		t.Error("an address stands in the draft")
	}
	if got := disclose(t, disclosed(1, "unknown", 2)); got.Vendors[0].Before != 0 || got.timing(&got.Vendors[0]) != "no hit says" {
		t.Errorf("got %+v, want that nothing is known of a choice", got.Vendors[0])
	}
}

func TestDisclosureHTML(t *testing.T) {
	t.Parallel()
	e := disclosed(1, "denied", 1)
	e.Tracker = &detect.Tracker{ID: "y", Name: hostile, Company: hostile}
	e.Disclosed[0].Value, e.Activity.Says = hostile, hostile
	d := disclose(t, e)
	var h, m strings.Builder
	if err := errors.Join(d.HTML(&h), d.Markdown(&m)); err != nil {
		t.Fatal(err)
	}
	standsAlone(t, h.String())
	if strings.ContainsAny(h.String()+m.String(), "\x1b\u202e") || strings.Contains(m.String(), "<script") {
		t.Errorf("got\n%s", m.String())
	}
	for line := range strings.Lines(m.String()) {
		if strings.HasPrefix(line, "| ") && strings.Count(strings.ReplaceAll(line, `\|`, ""), " | ") != 6 {
			t.Errorf("a row has another number of cells: %s", line)
		}
	}
	broken := errors.New("broken")
	if _, err := Disclose(func(func(ledger.Event) error) error { return broken }, nil, Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
