package scan_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
	"github.com/quench-proxy/quench/rules"
)

// example is the mail of the documentation.
func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "newsletter.eml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// builtin is a Scanner with the shipped rules.
func builtin(t testing.TB) *scan.Scanner {
	t.Helper()
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	return &scan.Scanner{Judge: judge.Judge{Rules: set}}
}

// BenchmarkMessage scans one mail: a short one with a dozen references, one
// with the bulk of a newsletter (60 kB of layout, 40 references), and plain text.
func BenchmarkMessage(b *testing.B) {
	short := example(b)
	row := `<tr><td style="padding:0 24px;font:16px/24px Helvetica,Arial,sans-serif;color:#333333">` + strings.Repeat("The passes are open again, and the huts have bread. ", 24) + "</td></tr>\n"
	link := `<tr><td><a href="https://shop.example/c/12345/item"><img src="https://img.shop.example/item.jpg" width="300" height="200" alt="x"></a></td></tr>` + "\n"
	long := []byte("From: a@shop.example\nTo: ann@home.example\nSubject: s\nContent-Type: text/html; charset=utf-8\n\n<html><body><table>" +
		strings.Repeat(row+row+link, 20) + "</table></body></html>\n")
	plain := []byte("From: a@shop.example\nTo: ann@home.example\nSubject: s\n\n" + strings.Repeat("A line of plain text as people write it, of some seventy letters.\n", 800))
	s := builtin(b)
	for name, raw := range map[string][]byte{"short": short, "long": long, "plain": plain} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				m := &source.Message{File: "x.eml", Length: int64(len(raw)), Raw: bytes.Clone(raw)}
				s.Message(m)
			}
		})
	}
}
