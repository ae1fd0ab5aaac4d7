package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/lists"
)

// cmdListServer serves the files of a directory and puts its URL into $LISTS. It
// tells texts apart by what is in them: two of one second have the same time.
func cmdListServer(ts *testscript.TestScript, _ bool, args []string) {
	root := os.DirFS(ts.MkAbs(args[0]))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := fs.ReadFile(root, strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(data))))
		http.ServeContent(w, r, r.URL.Path, time.Time{}, bytes.NewReader(data))
	}))
	srv.Config.ReadHeaderTimeout = patience
	srv.Start()
	ts.Defer(srv.Close)
	ts.Setenv("LISTS", srv.URL)
}

// cmdWaitList waits until the service has so many rules of a list in force; 0 is
// until it is off.
func cmdWaitList(ts *testscript.TestScript, _ bool, args []string) {
	c := control.NewClient(ts.Getenv("DATA"))
	until(ts, "waitlist", func() error {
		all, err := c.Lists(context.Background(), false)
		if err != nil {
			return err
		}
		got := 0
		for _, l := range all {
			if l.On && l.Name == args[0] {
				got = l.Rules
			}
		}
		if strconv.Itoa(got) != args[1] {
			return fmt.Errorf("%d rules, want %s", got, args[1])
		}
		return nil
	})
}

// cmdNULFile writes a file whose second line has a NUL byte, which no script
// can hold.
func cmdNULFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("||a.example^\n\x00\n"), 0o600))
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
