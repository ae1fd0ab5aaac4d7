package markup

import (
	"encoding/base64"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors anew")

// vectorCase is one document with one reference to host {H}, which must be
// found with vector v (as its place or a trick) and class when.
type vectorCase struct {
	v    Vector
	doc  string
	when When
}

// name is V001 for the first case of a vector, V001-2 for the second.
func caseNames(cases []vectorCase) []string {
	count := map[Vector]int{}
	names := make([]string, len(cases))
	for i, c := range cases {
		count[c.v]++
		names[i] = c.v.String()
		if n := count[c.v]; n > 1 {
			names[i] = fmt.Sprintf("%v-%d", c.v, n)
		}
	}
	return names
}

// hostFor is the marker host of a case.
func hostFor(name string) string { return strings.ToLower(name) + ".marker.test" }

func (c vectorCase) fixture(name string) string {
	doc := c.doc
	for _, f := range []struct {
		mark string
		enc  func(string) string
	}{
		{"{B64:", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
		{"{PCT:", url.PathEscape},
	} {
		for {
			i := strings.Index(doc, f.mark)
			if i < 0 {
				break
			}
			j := i + strings.Index(doc[i:], ":}")
			inner := strings.ReplaceAll(doc[i+len(f.mark):j], "{H}", hostFor(name))
			doc = doc[:i] + f.enc(inner) + doc[j+2:]
		}
	}
	return strings.ReplaceAll(doc, "{H}", hostFor(name))
}

func vectorCases() []vectorCase {
	var all []vectorCase
	for _, part := range [][]vectorCase{elementCases, headCases, cssCases, trickCases, foreignCases} {
		all = append(all, part...)
	}
	return all
}

// notInMarkup are the ids up to V149 that no walk of markup can give.
var notInMarkup = map[Vector]string{
	69:  "a response header",
	116: "the caller decodes; TestCharset",
	140: "an attachment", 141: "an attachment",
	142: "unused", 143: "unused", 144: "unused", 145: "unused", 146: "unused", 147: "unused", 148: "unused", 149: "unused",
}

func TestEveryVectorHasACase(t *testing.T) {
	have := map[Vector]bool{}
	for _, c := range vectorCases() {
		have[c.v] = true
	}
	for v := Vector(1); v < 150; v++ {
		if _, not := notInMarkup[v]; !not && !have[v] {
			t.Errorf("%v (%s) has no case", v, v.Title())
		}
		if v.Title() == "" && v < 140 {
			t.Errorf("%v has no title", v)
		}
	}
}

func TestVectors(t *testing.T) {
	cases := vectorCases()
	for i, name := range caseNames(cases) {
		c := cases[i]
		t.Run(name, func(t *testing.T) { c.check(t, name) })
	}
}

func (c vectorCase) check(t *testing.T, name string) {
	src := []byte(c.fixture(name))
	host := hostFor(name)
	var all []Ref
	found := false
	Walk(src, Options{}, func(r *Ref) {
		all = append(all, *r)
		if r.Value.Start < 0 || r.Value.End > len(src) || r.Element.Start > r.Value.Start || r.Element.End < r.Value.End {
			t.Errorf("value %v of %s is not inside its element %v", r.Value, r.URL, r.Element)
		}
		if strings.Contains(r.URL, host) && r.Has(c.v) && r.When == c.when {
			found = true
		}
	})
	if !found {
		t.Errorf("no %v %v for %s in\n%s\nfound:", c.v, c.when, host, src)
		for _, r := range all {
			t.Errorf("  %v %v %v %v %q <%s %s>", r.Vector, r.Tricks.List(), r.When, r.Reach, r.URL, r.Tag, r.Attr)
		}
	}
	c.checkClean(t, src, all)
}

// checkClean patches and removes, and walks again.
func (c vectorCase) checkClean(t *testing.T, src []byte, all []Ref) {
	patched := Patch(src, all)
	if len(patched) != len(src) {
		t.Fatalf("patched to %d bytes, want %d", len(patched), len(src))
	}
	for i := range src {
		if patched[i] != src[i] && !inRanges(all, i) {
			t.Fatalf("byte %d changed outside all ranges", i)
		}
	}
	removed := Apply(src, Remove(all))
	for what, out := range map[string][]byte{"patched": patched, "removed": removed} {
		Walk(out, Options{}, func(r *Ref) {
			if r.Active() {
				t.Errorf("%s, still active: %v %q in\n%s", what, r.Vector, r.URL, out)
			}
		})
	}
}

func inRanges(refs []Ref, i int) bool {
	for _, r := range refs {
		if r.Value.Start <= i && i < r.Value.End || r.name.Start <= i && i < r.name.End {
			return true
		}
	}
	return false
}

// TestVectorFiles keeps testdata/vectors what the cases say; -update writes it.
// index.tsv lists file, vector, marker host and class for other tests.
func TestVectorFiles(t *testing.T) {
	dir := filepath.Join("testdata", "vectors")
	cases := vectorCases()
	want := map[string]string{}
	var index strings.Builder
	for i, name := range caseNames(cases) {
		want[name+".html"] = cases[i].fixture(name)
		fmt.Fprintf(&index, "%s.html\t%v\t%s\t%v\n", name, cases[i].v, hostFor(name), cases[i].when)
	}
	want["index.tsv"] = index.String()
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range want {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(want) {
		t.Errorf("%d files in %s, want %d; run with -update", len(files), dir, len(want))
	}
	for name, text := range want {
		if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != text {
			t.Errorf("%s is not what its case says; run with -update", name)
		}
	}
}
