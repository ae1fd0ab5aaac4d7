package pixel

import (
	"encoding/binary"
	"strings"
	"testing"
)

// el returns an SVG document whose root has these attributes.
func el(attrs, content string) string {
	return `<svg xmlns="http://www.w3.org/2000/svg" ` + attrs + `>` + content + `</svg>`
}

const side1 = `width="1" height="1"`

// Sizes as Chromium gives them for an <img> of the same document.
func TestLookSVGSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attrs string
		w, h  uint32
	}{
		{`width="1" height="1"`, 1, 1},
		{`width="1px" height=" 1PX "`, 1, 1},
		{`width='40' height='40' viewBox="0 0 1 1"`, 40, 40},
		{`width="1e0" height="+.1e1"`, 1, 1},
		{`width="0.5" height="0.1"`, 1, 1},
		{`width="2.4" height="2.6"`, 2, 3},
		{`width="1em" height="1ex"`, 16, 8},
		{`width="10mm" height="1cm"`, 38, 38},
		{`width="1in" height="72pt"`, 96, 96},
		{`width="1pc" height="40q"`, 16, 38},
		{`viewBox="0 0 24 24"`, 150, 150},
		{`viewBox="0,0, 400 100"`, 300, 75},
		{`width="100%" height="100%" viewBox="0 0 40 20"`, 300, 150},
		{`width="auto"`, 300, 150},
		{`width="10"`, 10, 150},
		{`height="10"`, 300, 10},
		{`width="10" viewBox="0 0 2 4"`, 10, 20},
		{`height="10" viewBox="0 0 2 4"`, 5, 10},
		{`viewBox="0 0 0 4"`, 300, 150},
		{`viewBox="0 0 NaN Inf"`, 300, 150},
		{`style="width:1px;height:1px" width="40" height="40"`, 40, 40},
		{`x:width="1" x:height="1" width="3" height="3"`, 3, 3},
		{`width="65535" height="65535"`, 65535, 65535},
		{`width="-1" height="5"`, 0, 0},
		{`width="0" height="5"`, 0, 0},
		{`width="1e300" height="1"`, 0, 0},
		{`width="1e999" height="1"`, 300, 1},
	} {
		got := Look([]byte(el(c.attrs, "")), true)
		if got.Format != SVG || got.Width != c.w || got.Height != c.h {
			t.Errorf("%s: got %v %dx%d, want svg %dx%d", c.attrs, got.Format, got.Width, got.Height, c.w, c.h)
		}
	}
}

func TestLookSVGForm(t *testing.T) {
	t.Parallel()
	tiny, plain := known(SVG, 1, 1, Invisible), el(side1, "")
	prolog := `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n<!-- <svg width='9'> > -->\n"
	doctype := `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x>y.dtd" [<!-- don't > --><!ENTITY ns "a>b">]>`
	runLook(t, []lookCase{
		{"plain", plain, tiny},
		{"prolog", prolog + plain, tiny},
		{"doctype", prolog + doctype + "\n" + plain, tiny},
		{"mark", "\xef\xbb\xbf" + plain, tiny},
		{"spaces", " \r\n\t" + plain, tiny},
		{"UTF-16 with mark", inUTF16(`<?xml version="1.0"?>`+plain, binary.LittleEndian, true), tiny},
		{"UTF-16 big endian", inUTF16(plain, binary.BigEndian, true), tiny},
		{"UTF-16 without mark", inUTF16(plain, binary.LittleEndian, false), tiny},
		{"Latin-1", prolog + el(side1, "<title>caf\xe9</title>"), tiny},
		{"cut character", el(side1, "<title>\u20ac</title>")[:len(el(side1, "<title>"))-4], known(SVG, 1, 1, Unknown)},
		{"prefix", `<s:svg xmlns:s="http://www.w3.org/2000/svg" width="1" height="1"><s:g/></s:svg>`, tiny},
		{"entity of the doctype", doctype + el(side1+` xmlns:i="&ns;"`, ""), tiny},
		{"tag end in a value", el(side1+` id="a>b"`, ""), tiny},
		{"cut in the root", plain[:40], Image{Format: SVG}},
		{"cut after the root", el(side1, "<g>")[:len(el(side1, "<g>"))-6], known(SVG, 1, 1, Unknown)},
		{"cut comment", "<!-- " + plain, Image{}},
		{"another root", `<rss><svg width="1" height="1"/></rss>`, Image{}},
		{"like svg", `<svgs width="1" height="1"/>`, Image{}},
		{"text first", "x" + plain, Image{}},
		{"faulty root", `<svg width="1" height= ="1"/>`, Image{Format: SVG}},
		{"longer than the head", "<!--" + strings.Repeat("x", MaxHead) + "-->" + plain, Image{}},
		{"tiny and longer than the head", el(side1, "<desc>"+strings.Repeat("x", MaxHead)+"</desc>"), known(SVG, 1, 1, Unknown)},
		{"deep", el(side1, strings.Repeat("<g>", 900)), known(SVG, 1, 1, Unknown)},
	})
}

