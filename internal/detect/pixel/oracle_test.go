package pixel

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

// The standard library's encoders and decoders as judges, over many sizes.
func TestLookAgainstDecoders(t *testing.T) {
	t.Parallel()
	config := map[Format]func(*bytes.Reader) (image.Config, error){
		GIF:  func(r *bytes.Reader) (image.Config, error) { return gif.DecodeConfig(r) },
		PNG:  func(r *bytes.Reader) (image.Config, error) { return png.DecodeConfig(r) },
		JPEG: func(r *bytes.Reader) (image.Config, error) { return jpeg.DecodeConfig(r) },
	}
	sides := []int{1, 2, 3, 4, 7, 16, 40, 255, 256, 257, 1000}
	for f, decode := range config {
		for _, w := range sides {
			for _, h := range sides {
				if w*h > 1<<17 {
					continue
				}
				for _, c := range []color.Color{color.NRGBA{}, color.NRGBA{R: 200, A: 255}} {
					b := encoded(t, f, w, h, c)
					cfg, err := decode(bytes.NewReader(b))
					if err != nil {
						t.Fatal(err)
					}
					got := Look(b, true)
					checkSane(t, b, true, got)
					if got.Format != f || int(got.Width) != cfg.Width || int(got.Height) != cfg.Height {
						t.Errorf("%v: got %+v, want %dx%d", f, got, cfg.Width, cfg.Height)
					}
					_, _, _, a := c.RGBA()
					want := Visible
					if a == 0 && f != JPEG {
						want = Invisible
					}
					if got.Tiny && got.Visible != want || got.Visible != Unknown && got.Visible != want {
						t.Errorf("%v %dx%d: got %v, want %v", f, w, h, got.Visible, want)
					}
				}
			}
		}
	}
}

// A GIF on which every decoder must grow its codes and fill its dictionary.
func TestLookGIFOnePixelPainted(t *testing.T) {
	t.Parallel()
	p := image.NewPaletted(image.Rect(0, 0, 600, 600), color.Palette{color.Transparent, color.Black})
	for _, at := range []int{-1, 0, 1, 2, 100, 599, 600*600 - 1} {
		clear(p.Pix)
		want := Invisible
		if at >= 0 {
			p.Pix[at], want = 1, Visible
		}
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{p}, Delay: []int{0}}); err != nil {
			t.Fatal(err)
		}
		if b.Len() > MaxHead {
			t.Fatalf("%d bytes are more than Look sees", b.Len())
		}
		if got := Look(b.Bytes(), true); got.Visible != want {
			t.Errorf("pixel %d painted: got %v, want %v (%d bytes)", at, got.Visible, want, b.Len())
		}
	}
}

func TestBlank(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{GIF, PNG, WebP, SVG} {
		b := Blank(f)
		if got, want := Look(b, true), known(f, 1, 1, Invisible); got != want {
			t.Errorf("%v: got %+v, want %+v", f, got, want)
		}
		b[0] ^= 0xff
		if bytes.Equal(b, Blank(f)) {
			t.Errorf("%v: the answer can be changed by a caller", f)
		}
		checkPrefixes(t, Blank(f))
	}
	for _, f := range []Format{None, JPEG, AVIF, HEIF, BMP, ICO, 200} {
		if b := Blank(f); b != nil {
			t.Errorf("%v: got %d bytes, want none", f, len(b))
		}
	}
	if n := len(Blank(GIF)); n != 43 {
		t.Errorf("the GIF has %d bytes, want 43", n)
	}
	for _, f := range []Format{GIF, PNG} {
		m, name, err := image.Decode(bytes.NewReader(Blank(f)))
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		_, _, _, a := m.At(0, 0).RGBA()
		if name != f.String() || m.Bounds() != image.Rect(0, 0, 1, 1) || a != 0 {
			t.Errorf("%v: decoded as %s, %v, alpha %d", f, name, m.Bounds(), a)
		}
	}
}

// common returns a file of each format that a busy proxy sees all the time.
func common(t testing.TB) map[string][]byte {
	red := color.NRGBA{R: 200, A: 255}
	return map[string][]byte{
		"gif pixel":  Blank(GIF),
		"gif photo":  encoded(t, GIF, 400, 300, red),
		"png":        encoded(t, PNG, 400, 300, red),
		"jpeg":       encoded(t, JPEG, 400, 300, red),
		"webp pixel": Blank(WebP),
		"webp":       []byte(riff(riffChunk("VP8 ", vp8Frame(400, 300)))),
		"avif":       []byte(isoFile("avif", ispe(400, 300), 1)),
		"html":       []byte("<!doctype html><html><head><title>a page</title></head><body>"),
		"json":       []byte(`{"a":1}`),
	}
}

func TestLookAllocatesNothing(t *testing.T) {
	for name, b := range common(t) {
		if n := testing.AllocsPerRun(100, func() { Look(b, true) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkLook(b *testing.B) {
	files := common(b)
	files["png pixel"] = Blank(PNG)
	files["svg pixel"] = Blank(SVG)
	for name, f := range files {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Look(f, true)
			}
		})
	}
}

func FuzzLook(f *testing.F) {
	for _, b := range common(f) {
		f.Add(b, uint16(20))
	}
	for _, s := range []string{
		blankPNG, blankSVG,
		gifScreen(1, 1, "") + gifClear(1) + gifFrame(0, 0, 1, 1, paint1) + ";",
		bmpV5(1, 1, 0xff<<24, "\xff\xff\xff\x00"),
		ico(1, icoPic{1, 1, dib32(0, 0x80)}),
		riff(vp8x(0x10, 1, 1) + riffChunk("ALPH", "\x00\x80") + riffChunk("VP8 ", vp8Frame(1, 1))),
		`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]>` + el(side1+` viewBox="0 0 1 1"`, `<g><path d="M0 0h1"/></g>`),
	} {
		f.Add([]byte(s), uint16(30))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		whole := Look(b, true)
		checkSane(t, b, true, whole)
		if len(b) > MaxHead && whole != Look(b[:MaxHead], false) {
			t.Fatalf("bytes beyond the head changed the answer %+v", whole)
		}
		n := min(int(cut), len(b))
		part := Look(b[:n], false)
		checkSane(t, b[:n], false, part)
		if n < len(b) && !part.NeedMore && (part.Format != whole.Format || part.Tiny != whole.Tiny) {
			t.Fatalf("settled after %d of %d bytes on %+v, but whole is %+v", n, len(b), part, whole)
		}
	})
}
