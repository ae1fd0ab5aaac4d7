package markup

import (
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, c := range []struct {
		raw, base, url string
		reach          Reach
		host           string
		tricks         []Vector
	}{
		{"http://h.test/a", "", "http://h.test/a", Remote, "h.test", nil},
		{"  HTTP://H.test/A\n", "", "http://H.test/A", Remote, "h.test", []Vector{112}},
		{"ht\ntp://h.test/", "", "http://h.test/", Remote, "h.test", []Vector{107}},
		{"//h.test/a", "", "//h.test/a", Remote, "h.test", []Vector{108}},
		{"//h.test/a", "https://b.test/", "https://h.test/a", Remote, "h.test", []Vector{108}},
		{`\\h.test\a`, "", "//h.test/a", Remote, "h.test", []Vector{108, 113}},
		{`/\h.test/a`, "", "//h.test/a", Remote, "h.test", []Vector{108}},
		{`http:\\h.test\a?b\c`, "", `http://h.test/a?b\c`, Remote, "h.test", []Vector{109}},
		{"http:h.test", "", "http://h.test", Remote, "h.test", []Vector{109}},
		{"http:/h.test/", "", "http://h.test/", Remote, "h.test", []Vector{109}},
		{"http://u:p@h.test:8080/", "", "http://u:p@h.test:8080/", Remote, "h.test", nil},
		{"http://[::1]:80/", "", "http://[::1]:80/", Remote, "[::1]", nil},
		{"http://[placeholder]/", "", "http://[placeholder]/", Remote, "[placeholder]", nil},
		{"http://0x7f.1/", "", "http://0x7f.1/", Remote, "127.0.0.1", []Vector{112}},
		{"http://2130706433/", "", "http://2130706433/", Remote, "127.0.0.1", []Vector{112}},
		{"http://0177.0.0.1/", "", "http://0177.0.0.1/", Remote, "127.0.0.1", []Vector{112}},
		{"http://1.2.3.4/", "", "http://1.2.3.4/", Remote, "1.2.3.4", nil},
		{"http://1.2.3.400/", "", "http://1.2.3.400/", Remote, "1.2.3.400", nil},
		{"http://bücher.test./", "", "http://bücher.test./", Remote, "xn--bcher-kva.test", []Vector{112}},
		{"http://%68.test/", "", "http://%68.test/", Remote, "h.test", []Vector{112}},
		{"http://", "", "http://", Local, "", nil},
		{"a/b.gif", "", "a/b.gif", Relative, "", nil},
		{"a/b.gif?x", "http://b.test/c/d?e", "http://b.test/c/a/b.gif?x", Remote, "b.test", nil},
		{"../a", "http://b.test/c/d", "http://b.test/a", Remote, "b.test", nil},
		{`\a`, "http://b.test/c/d", "http://b.test/a", Remote, "b.test", nil},
		{"a%zz", "http://b.test/c/d", "http://b.test/c/a%zz", Remote, "b.test", nil},
		{"#x", "http://b.test/", "#x", Local, "", nil},
		{"cid:1@x", "", "cid:1@x", Local, "", []Vector{115}},
		{"mailto:a@b.test", "", "mailto:a@b.test", Local, "", nil},
		{"blob:http://h.test/1", "", "blob:http://h.test/1", Local, "h.test", []Vector{111}},
		{"mhtml:http://h.test/a!b", "", "http://h.test/a", Remote, "h.test", []Vector{115}},
		{"view-source:feed:http://h.test/", "", "http://h.test/", Remote, "h.test", []Vector{27}},
		{"file:///etc/passwd", "", "file:///etc/passwd", Local, "", []Vector{113}},
		{"file://localhost/a", "", "file://localhost/a", Local, "localhost", []Vector{113}},
		{`file:\\h.test\a`, "", "file://h.test/a", Remote, "h.test", []Vector{113}},
		{"file:////h.test/a", "", "file://h.test/a", Remote, "h.test", []Vector{113}},
		{`c:\a.gif`, "", `c:\a.gif`, Local, "", nil},
		{"ws://h.test/", "", "ws://h.test/", Remote, "h.test", []Vector{114}},
		{"gopher://h.test/", "", "gopher://h.test/", Remote, "h.test", []Vector{114}},
		{"foo:bar", "", "foo:bar", Local, "", nil},
		{"about:blank#xx", "", "about:blank#xx", Local, "", nil},
		{"`http://h.test/`", "", "http://h.test/", Remote, "h.test", []Vector{106}},
		{"", "http://b.test/", "", Local, "", nil},
	} {
		got := parseURL([]byte(c.raw), c.base)
		if got.url != c.url || got.reach != c.reach || hostOf(got.url) != c.host || got.tricks != vectorSet(c.tricks...) {
			t.Errorf("parseURL(%q, %q) = %q %v host %q %v, want %q %v host %q %v", c.raw, c.base,
				got.url, got.reach, hostOf(got.url), got.tricks.List(), c.url, c.reach, c.host, c.tricks)
		}
	}
}

