package scan

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"

	"github.com/quench-proxy/quench/internal/scan/mail"
)

// scripts counts the programs of a page that a browser would run.
type scripts struct {
	inline   int // in script elements, event handlers and frames' javascript: addresses
	external int // fetched by a script element
}

// maxSrcdoc is how deep pages inside srcdoc attributes are looked into.
const maxSrcdoc = 4

// scripts counts the programs that would run where a browser opens m: those of
// a page, and of the pages attached to a mail. Mail programs run none.
func (r *Report) scripts(m *mail.Message) (n scripts) {
	for _, p := range m.Parts {
		if !p.Container && (r.Kind == "page" || p.OpenedApart()) && p.IsPage() {
			n.count(p.Body, maxSrcdoc)
		}
	}
	return n
}

// count adds the programs of the page b.
func (s *scripts) count(b []byte, deeper int) {
	z := html.NewTokenizer(bytes.NewReader(b))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			s.tag(z, deeper)
		}
	}
}

// tag counts what the tag at z runs. A script element without a program, or
// of data that is none, runs nothing.
func (s *scripts) tag(z *html.Tokenizer, deeper int) {
	name, more := z.TagName()
	script := string(name) == "script"
	program, external := script, false
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch k, v := string(key), strings.ToLower(strings.TrimSpace(string(value))); {
		case script && k == "type":
			program = runs(v)
		case script && (k == "src" || k == "href" || k == "xlink:href"):
			external = v != ""
		case len(k) > 2 && strings.HasPrefix(k, "on") && v != "", k == "src" && strings.HasPrefix(v, "javascript:"):
			s.inline++
		case k == "srcdoc" && deeper > 0:
			s.count(value, deeper-1)
		}
	}
	switch {
	case !program:
	case external:
		s.external++
	case z.Next() == html.TextToken && len(bytes.TrimSpace(z.Text())) > 0:
		s.inline++
	}
}

// runs reports whether browsers run a script element of this type.
func runs(typ string) bool {
	typ, _, _ = strings.Cut(typ, ";")
	switch typ = strings.TrimSpace(typ); typ {
	case "", "module":
		return true
	}
	return strings.HasSuffix(typ, "javascript") || strings.HasSuffix(typ, "ecmascript") || strings.HasSuffix(typ, "jscript") || strings.HasSuffix(typ, "livescript")
}
