package rewrite

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/proxy/coding"
)

const (
	pixel  = `<img src="https://t.example/p?u=1" width="1" height="1">`
	script = `<script>1</script>`
)

// page has a pixel between words of every alphabet that enc can write.
func page(words, pixel, script string) string {
	return "<!doctype html><html><head>" + script + "<title>" + words + "</title></head><body><p>" + words + pixel + words +
		strings.Repeat("<p class=a>"+words+"</p>\n", 3000) + "</body></html>"
}

func takeOut(r *markup.Ref) markup.Action {
	if r.Host() == "t.example" {
		return markup.TakeOut
	}
	return markup.Keep
}

func response(body io.Reader, head ...string) *http.Response {
	h := http.Header{"Content-Type": {"text/html"}}
	for i := 0; i < len(head); i += 2 {
		h.Set(head[i], head[i+1])
	}
	return &http.Response{StatusCode: 200, Header: h, ContentLength: -1, Body: io.NopCloser(body)}
}

func kind(t testing.TB, name string) coding.Kind {
	t.Helper()
	k, ok := coding.Named(name)
	if !ok {
		t.Fatalf("no coding is named %q", name)
	}
	return k
}

func encode(t testing.TB, name, s string) []byte {
	t.Helper()
	if name == "" {
		return []byte(s)
	}
	var b bytes.Buffer
	e := new(coding.Coders).Encoder(kind(t, name), &b)
	if _, err := e.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t testing.TB, name string, b []byte) string {
	t.Helper()
	if name == "" {
		return string(b)
	}
	r, err := new(coding.Coders).Decoder(kind(t, name), bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestOnlyThePixelGoes: under every coding and in four encodings the document
// loses the pixel, gains the script, and keeps every other byte.
func TestOnlyThePixelGoes(t *testing.T) {
	t.Parallel()
	sets := []struct {
		name, words string
		enc         encoding.Encoding
	}{
		{"utf-8", "Grüße 表示 ещё", encoding.Nop},
		{"windows-1252", "Grüße – „naïve“", charmap.Windows1252},
		{"shift_jis", "表示ソ能 日本語 ー", japanese.ShiftJIS},
		{"gb18030", "简体中文 鎮 𠀀", simplifiedchinese.GB18030},
	}
	for _, set := range sets {
		words, err := set.enc.NewEncoder().String(set.words)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"", "gzip", "br", "zstd", "deflate"} {
			t.Run(set.name+" "+name, func(t *testing.T) {
				t.Parallel()
				body := encode(t, name, page(words, pixel, ""))
				for _, src := range []io.Reader{bytes.NewReader(body), iotest.HalfReader(bytes.NewReader(body))} {
					resp := response(src, "Content-Type", "text/html; charset="+set.name, "Content-Encoding", name, "Etag", `"1"`, "Content-Length", "9", "Digest", "x")
					if !Document(resp, Options{Base: "https://a.example/", Decide: takeOut, Script: script}) {
						t.Fatal("not changed")
					}
					out, err := io.ReadAll(resp.Body)
					if err != nil {
						t.Fatal(err)
					}
					if got, want := decode(t, name, out), page(words, "", script); got != want {
						t.Errorf("%d bytes, want %d: %.200q", len(got), len(want), got)
					}
					if h := resp.Header; h.Get("Etag") != `W/"1"` || h.Get("Content-Length") != "" || h.Get("Digest") != "" || h.Get("Content-Encoding") != name {
						t.Errorf("header %v", h)
					}
				}
			})
		}
	}
}

// TestUntouched: what may not be changed, or cannot, passes as it is.
func TestUntouched(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		head   []string
	}{
		{"part", 206, nil},
		{"not modified", 304, nil},
		{"range", 200, []string{"Content-Range", "bytes 0-1/2"}},
		{"no-transform", 200, []string{"Cache-Control", "private, No-Transform"}},
		{"download", 200, []string{"Content-Disposition", `attachment; filename="a.html"`}},
		{"plain text", 200, []string{"Content-Type", "text/plain"}},
		{"xhtml", 200, []string{"Content-Type", "application/xhtml+xml"}},
		{"utf-16", 200, []string{"Content-Type", "text/html; charset=UTF-16LE"}},
		{"iso-2022-jp", 200, []string{"Content-Type", "text/html;charset=iso-2022-jp"}},
		{"two codings", 200, []string{"Content-Encoding", "gzip, br"}},
		{"unknown coding", 200, []string{"Content-Encoding", "dcz"}},
		{"no type", 200, []string{"Content-Type", ""}},
	}
	for _, tt := range tests {
		resp := response(strings.NewReader(pixel), tt.head...)
		resp.StatusCode = tt.status
		resp.Header.Set("Etag", `"1"`)
		body := resp.Body
		if Document(resp, Options{Decide: takeOut, Script: script}) || resp.Body != body || resp.Header.Get("Etag") != `"1"` {
			t.Errorf("%s: was changed", tt.name)
		}
	}
	if resp := response(strings.NewReader(pixel)); Document(resp, Options{}) {
		t.Error("changed without a wish")
	}
}

