package markup

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func count(src string, o Options) (refs int, sum Summary) {
	sum = Walk([]byte(src), o, func(*Ref) { refs++ })
	return refs, sum
}

func TestBounds(t *testing.T) {
	img := `<img src="//h/a">`
	t.Run("refs", func(t *testing.T) {
		n, sum := count(strings.Repeat(img, MaxRefs+5), Options{})
		if n != MaxRefs || sum.Dropped != 5 {
			t.Errorf("emitted %d, dropped %d; want %d and 5", n, sum.Dropped, MaxRefs)
		}
	})
	t.Run("css refs", func(t *testing.T) {
		n, sum := count("<p style='a:"+strings.Repeat("url(//h/a),", MaxRefs+5)+"'>", Options{})
		if n != MaxRefs || sum.Dropped != 5 {
			t.Errorf("emitted %d, dropped %d; want %d and 5", n, sum.Dropped, MaxRefs)
		}
	})
	t.Run("nesting", func(t *testing.T) {
		doc := img
		for range MaxNesting + 1 {
			doc = `<noscript>` + strings.ReplaceAll(doc, "noscript", "textarea") + `</noscript>`
			doc = strings.ReplaceAll(doc, "noscript", "xmp")
		}
		deep := strings.Repeat("<!--[if x]>", MaxNesting+3) + img
		if _, sum := count(deep, Options{}); sum.Cut == 0 {
			t.Errorf("%d conditional comments: nothing cut", MaxNesting+3)
		}
		fine := strings.Repeat("<!--[if x]>", MaxNesting) + img
		if n, sum := count(fine, Options{}); n != 1 || sum.Cut != 0 {
			t.Errorf("%d conditional comments: %d refs, %d cut; want 1 and 0", MaxNesting, n, sum.Cut)
		}
	})
	t.Run("srcdoc", func(t *testing.T) {
		doc := img
		for range MaxNesting + 1 {
			doc = `<iframe srcdoc="` + strings.NewReplacer("&", "&amp;", `"`, "&quot;").Replace(doc) + `"></iframe>`
		}
		if n, sum := count(doc, Options{}); n != 0 || sum.Cut != 1 {
			t.Errorf("%d refs, %d cut; want 0 and 1", n, sum.Cut)
		}
	})
	t.Run("attributes", func(t *testing.T) {
		junk := strings.Repeat("a ", MaxAttrs)
		if n, sum := count("<img "+junk+`src="//h/a">`, Options{}); n != 0 || sum.Cut != 1 {
			t.Errorf("%d refs, %d cut; want 0 and 1", n, sum.Cut)
		}
		if n, _ := count("<img "+junk[2:]+`src="//h/a">`, Options{}); n != 1 {
			t.Errorf("%d refs at the bound, want 1", n)
		}
	})
	t.Run("url", func(t *testing.T) {
		long := "//h/" + strings.Repeat("a", 2*MaxURL)
		Walk([]byte("<img src='"+long+"'>"), Options{}, func(r *Ref) {
			if len(r.URL) != MaxURL || len(r.Raw) != MaxURL || r.Value.Len() != len(long) {
				t.Errorf("URL of %d, raw of %d, value of %d bytes", len(r.URL), len(r.Raw), r.Value.Len())
			}
		})
	})
	t.Run("elements", func(t *testing.T) {
		doc := `<div style="display:none">` + strings.Repeat("<div>", 3*MaxElements) + img + strings.Repeat("</div>", 3*MaxElements+1) + img
		var got []Sure
		Walk([]byte(doc), Options{}, func(r *Ref) { got = append(got, r.Hidden.Sure) })
		if len(got) != 2 || got[0] != Certain || got[1] == Certain {
			t.Errorf("hidden %v, want certain for the first only", got)
		}
	})
	t.Run("data", func(t *testing.T) {
		doc := `<iframe src="data:text/html,` + strings.Repeat("x", maxDataURI) + `<p><img src=//h/a>"></iframe>`
		if n, sum := count(doc, Options{}); n != 0 || sum.Cut != 1 {
			t.Errorf("%d refs, %d cut; want 0 and 1", n, sum.Cut)
		}
	})
	t.Run("hide rules", func(t *testing.T) {
		var b strings.Builder
		for i := range 3 * maxHideRules {
			fmt.Fprintf(&b, ".c%d{display:none}", i)
		}
		var h hideRules
		h.add([]byte(b.String()))
		if len(h.list) != maxHideRules {
			t.Errorf("%d rules kept, want %d", len(h.list), maxHideRules)
		}
	})
	t.Run("blocks", func(t *testing.T) {
		css := strings.Repeat("@media x{", 3*maxBlocks) + "a{b:" + strings.Repeat("f(", 3*maxFunctions) + "url(//h/a)"
		n := 0
		WalkCSS([]byte(css), Options{}, func(*Ref) { n++ })
		if n != 1 {
			t.Errorf("%d refs, want 1", n)
		}
	})
}

