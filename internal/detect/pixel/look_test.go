package pixel

import (
	"strings"
	"testing"
)

// known is what Look must say of a file whose size is known.
func known(f Format, w, h uint32, v Visibility) Image {
	return Image{Format: f, Width: w, Height: h, Known: true, Tiny: w <= 2 && h <= 2, Visible: v}
}

func animated(m Image) Image { m.Animated = true; return m }

type lookCase struct {
	name, body string
	want       Image
}

func runLook(t *testing.T, cases []lookCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Look([]byte(c.body), true); got != c.want {
				t.Errorf("whole body\n got %+v\nwant %+v", got, c.want)
			}
			checkPrefixes(t, []byte(c.body))
		})
	}
}

// checkPrefixes holds Look to its word on each beginning of body: once it
// wants no more, the format and tininess must not change.
func checkPrefixes(t *testing.T, body []byte) {
	t.Helper()
	whole := Look(body, true)
	for n := range min(len(body), MaxHead) {
		part := Look(body[:n], false)
		checkSane(t, body[:n], false, part)
		if !part.NeedMore && (part.Format != whole.Format || part.Tiny != whole.Tiny || part.Tiny && part.Visible != whole.Visible) {
			t.Fatalf("settled after %d of %d bytes on %+v, but whole is %+v", n, len(body), part, whole)
		}
	}
}

func checkSane(t *testing.T, b []byte, complete bool, m Image) {
	t.Helper()
	switch {
	case m.Known != (m.Width > 0 && m.Height > 0), !m.Known && (m.Width|m.Height) != 0:
		t.Fatalf("known disagrees with size: %+v", m)
	case m.Tiny != (m.Known && m.Width <= 2 && m.Height <= 2):
		t.Fatalf("tiny disagrees with size: %+v", m)
	case m.Known && m.Format == None:
		t.Fatalf("size without format: %+v", m)
	case m.NeedMore && (complete || len(b) >= MaxHead):
		t.Fatalf("asks for more than there is: %+v (%d bytes, complete %v)", m, len(b), complete)
	case m.NeedMore && m.Known && !m.Tiny:
		t.Fatalf("asks for more of an image that is not tiny: %+v", m)
	}
}

