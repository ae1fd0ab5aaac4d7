package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/internal/proxy/filter"
)

func testApp(t *testing.T) *app {
	t.Helper()
	env := map[string]string{"HOME": t.TempDir()}
	return &app{out: io.Discard, err: io.Discard, logFormat: "text", getenv: func(k string) string { return env[k] },
		dataDir: filepath.Join(env["HOME"], "d")}
}

func TestUnrecordedSittingLearnsForItself(t *testing.T) {
	t.Parallel()
	for _, noRecord := range []bool{true, false} {
		a := testApp(t)
		s, err := a.openService(t.Context(), serviceOptions{kind: "browse", noRecord: noRecord})
		if err != nil {
			t.Fatal(err)
		}
		const host, url = "t.example", "https://t.example/p.gif"
		learned := func(p *proxy.Proxy) bool {
			return p.Filter.Policy(filter.Client{}).Learned.Has(detect.EndpointKey(host, url))
		}
		one, other := s.silent(), s.silent()
		one.Filter.Learn(host, url, time.Now())
		if !learned(one) || learned(other) || learned(s.proxy) {
			t.Errorf("no record %v: learned by itself %v (want true), by another sitting %v, by the service %v (want false)",
				noRecord, learned(one), learned(other), learned(s.proxy))
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		err = filepath.WalkDir(a.dataDir, func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if bytes.Contains(data, []byte(host)) {
				t.Errorf("%s names what was learned", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestFollowLosesNothing follows from the stored events on while others come.
func TestFollowLosesNothing(t *testing.T) {
	t.Parallel()
	a := testApp(t)
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve"})
	if err != nil {
		t.Fatal(err)
	}
	const all = 200
	go func() {
		for i := range all {
			s.ledger.Note(ledger.Event{Door: "proxy", Request: ledger.Request{Host: fmt.Sprintf("h%d.example", i)}})
			if i%20 == 19 {
				_ = s.ledger.Flush(context.Background())
			}
		}
	}()
	seen := map[int64]int{}
	enough := errors.New("enough")
	err = book{l: s.ledger}.follow(t.Context(), control.Query{Since: time.Now().Add(-time.Hour)}, func(e ledger.Event) error {
		if seen[e.ID]++; len(seen) == all {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("follow ended with %v after %d events", err, len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("event %d came %d times", id, n)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestJSONLogIsAllJSON(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:0", "off"} {
		a := testApp(t)
		var out bytes.Buffer
		a.err, a.logFormat = &out, "json"
		s, err := a.openService(t.Context(), serviceOptions{kind: "serve", over: overrides{proxy: addr}})
		if err != nil {
			t.Fatal(err)
		}
		if addr == "off" {
			s.greet(nil)
		} else {
			ln, err := s.listen("proxy", addr)
			if err != nil {
				t.Fatal(err)
			}
			s.greet(ln)
			_ = ln.Close()
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		var line struct{ Msg, Proxy string }
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Msg != "serving" || line.Proxy == "" {
			t.Errorf("%s: said %q (%v)", addr, out.String(), err)
		}
	}
}

// TestDoctorFindsDamage damages a page that opening the ledger does not read.
func TestDoctorFindsDamage(t *testing.T) {
	t.Parallel()
	a := testApp(t)
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		s.ledger.Note(ledger.Event{Time: time.Now().Add(time.Duration(i) * time.Minute), Door: "proxy", Request: ledger.Request{Host: "h.example"},
			Verdict: detect.Verdict{Sentence: strings.Repeat("word ", 20)}})
	}
	if err := s.ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(when string, checks []control.Check, want string) {
		t.Helper()
		for _, c := range checks {
			if c.Name == "ledger" {
				if c.State != want {
					t.Errorf("%s: %+v, want %s", when, c, want)
				}
				return
			}
		}
		t.Errorf("%s: nothing about the ledger in %+v", when, checks)
	}
	check("sound, served", s.doctor(t.Context()), ok)
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	check("sound, alone", a.examine(t.Context()), ok)
	file := filepath.Join(a.dataDir, "ledger", "ledger.db")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := len(data) / 4096 / 2 * 4096
	copy(data[page:page+4096], bytes.Repeat([]byte{0xA5}, 4096))
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	check("damaged, alone", a.examine(t.Context()), fail)
}
