package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsScan: what the README shows of a scan is what a scan says.
func TestReadmeShowsScan(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "quench scan docs/examples/newsletter.eml")
	_, rest, _ = strings.Cut(rest, "```\n")
	want, _, found := strings.Cut(rest, "```")
	if !found || len(want) < 200 {
		t.Fatal("README.md shows no scan")
	}
	var out, errs bytes.Buffer
	home := t.TempDir()
	env := func(k string) string { return map[string]string{"HOME": home}[k] }
	if code := run(t.Context(), []string{"scan", "../../docs/examples/newsletter.eml"}, strings.NewReader(""), &out, &errs, env); code != exitFound {
		t.Fatalf("exit code %d, %s", code, errs.String())
	}
	if got := strings.TrimPrefix(out.String(), "../../"); !strings.HasPrefix(got, want) {
		t.Errorf("README.md shows\n%s\na scan says\n%s", want, got)
	}
}