func TestLookGIF(t *testing.T) {
	t.Parallel()
	gif35 := "GIF87a" + gifScreen(1, 1, twoColours)[6:] + gifFrame(0, 0, 1, 1, paint0) + ";"
	gif42 := gifScreen(1, 1, twoColours) + gifClear(0) + gifFrame(0, 0, 1, 1, "\x02\x01\x44\x00") + ";"
	gif43 := gifScreen(1, 1, twoColours) + gifClear(0) + gifFrame(0, 0, 1, 1, paint0) + ";"
	gif37 := gifScreen(1, 1, "") + gifClear(1) + gifFrame(0, 0, 1, 1, paint1) + ";"
	for want, b := range map[int]string{35: gif35, 37: gif37, 42: gif42, 43: gif43} {
		if len(b) != want {
			t.Fatalf("a %d-byte GIF was built with %d bytes", want, len(b))
		}
	}
	screen, frame := gifScreen(1, 1, twoColours), gifFrame(0, 0, 1, 1, paint0)
	runLook(t, []lookCase{
		{"35 bytes opaque", gif35, known(GIF, 1, 1, Visible)},
		{"37 bytes without palette", gif37, known(GIF, 1, 1, Invisible)},
		{"42 bytes without end code", gif42, known(GIF, 1, 1, Invisible)},
		{"43 bytes", gif43, known(GIF, 1, 1, Invisible)},
		{"other index is transparent", screen + gifClear(1) + frame + ";", known(GIF, 1, 1, Visible)},
		{"transparent index 1", screen + gifClear(1) + gifFrame(0, 0, 1, 1, paint1) + ";", known(GIF, 1, 1, Invisible)},
		{"extension without the flag", screen + "!\xf9\x04\x00\x00\x00\x00\x00" + frame + ";", known(GIF, 1, 1, Visible)},
		{"comment first", screen + "!\xfe\x05hello\x00" + gifClear(0) + frame + ";", known(GIF, 1, 1, Invisible)},
		{"no palette, no transparency", gifScreen(1, 1, "") + frame + ";", known(GIF, 1, 1, Unknown)},
		{"index beyond the palette", screen + gifFrame(0, 0, 1, 1, "\x02\x02\x5c\x01\x00") + ";", known(GIF, 1, 1, Unknown)},
		{"local palette", gifScreen(1, 1, "") + "," + le16(0, 0, 1, 1) + "\x80" + twoColours + paint1 + ";", known(GIF, 1, 1, Visible)},
		{"no trailer", screen + gifClear(0) + frame, known(GIF, 1, 1, Invisible)},
		{"garbage after", gif43 + "<script>x()</script>", known(GIF, 1, 1, Invisible)},
		{"garbage between", screen + gifClear(0) + "zz" + frame + ";", known(GIF, 1, 1, Unknown)},
		{"no frame", gifScreen(1, 1, "") + ";", known(GIF, 1, 1, Invisible)},
		{"2x2 with repeats", gifScreen(2, 2, twoColours) + gifClear(0) + gifFrame(0, 0, 2, 2, "\x02\x02\x84\x51\x00") + ";", known(GIF, 2, 2, Invisible)},
		{"small screen, large frame", screen + gifFrame(0, 0, 40, 40, paint0) + ";", known(GIF, 40, 40, Visible)},
		{"large screen, small frame", gifScreen(100, 100, twoColours) + frame + ";", known(GIF, 100, 100, Visible)},
		{"screen of zero", gifScreen(0, 0, twoColours) + frame + ";", known(GIF, 1, 1, Visible)},
		{"frame outside", screen + gifFrame(5, 5, 1, 1, paint0) + ";", known(GIF, 6, 6, Visible)},
		{"frame of zero", screen + gifFrame(0, 0, 0, 0, paint0) + ";", known(GIF, 1, 1, Unknown)},
		{"all zero", gifScreen(0, 0, "") + ";", Image{Format: GIF, Visible: Invisible}},
		{"icon", gifScreen(40, 40, twoColours) + gifFrame(0, 0, 40, 40, paint1) + ";", known(GIF, 40, 40, Visible)},
		{"icon, ends early", gifScreen(40, 40, twoColours) + gifClear(0) + gifFrame(0, 0, 40, 40, paint0) + ";", known(GIF, 40, 40, Invisible)},
		{"largest", gifScreen(65535, 65535, twoColours) + gifFrame(65535, 65535, 65535, 65535, paint0) + ";", known(GIF, 131070, 131070, Visible)},
		{"header only", gifScreen(1, 1, ""), known(GIF, 1, 1, Invisible)},
		{"cut in the header", "GIF89a\x01\x00\x01\x00", Image{Format: GIF}},
		{"html behind the name", "GIF89a<html><body></body></html>", known(GIF, 0x683c, 0x6d74, Unknown)},
		{"two frames, second seen", gifScreen(1, 1, twoColours) + gifClear(0) + frame + frame + ";", animated(known(GIF, 1, 1, Visible))},
		{"two clear frames", screen + gifClear(0) + frame + gifClear(0) + frame + ";", animated(known(GIF, 1, 1, Invisible))},
	})
}