func TestLookSVGVisible(t *testing.T) {
	t.Parallel()
	rect := `<rect width="1" height="1"/>`
	for _, c := range []struct {
		name, attrs, content string
		want                 Visibility
	}{
		{"empty", "", "", Invisible},
		{"text nodes and titles", "", " x <title>x</title><desc>" + rect + "</desc><metadata/> ", Invisible},
		{"definitions", "", "<defs>" + rect + "<g>" + rect + "</g></defs>", Invisible},
		{"after definitions", "", "<defs/>" + rect, Visible},
		{"after a hidden shape", "", `<g display="none"><rect width="1"/>` + rect + `</g>` + rect, Visible},
		{"shape", "", rect, Visible},
		{"shape in groups", "", "<g><a>" + rect + "</a></g>", Visible},
		{"shape without extent", "", `<rect width="0" height="1"/><rect/><circle r="0"/><circle/><path/><path d=" "/><polygon points=""/>`, Invisible},
		{"no paint", "", `<rect width="1" height="1" fill="none"/>`, Invisible},
		{"no paint by style", "", `<rect width="1" height="1" fill="red" style="fill: None ; stroke:none!important"/>`, Invisible},
		{"only a stroke", "", `<rect width="1" height="1" fill="none" stroke="red"/>`, Visible},
		{"a stroke of no width", "", `<rect width="1" height="1" fill="none" stroke="red" stroke-width="0"/>`, Invisible},
		{"line", "", `<line x2="1"/>`, Invisible},
		{"stroked line", "", `<line x2="1" stroke="red"/>`, Visible},
		{"opacity", "", `<rect width="1" height="1" opacity="0"/>`, Invisible},
		{"opacity of the group", "", `<g opacity="0%">` + rect + `</g>`, Invisible},
		{"opacity of the root", `opacity=".0"`, rect, Invisible},
		{"root not shown", `style="display:none"`, rect, Invisible},
		{"visibility", "", `<rect width="1" height="1" visibility="hidden"/>`, Invisible},
		{"inherited paint", "", `<g fill="none">` + rect + `</g>`, Unknown},
		{"inherited stroke", "", `<g stroke="red"><rect width="1" height="1" fill="none"/></g>`, Unknown},
		{"inherited visibility", "", `<g visibility="hidden">` + rect + `</g>`, Unknown},
		{"clipped", "", `<rect width="1" height="1" clip-path="url(#a)"/>`, Unknown},
		{"background", `style="background:red"`, "", Unknown},
		{"style sheet", "", `<style>svg{background:red}</style>`, Unknown},
		{"script", "", `<script/>`, Unknown},
		{"script in definitions", "", `<defs><script/></defs>`, Unknown},
		{"animation", "", `<rect width="1" height="1" opacity="0"><animate attributeName="opacity" to="1"/></rect>`, Unknown},
		{"image", "", `<image href="https://t.example/p.gif"/>`, Unknown},
		{"foreign", "", `<x:y/>`, Unknown},
		{"faulty", "", `<g <`, Unknown},
	} {
		got := Look([]byte(el(side1+" "+c.attrs, c.content)), true)
		if !got.Tiny || got.Visible != c.want {
			t.Errorf("%s: got %v (tiny %v), want %v", c.name, got.Visible, got.Tiny, c.want)
		}
	}
}
