package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/lists"
)

// cmdListServer serves the files of a directory and puts its URL into $LISTS.
func cmdListServer(ts *testscript.TestScript, _ bool, args []string) {
	srv := httptest.NewUnstartedServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	srv.Config.ReadHeaderTimeout = patience
	srv.Start()
	ts.Defer(srv.Close)
	ts.Setenv("LISTS", srv.URL)
}

func TestExamineLists(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	fresh := lists.Status{Name: "a", On: true, Have: true, Rules: 7, Checked: now.Add(-time.Hour)}
	stale, failing, never, missing := fresh, fresh, fresh, fresh
	stale.Checked = now.Add(-10 * 24 * time.Hour)
	failing.Error = "the server answered 500"
	never.Have, never.Error = false, "the server answered 404"
	missing.Have = false
	file := lists.Status{Name: "f", On: true, Have: true, File: filepath.FromSlash("/f"), Rules: 1}
	tests := []struct {
		name string
		all  []lists.Status
		want control.Check
	}{
		{"none", nil, control.Check{Name: "lists", State: warn, Says: "none is on; only quench's own rules hold", Fix: "quench lists add easyprivacy"}},
		{"off", []lists.Status{{Name: "x"}}, control.Check{Name: "lists", State: warn, Says: "none is on; only quench's own rules hold", Fix: "quench lists add easyprivacy"}},
		{"good", []lists.Status{fresh, file, {Name: "x"}}, control.Check{Name: "lists", State: ok, Says: "2 lists on, 8 rules"}},
		{"stale", []lists.Status{stale}, control.Check{Name: "list a", State: warn, Says: "is 10d old", Fix: "keep quench serve running, or: quench lists update a"}},
		{"failing", []lists.Status{failing}, control.Check{Name: "list a", State: warn, Says: "the last good copy is in use: the server answered 500", Fix: "quench lists update a"}},
		{"never", []lists.Status{never}, control.Check{Name: "list a", State: fail, Says: "could never be fetched: the server answered 404", Fix: "quench lists update a"}},
		{"not yet", []lists.Status{missing}, control.Check{Name: "list a", State: warn, Says: "has not been fetched yet", Fix: "quench lists update a"}},
	}
	for _, test := range tests {
		r := &report{}
		examineLists(r, test.all, now)
		if len(r.checks) != 1 || r.checks[0] != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, r.checks, test.want)
		}
	}
}

func TestProgressBar(t *testing.T) {
	t.Parallel()
	var out, bar strings.Builder
	p := &progress{out: &out, err: &bar, bar: true}
	p.told(lists.Progress{List: "easyprivacy", State: lists.Fetching, Total: -1})
	p.told(lists.Progress{List: "easyprivacy", State: lists.Fetching, Done: 1 << 20, Total: 3 << 20})
	p.told(lists.Progress{List: "easyprivacy", State: lists.Updated, Rules: 5})
	p.told(lists.Progress{List: strings.Repeat("long", 20), State: lists.Fetching, Done: 5 << 20, Total: 5 << 20})
	p.end()
	if want := "easyprivacy: updated, 5 rules\n"; out.String() != want {
		t.Errorf("stdout %q, want %q", out.String(), want)
	}
	if !strings.Contains(bar.String(), "[##########....................] 1.0 MB") || !strings.HasSuffix(bar.String(), "\r\x1b[K") {
		t.Errorf("bar %q", bar.String())
	}
	for line := range strings.SplitSeq(bar.String(), "\r\x1b[K") {
		if n := len([]rune(line)); n > 79 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

func TestRoughSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", time.Minute: "1m", 90 * time.Minute: "1h", 47 * time.Hour: "47h", 72 * time.Hour: "3d",
	} {
		if got := roughSpan(d); got != want {
			t.Errorf("roughSpan(%v) = %q, want %q", d, got, want)
		}
	}
}