func TestLookPNG(t *testing.T) {
	t.Parallel()
	end := chunk("IEND", "")
	tiny := func(depth, colour byte, extra, raw string) string {
		return pngSig + ihdr(1, 1, depth, colour) + extra + idat(raw) + end
	}
	apple := chunk("CgBI", "\x50\x00\x20\x06")
	runLook(t, []lookCase{
		{"70 bytes", unbase64(t, "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="), known(PNG, 1, 1, Visible)},
		{"rgba clear", tiny(8, 6, "", "\x00\xff\xff\xff\x00"), known(PNG, 1, 1, Invisible)},
		{"rgba faint", tiny(8, 6, "", "\x00\xff\xff\xff\x01"), known(PNG, 1, 1, Visible)},
		{"grey alpha clear", tiny(8, 4, "", "\x00\x80\x00"), known(PNG, 1, 1, Invisible)},
		{"rgb", tiny(8, 2, "", "\x00\xff\xff\xff"), known(PNG, 1, 1, Visible)},
		{"rgb keyed out", tiny(8, 2, chunk("tRNS", "\x00\x01\x00\x02\x00\x03"), "\x00\x01\x02\x03"), known(PNG, 1, 1, Invisible)},
		{"rgb keyed elsewhere", tiny(8, 2, chunk("tRNS", "\x00\x01\x00\x02\x00\x03"), "\x00\x01\x02\x04"), known(PNG, 1, 1, Visible)},
		{"palette clear", tiny(1, 3, chunk("PLTE", "\x00\x00\x00")+chunk("tRNS", "\x00"), "\x00\x00"), known(PNG, 1, 1, Invisible)},
		{"palette opaque", tiny(1, 3, chunk("PLTE", "\x00\x00\x00"), "\x00\x00"), known(PNG, 1, 1, Visible)},
		{"palette, other entry clear", tiny(1, 3, chunk("PLTE", twoColours)+chunk("tRNS", "\x00"), "\x00\x80"), known(PNG, 1, 1, Visible)},
		{"2x2 with filters", pngSig + ihdr(2, 2, 8, 6) + idat("\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x07") + end, known(PNG, 2, 2, Visible)},
		{"size claimed, data short", tiny(8, 6, "", "\x00")[:50], known(PNG, 1, 1, Unknown)},
		{"data longer than claimed", tiny(8, 6, "", strings.Repeat("\x00", 1<<20)), known(PNG, 1, 1, Unknown)},
		{"bad checksum", strings.Replace(tiny(8, 6, "", "\x00\x00\x00\x00\x00"), "IEND", "IEN\x00", 1), known(PNG, 1, 1, Unknown)},
		{"icon", pngSig + ihdr(40, 40, 8, 6) + idat(strings.Repeat("\x00", 161*40)) + end, known(PNG, 40, 40, Unknown)},
		{"opaque icon", pngSig + ihdr(40, 40, 8, 2) + idat(strings.Repeat("\x00", 121*40)) + end, known(PNG, 40, 40, Visible)},
		{"iOS", pngSig + apple + ihdr(1, 1, 8, 6) + chunk("IDAT", "\x63\x00") + end, known(PNG, 1, 1, Unknown)},
		{"iOS opaque icon", pngSig + apple + ihdr(40, 40, 8, 2) + chunk("IDAT", "\x63\x00") + end, known(PNG, 40, 40, Visible)},
		{"animated", tiny(8, 6, chunk("acTL", be32(2, 0)), "\x00\x00\x00\x00\x00"), animated(known(PNG, 1, 1, Unknown))},
		{"animation of one", tiny(8, 6, chunk("acTL", be32(1, 0)), "\x00\x00\x00\x00\x00"), known(PNG, 1, 1, Invisible)},
		{"huge", pngSig + ihdr(65535, 65535, 8, 2), known(PNG, 65535, 65535, Unknown)},
		{"beyond the format", pngSig + ihdr(1<<31, 1, 8, 2), Image{Format: PNG}},
		{"no width", pngSig + ihdr(0, 1, 8, 2) + end, Image{Format: PNG}},
		{"no header", pngSig + chunk("tEXt", "a\x00b") + ihdr(1, 1, 8, 6), Image{Format: PNG}},
		{"header cut", (pngSig + ihdr(1, 1, 8, 6))[:20], Image{Format: PNG}},
		{"colour type 5", tiny(8, 5, "", "\x00\x00"), known(PNG, 1, 1, Unknown)},
		{"chunk longer than the file", pngSig + ihdr(1, 1, 8, 6) + "\xff\xff\xff\xfftEXt", known(PNG, 1, 1, Unknown)},
		{"signature with text", pngSig + "<html>hello</html>", Image{Format: PNG}},
	})
}