func TestWalkText(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"see http://h.test/a?b=c, or <https://h.test/d>.", []string{"http://h.test/a?b=c", "https://h.test/d"}},
		{"(www.h.test/a_(b)) and WWW.h.test!", []string{"http://www.h.test/a_(b)", "http://WWW.h.test"}},
		{"no: awww.h.test x@www.h.test http:// ://x www.", nil},
		{"ftp://h.test/x;", []string{"ftp://h.test/x"}},
		{"http://a.test/www.b.test/http://c.test/", []string{"http://a.test/www.b.test/http://c.test/"}},
		{"http://h.test/)))).", []string{"http://h.test/"}},
		{"x<http://h.test>y", []string{"http://h.test"}},
	} {
		var got []string
		src := []byte(c.text)
		WalkText(src, 176, Options{}, func(r *Ref) {
			got = append(got, r.URL)
			if r.When != DNS || r.Vector != 176 || !r.Active() {
				t.Errorf("%q: %v %v active %v, want V176 dns active", c.text, r.Vector, r.When, r.Active())
			}
		})
		if len(got) != len(c.want) {
			t.Errorf("%q: found %q, want %q", c.text, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: found %q, want %q", c.text, got, c.want)
			}
		}
	}
}

func TestSummary(t *testing.T) {
	for _, c := range []struct{ doc, charset, base string }{
		{`<meta charset=" UTF-7 ">`, "utf-7", ""},
		{`<meta http-equiv=Content-Type content="text/html; charset=ISO-2022-JP">`, "iso-2022-jp", ""},
		{`<base target=_blank><base href="http://b.test/x/"><base href="http://c.test/">`, "", "http://b.test/x/"},
		{`<!--<base href="http://b.test/">--><p>`, "", ""},
	} {
		s := Walk([]byte(c.doc), Options{}, func(*Ref) {})
		if s.Charset != c.charset || s.Base != c.base {
			t.Errorf("%s: charset %q, base %q; want %q, %q", c.doc, s.Charset, s.Base, c.charset, c.base)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		doc  string
		o    Options
		want []When
	}{
		{`<!-- <img src=//h/> -->`, Options{}, nil},
		{`<!-- <img src=//h/> -->`, Options{Comments: true}, []When{Inert}},
		{`<noscript><img src=//h/></noscript>`, Options{}, []When{Opening}},
		{`<noscript><img src=//h/></noscript>`, Options{Scripting: true}, []When{Inert}},
		{`<a href=mailto:x><img src="data:image/gif;base64,AA">`, Options{}, nil},
		{`<a href=mailto:x><img src="data:image/gif;base64,AA">`, Options{LocalRefs: true}, []When{Click, Opening}},
		{`<img src=cid:x>`, Options{}, []When{Opening}},
		{`<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">`, Options{}, []When{Inert}},
	} {
		var got []When
		Walk([]byte(c.doc), c.o, func(r *Ref) { got = append(got, r.When) })
		if len(got) != len(c.want) {
			t.Errorf("%s %+v: %v, want %v", c.doc, c.o, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s %+v: %v, want %v", c.doc, c.o, got, c.want)
			}
		}
	}
}
