package markup

import (
	"strings"
	"testing"
)

// sameBraces compares nextBrace with the tokens.
func sameBraces(t *testing.T, css string) {
	t.Helper()
	fast, slow := cssLexer{b: []byte(css)}, cssLexer{b: []byte(css)}
	for {
		p, at, ok := fast.nextBrace()
		wantP, wantAt, wantOK := slow.tokenBrace()
		if p != wantP || at != wantAt || ok != wantOK {
			t.Fatalf("%q: got %q at %d, want %q at %d", css, p, at, wantP, wantAt)
		}
		if !ok {
			return
		}
	}
}

// sameQuiet walks what is called quiet all the same: it must hold nothing.
func sameQuiet(t *testing.T, css string) {
	t.Helper()
	if !quiet([]byte(css)) {
		return
	}
	for _, attr := range []string{"", "style"} {
		w := newWalker(Options{LocalRefs: true}, func(r *Ref) { t.Errorf("%q is called quiet, but holds %s", css, r.URL) })
		w.css(span{b: []byte(css)}, carrier{attr: attr})
		w.release()
	}
}

var skimCases = []string{
	"", "a{b:c}", "a{b:url(})}", "a{b:url('}')}", "a{b:5url(})}", "a{b:xurl(})}", "a{b:#url(})}", "@url(})", "a{b:u\\72l(})}", "a{b:\\}}", "a\\\n}",
	"/*}*/a{}", "/*}", "'}\n}'", `"\"}"`, "url(", "url( '}') ;", "url(}\\));", "-url(});", "é}url(})", "{url(;)}", "a/b;/", "url(a\\", "URL(;);", "a;url(;)",
	`@import "x";`, "@IMPORT url(x)", `a{background:image-set("x" 1x)}`, `mso-x:"http://h"`, "u/**/rl(x)", "ur/**/l(x)", "a{b:rgb(1,2,3)}", "a{b:attr(x,'http://h/')}",
	"a{b:calc(1px + (2px))}/*# sourceMappingURL=x */", "filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='http://h/')", "@namespace 'x';", "5expression('//h/')",
}

func TestSkim(t *testing.T) {
	t.Parallel()
	for _, css := range skimCases {
		sameBraces(t, css)
		sameQuiet(t, css)
	}
	for _, c := range vectorCases() {
		sameBraces(t, c.doc)
		sameQuiet(t, c.doc)
	}
	for css, want := range map[string]bool{
		"p{margin:0;color:rgb(1,2,3)} @media (max-width:600px){.x{display:none}}": true,
		"p{background:url(x)}": false, "p{background:Image-Set('x')}": false, "mso-line-height-rule:exactly": true,
	} {
		if got := quiet([]byte(css)); got != want {
			t.Errorf("%s: got %v, want %v", css, got, want)
		}
	}
}

func FuzzSkim(f *testing.F) {
	for _, css := range skimCases {
		f.Add(css)
	}
	f.Fuzz(func(t *testing.T, css string) {
		sameBraces(t, css)
		sameQuiet(t, strings.ToValidUTF8(css, "x"))
		sameQuiet(t, css)
	})
}
