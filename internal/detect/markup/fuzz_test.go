package markup

import (
	"bytes"
	"io"
	"testing"
)

// checkWalk holds for every input: ranges lie inside the document, counts
// agree, and cleaning changes nothing but reported values.
func checkWalk(tb testing.TB, src []byte, walk func([]byte, Options, func(*Ref)) Summary) {
	tb.Helper()
	for _, o := range []Options{{}, {Base: "http://base.test/d/", Comments: true, LocalRefs: true, Scripting: true}} {
		n, active := 0, 0
		var refs []Ref
		sum := walk(src, o, func(r *Ref) {
			n++
			if r.Active() {
				active++
			}
			if r.Value.Start < 0 || r.Value.End < r.Value.Start || r.Value.End > len(src) ||
				r.Element.Start < 0 || r.Element.End > len(src) || r.Element.Start > r.Value.Start || r.Element.End < r.Value.End {
				tb.Fatalf("value %v in element %v of %d bytes: %+v\n%q", r.Value, r.Element, len(src), r, src)
			}
			if r.URL == "" || r.Vector == 0 {
				tb.Fatalf("empty: %+v\n%q", r, src)
			}
			if len(r.Path) > MaxNesting {
				tb.Fatalf("%d layers", len(r.Path))
			}
			refs = append(refs, *r)
			_ = r.Host()
		})
		if sum.Refs != n || sum.Active != active {
			tb.Fatalf("summary %+v, want %d and %d", sum, n, active)
		}
		out := Patch(src, refs)
		if len(out) != len(src) {
			tb.Fatalf("patched to %d bytes, want %d\n%q", len(out), len(src), src)
		}
		checkOutside(tb, src, out, refs)
		Apply(src, Remove(refs))
	}
}

// checkOutside finds bytes that changed though no reference covers them.
func checkOutside(tb testing.TB, src, out []byte, refs []Ref) {
	tb.Helper()
	covered := make([]bool, len(src))
	for i := range refs {
		for _, r := range []Range{refs[i].Value, refs[i].name} {
			for k := r.Start; k < r.End; k++ {
				covered[k] = true
			}
		}
	}
	for i := range src {
		if src[i] != out[i] && !covered[i] {
			tb.Fatalf("byte %d changed outside all references", i)
		}
	}
}

func FuzzWalk(f *testing.F) {
	cases := vectorCases()
	for i, name := range caseNames(cases) {
		f.Add([]byte(cases[i].fixture(name)))
	}
	for _, s := range tokenCases {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<16 {
			return
		}
		checkWalk(t, src, Walk)
		sameTokens(t, "input", src)
		sameAttrs(t, "input", src)
		once, left := Clean(src, Options{}, nil)
		if left > 0 {
			t.Fatalf("%d active references left in %q\nof %q", left, once, src)
		}
		if twice, _ := Clean(once, Options{}, nil); !bytes.Equal(once, twice) {
			t.Fatalf("cleaning again changes %q\nto %q", once, twice)
		}
		checkStream(t, src)
	})
}

// checkStream cuts src into pieces of 7 bytes: kept, it comes out unchanged.
func checkStream(tb testing.TB, src []byte) {
	tb.Helper()
	var out, cut bytes.Buffer
	keep := NewRewriter(&out, Options{}, func(*Ref) Action { return Keep })
	drop := NewRewriter(&cut, Options{}, func(r *Ref) Action { return Action(r.Value.Start % 3) })
	for i := 0; i < len(src); i += 7 {
		keep.Write(src[i:min(i+7, len(src))])
		drop.Write(src[i:min(i+7, len(src))])
	}
	if err := keep.Close(); err != nil || !bytes.Equal(out.Bytes(), src) {
		tb.Fatalf("a kept stream changed (%v):\n%q\n%q", err, src, out.Bytes())
	}
	if err := drop.Close(); err != nil || cut.Len() > len(src) {
		tb.Fatalf("a cut stream grew (%v):\n%q\n%q", err, src, cut.Bytes())
	}
	all, err := io.ReadAll(NewReader(bytes.NewReader(src), Options{}, func(*Ref) Action { return Keep }))
	if err != nil || !bytes.Equal(all, src) {
		tb.Fatalf("a kept reader changed (%v):\n%q\n%q", err, src, all)
	}
}

func FuzzCSS(f *testing.F) {
	for _, c := range cssCases {
		f.Add([]byte(c.fixture("v000")))
	}
	for _, s := range []string{"@import url(//h/a", "a{b:url('//h/a", `a{b:\75rl(//h/)}`, "@media x{a{b:url(//h)}", "}}}{{{(((url(//h/)", "/*", `a{b:url(\`, "u/**/rl(//h", "a{b:url(//h/a;c:d}", "--x:{url(//h)}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > 1<<16 {
			return
		}
		checkWalk(t, src, WalkCSS)
		var h hideRules
		h.add(src)
		text := func(b []byte, o Options, emit func(*Ref)) Summary { return WalkText(b, 176, o, emit) }
		checkWalk(t, src, text)
	})
}

func TestInvariantsOnMail(t *testing.T) {
	for name, src := range corpus(t) {
		checkWalk(t, src, Walk)
		if out, left := Clean(src, Options{}, nil); left > 0 {
			t.Errorf("%s: %d of %d bytes still active", name, left, len(out))
		}
		checkStream(t, src)
	}
}
