package markup

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// xnetAttrs lists the decoded attributes of every start tag.
func xnetAttrs(src []byte) []string {
	z := html.NewTokenizer(bytes.NewReader(src))
	var out []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			for {
				k, v, more := z.TagAttr()
				if len(k) > 0 {
					out = append(out, string(k)+"="+string(v))
				}
				if !more {
					break
				}
			}
		}
	}
}

func ownAttrs(src []byte) []string {
	s := scanner{b: src, final: true}
	var out []string
	for {
		ok := s.next()
		t := s.tok
		if !ok {
			return out
		}
		if t.kind != kindStart {
			continue
		}
		seen := map[string]bool{}
		for _, a := range s.attrs {
			k := string(lowered(src[a.name:a.nameEnd]))
			if seen[k] {
				continue
			}
			seen[k] = true
			v := bytes.ReplaceAll(bytes.ReplaceAll(src[a.val:a.valEnd], []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
			out = append(out, k+"="+string(span{b: v}.unescape().b))
		}
	}
}

func lowered(b []byte) []byte {
	out := bytes.Clone(b)
	for i, c := range out {
		out[i] = lowerByte(c)
	}
	return out
}

// sameAttrs compares what the two tokenizers give as attributes.
func sameAttrs(t *testing.T, name string, src []byte) {
	t.Helper()
	src = bytes.ReplaceAll(src, []byte{0}, []byte("0")) // it turns NUL into U+FFFD
	own, ref := ownAttrs(src), xnetAttrs(src)
	for i := range ref {
		if i >= len(own) || own[i] != ref[i] {
			got := "nothing"
			if i < len(own) {
				got = own[i]
			}
			t.Fatalf("%s: attribute %d is %.300q, want %.300q", name, i, got, ref[i])
		}
	}
	if len(own) != len(ref) {
		t.Fatalf("%s: %d attributes, want %d", name, len(own), len(ref))
	}
}

func TestAttributesAgreeWithXNet(t *testing.T) {
	for _, src := range append([]string{
		`<a b=&amp;&lt;&gt;&quot;&apos;&nbsp;>`, `<a b="&copy=1&copy;&copyx&notit;&not;&notin;">`, `<a b="&#65;&#x42&#67x&#0;&#x110000;&#128;&#xD800;">`,
		`<a b="&NotEqualTilde;&CounterClockwiseContourIntegral;&x;&;&#;&#x;&">`, `<a b="?a=1&amp=2&lt=3&b">`, `<a B=c b=d>`, `<a b='&QUOT;&AMP'>`,
	}, tokenCases...) {
		sameAttrs(t, src, []byte(src))
	}
}

func TestAttributesAgreeOnMail(t *testing.T) {
	for name, src := range corpus(t) {
		sameAttrs(t, name, src)
	}
}

// TestUnescapePlaces: every byte that is decoded has a place, and the places
// of what surrounds an entity enclose it.
func TestUnescapePlaces(t *testing.T) {
	for _, c := range []struct{ src, part, want string }{
		{"a&amp;b", "a&b", "a&amp;b"},
		{"a&amp;b", "&", "&amp;"},
		{"x&#104;ttp&colon;//h/", "http://h/", "&#104;ttp&colon;//h/"},
		{"&quot;http://h/?a&amp;b&quot;", "http://h/?a&b", "http://h/?a&amp;b"},
		{"plain", "lai", "lai"},
		{"&eacute;x", "x", "x"},
	} {
		v := span{b: []byte(c.src)}.unescape()
		i := strings.Index(string(v.b), c.part)
		r, exact := v.at(i, i+len(c.part))
		if got := c.src[r.Start:r.End]; got != c.want || !exact {
			t.Errorf("%q in %q stands for %q (exact %v), want %q", c.part, c.src, got, exact, c.want)
		}
	}
}
