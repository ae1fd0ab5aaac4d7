package markup

import (
	"strings"
	"testing"
)

func TestHidden(t *testing.T) {
	const u = ` src="http://h.test/o" alt="x"`
	for _, c := range []struct {
		name, doc string
		why       Why
		sure      Sure
	}{
		{"shown", `<img width=600 height=100` + u + `><p>x`, 0, Visible},
		{"tiny", `<img width=1 height="1px"` + u + `><p>x`, TinySize, Certain},
		{"three pixels", `<img width=3 height=3` + u + `><p>x`, TinySize, Certain},
		{"four pixels", `<img width=4 height=4` + u + `><p>x`, 0, Visible},
		{"line", `<img width=600 height=1` + u + `><p>x`, 0, Visible},
		{"zero height", `<img width=600 height=0` + u + `><p>x`, ZeroSize, Certain},
		{"style size", `<img style="WIDTH:1px;height: 1px !important"` + u + `><p>x`, TinySize, Certain},
		{"max size", `<img style="max-height:0"` + u + `><p>x`, ZeroSize, Certain},
		{"style over attribute", `<img width=1 height=1 style="width:100px;height:50px"` + u + `><p>x`, 0, Visible},
		{"percent", `<img width="100%"` + u + `><p>x`, 0, Visible},
		{"responsive", `<img width=600 height=300 style="width:100%;height:auto"` + u + `><p>x`, 0, Visible},
		{"no size", `<img` + u + `><p>x`, NoSize, Weak},
		{"display", `<img width=9 style="display : NONE"` + u + `><p>x`, DisplayNone, Certain},
		{"hidden attribute", `<img width=9 hidden` + u + `><p>x`, DisplayNone, Certain},
		{"visibility", `<img width=9 style="visibility:hidden"` + u + `><p>x`, VisibilityHidden, Certain},
		{"opacity", `<img width=9 style="opacity:0.0"` + u + `><p>x`, Transparent, Certain},
		{"half", `<img width=9 style="opacity:0.5"` + u + `><p>x`, 0, Visible},
		{"old opacity", `<img width=9 style="filter:alpha(opacity=0)"` + u + `><p>x`, Transparent, Certain},
		{"off screen", `<img width=9 style="position:absolute;left:-9999px"` + u + `><p>x`, OffScreen, Likely},
		{"clip", `<img width=9 style="position:absolute;clip:rect(0 0 0 0)"` + u + `><p>x`, OffScreen, Likely},
		{"entity in style", `<img width=9 style="display&colon;none"` + u + `><p>x`, DisplayNone, Certain},
		{"mso", `<img width=9 style="mso-hide:all"` + u + `><p>x`, MsoHide, Weak},
		{"parent", `<div style="display:none"><b><img width=9` + u + `></b></div><p>x`, DisplayNone | ByParent, Certain},
		{"closed parent", `<div style="display:none">y</div><img width=9` + u + `><p>x`, 0, Visible},
		{"clipped", `<div style="max-height:0;overflow:hidden"><img width=9` + u + `></div><p>x`, Clipped | ByParent, Certain},
		{"zero font", `<div style="font-size:0"><img width=9` + u + `></div><p>x`, FontSizeZero, Visible},
		{"class", `<style>.x , b{display:none}</style><img class="a x" width=9` + u + `><p>x`, DisplayNone | ByRule, Certain},
		{"later rule", `<img class="x" width=9` + u + `><p>x<style>img.x{display:none}</style>`, DisplayNone | ByRule, Certain},
		{"id", `<style>#x{width:1px;height:1px}</style><img id=x` + u + `><p>x`, TinySize | ByRule, Certain},
		{"descendant", `<style>div.a img{visibility:hidden}</style><div class=a><p><img width=9` + u + `></div><p>x`, VisibilityHidden | ByRule, Certain},
		{"not descendant", `<style>div.a img{visibility:hidden}</style><div class=b><p><img width=9` + u + `></div><p>x`, 0, Visible},
		{"media", `<style>@media (max-width:600px){.x{display:none}}</style><img class=x width=9` + u + `><p>x`, DisplayNone | ByRule | ByMedia, Weak},
		{"after media", `<style>@media x{.y{color:red}} .x{display:none}</style><img class=x width=9` + u + `><p>x`, DisplayNone | ByRule, Certain},
		{"rule in comment", `<!--[if mso]><style>.x{display:none}</style><![endif]--><img class=x width=9` + u + `><p>x`, 0, Visible},
		{"hover", `<style>.x:hover{display:none}</style><img class=x width=9` + u + `><p>x`, 0, Visible},
		{"last", `<body><p>x</p><img width=9` + u + `></p> &nbsp; </body></html>`, LastInBody, Weak},
		{"last of all", `<p>x</p><img width=9` + u + `>` + "\n", LastInBody, Weak},
		{"implied end", `<p style="display:none">a<p><img width=9` + u + `><p>x`, 0, Visible},
		{"cell", `<table><tr><td style="display:none">a<td><img width=9` + u + `></table><p>x`, 0, Visible},
		{"inner table", `<table><tr><td style="display:none"><table><tr><td><img width=9` + u + `></table></table><p>x`, DisplayNone | ByParent, Certain},
		{"iframe", `<iframe width=1 height=1` + u + `></iframe><p>x`, TinySize, Certain},
		{"background", `<table><td width=1 height=1 background="http://h.test/">x</table>`, TinySize, Likely},
		{"link colour", `<body bgcolor=#fff><a style="color:white" href="http://h.test/">x</a>`, SameColour, Weak},
		{"link in no font", `<div style="font:0/0 a"><a href="http://h.test/">x</a></div>`, FontSizeZero, Likely},
		{"empty alt", `<img width=9 src="http://h.test/" alt=""><p>x`, EmptyAlt, Visible},
		{"linked", `<a><img width=9 src="http://h.test/"></a><p>x`, EmptyAlt, Visible},
	} {
		n := 0
		Walk([]byte(c.doc), Options{}, func(r *Ref) {
			n++
			if r.Hidden != (Hidden{c.why, c.sure}) {
				t.Errorf("%s: %v (%v), want %v (%v)", c.name, r.Hidden.Why, r.Hidden.Sure, c.why, c.sure)
			}
		})
		if n != 1 {
			t.Errorf("%s: %d references, want 1", c.name, n)
		}
	}
}

