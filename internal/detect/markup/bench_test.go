package markup

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"testing"

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

func BenchmarkWalkMail(b *testing.B) {
	list, size := benchMail(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range list {
			Walk(src, Options{}, func(*Ref) {})
		}
	}
}

func BenchmarkTokensMail(b *testing.B) {
	list, size := benchMail(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, src := range list {
			s := scanner{b: src, final: true}
			for {
				if _, ok := s.next(); !ok {
					break
				}
			}
		}
	}
}

func BenchmarkXNetTokensMail(b *testing.B) {
	list, size := benchMail(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range list {
			z := html.NewTokenizer(bytes.NewReader(src))
			for z.Next() != html.ErrorToken {
				_ = z.Raw()
			}
		}
	}
}

func BenchmarkRewriterMail(b *testing.B) {
	list, size := benchMail(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, src := range list {
			rw := NewRewriter(io.Discard, Options{}, func(*Ref) Action { return Keep })
			for len(src) > 0 {
				n := min(4096, len(src))
				rw.Write(src[:n])
				src = src[n:]
			}
			rw.Close()
		}
	}
}

// TestNoAllocation: tokens without references cost no memory.
func TestNoAllocation(t *testing.T) {
	row := []byte(`<tr class="row x" valign="top"><td width="100%" style="padding:0 10px;color:#333" align=left><p>Some text &amp; more<br></td></tr>`)
	run := func(n int) float64 {
		src := bytes.Repeat(row, n)
		return testing.AllocsPerRun(5, func() { Walk(src, Options{}, func(*Ref) { t.Error("found something") }) })
	}
	few, many := run(10), run(10000)
	if many > few {
		t.Errorf("10,000 rows cost %v allocations, 10 cost %v", many, few)
	}
}