func TestLookJPEG(t *testing.T) {
	t.Parallel()
	soi := "\xff\xd8"
	exif := seg(0xe1, "Exif\x00\x00"+soi+sof(0xc0, 1, 1))
	cases := []lookCase{
		{"thumbnail inside EXIF", soi + exif + sof(0xc0, 40, 30), known(JPEG, 40, 30, Visible)},
		{"fill bytes", soi + "\xff\xff\xff" + seg(0xe0, "JFIF\x00") + "\xff\xff" + sof(0xc0, 1, 1), known(JPEG, 1, 1, Visible)},
		{"stray bytes", soi + seg(0xe0, "JFIF\x00") + "ab\xff\x00" + sof(0xc2, 3, 1), known(JPEG, 3, 1, Visible)},
		{"tables first", soi + seg(0xc4, "\x00\x01") + seg(0xdb, "\x00") + seg(0xcc, "\x00") + sof(0xc0, 2, 2), known(JPEG, 2, 2, Visible)},
		{"height told later", soi + sof(0xc0, 1, 0), Image{Format: JPEG}},
		{"no width", soi + sof(0xc0, 0, 1), Image{Format: JPEG}},
		{"largest", soi + sof(0xc0, 65535, 65535), known(JPEG, 65535, 65535, Visible)},
		{"scan before frame", soi + seg(0xda, "\x00\x00") + sof(0xc0, 1, 1), Image{Format: JPEG}},
		{"end before frame", soi + "\xff\xd9" + sof(0xc0, 1, 1), Image{Format: JPEG}},
		{"segment of length 1", soi + "\xff\xe0\x00\x01" + sof(0xc0, 1, 1), Image{Format: JPEG}},
		{"frame too short", soi + "\xff\xc0\x00\x07\x08\x00\x01\x00\x01\x00\x00", Image{Format: JPEG}},
		{"cut in the frame", (soi + sof(0xc0, 1, 1))[:9], Image{Format: JPEG}},
		{"segment beyond the head", soi + seg(0xe1, strings.Repeat("x", MaxHead)) + sof(0xc0, 1, 1), Image{Format: JPEG}},
	}
	for m := byte(0xc0); m <= 0xcf; m++ {
		if m != 0xc4 && m != 0xc8 && m != 0xcc {
			cases = append(cases, lookCase{"marker " + string("0123456789abcdef"[m&15]), soi + sof(m, 7, 9), known(JPEG, 7, 9, Visible)})
		}
	}
	runLook(t, cases)
}

func TestLookWebP(t *testing.T) {
	t.Parallel()
	lossless := func(w, h int, stream string) string {
		return riff(riffChunk("VP8L", vp8lHead(w, h, true)+stream))
	}
	runLook(t, []lookCase{
		{"lossy", riff(riffChunk("VP8 ", vp8Frame(1, 1))), known(WebP, 1, 1, Visible)},
		{"lossy icon, scaled", riff(riffChunk("VP8 ", vp8Frame(40|1<<14, 40))), known(WebP, 40, 40, Visible)},
		{"lossy zero", riff(riffChunk("VP8 ", vp8Frame(0, 1))), Image{Format: WebP}},
		{"lossy without start code", riff(riffChunk("VP8 ", strings.Repeat("\x00", 12))), Image{Format: WebP}},
		{"lossless opaque", riff(riffChunk("VP8L", vp8lHead(1, 1, false)+"\x88\x88\x08")), known(WebP, 1, 1, Visible)},
		{"lossless clear", lossless(1, 1, "\x88\x88\x08"), known(WebP, 1, 1, Invisible)},
		{"lossless clear and large", lossless(16384, 16384, "\x88\x88\x08"), known(WebP, 16384, 16384, Invisible)},
		{"lossless one alpha", lossless(1, 1, "\x88\x88\x0c"), known(WebP, 1, 1, Visible)},
		{"lossless stream cut", lossless(1, 1, "\x88"), known(WebP, 1, 1, Unknown)},
		{"lossless predictor", lossless(1, 1, "\x01\x00\x00\x00\x00"), known(WebP, 1, 1, Unknown)},
		{"lossless version 1", riff(riffChunk("VP8L", "\x2f\x00\x00\x00\x30\x88\x88\x08")), Image{Format: WebP}},
		{"from an encoder, lossless", unbase64(t, "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="), known(WebP, 1, 1, Invisible)},
		{"from an encoder, 40x40 lossless", unbase64(t, "UklGRhoAAABXRUJQVlA4TA0AAAAvJ8AJEAcQERGIiP4HAA=="), known(WebP, 40, 40, Invisible)},
		{"from an encoder, 1x1 with alpha", unbase64(t, "UklGRkAAAABXRUJQVlA4WAoAAAAQAAAAAAAAAAAAQUxQSAIAAAAAAFZQOCAYAAAAMAEAnQEqAQABAALATCWkAANwAP74H4AA"), known(WebP, 1, 1, Invisible)},
		{"from an encoder, 2x2 with alpha", unbase64(t, "UklGRkQAAABXRUJQVlA4WAoAAAAQAAAAAQAAAQAAQUxQSAUAAAAAAAAAAABWUDggGAAAADABAJ0BKgIAAgABQCYlpAADcAD+/TZoAA=="), known(WebP, 2, 2, Invisible)},
		{"from an encoder, 40x40 packed alpha", unbase64(t, "UklGRmAAAABXRUJQVlA4WAoAAAAQAAAAJwAAJwAAQUxQSA8AAAABBxAREQASwv/zakT/UwMAVlA4ICoAAAAwAwCdASooACgAPtForlGoJiQio4gBABoJaQAAG4G9Pg4AAP7znYAAAAA="), known(WebP, 40, 40, Invisible)},
		{"half alpha", riff(vp8x(0x10, 1, 1) + riffChunk("ALPH", "\x00\x80") + riffChunk("VP8 ", vp8Frame(1, 1))), known(WebP, 1, 1, Visible)},
		{"alpha plane too short", riff(vp8x(0x10, 2, 2) + riffChunk("ALPH", "\x00\x00")), known(WebP, 2, 2, Unknown)},
		{"extended, profile, no alpha", riff(vp8x(0x20, 1, 1) + riffChunk("ICCP", "abc") + riffChunk("VP8 ", vp8Frame(1, 1))), known(WebP, 1, 1, Visible)},
		{"animated", riff(vp8x(0x12, 1, 1) + riffChunk("ANIM", "\x00\x00\x00\x00\x00\x00")), animated(known(WebP, 1, 1, Unknown))},
		{"largest", riff(vp8x(0x10, 1<<24, 1<<24)), known(WebP, 1<<24, 1<<24, Unknown)},
		{"extended header short", riff(riffChunk("VP8X", "\x00\x00\x00\x00")), Image{Format: WebP}},
		{"chunk claims 4 GB", riff(vp8x(0, 1, 1)) + "ICCP\xff\xff\xff\xff", known(WebP, 1, 1, Unknown)},
		{"unknown first chunk", riff(riffChunk("ABCD", "xx")), Image{Format: WebP}},
		{"a sound", "RIFF\x04\x00\x00\x00WAVEfmt ", Image{}},
		{"cut", "RIFF\x04\x00\x00\x00WEB", Image{}},
	})
}

