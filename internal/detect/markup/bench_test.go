//go:build unix

package markup

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// benchMail gives HTML mails one by one, as scan does, at most 4 MB in all.
// Files that are mostly attachments are left out: they would flatter.
func benchMail(b *testing.B) (list [][]byte, size int64) {
	all := corpus(b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		src := all[name]
		if bytes.Count(src, []byte("<")) < len(src)/200 {
			continue
		}
		if size += int64(len(src)); size < 4<<20 {
			list = append(list, src)
		} else {
			size -= int64(len(src))
		}
	}
	return list, size
}

// spent is the processor time of the whole process, garbage collection
// included, which waiting for a processor does not lengthen.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// each times do for every document; "cpu-MB/s" counts processor time.
func each(b *testing.B, list [][]byte, do func([]byte)) {
	size := 0
	for _, src := range list {
		size += len(src)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	rounds, start := 0, spent(b)
	for b.Loop() {
		for _, src := range list {
			do(src)
		}
		rounds++
	}
	b.ReportMetric(float64(rounds)*float64(size)/1e6/(spent(b)-start).Seconds(), "cpu-MB/s")
}

func BenchmarkWalkMail(b *testing.B) {
	list, _ := benchMail(b)
	each(b, list, func(src []byte) { Walk(src, Options{}, func(*Ref) {}) })
}

// BenchmarkWalkNewsletter walks a mail as companies send them: layout in
// tables, a style sheet, and a link or picture in every row.
func BenchmarkWalkNewsletter(b *testing.B) {
	each(b, [][]byte{newsletter()}, func(src []byte) { Walk(src, Options{}, func(*Ref) {}) })
}

func newsletter() []byte {
	var s bytes.Buffer
	s.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>News</title>\n<style type=\"text/css\">\n")
	for i := range 40 {
		fmt.Fprintf(&s, ".box%d { padding: 0 24px; font-family: Helvetica, Arial, sans-serif; color: #333333; width: %dpx }\n", i, i)
	}
	s.WriteString("@media only screen and (max-width: 600px) { .col { width: 100% !important; display: block !important } .off { display: none !important } }\n</style></head>\n<body style=\"margin:0;padding:0\">\n")
	for i := range 60 {
		fmt.Fprintf(&s, `<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr><td class="col box%d" style="padding:0 24px;font:16px/24px Helvetica,Arial,sans-serif;color:#333333" align="left">`+
			`<a href="https://click.shop.example/c/%d/item?u=abc&amp;m=42" target="_blank" style="color:#0a5;text-decoration:none"><img src="https://img.shop.example/i/%d.jpg" width="300" height="200" alt="An item" style="display:block;border:0"></a>`+
			"\n<p style=\"margin:0\">The passes are open again, and the huts have bread. <strong>Two nights</strong> for the price of one&nbsp;&mdash; until the snow comes.</p></td></tr></table>\n", i, i, i)
	}
	s.WriteString(`<img src="https://t.shop.example/o/abc.gif" width="1" height="1"></body></html>`)
	return s.Bytes()
}

func BenchmarkTokensMail(b *testing.B) {
	list, _ := benchMail(b)
	each(b, list, func(src []byte) {
		s := scanner{b: src, final: true}
		for s.next() {
		}
	})
}

func BenchmarkXNetTokensMail(b *testing.B) {
	list, _ := benchMail(b)
	each(b, list, func(src []byte) {
		z := html.NewTokenizer(bytes.NewReader(src))
		for z.Next() != html.ErrorToken {
			_ = z.Raw()
		}
	})
}

func BenchmarkRewriterMail(b *testing.B) {
	list, _ := benchMail(b)
	each(b, list, func(src []byte) {
		rw := NewRewriter(io.Discard, Options{}, func(*Ref) Action { return Keep })
		for len(src) > 0 {
			n := min(4096, len(src))
			rw.Write(src[:n])
			src = src[n:]
		}
		rw.Close()
	})
}

// TestNoAllocation: tokens without references cost no memory.
func TestNoAllocation(t *testing.T) {
	row := []byte(`<tr class="row x" valign="top"><td width="100%" style="padding:0 10px;color:#333" align=left><p>Some text &amp; more<br></td></tr>`)
	run := func(n int) float64 {
		src := bytes.Repeat(row, n)
		return testing.AllocsPerRun(5, func() { Walk(src, Options{}, func(*Ref) { t.Error("found something") }) })
	}
	few, many := run(10), run(10000)
	if many > few+200 { // a walk may find nothing left by another
		t.Errorf("10,000 rows cost %v allocations, 10 cost %v", many, few)
	}
}
