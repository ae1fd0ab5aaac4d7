package markup

import (
	"strings"
	"testing"
)

// whens gives the When of each reference to host h.test in doc, in order.
func whens(doc string, o Options) string {
	var out []string
	Walk([]byte(doc), o, func(r *Ref) {
		if r.Host() == "h.test" {
			out = append(out, r.When.String())
		}
	})
	return strings.Join(out, " ")
}

// TestGates: what Chromium and Firefox do not fetch before the document is
// printed, or before the reader points at something, does not fire on opening;
// what both fetch at once does.
func TestGates(t *testing.T) {
	t.Parallel()
	const u = `{background:url(http://h.test/)}`
	for css, want := range map[string]string{
		`a` + u:          "opening",
		`a:hover` + u:    "hover",
		`a:active b` + u: "hover",
		`a:focus` + u:    "hover",
		`div:focus-within > p, a:focus-visible` + u: "hover",
		`a:h\6fver` + u:              "opening",
		`a:hover, a` + u:             "opening",
		`a, b:hover` + u:             "opening",
		`a:hover, b:active` + u:      "hover",
		`a:not(:hover)` + u:          "opening",
		`:is(a:hover, b:focus)` + u:  "hover",
		`:where(a:hover, b)` + u:     "opening",
		`:is(:is(:is(a:hover)))` + u: "hover",
		strings.Repeat(`:is(`, 2*maxSelectorDepth) + `:hover` + u: "opening",
		`body:has(a:hover) p` + u:                                 "hover",
		`a/*:hover*/` + u:                                         "opening",
		`a/*,b*/:hover` + u:                                       "hover",
		`a[title=":hover"]` + u:                                   "opening",
		`a[x="]:hover"]` + u:                                      "opening",
		`a[x]:hover` + u:                                          "hover",
		`a:nth-child(2 of :hover)` + u:                            "opening",
		`a::hover` + u:                                            "hover",
		`a:visited` + u:                                           "legacy",
		`a:visited, a` + u:                                        "opening",
		`a:visited:hover` + u:                                     "legacy",
		`a:link` + u:                                              "opening",
		`:target` + u:                                             "opening",
		`a{&:hover` + u + `}`:                                     "hover",
		`a:hover{b` + u + `}`:                                     "hover",
		`a:hover{:not(&)` + u + `}`:                               "opening",
		`a:hover{` + `--x:url(http://h.test/)}`:                   "hover",
		`@media print{a` + u + `}`:                                "print",
		`@media only PRINT and (color){a` + u + `}`:               "print",
		`@media pr\69nt{a` + u + `}`:                              "print",
		`@media print, print and (color){a` + u + `}`:             "print",
		`@media print, screen{a` + u + `}`:                        "opening",
		`@media print,{a` + u + `}`:                               "opening",
		`@media not print{a` + u + `}`:                            "opening",
		`@media (print){a` + u + `}`:                              "opening",
		`@media all and print{a` + u + `}`:                        "opening",
		`@media{a` + u + `}`:                                      "opening",
		`@media/**/print{a` + u + `}`:                             "print",
		`@media screen{a:hover` + u + `}`:                         "hover",
		`@media print{a:hover` + u + `}`:                          "hover",
		`@media print{@font-face{src:url(http://h.test/)}}`:       "print",
		`@media print{a{behavior:url(http://h.test/)}}`:           "legacy",
		`@supports (x){a:hover` + u + `}`:                         "hover",
		`@import "http://h.test/" print;`:                         "opening",
		`a:hover{color:red} b` + u:                                "opening",
	} {
		if got := whens("<style>"+css+"</style>", Options{}); got != want {
			t.Errorf("%s: got %q, want %q", css, got, want)
		}
	}
}