func TestLookISO(t *testing.T) {
	t.Parallel()
	alpha := fullBox("auxC", "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\x00")
	runLook(t, []lookCase{
		{"avif", isoFile("avif", ispe(1, 1), 1), known(AVIF, 1, 1, Visible)},
		{"avif icon", isoFile("avif", ispe(40, 40), 1), known(AVIF, 40, 40, Visible)},
		{"with an alpha plane", isoFile("avif", ispe(1, 1)+ispe(1, 1)+alpha, 1), known(AVIF, 1, 1, Unknown)},
		{"with a depth plane", isoFile("avif", ispe(1, 1)+fullBox("auxC", "urn:mpeg:mpegB:cicp:systems:auxiliary:depth\x00"), 1), known(AVIF, 1, 1, Visible)},
		{"primary is smaller than a tile", isoFile("heic", ispe(512, 512)+ispe(40, 30), 2), known(HEIF, 40, 30, Visible)},
		{"primary has no size: largest", isoFile("heic", ispe(2, 2)+ispe(40, 30)+ispe(1, 1), 9), known(HEIF, 40, 30, Visible)},
		{"zero", isoFile("avif", ispe(0, 1), 1), Image{Format: AVIF}},
		{"largest", isoFile("avif", ispe(-1, -1), 1), known(AVIF, 1<<32-1, 1<<32-1, Visible)},
		{"meta cut", strings.TrimSuffix(isoFile("avif", ispe(1, 1), 1), "\x01\x01"), known(AVIF, 1, 1, Unknown)},
		{"no meta", box("ftyp", "avif\x00\x00\x00\x00") + box("mdat", "xx"), Image{Format: AVIF}},
		{"64-bit box of 2^63", box("ftyp", "avif\x00\x00\x00\x00") + be32(1) + "meta\x80\x00\x00\x00\x00\x00\x00\x00", Image{Format: AVIF}},
		{"box shorter than its header", box("ftyp", "avif\x00\x00\x00\x00") + be32(3) + "meta", Image{Format: AVIF}},
		{"a film", box("ftyp", "isom\x00\x00\x00\x00mp42") + box("moov", ""), Image{}},
		{"nested to the end", box("ftyp", "avif\x00\x00\x00\x00") + be32(0) + "meta\x00\x00\x00\x00" + be32(0) + "iprp" + be32(0) + "ipco" + ispe(2, 1), known(AVIF, 2, 1, Unknown)},
	})
}

