package scan_test

import (
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// FuzzClean: whatever the bytes, a scan ends without a fault, the clean copy has
// the length of the original, and only bytes in the ranges reported differ.
func FuzzClean(f *testing.F) {
	for i, c := range []string{
		"From: a@shop.example\nTo: ann@home.example\nContent-Type: text/html\n\n<img src=\"http://t.example/o?r=ann@home.example\" width=1><p style='background:url(//t.example/a)'>",
		"To: ann@home.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-16le\nContent-Transfer-Encoding: base64\n\nPABpAG0AZwAgAHMAcgBjAD0ALwAvAHQALgBkAGUALwBhAD4A\n--b\nContent-Transfer-Encoding: quoted-printable\n\n<img src=3D=\n//t.de/a>\n--b--\n",
		"Disposition-Notification-To: a@t.example\nList-Unsubscribe: <http://t.example/u>\nContent-Type: text/calendar\n\nATTACH:http://t.example/a\n",
		"<template><img src=//t.de/a></template><base href=//t.de/><a href=b ping=//u.de/p>",
	} {
		f.Add([]byte(c), i == 3, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, raw []byte, page, all bool) {
		if len(raw) > 64<<10 {
			return
		}
		m := &source.Message{File: "x", Raw: raw, Length: int64(len(raw))}
		if page {
			m.Kind = source.HTML
		}
		s := &scan.Scanner{Cleaning: &scan.Cleaning{All: all}}
		r := s.Message(m)
		if r.Stack != "" {
			t.Fatalf("%s\n%s", r.Unread, r.Stack)
		}
		out := markup.Apply(raw, r.Clean.Edits)
		if len(out) != len(raw) {
			t.Fatalf("%d bytes became %d", len(raw), len(out))
		}
		if at := outside(raw, out, r.Clean.Ranges); at >= 0 {
			t.Fatalf("byte %d changed outside the ranges reported", at)
		}
		for i := range r.Findings {
			if g := r.Findings[i].Range; g[0] < 0 || g[1] > len(raw) || g[0] > g[1] {
				t.Fatalf("range %v of %d bytes", g, len(raw))
			}
		}
	})
}