// TestGatesAround: what stands around a style sheet.
func TestGatesAround(t *testing.T) {
	t.Parallel()
	const hover = `<style>a:hover{background:url(http://h.test/)}</style>`
	const focus = `<style>a:focus{background:url(http://h.test/)}</style>`
	for doc, want := range map[string]string{
		hover:                       "hover",
		focus:                       "hover",
		focus + `<input AutoFocus>`: "opening",
		hover + `<input autofocus>`: "hover",
		`<style media="print">a{background:url(http://h.test/)}</style>`:                                    "print",
		`<style media="print, screen">a{background:url(http://h.test/)}</style>`:                            "opening",
		`<style media=print>@import url(http://h.test/);</style>`:                                           "opening",
		`<link rel=stylesheet media=print href="http://h.test/">`:                                           "opening",
		`<style media=print>a{color:red}</style><style>a{background:url(http://h.test/)}`:                   "opening",
		`<!--[if mso]>` + hover + `<![endif]-->`:                                                            "legacy",
		`<template>` + hover + `</template>`:                                                                "inert",
		`<iframe srcdoc="<style>a:focus{background:url(http://h.test/)}</style>"></iframe>`:                 "opening",
		`<style>a:hover{background:url(data:image/svg+xml,<svg><image href=%22http://h.test/%22>)}</style>`: "legacy legacy",
	} {
		if got := whens(doc, Options{}); got != want {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
	var got When
	WalkCSS([]byte(`a:hover{b:url(http://h.test/)}`), Options{}, func(r *Ref) { got = r.When })
	if got != Hover {
		t.Errorf("a sheet: got %v, want hover", got)
	}
}

// TestTemplates: as Chromium builds its tree, nothing but its own end tag ends a
// template, and only HTML has any.
func TestTemplates(t *testing.T) {
	t.Parallel()
	const img = `<img src="http://h.test/">`
	for doc, want := range map[string]string{
		`<template>` + img + `</template>` + img:                                    "inert opening",
		`<div><template></div>` + img + `</template>` + img:                         "inert opening",
		`<table><tr><td><template><td>` + img + `</template></table>` + img:         "inert opening",
		`<p><template><p>` + img:                                                    "inert",
		`<template></body></html>` + img:                                            "inert",
		`<template>` + strings.Repeat("<div>", 2*maxClose) + `</template>` + img:    "opening",
		`<template>` + strings.Repeat("<div>", 2*MaxElements) + `</template>` + img: "opening",
		`<template><template></template>` + img + `</template>` + img:               "inert opening",
		`</template>` + img: "opening",
		`<template shadowrootmode=open>` + img + `</template>`:                             "opening",
		`<template shadowrootmode=bogus>` + img + `</template>`:                            "inert",
		`<svg><template>` + img + `</template></svg>`:                                      "opening",
		`<math><template>` + img:                                                           "opening",
		`<math><annotation-xml><template>` + img:                                           "opening",
		`<svg><foreignobject><template>` + img + `</template></foreignobject></svg>` + img: "inert opening",
		`<x:template>` + img:                                                               "opening",
		`<frameset><template><frame src="http://h.test/">`:                                 "opening",
	} {
		if got := whens(doc, Options{}); got != want {
			t.Errorf("%.80s: got %q, want %q", doc, got, want)
		}
	}
}

// TestJavascript: an address in a comment of a javascript: address is no
// reference, and only a frame runs one on opening.
func TestJavascript(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`javascript:void(0)`:                                        "",
		`javascript://h.test/%0aalert(1)`:                           "",
		`javascript:void(0)//http://h.test/`:                        "",
		`javascript:/* 'http://h.test/' */void(0)`:                  "",
		`javascript:// 'http://h.test/'`:                            "",
		`javascript:// x%0alocation='http://h.test/'`:               "click",
		`javascript:location='http://h.test/'`:                      "click",
		`javascript:location=&quot;//h.test/&quot;`:                 "click",
		"javascript:fetch(`http://h.test/`)":                        "click",
		`javascript:fetch('http:\/\/h.test\/')`:                     "click",
		`javascript:fetch('\'http://h.test/')`:                      "click",
		`javascript:fetch(%27http://h.test/%27)`:                    "click",
		`javascript:/'/.x;fetch('http://h.test/')`:                  "click",
		`javascript:return /'/.x;fetch('http://h.test/')`:           "click",
		`javascript:if(1)/'/.x;fetch('http://h.test/')`:             "click",
		`javascript:x=1/2;fetch('http://h.test/')`:                  "click",
		`javascript:fetch('http://h.test/`:                          "click",
		`javascript:document.write('<img src=http://h.test/>')`:     "click",
		`javascript:eval(atob('ZmV0Y2goJ2h0dHA6Ly9oLnRlc3QvJyk='))`: "click",
		` java&Tab;script:location='http://h.test/'`:                "click",
		`vbscript:window.open(&quot;http://h.test/&quot;)`:          "click",
	} {
		doc := `<a href="` + code + `">x</a>`
		sum := Walk([]byte(doc), Options{}, func(*Ref) {})
		if got := whens(doc, Options{}); got != want || sum.Cut != 0 {
			t.Errorf("%s: got %q, want %q; %d layers cut", code, got, want, sum.Cut)
		}
	}
	for doc, want := range map[string]string{
		`<iframe src="javascript:'<img src=http://h.test/>'">`:          "opening",
		`<img src="javascript:'http://h.test/'">`:                       "legacy",
		`<p style="background:url(javascript:x=%27http://h.test/%27)">`: "legacy",
	} {
		if got := whens(doc, Options{}); got != want {
			t.Errorf("%s: got %q, want %q", doc, got, want)
		}
	}
}