func TestStreamBound(t *testing.T) {
	var out bytes.Buffer
	found := 0
	rw := NewRewriter(&out, Options{}, func(*Ref) Action { found++; return Overwrite })
	src := "<style>" + strings.Repeat("a{color:red}\n", 3*MaxToken/13) + "b{c:url(http://h.test/)}</style><p><img src=http://h.test/>"
	for i := 0; i < len(src); i += 4096 {
		rw.Write([]byte(src[i:min(i+4096, len(src))]))
		if held := len(rw.buf); held > MaxToken+MaxToken/2+8192 {
			t.Fatalf("%d bytes held", held)
		}
	}
	if err := rw.Close(); err != nil {
		t.Fatal(err)
	}
	if found != 2 || rw.Summary().Cut == 0 || out.Len() != len(src) || strings.Contains(out.String(), "h.test") {
		t.Errorf("found %d, cut %d, %d bytes of %d", found, rw.Summary().Cut, out.Len(), len(src))
	}
}

// TestLinear walks inputs made to be slow. What takes milliseconds as it should
// would take minutes if time grew with the square.
func TestLinear(t *testing.T) {
	unit := map[string]string{
		"unclosed comments": "<!--", "conditions": "<!--[if x]>", "open tags": "<a ", "quotes": `<a b="`, "scripts": "<script>", "escapes": "<script><!--",
		"styles": "<style>@import '//h/", "entities": "<a href='&amp&#x41;", "nul": "<\x00", "bogus": "<!", "dashes": "<!----", "cdata": "<![CDATA[",
		"functions": "<p style='a:f(", "backslashes": `<p style="a:url(\\`, "data": "<img src='data:text/html,", "depth": "<div style=display:none>", "same attribute": "<img src=//h/a src=//h/b ",
		"ends": "</a", "slashes": "<a href=//h", "json": `<script type=importmap>"`, "at": "<style>@media{", "closers": "<p></div>", "selectors": "<style>a:is(", "hovers": "<style>a:hover,", "templates": "<template><p>", "strings": `<a href="javascript:'`, "regexps": `<a href="javascript:)/`, "comments in scripts": `<a href="javascript:/*'*/`, "atob": "<iframe src=\"javascript:atob('", "srcset": "<img srcset='a (,", "parens": "www.a))))",
	}
	for name, u := range unit {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := func(n int) time.Duration {
				src := []byte(strings.Repeat(u, n/len(u)))
				start := time.Now()
				Walk(src, Options{}, func(*Ref) {})
				WalkText(src, 176, Options{}, func(*Ref) {})
				rw := NewRewriter(&bytes.Buffer{}, Options{}, func(*Ref) Action { return Keep })
				for len(src) > 0 {
					k := min(1000, len(src))
					rw.Write(src[:k])
					src = src[k:]
				}
				rw.Close()
				return time.Since(start)
			}
			// Other processes only ever add time: one good run is enough.
			var big time.Duration
			for range 5 {
				if big = run(1 << 18); big < 10*time.Second {
					return
				}
			}
			t.Errorf("256 kB take %v", big)
		})
	}
}
