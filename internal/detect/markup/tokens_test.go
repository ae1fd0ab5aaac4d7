package markup

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// xnetTokens cuts src with golang.org/x/net/html.
func xnetTokens(src []byte) []string {
	z := html.NewTokenizer(bytes.NewReader(src))
	var out []string
	for {
		tt := z.Next()
		if raw := z.Raw(); len(raw) > 0 {
			out = append(out, string(raw))
		}
		if tt == html.ErrorToken {
			return out
		}
	}
}

func ownTokens(src []byte) []string {
	s := scanner{b: src, final: true}
	var out []string
	for {
		ok := s.next()
		t := s.tok
		if !ok {
			return out
		}
		out = append(out, string(src[t.start:t.end]))
	}
}

// sameTokens compares the two, leaving aside how the last bytes of a document
// are cut, where nothing follows any more.
func sameTokens(t *testing.T, name string, src []byte) {
	t.Helper()
	own, ref := ownTokens(src), xnetTokens(src)
	if got := strings.Join(own, ""); got != string(src) {
		t.Fatalf("%s: tokens put together are not the document", name)
	}
	for i := range ref {
		if i >= len(own) {
			t.Fatalf("%s: %d tokens, want %d", name, len(own), len(ref))
		}
		if own[i] != ref[i] {
			if i >= len(ref)-3 && (strings.HasPrefix(own[i], ref[i]) || strings.HasPrefix(ref[i], own[i])) {
				return
			}
			t.Fatalf("%s: token %d is %.200q, want %.200q", name, i, own[i], ref[i])
		}
	}
}

var tokenCases = []string{
	"", "<", "</", "</>", "<a", "<a b", "<a b=", "<a b='", "<a b='c'", "<a b='c'>", "<a/>", "<a b=c/>", "<a b/c=d>",
	"x<y<z>w", "1 < 2 <b>", "<<a>", "</ a>", "</a b='>'>c", "<!-->x<!--->y<!----!>z<!-- a --!> b -->",
	"<!--", "<!-", "<!", "<!-- x", "<!doctype html>", "<!DOCTYPE a 'b>c'>", "<!DOCTYP", "<?xml a='>'?>", "<![CDATA[a>b]]>",
	"<script>a<b</script >c", "<script><!--<script></script>x</script>y", "<script><!-- <script></script>--></script>z",
	"<script><!--></script>a", "<script><!-- --></script>", "<SCRIPT>x</sCript>y", "<script>x</scripty></script>",
	"<style>a</styl></style>b", "<title>a<b></title>c", "<textarea></textarea>x", "<plaintext>a</plaintext>", "<xmp><b></xmp>",
	"<noscript><img></noscript>", "<iframe><p></iframe>", "<noembed><p></noembed>", "<noframes>x</noframes>", "<style/>a</style>b",
	"<a =b=c>", "<a ==>", "<a b = 'c' d>", "<a b='c'd=e>", "<a / b>", "<a\x00b c\x00=d>", "<a b=c>d</a><p", "a<!x>b", "a</1>b",
	"<a href=\"x\ny\">", "<img src=a\fb>", "\xff\xfe<a>", "<a b=\"<c>\">d", "<script></script", "<script>", "<style>x</style", "<title></",
}

func TestTokensAgreeWithXNet(t *testing.T) {
	for _, src := range tokenCases {
		sameTokens(t, src, []byte(src))
	}
}

func TestTokensAgreeOnMail(t *testing.T) {
	for name, src := range corpus(t) {
		sameTokens(t, name, src)
	}
}

// corpus gives the HTML of real mail if QUENCH_DATA names a directory with
// some: what stands in each file from its first "<html" or "<body" on.
func corpus(tb testing.TB) map[string][]byte {
	dir := os.Getenv("QUENCH_DATA")
	if dir == "" {
		tb.Skip("QUENCH_DATA is not set")
	}
	out := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(dir, "mail"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		low := bytes.ToLower(b)
		for _, mark := range []string{"<html", "<body", "<!doctype html"} {
			if i := bytes.Index(low, []byte(mark)); i >= 0 {
				out[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)] = b[i:]
				break
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// TestPieces cuts documents in every way into two pieces: a Rewriter that
// keeps everything writes them unchanged and finds what Walk finds.
func TestPieces(t *testing.T) {
	for _, src := range append(tokenCases, "<p>a<img src='http://h/1'><style>a{b:url(//h/2)}</style><!--[if mso]><img src=http://h/3><![endif]-->x") {
		var want []string
		Walk([]byte(src), Options{}, func(r *Ref) { want = append(want, r.URL) })
		for cut := 0; cut <= len(src); cut++ {
			var got []string
			var out bytes.Buffer
			rw := NewRewriter(&out, Options{}, func(r *Ref) Action { got = append(got, r.URL); return Keep })
			io.WriteString(rw, src[:cut])
			io.WriteString(rw, src[cut:])
			if err := rw.Close(); err != nil {
				t.Fatal(err)
			}
			if out.String() != src {
				t.Errorf("%q cut at %d comes out as %q", src, cut, out.String())
			}
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%q cut at %d: found %q, want %q", src, cut, got, want)
			}
		}
	}
}
