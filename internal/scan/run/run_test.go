package run_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/run"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// mbox writes n messages, every third with a pixel, of differing length.
func mbox(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "From a@shop.example Mon Jan  1 00:00:00 2026\nFrom: a@shop%d.example\nTo: ann@home.example\nSubject: %d\nContent-Type: text/html\n\n", i%7, i)
		b.WriteString(strings.Repeat("<p>text</p>\n", i%50))
		if i%3 == 0 {
			b.WriteString("<img src=\"http://t.example/o?r=ann@home.example\" width=1 height=1>\n")
		}
		b.WriteString("\n")
	}
	name := filepath.Join(t.TempDir(), "in.mbox")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// collect gives the subjects in the order they came.
func collect(subjects *[]string) run.Sink {
	return run.Sink{
		Report: func(r *scan.Report, _ *source.Message) error { *subjects = append(*subjects, r.Subject); return nil },
		Failed: func(*source.FileError) {},
	}
}

// TestOrder: many at a time, in the order of the file, each once; and an
// interrupted scan goes on where it stopped.
func TestOrder(t *testing.T) {
	t.Parallel()
	const n = 2000
	name := mbox(t, n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got []string
	to := collect(&got)
	report := to.Report
	to.Report = func(r *scan.Report, m *source.Message) error {
		if len(got) == 700 {
			cancel()
		}
		return report(r, m)
	}
	last, err := run.Scan(ctx, &scan.Scanner{}, run.Options{Paths: []string{name}, Workers: 4}, to)
	if !errors.Is(err, context.Canceled) || len(got) < 700 || len(got) == n {
		t.Fatalf("interrupted after %d: error %v", len(got), err)
	}
	_, err = run.Scan(context.Background(), &scan.Scanner{}, run.Options{Paths: []string{name}, Workers: 4, Source: source.Options{From: last}}, collect(&got))
	if err != nil || len(got) != n {
		t.Fatalf("gone on: %d messages, error %v", len(got), err)
	}
	for i, s := range got {
		if s != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, s)
		}
	}
}

// TestStops: an error of the sink ends the scan, and nothing runs afterwards.
func TestStops(t *testing.T) {
	t.Parallel()
	name := mbox(t, 500)
	want := errors.New("full")
	for at := range 20 {
		n := 0
		_, err := run.Scan(context.Background(), &scan.Scanner{}, run.Options{Paths: []string{name}, Workers: 3}, run.Sink{
			Report: func(*scan.Report, *source.Message) error {
				if n++; n > at {
					return want
				}
				return nil
			},
		})
		if !errors.Is(err, want) || n != at+1 {
			t.Fatalf("error %v after %d, want %v after %d", err, n, want, at+1)
		}
	}
}

// TestBadInput: the rest is scanned, and what was not is counted.
func TestBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := "From: a@shop.example\nTo: ann@home.example\nSubject: good\nContent-Type: text/html\n\n<img src=\"http://t.example/o?r=ann@home.example\" width=1>\n"
	var nested strings.Builder
	nested.WriteString("From: a@shop.example\nSubject: nested\n")
	for i := range 100_000 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	for name, text := range map[string]string{
		"a.eml":       good,
		"charset.eml": strings.Replace(good, "text/html", "text/html; charset=x-nonesuch", 1),
		"nested.eml":  nested.String(),
		"parts.eml":   "Subject: parts\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 100_000),
		"z.eml":       good,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	var total scan.Total
	unread := map[string]string{}
	_, err := run.Scan(context.Background(), &scan.Scanner{}, run.Options{Paths: []string{dir, empty, filepath.Join(dir, "gone.eml")}}, run.Sink{
		Report: func(r *scan.Report, _ *source.Message) error {
			total.Add(r)
			unread[filepath.Base(r.File)] = strings.Join(r.Unread, "; ")
			return nil
		},
		Failed: func(*source.FileError) { total.Failed++ },
	})
	if err != nil || total.Messages != 5 || total.Partly != 3 || total.Failed != 2 || total.Reporting != 3 {
		t.Errorf("error %v; %+v, want 5 messages, 3 in part, 2 failed, 3 reporting", err, total)
	}
	for name, want := range map[string]string{"a.eml": "", "charset.eml": "unknown charset", "nested.eml": "nested too deep", "parts.eml": "too many parts"} {
		if got := unread[name]; !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: not looked at %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(total.String(), "3 messages could not be looked at in full. 2 inputs could not be read, or not to the end.") {
		t.Errorf("the sum says %q", total.String())
	}
}

// TestHuge: a message of 4 GB (a hole in the disk) is scanned as far as it is
// kept, in bounded memory, and said to be incomplete; the one behind it too.
func TestHuge(t *testing.T) {
	size := int64(4 << 30)
	if need.Race || testing.Short() { // ten times as slow
		size = 3 * source.MaxHeld
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "huge.eml")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	head := "From: a@shop.example\nTo: ann@home.example\nSubject: huge\nContent-Type: multipart/mixed; boundary=b\n\n" +
		"--b\nContent-Type: text/html\n\n<img src=\"http://t.example/o?r=ann@home.example\" width=1>\n--b\nContent-Type: application/octet-stream\n\n"
	if _, err := f.WriteString(head); err != nil {
		t.Fatal(err)
	}
	tail := "\n--b\nContent-Type: text/html\n\n<img src=\"http://u.example/o?r=ann@home.example\" width=1>\n--b--\n"
	if _, err := f.WriteAt([]byte(tail), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "next.eml"), []byte("From: b@shop.example\nSubject: next\n\nhello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	var peak runtime.MemStats
	var reports []*scan.Report
	_, err = run.Scan(context.Background(), &scan.Scanner{}, run.Options{Paths: []string{dir}}, run.Sink{
		Report: func(r *scan.Report, _ *source.Message) error {
			runtime.ReadMemStats(&peak)
			reports = append(reports, r)
			return nil
		},
		Failed: func(e *source.FileError) { t.Errorf("failed: %v", e) },
	})
	if err != nil || len(reports) != 2 {
		t.Fatalf("%d reports, error %v; want 2", len(reports), err)
	}
	r := reports[0]
	if len(r.Unread) == 0 || r.Length < size {
		t.Errorf("%d bytes, not looked at: %q", r.Length, r.Unread)
	}
	if r.Summary.Rungs[0] != 2 {
		t.Errorf("%d proven, want the one before the hole and the one behind it; %q", r.Summary.Rungs[0], r.Unread)
	}
	if peak.Sys > 600<<20 && !need.Race {
		t.Errorf("took %d MB", peak.Sys>>20)
	}
}
