package pixel

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
	"unicode/utf16"
)

// Builders for hand-made files; each returns the bytes as written, lies included.

func le16(v ...int) (s string) {
	for _, v := range v {
		s += string([]byte{byte(v), byte(v >> 8)})
	}
	return s
}

func le32(v ...int) (s string) {
	for _, v := range v {
		s += string(binary.LittleEndian.AppendUint32(nil, uint32(v)))
	}
	return s
}

func be32(v ...int) (s string) {
	for _, v := range v {
		s += string(binary.BigEndian.AppendUint32(nil, uint32(v)))
	}
	return s
}

// GIF parts: palette of black and white; data that paints index 0 or 1.
const (
	twoColours = "\x00\x00\x00\xff\xff\xff"
	paint0     = "\x02\x02\x44\x01\x00"
	paint1     = "\x02\x02\x4c\x01\x00"
)

func gifScreen(w, h int, palette string) string {
	flags := "\x00"
	if palette != "" {
		flags = "\x80"
	}
	return "GIF89a" + le16(w, h) + flags + "\x00\x00" + palette
}

func gifClear(index byte) string { return "!\xf9\x04\x01\x00\x00" + string([]byte{index}) + "\x00" }

func gifFrame(x, y, w, h int, data string) string { return "," + le16(x, y, w, h) + "\x00" + data }

func chunk(kind, body string) string {
	crc := crc32.ChecksumIEEE([]byte(kind + body))
	return be32(len(body)) + kind + body + be32(int(crc))
}

const pngSig = "\x89PNG\r\n\x1a\n"

func ihdr(w, h int, depth, colour byte) string {
	return chunk("IHDR", be32(w, h)+string([]byte{depth, colour, 0, 0, 0}))
}

func idat(raw string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write([]byte(raw))
	z.Close()
	return chunk("IDAT", b.String())
}

func seg(marker byte, body string) string {
	n := len(body) + 2
	return string([]byte{0xff, marker, byte(n >> 8), byte(n)}) + body
}

func sof(marker byte, w, h int) string {
	return seg(marker, string([]byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 1, 1, 0x11, 0}))
}

func riff(chunks string) string { return "RIFF" + le32(4+len(chunks)) + "WEBP" + chunks }

func riffChunk(kind, body string) string {
	s := kind + le32(len(body)) + body
	if len(body)%2 == 1 {
		s += "\x00"
	}
	return s
}

func vp8Frame(w, h int) string { return "\x30\x01\x00\x9d\x01\x2a" + le16(w, h) + "\x00\x00\x00" }

func vp8lHead(w, h int, alpha bool) string {
	bits := (w - 1) | (h-1)<<14
	if alpha {
		bits |= 1 << 28
	}
	return "\x2f" + le32(bits)
}

func vp8x(flags byte, w, h int) string {
	return riffChunk("VP8X", string([]byte{flags, 0, 0, 0})+le32(w - 1)[:3]+le32(h - 1)[:3])
}

func box(kind string, body string) string { return be32(len(body)+8) + kind + body }

func fullBox(kind string, body string) string { return box(kind, "\x00\x00\x00\x00"+body) }

func ispe(w, h int) string { return fullBox("ispe", be32(w, h)) }

// isoFile has one item, or two: item 1 is primary and has the property with
// the given index.
func isoFile(brand, props string, index byte) string {
	ipma := fullBox("ipma", be32(1)+"\x00\x01\x01"+string([]byte{index}))
	return box("ftyp", brand+"\x00\x00\x00\x00mif1") +
		fullBox("meta", fullBox("hdlr", "\x00\x00\x00\x00pict")+fullBox("pitm", "\x00\x01")+box("iprp", box("ipco", props)+ipma))
}

func bmpInfoFile(w, h, depth int, pixels string) string {
	return "BM" + le32(54+len(pixels), 0, 54) + le32(40, w, h) + le16(1, depth) + le32(0, len(pixels), 0, 0, 0, 0) + pixels
}

func bmpV5(w, h, alpha int, pixels string) string {
	dib := le32(124, w, h) + le16(1, 32) + le32(3, len(pixels), 0, 0, 0, 0) + le32(0xff0000, 0xff00, 0xff, alpha)
	dib += string(make([]byte, 124-len(dib)))
	return "BM" + le32(14+len(dib)+len(pixels), 0, 14+len(dib)) + dib + pixels
}

func ico(kind int, pics ...icoPic) string {
	off := 6 + 16*len(pics)
	dir, data := le16(0, kind, len(pics)), ""
	for _, p := range pics {
		dir += string([]byte{p.w, p.h, 0, 0}) + le16(1, 32) + le32(len(p.data), off+len(data))
		data += p.data
	}
	return dir + data
}

type icoPic struct {
	w, h byte
	data string
}

// dib32 is an icon's 1x1 bitmap: one pixel and its mask.
func dib32(pixel, mask int) string {
	return le32(40, 1, 2) + le16(1, 32) + le32(0, 0, 0, 0, 0, 0) + le32(pixel) + string([]byte{byte(mask), 0, 0, 0})
}

func inUTF16(s string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func unbase64(t testing.TB, s string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// encoded returns a w x h image of one colour in format f.
func encoded(t testing.TB, f Format, w, h int, c color.Color) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	switch f {
	case PNG:
		err = png.Encode(&b, m)
	case JPEG:
		err = jpeg.Encode(&b, m, nil)
	case GIF:
		p := image.NewPaletted(m.Rect, color.Palette{color.Transparent, c})
		for i := range p.Pix {
			p.Pix[i] = uint8(p.Palette.Index(c))
		}
		err = gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{p}, Delay: []int{0}})
	default:
		t.Fatalf("no encoder for %v", f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
