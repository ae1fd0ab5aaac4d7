package mail

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/need"
)

// corpus calls f with every file of the public mail.
func corpus(t testing.TB, f func(name string, raw []byte)) {
	t.Helper()
	dir := need.Data(t, "mail")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		f(filepath.ToSlash(name), raw)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCleanKeepsTheRest holds what cleaning promises on real mail: no byte
// outside the reported ranges changes, lengths stay, and afterwards nothing
// that could be written is active.
func TestCleanKeepsTheRest(t *testing.T) {
	t.Parallel()
	files, refs, edited, unpatched, left := 0, 0, 0, 0, 0
	corpus(t, func(name string, raw []byte) {
		files++
		m := Read(raw, RFC5322, Options{})
		var found []Ref
		m.Walk(markup.Options{}, func(r *Ref) { found = append(found, *r) })
		refs += len(found)
		edits, err := m.Neutralise(found, true)
		if err != nil {
			unpatched++
			t.Logf("%s: %v", name, err)
		}
		edited += len(edits)
		out := markup.Apply(raw, edits)
		if len(out) != len(raw) {
			t.Fatalf("%s: %d bytes became %d", name, len(raw), len(out))
		}
		if at := outside(raw, out, edits); at >= 0 {
			t.Errorf("%s: byte %d changed outside the edits", name, at)
		}
		again := Read(out, RFC5322, Options{})
		if len(again.Parts) != len(m.Parts) {
			t.Errorf("%s: %d parts became %d", name, len(m.Parts), len(again.Parts))
		}
		again.Walk(markup.Options{}, func(r *Ref) {
			if r.Active() && r.Writable(true) {
				left++
				t.Logf("%s: part %s %v %v still active, field %q", name, r.Part.Path, r.Vector, r.When, r.Field)
			}
		})
	})
	t.Logf("%d files, %d references, %d edits, %d files with unpatchable ones, %d references left", files, refs, edited, unpatched, left)
	if files < 1000 || edited < 1000 {
		t.Errorf("%d files, %d edits: the data is not what it was", files, edited)
	}
}

// outside gives the first byte that differs outside edits, -1 if none does.
func outside(a, b []byte, edits []markup.Edit) int {
	at := 0
	for _, e := range append(edits, markup.Edit{Range: markup.Range{Start: len(a), End: len(a)}}) {
		if !bytes.Equal(a[at:e.Range.Start], b[at:e.Range.Start]) {
			for i := at; ; i++ {
				if a[i] != b[i] {
					return i
				}
			}
		}
		at = e.Range.End
	}
	return -1
}
