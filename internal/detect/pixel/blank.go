package pixel

// The neutral answers: each is 1x1 and fully transparent.
const (
	// With a colour table, which some decoders insist on.
	blankGIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00" + // 1x1, two colours
		"\x00\x00\x00\xff\xff\xff" +
		"!\xf9\x04\x01\x00\x00\x00\x00" + // colour 0 is transparent
		",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00;"

	blankPNG = "\x89PNG\r\n\x1a\n" +
		"\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
		"\x00\x00\x00\x0bIDAT\x78\xda\x63\x60\x00\x02\x00\x00\x05\x00\x01\xe9\xfa\xdc\xd8" +
		"\x00\x00\x00\x00IEND\xae\x42\x60\x82"

	// Lossless, five codes of one symbol that is zero.
	blankWebP = "RIFF\x14\x00\x00\x00WEBPVP8L\x08\x00\x00\x00" +
		"\x2f\x00\x00\x00\x10\x88\x88\x08"

	blankSVG = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`
)

// Blank returns a new copy of the smallest harmless image of format f: 1x1 and
// fully transparent. It is nil for formats other than GIF, PNG, WebP and SVG;
// browsers take the GIF in place of those.
func Blank(f Format) []byte {
	switch f {
	case GIF:
		return []byte(blankGIF)
	case PNG:
		return []byte(blankPNG)
	case WebP:
		return []byte(blankWebP)
	case SVG:
		return []byte(blankSVG)
	default:
		return nil
	}
}