func TestSizeAndContext(t *testing.T) {
	doc := `<a href="http://l.test/"><img src="http://h.test/" width="20" style="height:1.4px" alt="a&amp;b"></a>`
	var got []Ref
	Walk([]byte(doc), Options{}, func(r *Ref) { got = append(got, *r) })
	if len(got) != 2 {
		t.Fatalf("%d references, want 2", len(got))
	}
	r := got[1]
	if r.Width != 20 || r.Height != 1 || !r.Context.InLink || r.Context.Alt != "a&b" || !r.Context.HasAlt {
		t.Errorf("%dx%d, context %+v", r.Width, r.Height, r.Context)
	}
	if e := doc[r.Element.Start:r.Element.End]; !strings.HasPrefix(e, "<img") || !strings.HasSuffix(e, ">") {
		t.Errorf("element %q", e)
	}
	if v := doc[r.Value.Start:r.Value.End]; v != "http://h.test/" {
		t.Errorf("value %q", v)
	}
}

// TestPath: nested references keep exact places where bytes allow it.
func TestPath(t *testing.T) {
	for _, c := range []struct {
		doc, value string
		exact      bool
		path       string
	}{
		{`<iframe srcdoc="<p style='a:url(&quot;http://h.test/?a&amp;amp;b&quot;)'>">`, "http://h.test/?a&amp;amp;b", true, "srcdoc"},
		{`<iframe src="data:text/html,%3Cimg src=%22http://h.test/%22>">`, "http://h.test/", true, "data"},
		{`<iframe src="data:text/html;base64,PGltZyBzcmM9aHR0cDovL2gudGVzdC8+">`, "data:text/html;base64,PGltZyBzcmM9aHR0cDovL2gudGVzdC8+", false, "data"},
		{`<!--[if mso]><noscript><img src=http://h.test/></noscript><![endif]-->`, "http://h.test/", true, "conditional noscript"},
	} {
		n := 0
		Walk([]byte(c.doc), Options{}, func(r *Ref) {
			n++
			var path []string
			for _, s := range r.Path {
				path = append(path, string(s.Kind))
			}
			if v := c.doc[r.Value.Start:r.Value.End]; v != c.value || r.Exact != c.exact || strings.Join(path, " ") != c.path {
				t.Errorf("%s: value %q exact %v path %v, want %q %v %s", c.doc, v, r.Exact, path, c.value, c.exact, c.path)
			}
		})
		if n != 1 {
			t.Errorf("%s: %d references, want 1", c.doc, n)
		}
	}
}