// TestOtherAlphabetsPass: where bytes may be halves of letters, the rest passes.
func TestOtherAlphabetsPass(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"an escape":          "<p>" + pixel + "<p>\x1b$B" + pixel,
		"an escape at once":  "\x1b$B" + pixel,
		"two bytes a letter": "\xff\xfe<\x00p\x00>\x00" + pixel,
	}
	for name, src := range tests {
		i := max(strings.IndexByte(src, 0x1b), 0)
		want := strings.ReplaceAll(src[:i], pixel, "") + src[i:]
		resp := response(io.MultiReader(strings.NewReader(src[:i]), strings.NewReader(src[i:])))
		Document(resp, Options{Decide: takeOut})
		if got, err := io.ReadAll(resp.Body); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestFlowsAsItComes: what the site flushed is with the browser before the
// next byte has come.
func TestFlowsAsItComes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "gzip", "br", "zstd", "deflate"} {
		pr, pw := io.Pipe()
		resp := response(pr, "Content-Encoding", name)
		Document(resp, Options{Decide: takeOut, Script: script})
		go func() {
			var w io.Writer = pw
			flush := func() error { return nil }
			if name != "" {
				e := new(coding.Coders).Encoder(kind(t, name), pw)
				w, flush = e, e.Flush
			}
			io.WriteString(w, "<!doctype html><head><p>first</p>"+pixel)
			flush()
		}()
		var back io.Reader = resp.Body
		if name != "" {
			r, err := new(coding.Coders).Decoder(kind(t, name), back)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			back = r
		}
		want := "<!doctype html><head>" + script + "<p>first</p>"
		got := make([]byte, len(want))
		if _, err := io.ReadFull(back, got); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
		pw.Close()
	}
}

// TestBrokenBodies: a body that breaks off does not look whole, and what came
// before is not lost.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection lost")
	for _, name := range []string{"", "gzip", "br", "zstd", "deflate"} {
		whole := encode(t, name, page("words", pixel, ""))
		cut := io.MultiReader(bytes.NewReader(whole[:len(whole)*3/4]), iotest.ErrReader(lost))
		resp := response(cut, "Content-Encoding", name)
		Document(resp, Options{Decide: takeOut})
		out, err := io.ReadAll(resp.Body)
		if !errors.Is(err, lost) || len(out) == 0 {
			t.Errorf("%q: %d bytes, %v; want what came and %v", name, len(out), err, lost)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if name == "" {
			continue
		}
		resp = response(strings.NewReader("this is no "+name), "Content-Encoding", name)
		Document(resp, Options{Decide: takeOut})
		if out, err := io.ReadAll(resp.Body); string(out) != "this is no "+name || err != nil {
			t.Errorf("%s: %q, %v from what is no %s; want it as it came", name, out, err, name)
		}
	}
}

// TestNothingForLong: what never gives a byte is not kept for ever.
func TestNothingForLong(t *testing.T) {
	t.Parallel()
	name := "\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff" + strings.Repeat("a", 2*maxKept) // a file name without end
	resp := response(strings.NewReader(name), "Content-Encoding", "gzip")
	Document(resp, Options{Decide: takeOut})
	if out, err := io.ReadAll(resp.Body); err != nil || len(out) != len(name) {
		t.Logf("%d bytes, %v", len(out), err)
	}
	if b := resp.Body.(*body); b.came != nil && len(b.came.kept) > maxKept {
		t.Errorf("%d bytes kept", len(b.came.kept))
	}
}

// TestShortDocuments: an end before anything is known is an end.
func TestShortDocuments(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "<!doctype html>", "<html", "\xef\xbb\xbf", " "} {
		resp := response(strings.NewReader(src))
		Document(resp, Options{Decide: takeOut, Script: script})
		if got, err := io.ReadAll(resp.Body); string(got) != src || err != nil {
			t.Errorf("%q became %q, %v", src, got, err)
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	src := page("words and words", pixel, "") + strings.Repeat(`<div class="card"><a href="/a/b?c=d"><img src="/i/1.jpg" width="300" height="200" alt="x"></a><p>Some words of text that go on for a line or so.</p></div>`+"\n", 6000)
	var coders coding.Coders
	for _, name := range []string{"", "gzip", "br", "zstd"} {
		body := encode(b, name, src)
		b.Run("coding="+name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				resp := response(bytes.NewReader(body), "Content-Encoding", name)
				Document(resp, Options{Decide: takeOut, Script: script, Only: markup.NewVectors(1, 24, 40, 59, 60, 61), Coders: &coders})
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFirstByte is what a document's first bytes wait for.
func BenchmarkFirstByte(b *testing.B) {
	src := page("words and words", pixel, "")
	var coders coding.Coders
	for _, name := range []string{"", "gzip", "br", "zstd"} {
		body := encode(b, name, src)
		b.Run("coding="+name, func(b *testing.B) {
			first := make([]byte, 1)
			for b.Loop() {
				resp := response(bytes.NewReader(body), "Content-Encoding", name)
				Document(resp, Options{Decide: takeOut, Script: script, Only: markup.NewVectors(1, 24, 40, 59, 60, 61), Coders: &coders})
				if _, err := io.ReadFull(resp.Body, first); err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
		})
	}
}