func TestLookBMP(t *testing.T) {
	t.Parallel()
	core := "BM" + le32(30, 0, 26) + le32(12) + le16(1, 1, 1, 24) + "\x00\x00\x00\x00"
	rle := strings.Replace(bmpInfoFile(1, 1, 8, "\x00\x00"), le16(1, 8)+le32(0), le16(1, 8)+le32(1), 1)
	runLook(t, []lookCase{
		{"core", core, known(BMP, 1, 1, Visible)},
		{"info", bmpInfoFile(1, 1, 24, "\x00\x00\x00\x00"), known(BMP, 1, 1, Visible)},
		{"32 bits without mask", bmpInfoFile(1, 1, 32, "\x00\x00\x00\x00"), known(BMP, 1, 1, Visible)},
		{"from the top", bmpInfoFile(40, -40, 24, ""), known(BMP, 40, 40, Visible)},
		{"mask, clear", bmpV5(1, 1, 0xff<<24, "\xff\xff\xff\x00"), known(BMP, 1, 1, Invisible)},
		{"mask, painted", bmpV5(2, 1, 0xff<<24, "\xff\xff\xff\x00\x00\x00\x00\x01"), known(BMP, 2, 1, Visible)},
		{"mask, pixels missing", bmpV5(2, 1, 0xff<<24, "\xff\xff\xff\x00"), known(BMP, 2, 1, Unknown)},
		{"run length", rle, known(BMP, 1, 1, Unknown)},
		{"negative width", bmpInfoFile(-1, 1, 24, ""), Image{Format: BMP}},
		{"lowest height", bmpInfoFile(1, -1<<31, 24, ""), Image{Format: BMP}},
		{"zero", bmpInfoFile(0, 0, 24, ""), Image{Format: BMP}},
		{"huge", bmpInfoFile(1<<31-1, 1<<31-1, 24, ""), known(BMP, 1<<31-1, 1<<31-1, Visible)},
		{"text", "BMW builds cars and does not care about bitmaps, or so they say", Image{}},
		{"cut", "BM" + le32(30, 0, 26), Image{}},
	})
}

func TestLookICO(t *testing.T) {
	t.Parallel()
	clearPNG := pngSig + ihdr(1, 1, 8, 6) + idat("\x00\x00\x00\x00\x00") + chunk("IEND", "")
	runLook(t, []lookCase{
		{"0 means 256", ico(1, icoPic{0, 0, "x"}), known(ICO, 256, 256, Unknown)},
		{"largest of several", ico(1, icoPic{16, 16, "x"}, icoPic{48, 48, "x"}, icoPic{32, 32, "x"}), known(ICO, 48, 48, Unknown)},
		{"cursor", ico(2, icoPic{32, 32, "x"}), known(ICO, 32, 32, Unknown)},
		{"clear PNG", ico(1, icoPic{1, 1, clearPNG}), known(ICO, 1, 1, Invisible)},
		{"clear PNG, more after", ico(1, icoPic{1, 1, clearPNG}) + "rest", known(ICO, 1, 1, Invisible)},
		{"masked bitmap", ico(1, icoPic{1, 1, dib32(0, 0x80)}), known(ICO, 1, 1, Invisible)},
		{"unmasked bitmap", ico(1, icoPic{1, 1, dib32(0, 0)}), known(ICO, 1, 1, Visible)},
		{"bitmap with alpha", ico(1, icoPic{1, 1, dib32(1<<24, 0x80)}), known(ICO, 1, 1, Visible)},
		{"picture missing", ico(1, icoPic{1, 1, dib32(0, 0)})[:30], known(ICO, 1, 1, Unknown)},
		{"directory cut", ico(1, icoPic{16, 16, "x"}, icoPic{48, 48, "x"})[:30], known(ICO, 16, 16, Unknown)},
		{"no entries", "\x00\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 16), Image{}},
		{"a film's start code", "\x00\x00\x01\x00\x01\x00\x10\x10\x00\x42" + strings.Repeat("\x33", 20), Image{}},
	})
}

func TestLookOther(t *testing.T) {
	t.Parallel()
	runLook(t, []lookCase{
		{"empty", "", Image{}},
		{"text", "1", Image{}},
		{"json", `{"a":1}`, Image{}},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", Image{}},
		{"html", "<!DOCTYPE html><html><svg width=1 height=1></svg></html>", Image{}},
		{"html without doctype", "<html><body>x", Image{}},
		{"half a signature", "\x89PNG", Image{}},
		{"zeros", strings.Repeat("\x00", 64), Image{}},
	})
}
