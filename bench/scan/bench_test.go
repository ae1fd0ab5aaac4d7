//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/mail"
	"github.com/quench-proxy/quench/internal/scan/source"
	"github.com/quench-proxy/quench/rules"
)

// BenchmarkScan scans generated messages of each kind; "cpu-MB/s" counts
// processor time, of all threads.
func BenchmarkScan(b *testing.B) {
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		b.Fatal(err)
	}
	s := scan.Scanner{Judge: judge.Judge{Rules: set}}
	for _, k := range []kind{newsletter, quoted, plain, attached} {
		b.Run(string(k), func(b *testing.B) {
			var list [][]byte
			for n := range 100 {
				var m bytes.Buffer
				if err := message(&m, n, k); err != nil {
					b.Fatal(err)
				}
				list = append(list, m.Bytes())
			}
			measured(b, &s, list)
		})
	}
	b.Run("public HTML mail", func(b *testing.B) { measured(b, &s, public(b, true)) })
	b.Run("public plain mail", func(b *testing.B) { measured(b, &s, public(b, false)) })
}

func measured(b *testing.B, s *scan.Scanner, list [][]byte) {
	b.ReportAllocs()
	done, start := 0, spent()
	for i := 0; b.Loop(); i++ {
		raw := list[i%len(list)]
		s.Reuse(s.Message(&source.Message{File: "x.eml", Length: int64(len(raw)), Raw: raw})) // as package run does
		done += len(raw)
	}
	b.ReportMetric(float64(done)/1e6/(spent()-start).Seconds(), "cpu-MB/s")
}

// public is the mail of the public corpus, of 2002 and 2003, with an HTML part
// or without one.
func public(b *testing.B, withHTML bool) (list [][]byte) {
	for _, pattern := range []string{"spamassassin-spam-1/*.txt", "spamassassin-easy-ham/*.txt"} {
		files, err := filepath.Glob(filepath.Join(need.Data(b, "mail"), filepath.FromSlash(pattern)))
		if err != nil {
			b.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			html := false
			for _, p := range mail.Read(raw, mail.RFC5322, mail.Options{}).Parts {
				html = html || p.Type == "text/html"
			}
			if html == withHTML {
				list = append(list, raw)
			}
		}
	}
	return list
}
